"""Shares that were counted, with their intervals; what the decision takes from the t and the binomial distribution.

Source: Clopper and Pearson 1934; Fisher 1935. scipy.special only: scipy.stats takes a second to be imported.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.power_table import CountedRate

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with the interval."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's (1934) at `CONFIDENCE`: never narrower than promised.

        >>> [round(end, 3) for end in Rate(0, 122).interval]
        [0.0, 0.03]
        """
        return exact_interval(self.count, self.of, (1 - CONFIDENCE) / 2)

    def record(self) -> CountedRate:
        """As it is kept."""
        low, high = self.interval
        return CountedRate(self.count, self.of, round(low, 4), round(high, 4))


def exact_interval(hits: int, of: int, doubt: float) -> tuple[float, float]:
    """Both ends of the interval of a share; it lies below, or above, with at most `doubt` (Clopper and Pearson 1934).

    >>> low, high = exact_interval(0, 10, 0.05)
    >>> low, round(high, 3)
    (0.0, 0.259)
    """
    from scipy.special import betaincinv

    low = float(betaincinv(hits, of - hits + 1, doubt)) if hits else 0.0
    return low, float(betaincinv(hits + 1, of - hits, 1 - doubt)) if hits < of else 1.0


def at_least(hits: Any, of: Any, chance: Any) -> Any:
    """Chance of so many hits or more (binomial); arrays are broadcast."""
    from scipy.special import betainc

    some = np.maximum(np.asarray(hits, np.float64), 1.0)
    inside = np.maximum(np.asarray(of, np.float64) - some + 1.0, 1e-300)
    return np.where(np.asarray(hits) > 0, np.where(inside >= 1.0, betainc(some, inside, chance), 0.0), 1.0)


@lru_cache(maxsize=4096)
def detectable_share(n: int, chance: float, level: float) -> float:
    """The share of lost utterances that is found four times in five at this level."""
    hits = np.arange(1, n + 1)
    surprising = np.flatnonzero(at_least(hits, n, chance) <= level)
    least = int(hits[surprising[0]]) if surprising.size else n
    often = np.flatnonzero(at_least(least, n, hits / n) >= 0.8)
    return float(hits[often[0]] / n) if often.size else 1.0


@lru_cache(maxsize=4096)
def quantile(probability: float, df: int) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def share_at_most(hits: Floats, of: Floats, doubt: Floats) -> Floats:
    """Upper bounds of shares that are above them with at most `doubt` (Clopper and Pearson 1934); arrays of one shape.

    >>> float(share_at_most(np.array(0.0), np.array(59.0), np.array(0.05)).round(3))
    0.05
    """
    from scipy.special import betaincinv

    inside = hits < of
    return np.asarray(np.where(inside, betaincinv(hits + 1.0, np.where(inside, of - hits, 1.0), 1 - doubt), 1.0))


def share_at_least(hits: Floats, of: Floats, doubt: Floats) -> Floats:
    """Lower bounds of shares, likewise."""
    from scipy.special import betaincinv

    return np.asarray(np.where(hits > 0, betaincinv(np.maximum(hits, 1.0), of - hits + 1.0, doubt), 0.0))


def fisher(new: Floats, of_new: Floats, old: Floats, of_old: Floats) -> Floats:
    """Chance of so many hits or more on the new side, had those of both been dealt by chance (Fisher 1935).

    >>> float(fisher(np.array([3.0]), np.array([4.0]), np.array([1.0]), np.array([4.0]))[0].round(4))
    0.2429
    """
    from scipy.special import gammaln

    def log_ways(n: Floats, k: Floats) -> Floats:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    hits, chance = new + old, np.zeros(new.shape)
    for count in range(int(hits.max(initial=0)) + 1):
        possible = (count >= new) & (count <= hits) & (count <= of_new) & (hits - count <= of_old)
        there = np.where(possible, count, new)
        logs = log_ways(of_new, there) + log_ways(of_old, hits - there) - log_ways(of_new + of_old, hits)
        chance += np.where(possible, np.exp(logs), 0.0)
    return np.minimum(chance, 1.0)
