"""A number that was measured on a take, and what it means.

Conventions: what cannot be measured has the value NaN and says why in `why_not`; it is never left out. In a file it has
no value. A component that is not a finite number is not known, and not kept.
"""

from math import isfinite
from typing import Literal

import msgspec

from harness.records.schema import Record

NOT_MEASURED = float("nan")
Better = Literal["higher", "lower", "neither"]
Span = tuple[float, float]
"""(start_s, end_s) of a stretch of the take."""


class Metric(Record, frozen=True):
    """What a number means."""

    name: str
    unit: str
    better: Better
    version: int = 1
    signature: str = ""
    """What its numbers hang on: those of another signature are not compared. Empty in older records."""

    @property
    def ruler(self) -> str:
        """The signature, or the version where there is none."""
        return self.signature or f"v{self.version}"

    def measured(
        self, value: float, detail: str = "", spans: tuple[Span, ...] = (), **components: float
    ) -> "Measurement":
        """A number for this metric; the components are counts, seconds or decibels that it was made of."""
        return Measurement(self, float(value), components, detail, spans=spans)

    def missing(self, why_not: str) -> "Measurement":
        """This metric could not be measured."""
        return Measurement(self, why_not=why_not)

    def not_applicable(self, why_not: str) -> "Measurement":
        """Nobody could measure this here, whatever the take is like: the question does not arise."""
        return Measurement(self, why_not=why_not, applicable=False)


class Measurement(Record, frozen=True):
    """One number, or the reason why there is none."""

    metric: Metric
    value: float = NOT_MEASURED
    components: dict[str, float] = msgspec.field(default_factory=dict)
    detail: str = ""
    """What a reviewer should know beside the number."""
    why_not: str = ""
    applicable: bool = True
    spans: tuple[Span, ...] = ()
    """Where in the take the finding lies, for a report to mark; empty where it has no place in time."""
    heard: str = ""
    """What a recogniser wrote, where the number comes from one."""

    def __post_init__(self) -> None:
        # An infinite value is no measurement either: it would pass a limit on its side.
        msgspec.structs.force_setattr(self, "value", float(self.value) if isfinite(self.value) else NOT_MEASURED)
        known = {name: float(part) for name, part in self.components.items() if isfinite(part)}
        msgspec.structs.force_setattr(self, "components", known)
        spans = tuple((float(start), float(end)) for start, end in self.spans)
        msgspec.structs.force_setattr(self, "spans", spans)

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return isfinite(self.value)
