"""A signature says who, what and against what, in one line."""

import pytest

from harness.records.gate import Outcome
from harness.records.signature import Decision, Signature
from harness.records.take_record import TakeKey


def signature(**changes):
    given = {"by": "Dana", "on": "2026-01-02 03:04 UTC", "decision": Decision.SHIP, "run": "ab", "verdict": "PASS"}
    return Signature(**given | changes)


@pytest.mark.parametrize(
    ("decision", "verdict", "overrides"),
    [
        (Decision.SHIP, Outcome.PASS, False),
        (Decision.SHIP, Outcome.FAIL, True),
        (Decision.SHIP, Outcome.INCONCLUSIVE, True),
        (Decision.HOLD, Outcome.FAIL, False),
        (Decision.HOLD, Outcome.PASS, False),
    ],
)
def test_shipping_what_did_not_pass_is_an_override(decision, verdict, overrides):
    assert signature(decision=decision, verdict=verdict).overrides is overrides


def test_it_is_told_in_one_line():
    one = signature(verdict=Outcome.FAIL, note="a known fault", listened=(TakeKey("short", "short-001", 0),))
    assert one.said == (
        "ship against the verdict FAIL, signed by Dana on 2026-01-02 03:04 UTC, 1 takes heard: a known fault"
    )
