"""What a comparison with the accepted release promises: margins and error rates, read from gates.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import expm1, inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import shipped
from harness.errors import GateError
from harness.metrics import known_metrics

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse a metric may get, and how it is compared; one row of gates.toml."""

    metric: str
    unit: str
    margin: float
    """The largest average worsening we accept: in the metric's unit, or where `relative` in natural logarithms:
    0.05 is a twentieth, exactly 4.9 % less or 5.1 % more."""
    lost: float
    """The worsening of one utterance that a listener does not forgive, in the same unit as `margin`."""
    resolution: float
    """The step below which two values do not differ; keeps a spread of zero from reading as certainty."""
    why: str
    source: str = ""
    """What the margin rests on: measurements or literature."""
    relative: bool = False
    cap: float | None = None
    """A value beyond it counts as it; for metrics with a heavy tail, whose failures `lost` counts."""
    better: str = "higher"
    """From the metric: higher, lower or neither."""

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

    def told(self, change: float) -> float:
        """A change on that scale in the `unit_of_change`: of logarithms, the share by which the value changed.

        >>> margin = Margin("duration_ratio", "ratio", 0.05, 0.12, 0.005, "heard", relative=True)
        >>> round(margin.told(-0.05), 4), round(margin.told(0.05), 4)
        (-0.0488, 0.0513)
        """
        if not self.relative:
            return change
        return -expm1(-change) if self.better == "lower" else expm1(change)

    @property
    def bounds(self) -> tuple[float, float]:
        """The largest changes for the worse and for the better that we accept, in the `unit_of_change`."""
        least, most = (float(f"{self.told(end):.3g}") for end in (-self.margin, self.margin))
        return least, most if self.better == "neither" else inf


@dataclass(frozen=True, slots=True)
class Policy:
    """What a comparison promises."""

    alpha: float = 0.01
    """Chance that a run calls an unchanged model worse, over all comparisons of the run together."""
    doubt: float = 0.05
    """Chance that one comparison passes a model which is worse by the whole margin."""
    looks: tuple[int, ...] = (1, 2, 3, 5)
    """Takes of each utterance after which `--takes auto` looks."""
    accepted_takes: int = 3
    """Fewest takes of each utterance in a baseline."""
    lost_share: float = 0.1
    """Share of lost utterances that is a regression for certain; PASS shows that it is smaller."""


def load_policy(path: Path = shipped.GATES) -> tuple[Policy, tuple[Margin, ...]]:
    """Read `[comparison]` and every `[[margin]]` of gates.toml.

    Raises:
        GateError: The file or a row is malformed; names the row and the field.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GateError(f"{path} is missing: give one with --gates-file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GateError(f"{path} is not valid TOML: {error}") from error
    rows = tables.get("margin", [])
    margins = tuple(_margin(row, f"{path} margin {number}") for number, row in enumerate(rows, 1))
    named = [margin.metric for margin in margins]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise GateError(f"{path}: {twice[0]!r} has {named.count(twice[0])} margins; each metric needs one")
    return _policy(tables.get("comparison", {}), f"{path} [comparison]"), margins


def _margin(row: Mapping[str, Any], where: str) -> Margin:
    known = {field.name for field in fields(Margin)} - {"better"}
    for key in row:
        if key not in known:
            raise GateError(f"{where}: field {key!r} is unknown; known are {', '.join(sorted(known))}")
    for key in ("metric", "unit", "why"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise GateError(f"{where}: field {key!r} is missing; each margin needs metric, unit, margin, lost and why")
    for key in ("margin", "lost", "resolution"):
        value = row.get(key, 0)
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not number or (key != "resolution" and not value):
            raise GateError(f"{where}: field {key!r} is {row.get(key)!r}; a number above 0 is needed")
    cap = row.get("cap", 0.0)
    if isinstance(cap, bool) or not isinstance(cap, int | float) or not isfinite(cap):
        raise GateError(f"{where}: field 'cap' is {cap!r}; a number in {row['unit']} is needed")
    if not isinstance(row.get("source", ""), str):
        raise GateError(f"{where}: field 'source' is {row['source']!r}; a text is needed")
    metric = known_metrics().get(row["metric"])
    if metric is None:
        raise GateError(f"{where}: metric {row['metric']!r} is unknown; there are {', '.join(sorted(known_metrics()))}")
    if row["unit"] != metric.unit:
        raise GateError(f"{where}: {metric.name} is measured in {metric.unit}, not in {row['unit']!r}")
    return replace(Margin(**{"resolution": 0.0, **row}), better=metric.better)


def _policy(row: Mapping[str, Any], where: str) -> Policy:
    known = {field.name for field in fields(Policy)}
    for key, value in row.items():
        if key not in known:
            raise GateError(f"{where}: field {key!r} is unknown; known are {', '.join(sorted(known))}")
        if key == "looks":
            rising = isinstance(value, list) and value and all(isinstance(n, int) and n > 0 for n in value)
            if not rising or value != sorted(set(value)):
                raise GateError(f"{where}: field 'looks' is {value!r}; rising numbers of takes are needed")
        elif key == "accepted_takes":
            if not isinstance(value, int) or value < 1:
                raise GateError(f"{where}: field {key!r} is {value!r}; a whole number of at least 1 is needed")
        elif not isinstance(value, float) or not 0 < value < 0.5:
            raise GateError(f"{where}: field {key!r} is {value!r}; a number between 0 and 0.5 is needed")
    values: dict[str, Any] = {key: tuple(value) if key == "looks" else value for key, value in row.items()}
    return Policy(**values)
