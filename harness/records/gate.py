"""A gate and its verdict as data; `harness.decision.gates` reads the gates and judges."""

from collections.abc import Mapping
from enum import StrEnum
from math import isfinite, isinf, nan
from types import MappingProxyType

import msgspec

from harness.documents import NotEmpty
from harness.records.measurement import Measurement
from harness.records.schema import Record

INFINITY = float("inf")
_NO_FLOOR = -INFINITY
AMOUNTS = MappingProxyType(
    {"speech_s": "{:g} s of speech", "reference_s": "{:g} s of reference", "letters": "{:g} letters"}
)
"""What a limit may depend on, and how people say it."""


class Outcome(StrEnum):
    """What a gate answers.

    PASS: shown inside the limits. FAIL: shown outside, or not a number. INCONCLUSIVE: could not be measured; blocks
    the release. REFUSED: the question does not arise here, for a reason that is listed; counted, never passed. WARN: an
    advisory gate would have said FAIL or INCONCLUSIVE; shown and counted, it neither blocks nor passes a release.
    EXCUSED: a take broke the gate, and the profile lets a share of takes do so; listed, heard and counted, and the
    share decides.
    PARTIAL: of a run, never of a gate: all that was judged passed, and it was not the whole release.
    """

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUSED = "REFUSED"
    WARN = "WARN"
    EXCUSED = "EXCUSED"
    PARTIAL = "PARTIAL"


def _bounds(at_least: float, at_most: float) -> str:
    if at_least == at_most:
        return f"= {at_least:g}"
    if at_most == INFINITY:
        return f">= {at_least:g}"
    return f"<= {at_most:g}" if at_least == _NO_FLOOR else f"{at_least:g} to {at_most:g}"


def _one_infinity(limits: "Step | Gate") -> None:
    """The one object that stands for "no limit" is left out of a file, in which there is no infinity."""
    if isinf(limits.at_least) and limits.at_least < 0:
        msgspec.structs.force_setattr(limits, "at_least", _NO_FLOOR)
    if isinf(limits.at_most) and limits.at_most > 0:
        msgspec.structs.force_setattr(limits, "at_most", INFINITY)


OF_GATES = tuple(outcome for outcome in Outcome if outcome != Outcome.PARTIAL)
AGAINST = (Outcome.FAIL, Outcome.INCONCLUSIVE)
"""What stands against a release, the worse first."""
WORST_FIRST = (*AGAINST, Outcome.EXCUSED, Outcome.WARN, Outcome.PASS, Outcome.REFUSED)
"""Of two answers to one question the earlier stands."""


class Step(Record, frozen=True):
    """The limits of a gate from so much on that there is to judge; all amounts must be reached."""

    speech_s: float = 0.0
    """Seconds of speech in the take."""
    reference_s: float = 0.0
    """Seconds of speech in the reference."""
    letters: float = 0.0
    """Spoken letters of the text, numbers written out."""
    at_least: float = _NO_FLOOR
    at_most: float = INFINITY

    def __post_init__(self) -> None:
        _one_infinity(self)

    def is_reached(self, amounts: Mapping[str, float]) -> bool:
        """Whether there is so much to judge; an amount that nobody counted is 0."""
        return all(amounts.get(name, 0.0) >= getattr(self, name) for name in AMOUNTS)

    def covers(self, other: "Step") -> bool:
        """Whether it is reached wherever the other one is."""
        return all(getattr(self, name) <= getattr(other, name) for name in AMOUNTS)

    def __str__(self) -> str:
        amounts = [told.format(getattr(self, name)) for name, told in AMOUNTS.items() if getattr(self, name)]
        return _bounds(self.at_least, self.at_most) + (f" from {' and '.join(amounts)}" if amounts else "")


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
    recognisers: tuple[str, ...] = ()
    """The speech recognisers that it was calibrated for, by the hash of their weights; none named is all."""
    steps: tuple[Step, ...] = ()
    """Limits that depend on how much there is to judge: of the steps that are reached the last one holds."""
    false_reject: float | None = None
    """Share of sound human speech that this gate rejects, where it was measured ..."""
    source: str = ""
    """... and on what."""
    advisory: bool = False
    """Judged and shown, but not reliable enough to stop a release."""

    def __post_init__(self) -> None:
        _one_infinity(self)

    def is_for(self, suite: str) -> bool:
        """Whether it judges the takes of a suite."""
        return not self.suites or suite in self.suites

    def reads(self, language: str) -> bool:
        """Whether it judges texts in a language."""
        return not self.languages or language in self.languages

    @property
    def asked_as(self) -> str:
        """The name under which a take is asked: a gate for one recogniser takes the place of the one for any."""
        return self.metric if self.recognisers else self.name

    def for_amounts(self, amounts: Mapping[str, float]) -> "Gate | None":
        """This gate with the limits for so much to judge; None where there is too little."""
        if not self.steps:
            return self
        reached = [step for step in self.steps if step.is_reached(amounts)]
        if not reached:
            return None
        return msgspec.structs.replace(self, at_least=reached[-1].at_least, at_most=reached[-1].at_most, steps=())

    @property
    def limit(self) -> str:
        """The limits with their unit, for people."""
        if self.steps:
            return f"{', '.join(map(str, self.steps))} ({self.unit})"
        return f"{_bounds(self.at_least, self.at_most)} {self.unit}"

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
