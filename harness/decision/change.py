"""How much a metric changed between two releases, and how surely: for many runs at once, in plain arrays.

Conventions
    Values are oriented (positive is better) and of shape (runs, utterances, takes); NaN is a take that is missing. The
    audit passes thousands of simulated runs, a release passes one. Strata are rows of a membership matrix.

    The change of an utterance is the mean of its new takes minus the mean of its old ones; of takes paired by seed the
    mean difference. The variance of a stratum's mean change has three parts:
        utterances   what changes scatter between utterances, noise of the takes included, over their number
        voices       what changes scatter between voices beyond that: takes of one voice that stray alike
        seeds        what all takes of one seed stray alike, beyond chance
    The last two are differences of mean squares, 0 where they would be negative; degrees of freedom follow
    Satterthwaite 1946. Voices are few, so what all metrics together say of them counts too. A voice's own loss must not
    excuse itself: for calling a voice worse, the scatter between voices is that of the others.

Source: Searle, Casella and McCulloch 1992, Variance Components.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST_SPEAKERS = 6
"""Fewer are no sample of speakers (Cameron, Gelbach and Miller 2008): there a loss is a fact about the voices at hand,
while the claim "not worse" still has to bear the scatter between them."""
LEAST_OF_A_VOICE = 8
"""A voice heard less often is judged with its suite only."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Both releases in one metric."""

    new: Floats
    """Shape (runs, utterances, takes)."""
    old: Floats
    paired: bool
    """Whether column by column both sides have the same seed of the same system."""

    @property
    def changes(self) -> Floats:
        """Shape (runs, utterances); NaN where a side has no number."""
        return mean_of_takes(self.new - self.old) if self.paired else mean_of_takes(self.new) - mean_of_takes(self.old)


def mean_of_takes(values: Floats) -> Floats:
    """Means over the takes that are there; NaN where none is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    return np.asarray(np.where(count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan))


@dataclass(frozen=True, slots=True)
class Strata:
    """What is asked about: which utterances, and whose."""

    names: tuple[str, ...]
    members: Flags
    """Shape (strata, utterances)."""
    speakers: NDArray[np.intp]
    """Shape (utterances,), numbered from 0."""

    @classmethod
    def of(cls, suites: Sequence[str], speakers: Sequence[str], asked: Sequence[str], whole: bool) -> "Strata":
        """All texts first where the whole is asked about, then the suites that are asked for, then the voices.

        Args:
            suites: Of each utterance.
            speakers: Of each utterance.
            asked: Names of the suites that are strata of their own.
            whole: Whether all texts together and the voices are asked about.
        """
        of_suites, of_speakers = np.array(suites), np.array(speakers)
        voices, numbers = np.unique(of_speakers, return_inverse=True)
        rows_of = {"all": np.ones(len(suites), bool)} if whole else {}
        rows_of |= {f"suite {name}": of_suites == name for name in dict.fromkeys(suites) if name in asked}
        heard = {f"voice {name}": of_speakers == name for name in voices} if whole else {}
        rows_of |= {name: rows for name, rows in heard.items() if rows.sum() >= LEAST_OF_A_VOICE}
        members = np.stack(list(rows_of.values())) if rows_of else np.zeros((0, len(suites)), bool)
        return cls(tuple(rows_of), members, np.asarray(numbers, np.intp))

    @property
    def pooled(self) -> "Strata":
        """All texts together only."""
        return Strata(("all",), np.ones((1, self.members.shape[1]), bool), self.speakers)

    @property
    def widening(self) -> Floats:
        """The margin of each stratum in margins of the metric: a loss as surely seen as one of all texts; (strata,).

        Where all texts together are not asked about, nothing else would hold the sum: each has the margin itself.
        """
        sizes = np.maximum(self.members.sum(axis=1), 1)
        return np.sqrt(self.members.shape[1] / sizes) if "all" in self.names else np.ones(len(self.names))

    @property
    def voices(self) -> Flags:
        """Membership of the voices, shape (voices, utterances)."""
        return np.asarray(self.speakers[None, :] == np.arange(self.speakers.max() + 1)[:, None])

    @property
    def own_voice(self) -> NDArray[np.intp]:
        """The voice that a stratum is, or -1; shape (strata,)."""
        owners = [
            int(self.speakers[row][0]) if name.startswith("voice ") else -1
            for name, row in zip(self.names, self.members, strict=True)
        ]
        return np.array(owners, np.intp)


@dataclass(frozen=True, slots=True)
class Spread:
    """A stratum's mean change and its uncertainty, each of shape (runs, strata)."""

    count: Floats
    delta: Floats
    error: Floats
    """Standard error for "not worse"."""
    freedom: Floats
    worse_error: Floats
    """Standard error for "worse"."""
    worse_freedom: Floats


@dataclass(frozen=True, slots=True)
class ByVoice:
    """Sums of the changes by voice, each of shape (runs, voices)."""

    count: Floats
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, change: Floats, strata: Strata) -> "ByVoice":
        """Of changes of shape (runs, utterances)."""
        known = np.isfinite(change)
        filled, voices = np.where(known, change, 0.0), strata.voices.T.astype(np.float64)
        return cls(known.astype(np.float64) @ voices, filled @ voices, (filled**2) @ voices)

    def without(self, voice: int) -> "ByVoice":
        """The other voices; all of them for -1."""
        others = np.arange(self.count.shape[1]) != voice
        return ByVoice(self.count[:, others], self.sums[:, others], self.squares[:, others])

    @property
    def heard(self) -> NDArray[np.intp]:
        """Voices that are there, shape (runs,)."""
        return np.asarray((self.count > 0).sum(axis=1))

    @property
    def within(self) -> Floats:
        """Variance of the changes within voices, shape (runs,)."""
        means = self.sums / np.maximum(self.count, 1)
        squares = np.maximum(self.squares - self.count * means**2, 0.0).sum(axis=1)
        return np.asarray(squares / np.maximum(self.count.sum(axis=1) - self.heard, 1))

    @property
    def beyond_chance(self) -> Floats:
        """Variance between voices beyond that of their utterances; negative by chance; shape (runs,)."""
        total, heard = self.count.sum(axis=1), self.heard
        means = self.sums / np.maximum(self.count, 1)
        centre = self.sums.sum(axis=1) / np.maximum(total, 1)
        between = (self.count * (means - centre[:, None]) ** 2).sum(axis=1) / np.maximum(heard - 1, 1)
        size = (total - (self.count**2).sum(axis=1) / np.maximum(total, 1)) / np.maximum(heard - 1, 1)
        variance = (between - self.within) / np.maximum(size, 1e-9)
        return np.asarray(np.where((heard > 1) & (total > heard), variance, 0.0))

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom between voices that are heard unequally often (Kish 1965), shape (runs,)."""
        effective = self.count.sum(axis=1) ** 2 / np.maximum((self.count**2).sum(axis=1), 1e-9)
        return np.asarray(np.maximum(effective - 1, 1.0))


@dataclass(frozen=True, slots=True)
class VoiceScatter:
    """How much takes of one voice stray alike, by all metrics: variance between voices over that within them."""

    shares: Floats
    """By the voice that is left out, shape (runs, strata + 1); the last leaves out none."""
    metrics: int

    @classmethod
    def of(cls, metrics: Sequence[Takes], strata: Strata) -> "VoiceScatter":
        """Averaged over metrics: a single one has too few voices to tell."""
        ratios: list[Floats] = []
        for takes in metrics:
            every = ByVoice.of(takes.changes, strata)
            sides = [every.without(voice) for voice in (*strata.own_voice, -1)]
            ratios.append(np.stack([_ratio(side) for side in sides], axis=1))
        if not ratios:
            return cls(np.zeros((1, len(strata.names) + 1)), 0)
        known = np.isfinite(np.stack(ratios))
        mean = np.where(known, np.stack(ratios), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return cls(np.maximum(mean, 0.0), len(metrics))

    def of_metric(self, side: ByVoice, column: int) -> tuple[Floats, Floats]:
        """Variance between voices and its degrees of freedom: the metric's own, or where larger that of all metrics."""
        own, shared = np.maximum(side.beyond_chance, 0.0), self.shares[:, column] * side.within
        # Metrics that hang together say less than as many that do not: half of them is taken.
        freedom = side.freedom * np.where(shared > own, max(1.0, self.metrics / 2), 1.0)
        return np.maximum(own, shared), freedom


def _ratio(side: ByVoice) -> Floats:
    within = side.within
    return np.asarray(np.where(within > 0, side.beyond_chance / np.maximum(within, 1e-300), np.nan))


def spread(takes: Takes, strata: Strata, scatter: VoiceScatter, floor: float) -> Spread:
    """Mean changes with all that makes them uncertain.

    Args:
        takes: Of both releases.
        strata: What is asked about.
        scatter: What all metrics say of the voices.
        floor: Standard deviation of a change below which none is believed: the resolution of the metric.
    """
    change = takes.changes
    known = np.isfinite(change)
    filled, members = np.where(known, change, 0.0), strata.members.T.astype(np.float64)
    count = known.astype(np.float64) @ members
    some = np.maximum(count, 1)
    mean = (filled @ members) / some
    squares = np.maximum((filled**2) @ members - some * mean**2, 0.0)
    utterances = np.maximum(squares / np.maximum(count - 1, 1), floor**2) / some, np.maximum(count - 1, 1)
    seeds, of_seeds = _seeds(takes)
    of_seed = np.broadcast_to(seeds[:, None], count.shape), np.broadcast_to(of_seeds[:, None], count.shape)
    every = ByVoice.of(change, strata)
    alike = _concentration(known, strata, some)
    between, freedom = scatter.of_metric(every, -1)
    error = _joined([utterances, of_seed, (alike * between[:, None], freedom[:, None])])
    others = [
        scatter.of_metric(every.without(voice), column if voice >= 0 else -1)
        for column, voice in enumerate(strata.own_voice)
    ]
    sample = (every.heard >= LEAST_SPEAKERS)[:, None]
    tau = np.where(sample, np.stack([variance for variance, _ in others], axis=1), 0.0)
    worse = _joined([utterances, of_seed, (alike * tau, np.stack([each for _, each in others], axis=1))])
    return Spread(count, np.where(count > 0, mean, np.nan), *error, *worse)


def _concentration(known: Flags, strata: Strata, count: Floats) -> Floats:
    """Sum of the squared shares of the voices in each stratum: 1 for one voice; shape (runs, strata)."""
    squares = np.zeros_like(count)
    for voice in strata.voices:
        both = (strata.members & voice).T.astype(np.float64)
        squares += (known.astype(np.float64) @ both / count) ** 2
    return squares


def _seeds(takes: Takes) -> tuple[Floats, Floats]:
    """Variance of a mean change because takes of one seed stray alike, and its degrees of freedom, each (runs,).

    Pairs of one seed have it on both sides, where it cancels out.
    """
    runs = takes.new.shape[0]
    squares, noise, of_noise = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    freedom, weight = 0, 0.0
    for side in () if takes.paired else (takes.new, takes.old):
        columns = side.shape[2]
        weight += 1 / columns
        if columns < 2:
            continue
        complete = np.asarray(np.isfinite(side).all(axis=2))
        rows = np.maximum(np.sum(complete, axis=1), 1)
        apart = np.where(complete[:, :, None], side - mean_of_takes(side)[:, :, None], 0.0)
        squares += ((apart.sum(axis=1) / rows[:, None]) ** 2).sum(axis=1)
        noise += (apart**2).sum(axis=(1, 2)) / rows
        of_noise += rows * (columns - 1)
        freedom += columns - 1
    if not freedom:
        return np.zeros(runs), np.ones(runs)
    # What the means of seeds would scatter if takes of one seed had nothing in common.
    by_chance = noise / of_noise
    return np.maximum(squares / freedom - by_chance, 0.0) * weight, np.full(runs, float(freedom))


def _joined(parts: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Standard error and degrees of freedom of a sum of independent variances (Satterthwaite 1946)."""
    total = np.sum([variance for variance, _ in parts], axis=0)
    uncertain = np.sum([variance**2 / freedom for variance, freedom in parts], axis=0)
    return np.sqrt(total), np.asarray(np.where(uncertain > 0, total**2 / np.maximum(uncertain, 1e-300), 1.0))
