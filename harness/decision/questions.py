"""Every question about a release, answered for many runs at once: `release` asks them of one run, `audit` of thousands.

Conventions: arrays as in `change`. A question is (stratum, metric, kind).

Kinds
    mean     the average change of a metric over all texts, of a suite or of a voice. A stratum's margin is that of the
             metric times sqrt(texts of the run / texts of the stratum)
    anchor   the average change over all texts since the first release of the line
    lost     the share of texts that lost more than a listener forgives and more than noise explains
    broken   the share of takes that broke a gate

Answers
    PASS is shown: the interval lies inside the margin. FAIL is shown worse, and the best estimate is as bad as the
    margin: what is worse and lies inside the margin is looked at again. What passed stays passed.

    Shown worse: two tests that fail in different ways must agree, a t-test over utterances, which bears that one
    release is noisier, and the exchange of takes, which bears skew. The p-value is the larger of the two, then the
    smallest over all looks, spent over those that are planned, then corrected over all questions (Holm 1979).

    A mean that rare failures decide cannot be bounded from takes of which none failed. Where a metric has a cap, what
    lies beyond an utterance's accepted value by more than a listener forgives is counted apart: its share has an exact
    upper bound (Clopper and Pearson 1934), and each may cost all that is left up to the cap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.decision import exchange
from harness.decision.change import Flags, Floats, Spread, Strata, Takes, VoiceScatter, mean_of_takes, spread
from harness.decision.policy import Margin, Policy
from harness.decision.rates import at_least, fisher, share_at_least, share_at_most
from harness.decision.sequential import portion, spent

LEAST_UTTERANCES = 2
"""One gives no spread at all."""
LOST_BY_CHANCE = 0.01
"""Share of utterances that may be lost before it says anything."""
LOST_NOISE_SDS = 4.0
"""A change within so many standard deviations of the noise is no loss."""
EARLY_TAIL = 0.1
"""Before the last look a stratum's rare failures may pass with so much of the doubt only."""
OPEN, PASS, FAIL = 0, 1, 2

Kind = Literal["mean", "anchor", "lost", "broken"]
Key = tuple[str, str, Kind]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found at one look; arrays of shape (runs,)."""

    delta: Floats
    low: Floats
    high: Floats
    p_value: Floats
    """Of this look alone; where either side may be worse, of the side that is."""
    margin: float
    """What PASS excludes."""
    fail_from: float
    """What FAIL needs at least as the best estimate."""
    count: Floats
    """Utterances, or takes, that it rests on."""
    error: Floats
    """Standard error."""
    two_sided: bool = False

    @property
    def inside(self) -> Flags:
        """Whether the interval lies inside the margin; false for NaN."""
        within = self.low > -self.margin
        return np.asarray(within & (self.high < self.margin) if self.two_sided else within)

    @property
    def bad(self) -> Flags:
        """Whether the best estimate is as bad as the margin."""
        return np.asarray((np.abs(self.delta) if self.two_sided else -self.delta) >= self.fail_from)


@dataclass(frozen=True, slots=True)
class Broken:
    """Takes that broke a gate, and all takes, on both sides; each of shape (runs,)."""

    new: Floats
    of_new: Floats
    old: Floats
    of_old: Floats


@dataclass(frozen=True, slots=True)
class Look:
    """All that is there at a look: oriented takes by metric."""

    takes: Mapping[str, Takes]
    anchor: Mapping[str, Takes] = field(default_factory=dict)
    broken: Broken | None = None


@dataclass
class Rule:
    """The questions of some runs, look after look."""

    margins: Sequence[Margin]
    strata: Strata
    policy: Policy
    looks: tuple[int, ...]
    whole: bool
    """Whether the questions that need every text are asked: lost, anchor."""
    outcomes: dict[Key, NDArray[np.int8]] = field(default_factory=dict)
    p_values: dict[Key, Floats] = field(default_factory=dict)
    """Smallest so far, spent over the looks."""
    adjusted: dict[Key, Floats] = field(default_factory=dict)
    """After correction over all questions."""
    answers: dict[Key, Answer] = field(default_factory=dict)
    """Of the last look."""

    def look(self, there: Look, number: int) -> None:
        """Answer every question that is open, with all takes up to look `number` (from 0)."""
        answers: dict[Key, Answer] = {}
        compared: dict[Key, Takes] = {}
        doubt = portion(self.policy.doubt, self.looks, number)
        level = _Level(doubt, self.policy.tail_doubt * (1.0 if number == len(self.looks) - 1 else EARLY_TAIL))
        scatter = VoiceScatter.of(list(there.takes.values()), self.strata)
        of_all = replace(scatter, shares=scatter.shares[:, [-1, -1]])
        for margin in self.margins:
            takes = there.takes[margin.metric]
            means = _means(margin, takes, self.strata, scatter, level, "mean")
            if self.whole:
                answers["all", margin.metric, "lost"] = _lost(margin, takes, self.policy, doubt)
            if self.whole and margin.metric in there.anchor:
                since = there.anchor[margin.metric]
                far = replace(margin, margin=margin.margin * self.policy.anchor_margins)
                means |= _means(far, since, self.strata.pooled, of_all, level, "anchor")
            answers |= means
            compared |= {key: there.anchor[key[1]] if key[2] == "anchor" else takes for key in means}
        if there.broken is not None:
            answers["all", "", "broken"] = _broken(there.broken, self.policy, doubt)
        if answers:
            self._settle(answers, compared)

    def _settle(self, fresh: Mapping[Key, Answer], compared: Mapping[Key, Takes]) -> None:
        keys = list(fresh)
        current = np.stack([self._spent(fresh[key].p_value, fresh[key]) for key in keys], axis=1)
        before = np.stack([self.p_values.get(key, np.ones(len(current))) for key in keys], axis=1)
        # The exchange can only raise a p-value: it is asked where the t-test alone would find something.
        for run, column in np.argwhere((holm(np.minimum(current, before)) <= self.policy.alpha) & (current <= before)):
            key = keys[column]
            if key in compared:
                exchanged = self._exchanged(key, compared[key], int(run), fresh[key])
                current[run, column] = max(current[run, column], float(self._spent(np.array(exchanged), fresh[key])))
        smallest = np.minimum(current, before)
        adjusted = holm(smallest)
        for column, key in enumerate(keys):
            answer = fresh[key]
            self.answers[key], self.p_values[key] = answer, smallest[:, column]
            self.adjusted[key] = adjusted[:, column]
            failed = (adjusted[:, column] <= self.policy.alpha) & answer.bad
            now = np.where(answer.inside, PASS, np.where(failed, FAIL, OPEN)).astype(np.int8)
            earlier = self.outcomes.get(key, np.zeros(len(current), np.int8))
            self.outcomes[key] = np.where(earlier != OPEN, earlier, now)

    def _spent(self, p_values: Floats, answer: Answer) -> Floats:
        """Over all looks, and where either side may be worse over both."""
        sides = 2.0 if answer.two_sided else 1.0
        return np.asarray(np.minimum(spent(p_values, self.looks) * sides, 1.0))

    def _exchanged(self, key: Key, takes: Takes, run: int, answer: Answer) -> float:
        rows = np.arange(takes.new.shape[1])
        if key[2] == "mean":
            rows = np.flatnonzero(self.strata.members[self.strata.names.index(key[0])])
        sign = -1.0 if answer.two_sided and answer.delta[run] > 0 else 1.0
        return exchange.chance(sign * takes.new[run][rows], sign * takes.old[run][rows], takes.paired)

    def only(self, runs: NDArray[np.intp]) -> "Rule":
        """The same of some of the runs."""
        return replace(
            self,
            outcomes={key: arrays[runs] for key, arrays in self.outcomes.items()},
            p_values={key: arrays[runs] for key, arrays in self.p_values.items()},
            adjusted={},
            answers={},
        )


def holm(p_values: Floats) -> Floats:
    """p-values adjusted over the last axis (Holm 1979).

    >>> holm(np.array([[0.01, 0.04, 0.001]]))
    array([[0.02 , 0.04 , 0.003]])
    """
    order = np.argsort(p_values, axis=-1, kind="stable")
    family = p_values.shape[-1]
    ranked = np.take_along_axis(p_values, order, axis=-1) * (family - np.arange(family))
    adjusted = np.empty_like(ranked)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(ranked, axis=-1), 1.0), axis=-1)
    return np.asarray(adjusted)


@dataclass(frozen=True, slots=True)
class _Level:
    """What a look may use up of the doubt."""

    doubt: float
    tail: float
    """For failures of a suite or voice that are too rare to be seen."""


def _means(
    margin: Margin, takes: Takes, strata: Strata, scatter: VoiceScatter, level: _Level, kind: Kind
) -> dict[Key, Answer]:
    """The average changes of a metric, of every stratum."""
    floor, both = margin.resolution / np.sqrt(6), margin.better == "neither"
    change = spread(takes, strata, scatter, floor)
    half = _quantile(1 - level.doubt, change)
    low, high = change.delta - half, change.delta + half
    if margin.cap is not None and margin.better == "lower":
        low = np.minimum(low, _reckoning_with_the_unseen(margin, takes, strata, scatter, level))
    worse = np.abs(change.delta) if both else -change.delta
    # Without a resolution, changes that are all alike have no error: then any worsening is certain, and none is none.
    certain = np.where(worse > 0, np.inf, -np.inf)
    p_value = _upper_tail(
        np.divide(worse, change.worse_error, out=certain, where=change.worse_error > 0), change.worse_freedom
    )
    enough = change.count >= LEAST_UTTERANCES
    low, high = np.where(enough, low, -np.inf), np.where(enough, high, np.inf)
    p_value = np.where(enough, p_value, 1.0)
    answers: dict[Key, Answer] = {}
    for column, (name, widening) in enumerate(zip(strata.names, strata.widening, strict=True)):
        own = margin.margin * float(widening)
        answers[name, margin.metric, kind] = Answer(
            delta=change.delta[:, column],
            low=low[:, column],
            high=high[:, column],
            p_value=p_value[:, column],
            margin=own,
            fail_from=own,
            count=change.count[:, column],
            error=change.error[:, column],
            two_sided=both,
        )
    return answers


def _quantile(probability: float, change: Spread) -> Floats:
    """Half the width of the interval, shape (runs, strata)."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(change.freedom, probability) * change.error)


def _upper_tail(value: Floats, freedom: Floats) -> Floats:
    from scipy.special import stdtr

    return np.asarray(stdtr(freedom, -value))


def _median_of_takes(values: Floats) -> Floats:
    """Medians over the takes that are there; NaN where none is."""
    some = np.isfinite(values).any(axis=-1)
    medians = np.full(some.shape, np.nan)
    medians[some] = np.nanmedian(values[some], axis=-1)
    return medians


def _reckoning_with_the_unseen(
    margin: Margin, takes: Takes, strata: Strata, scatter: VoiceScatter, level: _Level
) -> Floats:
    """Lower ends of the mean changes that allow for failures of which few or none were seen, (runs, strata)."""
    accepted = mean_of_takes(takes.old) if takes.old.shape[2] < 3 else _median_of_takes(takes.old)
    limit = (accepted - margin.lost)[:, :, None]
    cut = Takes(np.maximum(takes.new, limit), np.maximum(takes.old, limit), takes.paired)
    inner = spread(cut, strata, scatter, margin.resolution / np.sqrt(6))
    members, known = strata.members.T.astype(np.float64), np.isfinite(takes.new)
    hits = (known & (takes.new < limit - 1e-12)).sum(axis=2).astype(np.float64) @ members
    of = known.sum(axis=2).astype(np.float64) @ members
    worst = -(margin.cap or 0.0)
    left = np.maximum(accepted - margin.lost - worst, 0.0)
    size = (np.where(np.isfinite(left), left, 0.0) @ members) / np.maximum(np.isfinite(left) @ members, 1)
    doubts = np.where(strata.members.all(axis=1), level.doubt, level.tail)
    bound = share_at_most(hits, np.maximum(of, 1), np.broadcast_to(doubts, hits.shape))
    return np.asarray(inner.delta - _quantile(1 - level.doubt, inner) - bound * size)


def _lost(margin: Margin, takes: Takes, policy: Policy, doubt: float) -> Answer:
    """The share of texts that are lost."""
    change = takes.changes
    known = np.isfinite(change)
    n = known.sum(axis=1).astype(np.float64)
    some = np.maximum(n, 1)
    limit = np.asarray(np.maximum(margin.lost, LOST_NOISE_SDS * _noise(takes, change)))[:, None]
    hits = (known & (_worsening(margin, change) > limit)).sum(axis=1).astype(np.float64)
    share = np.where(n > 0, hits / some, np.nan)
    p_value = np.where(n > 0, at_least(hits, some, _by_chance(margin, takes.old, limit)), 1.0)
    high = np.where(n > 0, share_at_most(hits, some, np.full(n.shape, doubt)), np.inf)
    low = share_at_least(hits, some, np.full(n.shape, doubt))
    error = np.sqrt(share * (1 - share) / some)
    return Answer(-share, -high, -low, p_value, policy.lost_share, policy.lost_share, n, error)


def _worsening(margin: Margin, change: Floats) -> Floats:
    return np.abs(change) if margin.better == "neither" else -change


def _noise(takes: Takes, change: Floats) -> Floats:
    """Standard deviation of the change of an utterance that lost nothing, shape (runs,).

    The larger of what takes of one utterance scatter, and of the central half of the changes, which lost utterances
    leave alone: a release may be noisier than the accepted one.
    """
    seed = _within(takes.old)
    seed = np.where(seed > 0, seed, _within(takes.new))
    ours, theirs = (np.maximum(np.isfinite(side).any(axis=1).sum(axis=1), 1) for side in (takes.new, takes.old))
    by_seed = np.sqrt(seed * (2 / ours if takes.paired else 1 / ours + 1 / theirs))
    some = np.any(np.isfinite(change), axis=1, keepdims=True)
    there = np.where(some, change, 0.0)
    apart = np.abs(there - np.nanmedian(there, axis=1, keepdims=True))
    return np.asarray(np.maximum(by_seed, np.nanmedian(apart, axis=1) / 0.6745))


def _within(values: Floats) -> Floats:
    """Variance between takes of one utterance, shape (runs,); 0 where there is one take of each."""
    known = np.isfinite(values)
    apart = np.where(known, values - mean_of_takes(values)[:, :, None], 0.0)
    freedom = np.sum(np.maximum(np.sum(known, axis=2) - 1, 0), axis=1)
    return np.asarray((apart**2).sum(axis=(1, 2)) / np.maximum(freedom, 1))


def _by_chance(margin: Margin, values: Floats, limit: Floats) -> Floats:
    """Share of the accepted takes that would count as lost beside the others of their utterance, shape (runs,)."""
    known = np.isfinite(values)
    count = known.sum(axis=2, keepdims=True)
    apart = np.where(known, values - mean_of_takes(values)[:, :, None], 0.0) * (count / np.maximum(count - 1, 1))
    counted = known & (count > 1)
    hits = np.sum(counted & (_worsening(margin, apart) > limit[:, :, None]), axis=(1, 2))
    return np.asarray(np.maximum(LOST_BY_CHANCE, hits / np.maximum(np.sum(counted, axis=(1, 2)), 1)))


def _broken(counts: Broken, policy: Policy, doubt: float) -> Answer:
    """The share of takes that broke a gate: above what is allowed, or above the accepted release's."""
    of = np.maximum(counts.of_new, 1)
    share, level = counts.new / of, np.full(counts.new.shape, doubt)
    above = at_least(counts.new, of, policy.broken_share)
    p_value = np.minimum(1.0, 2 * np.minimum(above, fisher(counts.new, counts.of_new, counts.old, counts.of_old)))
    high, low = share_at_most(counts.new, of, level), share_at_least(counts.new, of, level)
    error = np.sqrt(share * (1 - share) / of)
    fail_from = max(policy.broken_share, 1e-12)
    return Answer(-share, -high, -low, p_value, policy.broken_bound, fail_from, counts.of_new, error)
