"""What an answer is worth: what would decide it, what it would have found, and what it excludes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.decision.change import Flags, Takes, mean_of_takes
from harness.decision.policy import Margin, Policy
from harness.decision.questions import Answer
from harness.decision.rates import quantile, share_at_most
from harness.decision.sequential import nominal, portion

MOST_TAKES, MOST_UTTERANCES = 50, 5_000
"""Nobody is told to make more."""
SURELY = 0.05
"""Doubt of the rarest failure that is excluded."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would decide a question that is open."""

    utterances_there: int
    more_takes: int | None = None
    """Takes of each utterance at which it would be decided; None where takes of the new release do not decide it."""
    takes_of_both: int | None = None
    """Takes of each utterance that would decide it if the accepted release had as many."""
    utterances: int | None = None
    """Utterances at which it would be decided with the takes there are."""

    def __str__(self) -> str:
        if self.more_takes is not None:
            return f"about {self.more_takes} takes of each utterance would decide it: --takes {self.more_takes}"
        if self.takes_of_both is not None:
            return (
                f"more takes of this release alone would not decide it, about {self.takes_of_both} of both would: "
                f"accept the released model anew with --takes {self.takes_of_both}"
            )
        if self.utterances is not None:
            return (
                f"more takes would not decide it, about {self.utterances} utterances would; "
                f"{self.utterances_there} are there"
            )
        return "more takes would not decide it, more utterances would"


def of_mean(answer: Answer, takes: Takes, rows: Flags) -> Outlook:
    """What would decide an average change."""
    n = int(answer.count[0])
    if n < 2 or not np.isfinite(answer.error[0]):
        return Outlook(n)
    error, delta = float(answer.error[0]), float(answer.delta[0])
    half = max(float(delta - answer.low[0]), error)
    worse = abs(delta) if answer.two_sided else -delta
    seed = _within(takes.old[0][rows]) or _within(takes.new[0][rows])
    ours, theirs = takes.new.shape[2], takes.old.shape[2]
    per_take = 2 * seed if takes.paired else seed
    accepted = 0.0 if takes.paired else seed / theirs
    spread = error**2 * n
    between = max(spread - per_take / ours, 0.0)
    of_both = max(between - accepted, 0.0)

    def decided(half_of: Callable[[int], float], numbers: range) -> int | None:
        for number in numbers:
            wide = half_of(number)
            if worse + wide < answer.margin or (worse >= answer.margin and worse - 2.5 * wide > 0):
                return number
        return None

    widths = half / error
    later = range(ours + 1, MOST_TAKES + 1)
    return Outlook(
        n,
        decided(lambda count: widths * float(np.sqrt((between + per_take / count) / n)), later),
        decided(lambda count: widths * float(np.sqrt((of_both + 2 * seed / count) / n)), later),
        decided(lambda count: half * float(np.sqrt(n / count)), range(n + 1, MOST_UTTERANCES + 1)),
    )


def of_share(hits: float, of: float, bound: float, doubt: float) -> int | None:
    """Takes at which a share seen as now would lie surely below the bound; None where it does not."""
    share = hits / max(of, 1.0)
    if share >= bound:
        return None
    for factor in np.geomspace(1, 64, 25):
        many = np.ceil(of * factor)
        if float(share_at_most(np.array(share * many), np.array(many), np.array(doubt))) < bound:
            return int(many)
    return None


def detectable(answer: Answer, policy: Policy, looks: tuple[int, ...], family: int) -> float:
    """The smallest worsening of an average that such a run calls FAIL four times in five."""
    n = int(answer.count[0])
    if n < 2 or not np.isfinite(answer.error[0]):
        return float("inf")
    strict = nominal(policy.alpha / family, looks) / (2 if answer.two_sided else 1)
    power = quantile(0.8, n - 1)
    error = float(answer.error[0])
    return max(answer.fail_from + power * error, (quantile(1 - strict, n - 1) + power) * error)


def excluded(margin: Margin, takes: Takes, rows: Flags) -> float:
    """The share of takes that a listener does not forgive which is excluded: 0 of n leave 1 - 0.05^(1/n)."""
    limit = (mean_of_takes(takes.old[0]) - margin.lost)[:, None]
    new = takes.new[0][rows]
    known = np.isfinite(new)
    hits = float((known & (new < limit[rows])).sum())
    if margin.better == "neither":
        over = (mean_of_takes(takes.old[0]) + margin.lost)[:, None]
        hits += float((known & (new > over[rows])).sum())
    return float(share_at_most(np.array(hits), np.array(float(max(known.sum(), 1))), np.array(SURELY)))


def confidence(policy: Policy, looks: tuple[int, ...], number: int) -> float:
    """With what chance the interval shown at a look holds the change."""
    return 1 - 2 * portion(policy.doubt, looks, number)


def _within(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    known = np.isfinite(values)
    apart = np.where(known, values - mean_of_takes(values)[:, None], 0.0)
    return float((apart**2).sum() / max(int(np.maximum(known.sum(axis=1) - 1, 0).sum()), 1))
