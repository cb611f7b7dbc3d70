"""How the releases went: one line a run, and the run at which a metric took a step.

Conventions: lines are in order, oldest first (`harness.records.history`). A step splits a series into two levels;
it is dated by the first run of the second level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import GoldenError
from harness.records.history import HistoryEvent, RunEvent, decode
from harness.records.run_record import RunRecord
from harness.records.schema import line

LEAST_RUNS = 5  # fewer have no two levels to tell apart
LEAST_OF_A_LEVEL = 2  # one run that stands out is no level yet
SIMULATIONS = 1_999
SURE = 0.01  # chance of dating a step in a series that has none


def append(path: Path, event: HistoryEvent) -> None:
    """Add a line; one write, so that runs side by side do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line(event))


def now() -> str:
    """The time of a line."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def of_run(run: RunRecord) -> RunEvent:
    """The line of a run."""
    values: dict[str, list[float]] = {}
    for take in run.takes:
        for name, measured in take.measurements.items():
            if measured.is_known:
                values.setdefault(name, []).append(measured.value)
    return RunEvent(
        on=now(),
        verdict=run.verdict,
        incomplete=run.incomplete,
        system=run.about.system,
        commit=run.about.commit,
        takes=run.judged,
        means={name: float(f"{np.mean(known):.6g}") for name, known in sorted(values.items())},
        against=tuple(
            f"{one.outcome} {one.stratum} {one}: {one.observed}" for one in run.comparisons if one.stands_against
        )
        + tuple(f"{one.outcome} {one.stratum}: {one.reason}" for one in run.not_compared if one.stands_against),
    )


def read(path: Path) -> list[HistoryEvent]:
    """Every line, oldest first.

    Raises:
        GoldenError: The file is missing.
        RecordError: A line is damaged; names the line.
    """
    if not path.exists():
        raise GoldenError(f"{path} is missing: every run of pytest suites/ adds a line to it")
    # Only this byte ends a line: a text may hold other signs that some readers take for line ends.
    texts = path.read_bytes().removesuffix(b"\n").split(b"\n")
    return [decode(text, f"{path} line {number}") for number, text in enumerate(texts, 1)]


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over the runs that have it."""

    metric: str
    dates: tuple[str, ...]
    values: tuple[float, ...]
    step: "Step | None"

    @property
    def step_in_words(self) -> str:
        """The step in words; empty where there is none."""
        if self.step is None:
            return ""
        return f"a step of {self.step.size:+.4g} at {self.dates[self.step.at]} (p = {self.step.p_value:.3f})"


def series(runs: Sequence[RunEvent]) -> list[Series]:
    """Every metric of some runs, by name."""
    every = []
    for metric in sorted({name for run in runs for name in run.means}):
        dated = [(run.on, run.means[metric]) for run in runs if metric in run.means]
        dates, values = zip(*dated, strict=True)
        every.append(Series(metric, dates, values, step_in(values)))
    return every


@dataclass(frozen=True, slots=True)
class Step:
    """A series that changed its level."""

    at: int
    """Index of the first value of the new level."""
    size: float
    p_value: float


def step_in(values: Sequence[float]) -> Step | None:
    """The step in a series, or None where chance would do as much.

    The split is the one with the largest t between the levels before and after it; how often a series of so many
    independent normal values has one as large says how sure that is. A run's mean is over many takes, which makes it
    near enough to normal; shuffling the series instead could not date a step in fewer than a dozen runs.

    >>> step_in([1.0, 1.1] * 4 + [0.5, 0.6] * 4).at
    8
    """
    series = np.asarray(values, np.float64)
    if series.size < LEAST_RUNS or not np.isfinite(series).all() or not series.std():
        return None
    ours = _splits(series[None])[0]
    best = int(ours.argmax())
    p_value = float((1 + (_largest_by_chance(series.size) >= ours[best] - 1e-12).sum()) / (SIMULATIONS + 1))
    if p_value > SURE:
        return None
    at = best + LEAST_OF_A_LEVEL
    return Step(at, float(series[at:].mean() - series[:at].mean()), p_value)


@lru_cache(maxsize=64)
def _largest_by_chance(length: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What the best split of a series without a step explains, shape (simulations,)."""
    largest = _splits(np.random.default_rng(0).standard_normal((SIMULATIONS, length))).max(axis=1)
    return np.asarray(largest)


def _splits(series: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Share of the variance that each split explains, shape (series, splits); it rises with the split's t."""
    length = series.shape[1]
    centred = series - series.mean(axis=1, keepdims=True)
    before = np.arange(LEAST_OF_A_LEVEL, length - LEAST_OF_A_LEVEL + 1)
    sums = np.cumsum(centred, axis=1)[:, before - 1]
    return np.asarray(sums**2 * length / (before * (length - before)) / (centred**2).sum(axis=1, keepdims=True))


def trend(events: Sequence[HistoryEvent]) -> list[str]:
    """What a person reads: every line of the file, then the steps."""
    shown = []
    for event in events:
        if isinstance(event, RunEvent):
            shown.append(f"{event.on}  run       {event.verdict:<13}{event.takes} takes  {event.system}")
            shown += [f"    {against}" for against in event.against]
        else:
            why = f", although {len(event.found_worse)} comparisons failed: {event.override}" if event.override else ""
            shown.append(f"{event.on}  accepted  {event.suite} by {event.by}{why}")
    for metric in series([event for event in events if isinstance(event, RunEvent)]):
        level = ", ".join(part for part in (f"{metric.values[-1]:.4g}", metric.step_in_words) if part)
        shown.append(f"{metric.metric:<22}{level}, {len(metric.values)} runs")
    return shown
