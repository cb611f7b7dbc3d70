"""Did the level of a series change? Alarms that may be asked for every night, of many series at once.

Conventions
    A series is one number a run, oldest first. A step splits it into two levels and is dated by the first run of the
    second. The series is gone through run by run: after each it is asked whether some split explains it, by the largest
    t of all splits, corrected over the splits (Bonferroni), the series and the runs. Once a step is found, the series
    goes on from there: one alarm a change, and a level that comes back is a step of its own.

    How often a level that stays raises an alarm is told as an average run length: so many runs, of all series together,
    from one false alarm to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_OF_A_LEVEL = 2
"""One run that stands out is no level yet."""
RUNS_TO_A_FALSE_ALARM = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """A series that changed its level."""

    at: int
    """Index of the first value of the new level."""
    size: float
    p_value: float
    """After correction over splits and series."""
    noticed: int
    """Index of the run after which it was found."""


def steps_in(values: Sequence[float], least: float = 0.0, series: int = 1) -> list[Step]:
    """Every step of a series, oldest first.

    Args:
        values: One number a run; none is missing.
        least: The smallest change of level that anybody wants to hear of.
        series: How many series are watched together.

    >>> [(step.at, step.noticed) for step in steps_in([1.0, 1.1] * 5 + [0.5, 0.6] * 4)]
    [(10, 11)]
    """
    numbers = np.asarray(values, np.float64)
    steps: list[Step] = []
    if numbers.size and np.ptp(numbers) < max(least, 1e-12 * np.abs(numbers).max()):
        return steps  # no two levels of it are so far apart
    start, end = 0, 2 * LEAST_OF_A_LEVEL
    while end <= numbers.size:
        part = numbers[start:end]
        if part.size >= 2 * LEAST_OF_A_LEVEL:
            split, p_value = best_split(part[None])
            at, chance = int(split[0]), float(p_value[0]) * series
            size = float(part[at:].mean() - part[:at].mean())
            if chance * RUNS_TO_A_FALSE_ALARM <= 1 and abs(size) >= least:
                steps.append(Step(start + at, size, min(1.0, chance), end - 1))
                start += at
        end += 1
    return [_settled(numbers, steps, number) for number in range(len(steps))]


def _settled(numbers: Floats, steps: Sequence[Step], number: int) -> Step:
    """The step with the size that it has by all that is known now."""
    step = steps[number]
    before = steps[number - 1].at if number else 0
    after = steps[number + 1].at if number + 1 < len(steps) else numbers.size
    size = float(numbers[step.at : after].mean() - numbers[before : step.at].mean())
    return Step(step.at, size, step.p_value, step.noticed)


def best_split(series: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Where each series of shape (series, runs) splits best, and the p-value of that, corrected over the splits."""
    from scipy.special import stdtr

    length = series.shape[1]
    before = np.arange(LEAST_OF_A_LEVEL, length - LEAST_OF_A_LEVEL + 1)
    centred = series - series.mean(axis=1, keepdims=True)
    total = (centred**2).sum(axis=1, keepdims=True)
    explained = np.cumsum(centred, axis=1)[:, before - 1] ** 2 * length / (before * (length - before))
    best = explained.argmax(axis=1)
    rest = np.maximum(total[:, 0] - explained[np.arange(len(series)), best], 0.0)
    freedom = length - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.sqrt(explained[np.arange(len(series)), best] / (rest / freedom))
    # A series without any change at all has no step; one that jumps between two fixed values has.
    moved = total[:, 0] > 1e-24 * np.maximum((series**2).sum(axis=1), 1e-300)
    chance = np.where(moved & np.isfinite(t), 2 * stdtr(freedom, -np.where(np.isfinite(t), t, 0.0)), 0.0)
    return before[best], np.where(moved, np.minimum(1.0, chance * before.size), 1.0)
