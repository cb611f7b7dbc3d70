"""Counting: planned = judged + not judged, and nothing that is missing passes."""

import pytest
from msgspec import structs

from harness.records.event import Ended, Judged, Planned, Unjudged, Whole
from harness.records.gate import Outcome
from harness.records.run_record import NotJudged
from harness.records.take_record import TakeKey
from harness.run.replay import Replay
from tests.synthetic import draw

SILENT = draw("#" * 5 + "." * 20)
TEST = "suites/test_short.py::test_it[short-002]"


def test_a_run_in_which_everything_passed_passes(recorded_run):
    recorded_run.take()
    run = recorded_run.end(exit_status=0)
    assert (run.verdict, run.exit_code, run.counts) == (Outcome.PASS, 0, "1 planned = 1 judged + 0 refused")


def test_a_run_that_has_not_ended_does_not_pass(recorded_run):
    recorded_run.take()
    run = recorded_run.journal.record()
    assert "killed" in run.incomplete
    assert (run.verdict, run.exit_code) == (Outcome.INCONCLUSIVE, 3)


def test_what_an_unfinished_run_found_to_fail_still_fails(recorded_run):
    recorded_run.take(sound=SILENT)
    assert recorded_run.journal.record().verdict == Outcome.FAIL


def test_a_planned_take_that_nobody_judged_is_listed_with_a_reason(recorded_run):
    recorded_run.take()
    recorded_run.plan(TEST, "short-002")
    run = recorded_run.end(exit_status=0)
    assert run.verdict == Outcome.INCONCLUSIVE
    assert run.not_judged == (NotJudged(TakeKey("short", "short-002", 0), f"{TEST}: it did not run"),)
    assert run.planned == run.judged + len(run.not_judged)


@pytest.mark.parametrize(
    ("kind", "verdict", "exit_code"), [("failed", Outcome.FAIL, 1), ("harness error", Outcome.INCONCLUSIVE, 3)]
)
def test_a_test_that_fails_without_a_gate_counts(recorded_run, kind, verdict, exit_code):
    recorded_run.take()
    recorded_run.journal.add(Unjudged("suites/test_short.py::test_more", kind, "lamp off"))
    run = recorded_run.end(exit_status=1)
    assert (run.verdict, run.exit_code) == (verdict, exit_code)


def test_a_test_that_could_not_be_carried_out_once_is_not_whole_because_it_was_skipped_later():
    replay = Replay()
    replay.take_in(Unjudged(TEST, "harness error", "lamp off"))
    replay.take_in(Unjudged(TEST, "skipped", "no lamp"))
    assert replay.harness_errors == {TEST: "lamp off"}


@pytest.mark.parametrize("status", [2, 4])
def test_an_interrupted_run_is_incomplete_and_keeps_its_exit_status(recorded_run, status):
    recorded_run.take()
    run = recorded_run.end(exit_status=status)
    assert run.incomplete
    assert run.exit_code == status


def test_no_run_at_all_does_not_pass():
    assert Replay().record().verdict == Outcome.INCONCLUSIVE
    assert Replay().record().exit_code == 3


def test_tests_of_the_same_takes_plan_them_too():
    replay = Replay()
    replay.take_in(Planned({"a": (TakeKey("short", "x-1", 0),)}, same={"b": "a"}))
    replay.take_in(Unjudged("b", "skipped", "no lamp"))
    assert replay.planned == {"a": {TakeKey("short", "x-1", 0)}, "b": {TakeKey("short", "x-1", 0)}}
    assert replay.not_judged == {TakeKey("short", "x-1", 0): "b: no lamp"}


def test_one_id_in_two_suites_is_two_takes():
    replay = Replay()
    replay.take_in(Planned({"a": (TakeKey("short", "x-1", 0),), "b": (TakeKey("medium", "x-1", 0),)}))
    replay.take_in(Unjudged("b", "skipped", "no lamp"))
    assert len(replay.planned_takes) == 2


def test_a_verdict_counts_once_for_its_take_and_gate_and_the_worst_stands(recorded_run):
    take = recorded_run.take()
    once = recorded_run.journal.record().outcomes
    recorded_run.journal.add(Judged("again", (take,)))
    assert recorded_run.journal.record().outcomes == once
    failed = structs.replace(take.verdicts[0], outcome=Outcome.FAIL)
    recorded_run.journal.add(Judged("once more", (structs.replace(take, verdicts=(failed,)),)))
    recorded_run.journal.add(Judged("and again", (take,)))
    record = recorded_run.end(0)
    assert record.outcomes == {"FAIL": 1, "PASS": once["PASS"] - 1}
    assert record.verdict == Outcome.FAIL


def test_the_exit_status_of_the_last_end_is_that_of_the_run():
    replay = Replay()
    replay.take_in(Ended("now", 0))
    assert replay.exit_code == 1  # nothing was judged


WHOLE = Whole(takes={"short": 2}, gates={"short": ("length", "silence_ratio", "finished")})


@pytest.mark.parametrize(
    ("event", "verdict", "code"),
    [
        (WHOLE, "PASS", 0),
        (structs.replace(WHOLE, takes={"short": 3}), "PARTIAL", 0),
        (structs.replace(WHOLE, takes={"short": 3}, may_be_partial=False), "PARTIAL", 1),
        (structs.replace(WHOLE, gates={"short": ("length", "cer")}), "PARTIAL", 0),
        (structs.replace(WHOLE, left_out="a part was named"), "PARTIAL", 0),
    ],
)
def test_what_passes_is_partial_unless_it_is_the_whole(recorded_run, event, verdict, code):
    recorded_run.take("short-001")
    recorded_run.take("short-002")
    recorded_run.journal.add(event)
    run = recorded_run.end(exit_status=0)
    assert (run.verdict, run.exit_code) == (verdict, code)
    assert bool([caveat for caveat in run.caveats if caveat.startswith("PARTIAL")]) == (verdict == "PARTIAL")


def test_a_test_that_was_left_out_makes_a_run_partial(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002")
    recorded_run.journal.add(WHOLE)
    recorded_run.journal.add(Planned({}, deselected=1))
    run = recorded_run.end(exit_status=0)
    assert run.verdict == "PARTIAL"
    assert str(run.scope) == "2 of 2 takes, 3 of 3 gates, 6 of 6 verdicts; 1 tests were deselected"
