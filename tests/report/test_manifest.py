"""Counting: planned = judged + refused, and nothing that is missing passes."""

import pytest

from harness.records.gate import Outcome
from harness.report.manifest import Manifest, badness, excess, worst_outcome
from tests.synthetic import draw

SILENT = draw("#" * 5 + "." * 20)


def test_a_run_in_which_everything_passed_passes(recorded_run):
    recorded_run.take()
    manifest = recorded_run.end(exit_status=0)
    assert (manifest.verdict, manifest.exit_code, manifest.counts) == (
        Outcome.PASS,
        0,
        "1 planned = 1 judged + 0 refused",
    )


def test_a_run_that_has_not_ended_does_not_pass(recorded_run):
    recorded_run.take()
    manifest = recorded_run.journal.manifest()
    assert "killed" in manifest.incomplete
    assert (manifest.verdict, manifest.exit_code) == (Outcome.INCONCLUSIVE, 3)


def test_what_an_unfinished_run_found_to_fail_still_fails(recorded_run):
    recorded_run.take(sound=SILENT)
    assert recorded_run.journal.manifest().verdict == Outcome.FAIL


def test_a_planned_take_that_nobody_judged_is_refused_with_a_reason(recorded_run):
    recorded_run.take()
    recorded_run.plan("suites/test_short.py::test_it[short-002]", "short-002")
    manifest = recorded_run.end(exit_status=0)
    assert manifest.verdict == Outcome.INCONCLUSIVE
    assert manifest.refused == {("short-002", 0): "suites/test_short.py::test_it[short-002]: it did not run"}
    assert len(manifest.planned_takes) == manifest.judged + len(manifest.refused)


@pytest.mark.parametrize(
    ("kind", "verdict", "exit_code"), [("failed", Outcome.FAIL, 1), ("harness error", Outcome.INCONCLUSIVE, 3)]
)
def test_a_test_that_fails_without_a_gate_counts(recorded_run, kind, verdict, exit_code):
    recorded_run.take()
    recorded_run.journal.add(test="suites/test_short.py::test_more", kind=kind, how="lamp off")
    manifest = recorded_run.end(exit_status=1)
    assert (manifest.verdict, manifest.exit_code) == (verdict, exit_code)


@pytest.mark.parametrize("status", [2, 4])
def test_an_interrupted_run_is_incomplete_and_keeps_its_exit_status(recorded_run, status):
    recorded_run.take()
    manifest = recorded_run.end(exit_status=status)
    assert manifest.incomplete
    assert manifest.exit_code == status


def test_no_run_at_all_does_not_pass():
    assert Manifest().verdict == Outcome.INCONCLUSIVE
    assert Manifest().exit_code == 3


def test_the_worst_take_comes_first(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002", sound=draw("#" * 6 + "." * 4))
    recorded_run.take("short-003", sound=SILENT)
    manifest = recorded_run.end()
    assert [found["utterance"] for found in manifest.worst_first()] == ["short-003", "short-002", "short-001"]
    assert manifest.blocking()[0][0]["utterance"] == "short-003"
    assert worst_outcome(manifest.worst_first()[0]) == "FAIL"
    assert badness(manifest.worst_first()[-1]) == (0, 0, 0.0)


def test_what_could_not_be_measured_is_as_bad_as_can_be():
    assert excess({"outcome": "INCONCLUSIVE", "margin": None}) == 1.0
    assert excess({"outcome": "FAIL", "margin": -3.0, "at_least": None, "at_most": 0.0}) == 1.0


def test_numbers_that_json_does_not_know_become_null(recorded_run):
    found = recorded_run.take(sound=None)
    (silence,) = [verdict for verdict in found["verdicts"] if verdict["name"] == "silence_ratio"]
    assert silence["at_least"] is None
    assert silence["margin"] == pytest.approx(0.3 - silence["value"])


def test_what_was_not_judged_is_told_once_a_reason_the_most_takes_first():
    def entry(name, **reasons):
        verdicts = [{"outcome": "REFUSED", "name": gate, "reason": reason} for gate, reason in reasons.items()]
        return {"utterance": name, "seed": 0, "verdicts": verdicts}

    takes = [
        entry("a", drift="5.8 s; 6 s are needed", pair="no pair"),
        entry("b", drift="12 s wanted 6 of 7"),
        entry("c", drift="3.16 s; 6 s are needed", pace="3.16 s; 6 s are needed"),
        entry("d", drift="8 s wanted 6 of 9"),
    ]
    manifest = Manifest(takes={(one["utterance"], 0): one for one in takes})
    assert manifest.not_judged() == {
        "3.16 to 5.8 s; 6 s are needed": (["a, seed 0", "c, seed 0"], ["drift", "pace"]),
        "12 s wanted 6 of 7 (and 1 like it)": (["b, seed 0", "d, seed 0"], ["drift"]),
        "no pair": (["a, seed 0"], ["pair"]),
    }
