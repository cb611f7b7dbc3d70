"""Is every take a take of its own? One sound file for many texts, or one for all seeds, is no evidence.

Conventions: a landmark is a sample that is the largest within 5 ms on either side, described by what 16 samples in the
8 ms after it are in relation to it. Landmarks of the same samples are the same wherever they lie and however loud they
are, and 16-bit rounding moves few; two generations of one text by one voice share none but by chance. The share of a
take's landmarks that lie in another take is thus the share of its samples that are the other's: trimmed, padded and
scaled copies count.

Metrics: `copied_take` (from a take of another text or voice), `copied_seed` (from another seed of the same request).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio, finite
from harness.metrics.declaration import Finding, NotApplicable, analysis, measured, metric
from harness.take import Take

WINDOW_S = 0.005
AFTER_S, AFTER = 0.008, 16
STEPS = 16  # of a ratio of 1, in which a neighbour is told
QUIETEST = 0.02  # of the take's peak: below it rounding and noise make landmarks of their own
KEPT = 4  # one landmark in so many, the same ones in every take
LEAST_LANDMARKS = 4  # fewer say nothing

Landmarks = NDArray[np.uint64]


@analysis()
def landmarks(sound: Audio) -> Landmarks:
    """The landmarks of a take, each once, rising."""
    return landmarks_of(sound)


def landmarks_of(sound: Audio) -> Landmarks:
    """The landmarks of a sound, each once, rising; none in silence."""
    window = max(1, round(WINDOW_S * sound.sample_rate_hz))
    offsets = np.unique(np.round(np.linspace(AFTER_S / AFTER, AFTER_S, AFTER) * sound.sample_rate_hz).astype(int))
    samples = sound.samples
    loud = np.abs(samples)
    whole = loud.size // window * window
    if whole < 3 * window + offsets[-1]:
        return np.empty(0, np.uint64)
    places = loud[:whole].reshape(-1, window).argmax(axis=1) + np.arange(0, whole, window)
    places = places[(places >= window) & (places < loud.size - max(window, offsets[-1]) - 1)]
    around = loud[places[:, None] + np.arange(-window, window + 1)]
    places = places[(around.max(axis=1) <= loud[places]) & (loud[places] > QUIETEST * loud.max(initial=0.0))]
    ratios = samples[places[:, None] + offsets] / samples[places][:, None]
    told = np.round(ratios * STEPS).astype(np.int64)
    names = named(told.T)
    return np.unique(names[names % np.uint64(KEPT) == 0])


def named(columns: Iterable[NDArray[np.int64]]) -> NDArray[np.uint64]:
    """One name of 64 bits for each row of some columns: rows that agree in every column have one name.

    Two that do not agree share one by chance in 1e-19.

    >>> one, other, again = named([np.array([1, 2, 1]), np.array([5, 5, 5])])
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    names: NDArray[np.uint64] = np.zeros(1, np.uint64)
    for column in columns:
        names = (names ^ column.astype(np.int64).view(np.uint64)) * np.uint64(0x100000001B3)  # FNV-1a, over words
        names = names ^ (names >> np.uint64(29))
    return names


@dataclass(slots=True)
class Index:
    """Which takes of a run hold which landmarks."""

    takes: list[Take] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    names: Landmarks = field(default_factory=lambda: np.empty(0, np.uint64))
    """Of all takes, rising ..."""
    holders: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """... and the take that each is of."""
    looked: int = 0

    def take_in(self, company: Collection[Take]) -> None:
        """Look at the takes that came since the last time."""
        if len(company) == self.looked:
            return
        known = {take.request.digest for take in self.takes}
        names, holders = [self.names], [self.holders]
        for take in company:
            if not take.has_sound or take.request.digest in known:
                continue
            sound = take.audio
            assert sound is not None
            names.append(found := landmarks_of(finite(sound)))
            holders.append(np.full(found.size, len(self.takes), np.int32))
            self.sizes.append(found.size)
            # Without its sound, which is not to be held as long as the run.
            self.takes.append(Take(take.request, None, take.stopped_by, take.provenance))
        every = np.concatenate(names)
        rising = np.argsort(every, kind="stable")
        self.names, self.holders = every[rising], np.concatenate(holders)[rising]
        self.looked = len(company)

    def nearest(self, own: Landmarks, counts: Callable[[Take], bool]) -> tuple[float, Take | None]:
        """The largest share of landmarks in common with another take, of the smaller of the two, and that take."""
        begins, ends = (np.searchsorted(self.names, own, side) for side in ("left", "right"))
        held = [self.holders[begin:end] for begin, end in zip(begins, ends, strict=True) if end > begin]
        best: tuple[float, Take | None] = (0.0, None)
        if not held:
            return best
        for holder, common in zip(*np.unique(np.concatenate(held), return_counts=True), strict=True):
            smaller = min(own.size, self.sizes[holder])
            if smaller >= LEAST_LANDMARKS and counts(self.takes[holder]) and common / smaller > best[0]:
                best = float(common / smaller), self.takes[holder]
        return best


@analysis(once="run")
def copies_index(company: Callable[[], Collection[Take]]) -> Index:
    """The takes of the run, as far as they were looked at."""
    return Index()


@metric("copied_take", unit="ratio", better="lower")
def copied_take(
    take: Take, landmarks: Landmarks, copies_index: Index, company: Callable[[], Collection[Take]]
) -> Finding:
    """Share of the take that is, sample by sample, a take of another text or another voice."""
    copies_index.take_in(company())
    mine = _question(take)
    return _told(*copies_index.nearest(landmarks, lambda other: _question(other) != mine))


@metric("copied_seed", unit="ratio", better="lower")
def copied_seed(
    deterministic: bool,
    take: Take,
    landmarks: Landmarks,
    copies_index: Index,
    company: Callable[[], Collection[Take]],
) -> Finding:
    """Share of the take that is, sample by sample, the take of another seed: the seed has no effect."""
    if deterministic:
        raise NotApplicable("the system says that it is deterministic: the takes of all seeds are one take")
    copies_index.take_in(company())
    mine, seed = _question(take), take.request.seed
    return _told(*copies_index.nearest(landmarks, lambda one: _question(one) == mine and one.request.seed != seed))


def _question(take: Take) -> tuple[str, str]:
    return take.request.utterance.text, take.request.reference.sha256


def _told(share: float, other: Take | None) -> Finding:
    if other is None:
        return measured(0.0)
    return measured(share, f"{share:.0%} is {other.request.utterance.id}, seed {other.request.seed}")
