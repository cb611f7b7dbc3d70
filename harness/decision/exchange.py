"""Could the takes of both releases have been dealt the other way round? A permutation test, exact under exchange.

Conventions
    If nothing changed, the takes of one utterance are exchangeable: which of them bear the new release's name is
    chance. Every way to deal them is equally likely, independently for each utterance; the statistic is the sum of the
    changes. Its tail is computed without drawing: the generating function of the sum is known, and a saddlepoint gives
    the tail to a few percent of itself, however small it is. Skew and rare failures are no trouble, as for a t-test.

Source: Fisher 1935; Lugannani and Rice 1980 (Adv. Appl. Prob. 12); Robinson 1982 (JRSS B 44) for permutation tests.
"""

from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_WAYS = 300
"""Ways to deal the takes of one utterance that are looked at; of more, so many are drawn."""
_STEPS = 60


def dealt(new: Floats, old: Floats) -> Floats:
    """The change of one utterance, and what it could have been: new minus old for every way to deal the takes.

    Args:
        new: Takes of the new release, shape (..., takes); none missing.
        old: Takes of the accepted one.

    Returns:
        Shape (..., ways), in no order.

    >>> sorted(dealt(np.array([4.0]), np.array([1.0, 2.0])).tolist())
    [-2.0, -0.5, 2.5]
    """
    takes = np.concatenate([new, old], axis=-1)
    chosen = _ways(takes.shape[-1], new.shape[-1])
    weights = np.where(chosen, 1 / new.shape[-1], -1 / old.shape[-1])
    return np.asarray(takes @ weights.T)


@lru_cache(maxsize=64)
def _ways(takes: int, new: int) -> Any:
    """Which takes are called new, shape (ways, takes)."""
    if comb(takes, new) <= MOST_WAYS:
        rows = list(combinations(range(takes), new))
    else:
        rng = np.random.default_rng(0)
        rows = [tuple(rng.permutation(takes)[:new]) for _ in range(MOST_WAYS)]
    chosen = np.zeros((len(rows), takes), bool)
    for number, row in enumerate(rows):
        chosen[number, list(row)] = True
    return chosen


def swapped(differences: Floats) -> Floats:
    """For takes paired by seed: the difference with either sign, shape (..., 2)."""
    return np.stack([differences, -differences], axis=-1)


def tail(observed: float, groups: list[Floats]) -> float:
    """Chance that the sum of independent draws, one from each row, is as small as observed or smaller.

    Args:
        observed: The sum of the changes; small is worse.
        groups: Each of shape (rows, ways): the values that a row could have had, equally likely.
    """
    values = [-group for group in groups if group.size]  # now large is worse
    if not values:
        return 1.0
    sum_ = -observed
    largest = sum(float(group.max(axis=1).sum()) for group in values)
    mean = sum(float(group.mean(axis=1).sum()) for group in values)
    spread = largest - mean
    scale = max((float(np.abs(group).max()) for group in values), default=0.0)
    if spread <= 1e-12 * max(scale, 1e-300) or sum_ <= mean:
        return 1.0
    at_most = _all_worst(values)
    if sum_ >= largest - 1e-9 * spread:
        return at_most
    point = _saddlepoint(sum_, values, spread)
    if point is None:
        return at_most
    s, generating, curvature = point
    root = float(np.sqrt(max(2 * (s * sum_ - generating), 0.0)))
    if root < 1e-4:
        return 0.5
    from scipy.special import ndtr

    density = float(np.exp(-0.5 * root * root) / np.sqrt(2 * np.pi))
    chance = float(ndtr(-root)) + density * (1 / (s * float(np.sqrt(curvature))) - 1 / root)
    return float(min(1.0, max(chance, at_most)))


def _all_worst(values: list[Floats]) -> float:
    """Chance that every row has its worst value."""
    logs = 0.0
    for group in values:
        worst = group.max(axis=1, keepdims=True)
        near = np.abs(group - worst) <= 1e-9 * np.maximum(np.abs(worst), 1e-12)
        logs += float(np.log(near.mean(axis=1)).sum())
    return float(np.exp(logs))


def _saddlepoint(sum_: float, values: list[Floats], spread: float) -> tuple[float, float, float] | None:
    """Where the tilted mean is the sum: (s, K(s), K''(s)); None where it lies beyond what can be computed."""
    low, high = 0.0, 1.0 / spread
    for _ in range(200):
        if _cumulants(high, values)[1] >= sum_:
            break
        low, high = high, high * 2
        if high * spread > 1e9:
            return None
    s = (low + high) / 2
    for _ in range(_STEPS):
        generating, mean, curvature = _cumulants(s, values)
        if mean < sum_:
            low = s
        else:
            high = s
        step = s + (sum_ - mean) / curvature if curvature > 0 else s
        following = step if low < step < high else (low + high) / 2
        if abs(following - s) <= 1e-10 * s:
            break
        s = following
    generating, _, curvature = _cumulants(s, values)
    return (s, generating, curvature) if curvature > 0 else None


def _cumulants(s: float, values: list[Floats]) -> tuple[float, float, float]:
    """K, K' and K'' of the sum at s."""
    total = [0.0, 0.0, 0.0]
    for group in values:
        worst = group.max(axis=1, keepdims=True)
        weights = np.exp(s * (group - worst))
        mass = weights.mean(axis=1)
        mean = (weights * group).mean(axis=1) / mass
        square = (weights * (group - mean[:, None]) ** 2).mean(axis=1) / mass
        total[0] += float((np.log(mass) + s * worst[:, 0]).sum())
        total[1] += float(mean.sum())
        total[2] += float(square.sum())
    return total[0], total[1], total[2]


def chance(new: Floats, old: Floats, paired: bool) -> float:
    """Chance, if the two releases were exchangeable, of a sum of changes as small as this.

    Args:
        new: Takes by utterance, positive is better, shape (utterances, takes); NaN where a take is missing.
        old: The accepted release's; where paired, column by column the sibling of the same seed.
        paired: Whether a take may only change places with its sibling.
    """
    if paired:
        both = np.isfinite(new) & np.isfinite(old)
        apart = np.where(both, new - old, 0.0) / np.maximum(both.sum(axis=1, keepdims=True), 1)
        return tail(float(apart.sum()), [swapped(apart[both])])
    ours, theirs = np.isfinite(new), np.isfinite(old)
    counts = np.stack([ours.sum(axis=1), theirs.sum(axis=1)], axis=1)
    observed, groups = 0.0, []
    for a, b in np.unique(counts[(counts > 0).all(axis=1)], axis=0):
        rows = np.flatnonzero((counts == (a, b)).all(axis=1))
        mine, others = new[rows][ours[rows]].reshape(-1, a), old[rows][theirs[rows]].reshape(-1, b)
        observed += float((mine.mean(axis=1) - others.mean(axis=1)).sum())
        groups.append(dealt(mine, others))
    return tail(observed, groups)
