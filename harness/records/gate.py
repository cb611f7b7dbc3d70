"""A gate and its verdict as data; `harness.decision.gates` reads the gates and judges."""

from enum import StrEnum
from math import isfinite, isinf, nan

import msgspec

from harness.documents import NotEmpty
from harness.records.measurement import Measurement
from harness.records.schema import Record

INFINITY = float("inf")
_NO_FLOOR = -INFINITY


class Outcome(StrEnum):
    """What a gate answers.

    PASS: shown inside the limits. FAIL: shown outside, or not a number. INCONCLUSIVE: could not be measured; blocks
    the release. REFUSED: the question does not arise here, for a reason that is listed; counted, never passed. WARN: an
    advisory gate would have said FAIL or INCONCLUSIVE; shown and counted, it neither blocks nor passes a release.
    """

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUSED = "REFUSED"
    WARN = "WARN"


AGAINST = (Outcome.FAIL, Outcome.INCONCLUSIVE)
"""What stands against a release, the worse first."""


class Gate(Record, frozen=True):
    """One metric and its limits in some suites; a row of gates.toml."""

    name: NotEmpty
    metric: NotEmpty
    unit: NotEmpty
    why: NotEmpty
    at_least: float = _NO_FLOOR
    at_most: float = INFINITY
    suites: tuple[str, ...] = ()
    """The suites it is for; none named is all."""
    languages: tuple[str, ...] = ()
    """The languages of the texts it is for; none named is all."""
    at_least_from: tuple[tuple[float, float], ...] = ()
    """Lower limits that depend on how much there is to judge: (seconds of speech, limit from there on), ascending."""
    false_reject: float | None = None
    """Share of sound human speech that this gate rejects, where it was measured ..."""
    source: str = ""
    """... and on what."""
    advisory: bool = False
    """Judged and shown, but not reliable enough to stop a release."""

    def __post_init__(self) -> None:
        # The one object that stands for "no limit" is left out of a file, in which there is no infinity.
        if isinf(self.at_least) and self.at_least < 0:
            msgspec.structs.force_setattr(self, "at_least", _NO_FLOOR)
        if isinf(self.at_most) and self.at_most > 0:
            msgspec.structs.force_setattr(self, "at_most", INFINITY)

    def is_for(self, suite: str) -> bool:
        """Whether it judges the takes of a suite."""
        return not self.suites or suite in self.suites

    def for_speech(self, speech_s: float) -> "Gate | None":
        """This gate with the limit for so much speech; None where there is too little to judge."""
        if not self.at_least_from:
            return self
        reached = [limit for start, limit in self.at_least_from if speech_s >= start]
        return msgspec.structs.replace(self, at_least=reached[-1], at_least_from=()) if reached else None

    @property
    def limit(self) -> str:
        """The limits with their unit, for people."""
        if self.at_least_from:
            steps = ", ".join(f"{limit:g} from {start:g} s" for start, limit in self.at_least_from)
            return f">= {steps} of speech ({self.unit})"
        if self.at_least == self.at_most:
            return f"= {self.at_least:g} {self.unit}"
        if self.at_most == INFINITY:
            return f">= {self.at_least:g} {self.unit}"
        if self.at_least == -INFINITY:
            return f"<= {self.at_most:g} {self.unit}"
        return f"{self.at_least:g} to {self.at_most:g} {self.unit}"

    def __str__(self) -> str:
        return f"{self.name} {self.limit}"


class Verdict(Record, frozen=True):
    """What a gate says of one take."""

    outcome: Outcome
    gate: Gate
    measurement: Measurement
    reason: str = ""

    @property
    def observed(self) -> str:
        """The number with its unit, or why there is none; one line."""
        value = self.measurement.value
        shown = f"{value:.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
        number = "" if self.measurement.why_not else f"{shown} {self.gate.unit}"
        return "; ".join(part for part in (number, self.measurement.detail, self.reason) if part)

    @property
    def distance(self) -> float:
        """To the nearer limit in the gate's unit, negative outside; NaN where nothing was measured."""
        value = self.measurement.value
        return min(value - self.gate.at_least, self.gate.at_most - value) if isfinite(value) else nan

    @property
    def stands_against(self) -> bool:
        """Whether it blocks the release."""
        return self.outcome in AGAINST
