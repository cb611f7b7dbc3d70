"""How the releases went: one line a run, and the run at which a metric took a step.

Conventions: the file holds one JSON object a line, oldest first. A run's line has its verdict, its system and the mean
of every metric over its takes; a line of `accept` has the suite, who and why. A step splits a series into two levels;
it is dated by the first run of the second level.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import GoldenError

NAME = "releases.jsonl"  # in the output folder
LEAST_RUNS = 5  # fewer have no two levels to tell apart
LEAST_OF_A_LEVEL = 2  # one run that stands out is no level yet
SIMULATIONS = 1_999
SURE = 0.01  # chance of dating a step in a series that has none


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line, with the time of day; one write, so that runs side by side do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stamped = {"on": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), **line}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(stamped, ensure_ascii=False, sort_keys=True) + "\n")


def of_run(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a run, from its manifest."""
    values: dict[str, list[float]] = {}
    for take in manifest["takes"]:
        for name, found in take["measurements"].items():
            if found["value"] is not None:
                values.setdefault(name, []).append(found["value"])
    return {
        "event": "run",
        "verdict": manifest["verdict"],
        "incomplete": manifest["incomplete"],
        "system": manifest["about"].get("system", ""),
        "commit": manifest["about"].get("commit", ""),
        "takes": manifest["judged"],
        "means": {name: float(f"{np.mean(found):.6g}") for name, found in sorted(values.items())},
        "against": [
            f"{one['outcome']} {one['stratum']} {one['gate']}: {one['observed']}"
            for one in manifest.get("comparisons", ())
            if one["outcome"] in ("FAIL", "INCONCLUSIVE")
        ],
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Every line, oldest first.

    Raises:
        GoldenError: The file is missing, or a line is no JSON; names the line.
    """
    if not path.exists():
        raise GoldenError(f"{path} is missing: every run of pytest suites/ adds a line to it")
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(text))
        except ValueError as error:
            raise GoldenError(f"{path} line {number} is damaged ({error}): take it out") from error
    return lines


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over the runs that have it."""

    metric: str
    dates: tuple[str, ...]
    values: tuple[float, ...]
    step: "Step | None"

    @property
    def told_step(self) -> str:
        """The step in words; empty where there is none."""
        if self.step is None:
            return ""
        return f"a step of {self.step.size:+.4g} at {self.dates[self.step.at]} (p = {self.step.p_value:.3f})"


def series(runs: Sequence[Mapping[str, Any]]) -> list[Series]:
    """Every metric of some runs, by name."""
    found = []
    for metric in sorted({name for run in runs for name in run["means"]}):
        dated = [(run["on"], run["means"][metric]) for run in runs if metric in run["means"]]
        dates, values = zip(*dated, strict=True)
        found.append(Series(metric, dates, values, step_in(values)))
    return found


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


def trend(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a person reads: every line of the file, then the steps."""
    told = []
    for line in lines:
        if line["event"] == "run":
            told.append(f"{line['on']}  run       {line['verdict']:<13}{line['takes']} takes  {line['system']}")
            told += [f"    {against}" for against in line["against"]]
        else:
            why = (
                f", although {len(line['found_worse'])} comparisons failed: {line['override']}"
                if line["override"]
                else ""
            )
            told.append(f"{line['on']}  accepted  {line['suite']} by {line['by']}{why}")
    for one in series([line for line in lines if line["event"] == "run"]):
        level = ", ".join(part for part in (f"{one.values[-1]:.4g}", one.told_step) if part)
        told.append(f"{one.metric:<22}{level}, {len(one.values)} runs")
    return told
