"""Looking again after more takes, without raising the chance of a false alarm.

Conventions
    `looks` are the numbers of takes after which one looks, rising; one number is one look. A spent p-value is the
    chance, if nothing had changed, that any of the looks gives so small a one; it stays valid whenever one stops.

Source: Pocock 1977 (Biometrika 64); the recursion of Armitage, McPherson and Rowe 1969 (JRSS A 132). The information
of a look is taken as its number of takes, which overstates how much later looks add where utterances differ more than
takes, so that too much is spent and not too little. Normal levels are applied to t-values (Jennison and Turnbull 2000).
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np


def spent(p_values: Any, looks: tuple[int, ...]) -> Any:
    """Chance, if nothing changed, that one of the looks gives a p-value this small; of a number or an array.

    >>> round(float(spent(0.05, (1, 2))), 3), spent(0.05, (3,))
    (0.08, 0.05)
    """
    if len(looks) == 1:
        return p_values
    nominals, chances = _spending(looks)
    logs = np.log10(np.maximum(p_values, 1e-300))
    beyond = np.minimum(logs - nominals[0], 0.0)  # below the table the two are proportional
    return np.minimum(1.0, 10 ** (np.interp(logs, nominals, chances) + beyond))


def portion(doubt: float, looks: tuple[int, ...], number: int) -> float:
    """What look `number` (from 0) may use up of a doubt: little early, most at the end.

    It goes with the square of the number of takes (Kim and DeMets 1987), and is simply added up: together it holds
    whatever the looks have in common.

    >>> [round(portion(0.05, (1, 2, 3, 5), number), 3) for number in range(4)]
    [0.002, 0.006, 0.01, 0.032]
    """
    before = looks[number - 1] if number else 0
    return doubt * (looks[number] ** 2 - before**2) / looks[-1] ** 2


@lru_cache(maxsize=1024)
def nominal(level: float, looks: tuple[int, ...]) -> float:
    """The level for each look that spends `level` over all of them.

    >>> round(nominal(0.05, (1, 2)), 4)
    0.0304
    """
    if len(looks) == 1:
        return level
    nominals, chances = _spending(looks)
    if level <= 10.0 ** chances[0]:
        return float(level * 10 ** (nominals[0] - chances[0]))
    return float(10 ** np.interp(np.log10(level), chances, nominals))


@lru_cache(maxsize=64)
def _spending(looks: tuple[int, ...]) -> tuple[Any, Any]:
    """log10 of nominal levels and of what each spends over the looks, both rising."""
    from scipy.special import ndtri

    nominals = np.linspace(-14, -0.31, 120)
    chances = np.log10([_crossing(-float(ndtri(10**level)), looks) for level in nominals])
    return nominals, chances


def _crossing(bound: float, looks: tuple[int, ...]) -> float:
    """Chance that a standardised random walk exceeds the bound at one of the looks, by numerical integration."""
    from scipy.special import ndtr

    times = np.asarray(looks, np.float64) / looks[-1]
    width = float(np.sqrt(times[0]))
    chance = float(ndtr(-bound))
    grid = np.linspace(-9 * width, bound * width, 401)
    density = np.exp(-0.5 * (grid / width) ** 2) / (width * np.sqrt(2 * np.pi))
    for before, now in pairwise(times):
        step = float(np.sqrt(now - before))
        weights = density * np.full(grid.size, grid[1] - grid[0])
        weights[[0, -1]] /= 2
        top = bound * float(np.sqrt(now))
        chance += float(weights @ ndtr((grid - top) / step))
        onward = np.linspace(-9 * float(np.sqrt(now)), top, 401)
        density = np.exp(-0.5 * ((onward[:, None] - grid) / step) ** 2) @ weights / (step * np.sqrt(2 * np.pi))
        grid = onward
    return chance
