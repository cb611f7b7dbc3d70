"""Is the new release worse than the accepted one? Pure numbers; `harness.decision.gates` turns them into verdicts.

Conventions
    A panel is one side of the comparison: for each metric an array of shape (utterances, takes), a column a seed. The
    change of an utterance is new minus old, oriented so that positive is better: paired by seed where the new side has
    only seeds that the old one has too, otherwise the difference of the two averages, so that no take is left out. A
    metric of which neither more
    nor less is better may not drift either way. Relative changes are differences of logarithms.

    Takes of one utterance resemble each other, so every interval is over utterances, and where speakers scatter more
    than their utterances, over speakers. Fewer than `LEAST_SPEAKERS` are no sample of speakers: there a loss is a fact
    about the voices at hand, while the claim "not worse" still has to bear the scatter between them.

Questions
    mean    the average change in a stratum (a suite, or a voice over all suites), by a t interval
    lost    the share of all utterances that lost more than a listener forgives and more than seeds explain (exact)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.decision.policy import Margin, Policy
from harness.decision.rates import at_least, detectable_share, exact_interval, quantile, tail
from harness.decision.sequential import nominal, spent

Floats = NDArray[np.float64]

LEAST_SPEAKERS = 6  # with fewer clusters a cluster-robust t is off (Cameron, Gelbach and Miller 2008)
LEAST_UTTERANCES = 2  # one gives no spread at all
LEAST_OF_A_VOICE = 8  # a voice heard less often is judged with its suite only
MOST_TAKES, MOST_UTTERANCES = 50, 5_000  # nobody is told to make more
LOST_BY_CHANCE = 0.01  # share of utterances that may be lost before it says anything
LOST_NOISE_SDS = 4.0  # a change within so many standard deviations of the seeds' noise is no loss


@dataclass(frozen=True, slots=True)
class Panel:
    """One side: values by metric, each of shape (utterances, takes), and the seeds of the takes."""

    seeds: tuple[int, ...]
    values: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the rows of both panels are."""

    utterances: tuple[str, ...]
    suites: tuple[str, ...]
    speakers: tuple[str, ...]

    def strata(self, asked: Sequence[str]) -> dict[str, NDArray[np.intp]]:
        """Rows by stratum: `suite NAME`, `voice NAME`; of the suites asked for, voices over all of them."""
        suites, speakers = np.array(self.suites), np.array(self.speakers)
        found = {f"suite {name}": np.flatnonzero(suites == name) for name in dict.fromkeys(self.suites)}
        found |= {f"voice {name}": np.flatnonzero(speakers == name) for name in dict.fromkeys(self.speakers)}
        return {
            name: rows
            for name, rows in found.items()
            if name in asked or ("voices" in asked and name.startswith("voice ") and rows.size >= LEAST_OF_A_VOICE)
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question and its answer in numbers; `gates.compare` says what it means."""

    stratum: str
    metric: str
    kind: str
    """mean or lost"""
    delta: float
    """Average change, positive is better; for `lost`, minus the share of lost utterances."""
    low: float
    high: float
    p_value: float
    """That nothing got worse, after all looks."""
    clusters: int
    standard_error: float
    worst: tuple[tuple[str, float], ...]
    """Utterances with their changes, worst first."""
    detectable: float
    """The smallest worsening that such a run finds four times in five."""
    more_takes: int | None = None
    """Takes of each utterance at which this would be decided; None where takes of the new release do not decide it."""
    takes_of_both: int | None = None
    """Takes of each utterance that would decide it if the accepted release had as many."""
    utterances: int | None = None
    """Utterances at which it would be decided with the takes there are."""

    @property
    def way_out(self) -> str:
        """What would decide it, the cheapest first."""
        if self.more_takes is not None:
            return f"about {self.more_takes} takes of each utterance would decide it: --takes {self.more_takes}"
        if self.takes_of_both is not None:
            return (
                f"more takes of this release alone would not decide it, about {self.takes_of_both} of both would: "
                f"accept the released model anew with --takes {self.takes_of_both}"
            )
        if self.utterances is not None:
            return (
                f"more takes would not decide it, about {self.utterances} utterances would; {self.clusters} are there"
            )
        return "more takes would not decide it, more utterances would"


def changes(margin: Margin, new: Panel, old: Panel) -> Floats:
    """Change of each utterance, shape (utterances,), positive is better; NaN where a side has no number.

    >>> margin = Margin("x", "s", 1, 1, 0, "w", better="lower")
    >>> old = Panel((0, 1), {"x": np.array([[1.0, 3.0]])})
    >>> changes(margin, Panel((1,), {"x": np.array([[2.5]])}), old)
    array([0.5])
    """
    ours, theirs = margin.scaled(new.values[margin.metric]), margin.scaled(old.values[margin.metric])
    apart = _row_means(ours) - _row_means(theirs)
    if not _paired(new, old):
        return apart
    together = _row_means(ours - theirs[:, [old.seeds.index(seed) for seed in new.seeds]])
    return np.where(np.isfinite(together), together, apart)


def levels(metric: str, new: Panel, old: Panel, rows: NDArray[np.intp]) -> tuple[float, float]:
    """Means of the accepted release and of the new one over some utterances, of the seeds that are compared.

    >>> old = Panel((0, 1), {"x": np.array([[1.0, 3.0], [2.0, 3.0]])})
    >>> levels("x", Panel((1,), {"x": np.array([[2.5], [9.0]])}), old, np.array([0]))
    (3.0, 2.5)
    """
    common = [seed for seed in new.seeds if seed in old.seeds]
    means = []
    for side in (old, new):
        columns = [side.seeds.index(seed) for seed in common or side.seeds]
        of_utterances = _row_means(side.values[metric][rows][:, columns])
        known = of_utterances[np.isfinite(of_utterances)]
        means.append(float(known.mean()) if known.size else float("nan"))
    return means[0], means[1]


def _paired(new: Panel, old: Panel) -> bool:
    """Whether every take of the new side has its sibling of the same seed on the old one."""
    return set(new.seeds) <= set(old.seeds)


def _row_means(values: Floats) -> Floats:
    """Means over the takes that are there; NaN where none is. Missing takes are `golden.unmeasured`'s affair."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def compare(
    new: Panel,
    old: Panel,
    layout: Layout,
    margins: Sequence[Margin],
    asked: Sequence[str],
    policy: Policy,
    looks: tuple[int, ...],
    family: int = 0,
) -> list[Comparison]:
    """Every question about two panels, strata first, then the lost utterances of the whole.

    Args:
        new: The release that is judged.
        old: The accepted one.
        layout: What the rows of both are.
        margins: What is compared.
        asked: `suite NAME` for each suite, `voices`, `lost`.
        policy: The error rates.
        looks: Takes of each utterance at every look up to now and planned; one number without `--takes auto`.
        family: Number of questions asked in the whole run; those of this call where 0.
    """
    strata = layout.strata(asked)
    count = family or len(margins) * (len(strata) + ("lost" in asked))
    _, speakers = np.unique(np.array(layout.speakers), return_inverse=True)
    found = []
    for margin in margins:
        by_utterance = changes(margin, new, old)
        noise = _Noise.of(margin, new, old)
        found += [
            _mean(name, margin, by_utterance, rows, layout, speakers, noise, policy, looks, count)
            for name, rows in strata.items()
        ]
        if "lost" in asked:
            found.append(_lost(margin, by_utterance, layout, noise, policy, looks, count))
    return found


@dataclass(frozen=True, slots=True)
class _Noise:
    """What seeds alone do to the change of one utterance."""

    per_take: float
    """Variance that one more take of the new side averages away."""
    takes: int
    sd: float
    """Standard deviation of the change."""
    chance: float
    """Share of the accepted release's own takes that would count as lost beside their siblings."""
    seed: float
    """Variance between takes of one utterance."""
    accepted: float
    """What the accepted release's few takes add to the variance of the change; nought where seeds are paired."""

    @classmethod
    def of(cls, margin: Margin, new: Panel, old: Panel) -> "_Noise":
        theirs = margin.scaled(old.values[margin.metric])
        ours = margin.scaled(new.values[margin.metric])
        seed = _within(theirs) or _within(ours)
        takes, paired = ours.shape[1], _paired(new, old)
        if not paired:
            sd = float(np.sqrt(seed * (1 / takes + 1 / theirs.shape[1])))
            per_take = seed
        else:
            sd, per_take = float(np.sqrt(2 * seed / takes)), 2 * seed
        accepted = 0.0 if paired else seed / theirs.shape[1]
        return cls(per_take, takes, sd, _chance(margin, theirs, sd), seed, accepted)


def _within(values: Floats) -> float:
    """Variance between takes of one utterance, pooled over utterances; 0 where there is one take of each."""
    known = np.isfinite(values)
    freedom = int(np.maximum(known.sum(axis=1) - 1, 0).sum())
    apart = np.where(known, values - _row_means(values)[:, None], 0.0)
    return float(np.square(apart).sum() / freedom) if freedom else 0.0


def _chance(margin: Margin, values: Floats, sd: float) -> float:
    """Share of takes that would count as lost beside the others of their utterance, at least `LOST_BY_CHANCE`."""
    count = np.isfinite(values).sum(axis=1, keepdims=True)
    apart = (values - _row_means(values)[:, None]) * count / np.maximum(count - 1, 1)
    lost = _is_lost(margin, apart[np.isfinite(apart) & (count > 1)], sd)
    return max(LOST_BY_CHANCE, float(lost.mean()) if lost.size else 0.0)


def _is_lost(margin: Margin, change: Floats, sd: float) -> NDArray[np.bool_]:
    drop = np.abs(change) if margin.better == "neither" else -change
    return np.asarray(drop > max(margin.lost, LOST_NOISE_SDS * sd))


def _mean(
    name: str,
    margin: Margin,
    by_utterance: Floats,
    rows: NDArray[np.intp],
    layout: Layout,
    speakers: NDArray[np.intp],
    noise: _Noise,
    policy: Policy,
    looks: tuple[int, ...],
    family: int,
) -> Comparison:
    rows = rows[np.isfinite(by_utterance[rows])]
    change = by_utterance[rows]
    n = change.size
    worst = _worst(margin, change, rows, layout)
    if n < LEAST_UTTERANCES:
        nothing = float("nan")
        return Comparison(name, margin.metric, "mean", nothing, -np.inf, np.inf, 1.0, n, nothing, worst, np.inf)
    delta, floor = float(change.mean()), margin.resolution / np.sqrt(6 * n)
    spread = float(change.var(ddof=1))
    error = max(float(np.sqrt(spread / n)), floor)
    doubt, both = nominal(policy.doubt, looks), margin.better == "neither"
    half = quantile(1 - doubt, n - 1) * error
    p_value = tail(abs(delta) / error if both else -delta / error, n - 1) * (2 if both else 1)
    speaker_error, heard = _speaker_error(change - delta, speakers[rows])
    if heard >= LEAST_UTTERANCES:
        half = max(half, quantile(1 - doubt, heard - 1) * max(speaker_error, floor))
    if heard >= LEAST_SPEAKERS and speaker_error > error:
        p_value = tail(abs(delta) / speaker_error if both else -delta / speaker_error, heard - 1) * (2 if both else 1)
    strict = nominal(policy.alpha / family, looks) / (2 if both else 1)
    reach = float(quantile(1 - strict, n - 1) + quantile(0.8, n - 1))
    worse = abs(delta) if both else -delta
    between = max(spread - noise.per_take / noise.takes, 0.0)
    of_both = max(between - noise.accepted, 0.0)
    later = range(noise.takes + 1, MOST_TAKES + 1)
    return Comparison(
        stratum=name,
        metric=margin.metric,
        kind="mean",
        delta=delta,
        low=delta - half,
        high=delta + half,
        p_value=spent(min(p_value, 1.0), looks),
        clusters=n,
        standard_error=error,
        worst=worst,
        # What lies inside the margin passes, however surely it is there.
        detectable=max(reach * error, margin.margin - half + quantile(0.8, n - 1) * error),
        more_takes=_first(
            later, margin, worse, lambda takes: half / error * np.sqrt((between + noise.per_take / takes) / n)
        ),
        takes_of_both=_first(
            later, margin, worse, lambda takes: half / error * np.sqrt((of_both + 2 * noise.seed / takes) / n)
        ),
        utterances=_first(range(n + 1, MOST_UTTERANCES + 1), margin, worse, lambda count: half * np.sqrt(n / count)),
    )


def _worst(margin: Margin, change: Floats, rows: NDArray[np.intp], layout: Layout) -> tuple[tuple[str, float], ...]:
    drop = -np.abs(change) if margin.better == "neither" else change
    return tuple((layout.utterances[rows[i]], float(change[i])) for i in np.argsort(drop, kind="stable")[:3])


def _speaker_error(residuals: Floats, speakers: NDArray[np.intp]) -> tuple[float, int]:
    """Standard error of a mean clustered by speaker (CR1), and the number of speakers."""
    sums = np.bincount(speakers, weights=residuals)[np.bincount(speakers) > 0]
    groups = sums.size
    if groups < 2:
        return 0.0, groups
    return float(np.sqrt(groups / (groups - 1) * np.square(sums).sum()) / residuals.size), groups


def _first(numbers: range, margin: Margin, worse: float, half_of: Callable[[int], float]) -> int | None:
    """The first number at which the interval, with this change, would lie inside the margin or clear of nought."""
    for number in numbers:
        half = half_of(number)
        if worse + half < margin.margin or worse - 2.5 * half > 0:
            return number
    return None


def _lost(
    margin: Margin,
    by_utterance: Floats,
    layout: Layout,
    noise: _Noise,
    policy: Policy,
    looks: tuple[int, ...],
    family: int,
) -> Comparison:
    rows = np.flatnonzero(np.isfinite(by_utterance))
    change = by_utterance[rows]
    lost, n = int(_is_lost(margin, change, noise.sd).sum()), change.size
    doubt = nominal(policy.doubt, looks)
    share = lost / n if n else float("nan")
    low, high = exact_interval(lost, n, doubt)
    strict = nominal(policy.alpha / family, looks)
    return Comparison(
        stratum="all",
        metric=margin.metric,
        kind="lost",
        delta=-share,
        low=-high,
        high=-low,
        p_value=spent(float(at_least(lost, n, noise.chance)), looks) if n else 1.0,
        clusters=n,
        standard_error=float(np.sqrt(share * (1 - share) / n)) if n else float("nan"),
        worst=_worst(margin, change, rows, layout),
        detectable=detectable_share(n, noise.chance, strict) if n else 1.0,
    )
