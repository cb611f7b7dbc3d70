"""What a comparison with the accepted release promises: margins and error rates, read from gates.toml."""

from dataclasses import dataclass, replace
from math import exp, expm1, inf
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from harness import shipped
from harness.decision import gates_file
from harness.decision.listening import PREFERENCE, PreferenceMargin, load_preference
from harness.documents import NotEmpty, typed
from harness.errors import GateError
from harness.metrics import known_metrics
from harness.records.measurement import Better

Floats = NDArray[np.float64]
_AboveZero = Annotated[float, Meta(gt=0)]
_Share = Annotated[float, Meta(gt=0, lt=0.5)]
_Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse a metric may get, and how it is compared; one row of gates.toml."""

    metric: NotEmpty
    unit: NotEmpty
    margin: _AboveZero
    """The largest average worsening we accept: in the metric's unit, or where `relative` in natural logarithms:
    0.05 is a twentieth, exactly 4.9 % less or 5.1 % more."""
    lost: _AboveZero
    """The worsening of one utterance that a listener does not forgive, in the same unit as `margin`."""
    resolution: Annotated[float, Meta(ge=0)]
    """The step below which two values do not differ; keeps a spread of zero from reading as certainty."""
    why: NotEmpty
    source: str = ""
    """What the margin rests on: measurements or literature."""
    relative: bool = False
    cap: float | None = None
    """A value beyond it counts as it; for metrics with a heavy tail, whose failures `lost` counts."""
    two_sided: bool = False
    """Whether more may be as bad as less, although the metric has a better side."""
    better: Better = "higher"
    """From the metric; neither where `two_sided`."""

    @property
    def unit_of_change(self) -> str:
        """The unit of `margin` and `lost`."""
        return "of the accepted value" if self.relative else self.unit

    def scaled(self, values: Floats) -> Floats:
        """Values on the scale of the changes: capped, logarithmic where relative, the sign so that more is better."""
        if self.cap is not None:
            values = np.minimum(values, self.cap)
        if self.relative:
            values = np.log(np.maximum(values, self.resolution or 1e-9))
        return -values if self.better == "lower" else values

    def unscaled(self, value: float) -> float:
        """A value on that scale as the metric has it."""
        plain = -value if self.better == "lower" else value
        return exp(plain) if self.relative else plain

    def displayed(self, change: float) -> float:
        """A change on that scale in the `unit_of_change`: of logarithms, the share by which the value changed.

        >>> margin = Margin("duration_ratio", "ratio", 0.05, 0.12, 0.005, "heard", relative=True)
        >>> round(margin.displayed(-0.05), 4), round(margin.displayed(0.05), 4)
        (-0.0488, 0.0513)
        """
        if not self.relative:
            return change
        return -expm1(-change) if self.better == "lower" else expm1(change)

    @property
    def bounds(self) -> tuple[float, float]:
        """The largest changes for the worse and for the better that we accept, in the `unit_of_change`."""
        least, most = (float(f"{self.displayed(end):.3g}") for end in (-self.margin, self.margin))
        return least, most if self.better == "neither" else inf


@dataclass(frozen=True, slots=True)
class Policy:
    """What a comparison promises."""

    alpha: _Share = 0.01
    """Chance that a run calls an unchanged model worse, over all comparisons of the run together."""
    doubt: _Share = 0.05
    """Chance that one comparison passes a model which is worse by the whole margin."""
    looks: tuple[_Count, ...] = (1, 2, 3, 5)
    """Takes of each utterance after which `--takes auto` looks."""
    accepted_takes: _Count = 3
    """Fewest takes of each utterance in a baseline."""
    lost_share: _Share = 0.1
    """Share of lost utterances that is a regression for certain; PASS shows that it is smaller."""
    tail_doubt: _Share = 0.1
    """Chance that a suite or voice passes although failures too rare to be seen cost it its margin."""
    anchor_margins: _AboveZero = 1.5
    """How many margins all releases together may lose since the first accepted one."""
    broken_share: Annotated[float, Meta(ge=0, lt=0.5)] = 0.0
    """Share of takes that may break a gate; of the profile."""
    broken_bound: _Share = 0.05
    """Share of broken takes that a PASS excludes where there are too few takes to exclude `broken_share`."""
    signed: bool = False
    """Whether a run is accepted only with a person's signature that it may ship."""


def load_policy(path: Path = shipped.GATES) -> tuple[Policy, tuple[Margin, ...]]:
    """Read `[comparison]` and every `[[margin]]` of gates.toml.

    Raises:
        GateError: The file or a row is malformed; names the row and the field.
    """
    source = gates_file.read(path)
    policy = typed(Policy, source.comparison(), f"{path} [comparison]", GateError)
    if not policy.looks or list(policy.looks) != sorted(set(policy.looks)):
        raise GateError(
            f"{path} [comparison]: field 'looks' is {list(policy.looks)}; rising numbers of takes are needed"
        )
    rows = [one for metric, one in source.margins().items() if metric != PREFERENCE]
    return policy, tuple(_margin(row, where) for where, row in rows)


def every_margin(path: Path = shipped.GATES) -> tuple[Margin | PreferenceMargin, ...]:
    """Every `[[margin]]` of gates.toml, also the one on what listeners prefer: all of them judge a release.

    Raises:
        GateError: A row is malformed; names the row and the field.
    """
    listened = load_preference(path)
    return load_policy(path)[1] + ((listened,) if listened is not None else ())


def _margin(row: gates_file.Row, where: str) -> Margin:
    if "better" in row:
        raise GateError(f"{where}: field 'better' is the metric's own; take it out")
    margin = typed(Margin, {"resolution": 0.0, **row}, where, GateError)
    metric = known_metrics().get(margin.metric)
    if metric is None:
        raise GateError(f"{where}: metric {margin.metric!r} is unknown; there are {', '.join(sorted(known_metrics()))}")
    if margin.unit != metric.unit:
        raise GateError(f"{where}: {metric.name} is measured in {metric.unit}, not in {margin.unit!r}")
    return replace(margin, better="neither" if margin.two_sided else metric.better)
