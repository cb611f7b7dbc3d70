"""The mean of numbers between two bounds, with an interval that holds whatever their distribution.

A gambler bets against each possible mean; a mean against which much would have been won is not believed. No shape is
assumed, so skew, ties and lumps at the ends cost nothing but width.

Source: Waudby-Smith and Ramdas 2024 (JRSS B 86), the hedged capital process with their predictable plug-in bets. Their
interval depends on the order of the numbers; here the capital is the mean over seeded orders, which is as valid.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_GRID = 1001
_ORDERS = 24
_CAUTION = 0.75
"""Largest share of the capital that is staked on one number."""


def mean_interval(values: ArrayLike, doubt: float = 0.05) -> tuple[float, float]:
    """Both ends of a two-sided interval for the mean of numbers in [0, 1]; (0, 1) of nothing.

    Args:
        values: Independent numbers, shape (n,), in any order.
        doubt: Chance that the mean lies outside.

    Raises:
        ValueError: A number lies outside [0, 1] or is none.

    >>> low, high = mean_interval([1.0] * 40)
    >>> 0.85 < low < 0.95, high
    (True, 1.0)
    """
    numbers = np.asarray(values, np.float64)
    if not ((numbers >= 0) & (numbers <= 1)).all():
        raise ValueError("the interval of a bounded mean takes numbers from 0 to 1")
    if numbers.size == 0:
        return 0.0, 1.0
    means = np.linspace(0, 1, _GRID)
    believed = means[_capital(np.sort(numbers).tobytes(), doubt) < 1 / doubt]
    if believed.size == 0:
        middle = float(numbers.mean())
        return middle, middle
    step = means[1]
    low, high = float(believed[0] - step), float(believed[-1] + step)
    return max(0.0, low), min(1.0, high)


@lru_cache(maxsize=256)
def _capital(data: bytes, doubt: float) -> Any:
    """What was won against each mean of the grid: the mean over orders, half on larger and half on smaller."""
    numbers = np.frombuffer(data, np.float64)
    size, means = numbers.size, np.linspace(0, 1, _GRID)
    rng = np.random.default_rng(0)
    won = np.zeros(_GRID)
    with np.errstate(divide="ignore"):
        most_up, most_down = _CAUTION / means, _CAUTION / (1 - means)
    for _ in range(_ORDERS):
        order = rng.permutation(numbers)
        count = np.arange(1, size + 1)
        middle = (0.5 + np.cumsum(order)) / (count + 1)
        spread = (0.25 + np.cumsum((order - middle) ** 2)) / (count + 1)
        before = np.concatenate([[0.25], spread[:-1]])
        bets = np.sqrt(2 * np.log(2 / doubt) / (size * before))
        off = order[:, None] - means
        up = np.log1p(np.minimum(bets[:, None], most_up) * off).sum(axis=0)
        down = np.log1p(-np.minimum(bets[:, None], most_down) * off).sum(axis=0)
        won += np.maximum(np.exp(np.minimum(up, 700)), np.exp(np.minimum(down, 700))) / 2
    return won / _ORDERS
