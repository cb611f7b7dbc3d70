"""Looking again after more takes, without raising the chance of a false alarm.

Conventions
    `looks` are the numbers of takes after which one looks, rising; one number is one look. A spent p-value is the
    chance, if nothing had changed, that any of the looks gives so small a one; it stays valid whenever one stops.

Source: Pocock 1977 (Biometrika 64); the recursion of Armitage, McPherson and Rowe 1969 (JRSS A 132); Kim and DeMets
1987 (Biometrika 74). The information of a look is taken as its number of takes, which overstates how much later looks
add where utterances differ more than takes: then looks have more in common, so that too much is spent and not too
little (Slepian 1962). Normal levels are applied to t-values (Jennison and Turnbull 2000).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EARLY_LITTLE = 2.0
"""What the looks up to one use up of a doubt goes with this power of its number of takes."""


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
    """The level of the interval at look `number` (from 0): little early, most at the end, `doubt` over all looks.

    What is used up by a look goes with the square of its number of takes (Kim and DeMets 1987). Levels are those whose
    joint chance is that, as looks share the takes of the earlier ones.

    >>> [round(portion(0.05, (1, 2, 3, 5), number), 3) for number in range(4)]
    [0.002, 0.007, 0.014, 0.042]
    """
    return _levels(doubt, looks)[number]


@lru_cache(maxsize=256)
def _levels(doubt: float, looks: tuple[int, ...]) -> tuple[float, ...]:
    """The level of each look at which together they use up the doubt, by the same recursion."""
    from scipy.special import ndtr, ndtri

    shares = np.diff([0.0, *(np.asarray(looks, np.float64) / looks[-1]) ** EARLY_LITTLE]) * doubt
    walk, levels = _Walk(0, _times(looks), np.zeros(1), np.ones(1)), list[float]()
    for number, share in enumerate(shares):
        low, high = 0.0, -float(ndtri(share)) + 1e-9  # alone it would need the highest bound
        for _ in range(60):
            bound = (low + high) / 2
            low, high = (bound, high) if walk.beyond(bound) > share else (low, bound)
        levels.append(float(ndtr(-high)))
        if number < len(looks) - 1:
            walk = walk.onward(high)
    return tuple(levels)


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
    """Chance that a standardised random walk exceeds the bound at one of the looks."""
    walk = _Walk(0, _times(looks), np.zeros(1), np.ones(1))
    chance = walk.beyond(bound)
    for _ in looks[1:]:
        walk = walk.onward(bound)
        chance += walk.beyond(bound)
    return chance


def _times(looks: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(look / looks[-1] for look in looks)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A random walk that has exceeded no bound before look `number`, by numerical integration."""

    number: int
    times: tuple[float, ...]
    grid: Floats
    """Where it can have been at the look before."""
    weights: Floats
    """Its chance to have been there."""

    @property
    def _step(self) -> float:
        before = self.times[self.number - 1] if self.number else 0.0
        return float(np.sqrt(self.times[self.number] - before))

    def beyond(self, bound: float) -> float:
        """Chance that it exceeds this many standard deviations at its look, and nothing before."""
        from scipy.special import ndtr

        top = bound * float(np.sqrt(self.times[self.number]))
        return float(self.weights @ ndtr((self.grid - top) / self._step))

    def onward(self, bound: float) -> "_Walk":
        """The same at the next look, where it did not exceed the bound."""
        width = float(np.sqrt(self.times[self.number]))
        grid = np.linspace(-9 * width, bound * width, 401)
        apart = (grid[:, None] - self.grid) / self._step
        density = np.exp(-0.5 * apart**2) @ self.weights / (self._step * np.sqrt(2 * np.pi))
        weights = density * (grid[1] - grid[0])
        weights[[0, -1]] /= 2
        return _Walk(self.number + 1, self.times, grid, weights)
