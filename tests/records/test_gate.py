from math import inf, isnan

import pytest

from harness.records import schema
from harness.records.gate import Gate, Outcome, Step, Verdict
from harness.records.measurement import Metric

LENGTH = Metric("length", "s", "neither")


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ({"at_least": 1.0, "at_most": 30.0}, "1 to 30 s"),
        ({"at_most": float("inf"), "at_least": 1}, ">= 1 s"),
        ({"at_least": float("-inf"), "at_most": 2}, "<= 2 s"),
        ({"at_least": 1, "at_most": 1}, "= 1 s"),
        (
            {"steps": (Step(at_most=2.0), Step(speech_s=2.0, letters=9, at_least=0.5, at_most=1.0))},
            "<= 2, 0.5 to 1 from 2 s of speech and 9 letters (s)",
        ),
    ],
)
def test_a_gate_is_kept_without_infinity_and_tells_its_limit(limits, shown):
    gate = Gate("length", "length", "s", "why", **limits)
    kept = schema.encode(gate)
    assert b"null" not in kept
    assert schema.decode(kept, Gate, "it", "mend it") == gate
    assert gate.limit == shown
    assert str(gate) == f"length {shown}"


def test_a_gate_for_one_recogniser_is_asked_as_the_one_for_any():
    any_recogniser, another = Gate("length", "length", "s", "why"), Gate("too long", "length", "s", "why")
    for_one = Gate("length by Whisper", "length", "s", "why", recognisers=("0" * 16,))
    assert for_one.asked_as == any_recogniser.asked_as == "length"
    assert another.asked_as == "too long"


def test_a_verdict_is_kept_whole():
    verdict = Verdict(Outcome.FAIL, Gate("length", "length", "s", "why", at_most=2.0), LENGTH.measured(2.5), "long")
    assert schema.decode(schema.encode(verdict), Verdict, "it", "judge again") == verdict
    assert (verdict.distance, verdict.observed, verdict.stands_against) == (-0.5, "2.5 s; long", True)


def test_what_was_not_measured_lies_at_no_distance():
    verdict = Verdict(Outcome.INCONCLUSIVE, Gate("length", "length", "s", "why", at_most=2.0), LENGTH.missing("mute"))
    assert isnan(verdict.distance)
    assert verdict.gate.at_least == -inf


def test_the_limit_grows_with_the_speech():
    gate = Gate(
        "similarity", "length", "s", "why", steps=(Step(speech_s=2.0, at_least=0.5), Step(speech_s=3.0, at_least=0.7))
    )
    assert gate.for_amounts({"speech_s": 1.9}) is None
    assert gate.for_amounts({"speech_s": 2.0}).at_least == 0.5
    assert gate.for_amounts({"speech_s": 9.0, "letters": 3.0}).at_least == 0.7


def test_a_step_is_reached_where_all_its_amounts_are():
    steps = (Step(at_least=0.5), Step(speech_s=4.0, reference_s=5.0, at_least=0.7))
    gate = Gate("similarity", "length", "s", "why", steps=steps)
    assert gate.for_amounts({}).at_least == 0.5
    assert gate.for_amounts({"speech_s": 9.0, "reference_s": 3.0}).at_least == 0.5
    assert gate.for_amounts({"speech_s": 9.0, "reference_s": 5.0}).at_least == 0.7
