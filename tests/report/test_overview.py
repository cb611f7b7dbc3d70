from msgspec import structs

from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Metric
from harness.report.overview import (
    anchor,
    badness,
    beside,
    by_suite,
    closest_first,
    excess,
    nearest,
    refused_gates,
    worst_first,
    worst_outcome,
)
from tests.synthetic import draw

SILENT = draw("#" * 5 + "." * 20)
LENGTH = Metric("length", "s", "neither")


def refused(name, reason):
    return Verdict(Outcome.REFUSED, Gate(name, "length", "s", "w", at_most=1), LENGTH.missing("x"), reason)


def test_the_worst_take_comes_first(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002", sound=draw("#" * 6 + "." * 4))
    recorded_run.take("short-003", sound=SILENT)
    run = recorded_run.end()
    ordered = worst_first(run)
    assert [take.utterance for take in ordered] == ["short-003", "short-002", "short-001"]
    assert worst_outcome(ordered[0]) == Outcome.FAIL
    assert badness(ordered[-1]) == (0, 0, 0.0)
    assert by_suite(run)["short"]["takes"] == 3


def test_how_far_outside_is_a_share_of_the_limit_and_what_could_not_be_measured_is_as_bad_as_can_be():
    gate = Gate("length", "length", "s", "w", at_most=2.0)
    assert excess(Verdict(Outcome.FAIL, gate, LENGTH.measured(2.5))) == 0.25
    assert excess(Verdict(Outcome.PASS, gate, LENGTH.measured(1.0))) == 0.0
    assert excess(Verdict(Outcome.INCONCLUSIVE, gate, LENGTH.missing("mute"))) == 1.0
    assert excess(Verdict(Outcome.FAIL, structs.replace(gate, at_most=0.0), LENGTH.measured(3))) == 1.0


def test_what_was_not_judged_is_listed_once_a_reason_the_most_takes_first(recorded_run):
    for name, reasons in {
        "short-001": {"drift": "5.8 s; 6 s are needed", "pair": "no pair"},
        "short-002": {"drift": "12 s wanted 6 of 7"},
        "short-003": {"drift": "3.16 s; 6 s are needed", "pace": "3.16 s; 6 s are needed"},
        "short-004": {"drift": "8 s wanted 6 of 9"},
    }.items():
        recorded_run.take(name, verdicts=tuple(refused(gate, reason) for gate, reason in reasons.items()))
    assert refused_gates(recorded_run.end()) == {
        "3.16 to 5.8 s; 6 s are needed": (2, ["short-001, seed 0", "short-003, seed 0"], ["drift", "pace"]),
        "12 s wanted 6 of 7 (and 1 like it)": (2, ["short-002, seed 0", "short-004, seed 0"], ["drift"]),
        "no pair": (1, ["short-001, seed 0"], ["pair"]),
    }


def test_of_many_takes_that_were_not_judged_the_first_are_named(recorded_run):
    for number in range(5):
        recorded_run.take(f"short-00{number}", verdicts=(refused("pair", "no pair"),))
    named = [f"short-00{number}, seed 0" for number in range(3)]
    assert refused_gates(recorded_run.end()) == {"no pair": (5, named, ["pair"])}


def test_takes_of_one_id_in_two_suites_have_links_of_their_own(recorded_run):
    take = recorded_run.take()
    assert anchor(take) == "short-short-001-seed0"
    assert anchor(structs.replace(take, suite="medium")) != anchor(take)


def test_the_nearest_limit_is_a_share_of_it_and_no_count(recorded_run):
    gate = Gate("length", "length", "s", "w", at_most=2.0)
    silence = Gate("silence_ratio", "silence_ratio", "ratio", "w", at_most=0.3)
    rate = Gate("sample_rate", "sample_rate", "Hz", "w", at_least=24000, at_most=24000)
    ratio = Metric("silence_ratio", "ratio", "lower")
    verdicts = (
        Verdict(Outcome.PASS, gate, LENGTH.measured(1.0)),
        Verdict(Outcome.PASS, silence, ratio.measured(0.29)),
        Verdict(Outcome.PASS, rate, Metric("sample_rate", "Hz", "neither").measured(24000)),
    )
    near = recorded_run.take("short-001", verdicts=verdicts)
    far = recorded_run.take("short-002", verdicts=verdicts[:1])
    assert nearest(near).gate is silence
    assert nearest(structs.replace(near, verdicts=verdicts[2:])) is None
    assert [take.key for take in closest_first(recorded_run.end())] == [near.key, far.key]


def test_what_was_broken_without_blocking_is_listed_excused_first(recorded_run):
    gate = Gate("speech_quality", "length", "s", "w", at_most=2.0, advisory=True)
    verdicts = [Verdict(outcome, gate, LENGTH.measured(3.0)) for outcome in (Outcome.WARN, Outcome.EXCUSED)]
    take = recorded_run.take("short-001", verdicts=tuple(verdicts))
    listed = beside(recorded_run.end())
    assert {kind: [one.key for one in takes] for kind, takes in listed.items()} == {
        (Outcome.EXCUSED, "speech_quality"): [take.key],
        (Outcome.WARN, "speech_quality"): [take.key],
    }
    assert list(listed) == [(Outcome.EXCUSED, "speech_quality"), (Outcome.WARN, "speech_quality")]
