"""The runs of this output folder as a drawing: `harness.baseline.history` keeps them; nothing is judged here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.baseline import history
from harness.baseline.history import Series
from harness.decision.policy import load_policy
from harness.errors import UsageError
from harness.metrics import known_metrics
from harness.records.history import NAME, RunEvent

SHOWN = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One metric over the runs."""

    metric: str
    now: str
    before: str
    step: str
    """The step in it and its date, where there is one."""
    path: str
    """SVG path in a box of 100 x 28."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The last complete runs, oldest first; those whose metrics took a step come first."""

    runs: Sequence[RunEvent]
    lines: Sequence[Line]
    damage: str = ""
    """Why the history cannot be read; then there is nothing else."""


def trend(out: Path) -> Trend | None:
    """What to draw of the runs in an output folder; None before the second complete one."""
    path = out / NAME
    if not path.exists():
        return None
    try:
        every = [line for line in history.read(path) if isinstance(line, RunEvent) and not line.incomplete]
        runs = [run for run in every if run.texts == every[-1].texts][-SHOWN:]
        if len(runs) < 2:
            return None
        known = history.series(runs, load_policy()[1])
    except UsageError as error:
        return Trend([], [], str(error))
    lines = [_line(one, one.values) for one in known if one.dates[-1] == runs[-1].on]
    return Trend(runs, sorted(lines, key=lambda line: not line.step))


def _line(series: Series, values: Sequence[float]) -> Line:
    low, span = min(values), (max(values) - min(values)) or 1.0
    width = 100 / max(len(values) - 1, 1)
    points = [(at * width, 25 - 22 * (value - low) / span) for at, value in enumerate(values)]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    now, before = f"{values[-1]:.4g}", f"{values[-2]:.4g}" if len(values) > 1 else ""
    metric = known_metrics().get(series.metric)
    unit = f" ({metric.unit})" if metric is not None else ""
    return Line(f"{series.metric}{unit}", now, before, series.steps_in_words, path)
