"""Is every take a take of its own? One sound file for many texts, or one for all seeds, is no evidence.

Conventions: a landmark is a sample that is the largest within 5 ms on either side, described by what 16 samples in the
8 ms after it are in relation to it. Landmarks of the same samples are the same wherever they lie and however loud they
are, and 16-bit rounding moves few; two generations of one text by one voice share none but by chance. The share of a
take's landmarks that lie in another take is thus the share of its samples that are the other's: trimmed, padded and
scaled copies count.

Metrics: `copied_take` (from a take of another text or voice), `copied_seed` (from another seed of the same request).
"""

from array import array
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.audio import Audio, finite
from harness.metrics.declaration import Finding, NotApplicable, analysis, measured, metric
from harness.take import Request, Take

WINDOW_S = 0.005
AFTER_S, AFTER = 0.008, 16
STEPS = 16  # of a ratio of 1, in which a neighbour is told
QUIETEST = 0.02  # of the take's peak: below it rounding and noise make landmarks of their own
KEPT = 4  # one landmark in so many, the same ones in every take
LEAST_LANDMARKS = 4  # fewer say nothing
HOLDER = np.uint64((1 << 24) - 1)  # the bits that say which of up to 16 million takes a landmark is of ...
LANDMARK = ~HOLDER  # ... and those of the landmark: two that differ agree in 40 bits by chance in 1e-12

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
    places = places[loud[places] > QUIETEST * loud.max(initial=0.0)]
    around = sliding_window_view(loud, 2 * window + 1)[places - window]
    places = places[around.max(axis=1) <= loud[places]]
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

    requests: list[Request] = field(default_factory=list)
    """Of the takes that were looked at; not the takes, whose sound is not to be held as long as the run."""
    sizes: list[int] = field(default_factory=list)
    held: Landmarks = field(default_factory=lambda: np.empty(0, np.uint64))
    """Of all takes, rising: in each the higher bits are the landmark's, the lower ones say whose it is."""
    looked: int = 0

    def take_in(self, company: Collection[Take]) -> None:
        """Look at the takes that came since the last time."""
        if len(company) == self.looked:
            return
        known = {request.digest for request in self.requests}
        held = array("Q", self.held.tobytes())
        for take in company:
            if not take.has_sound or take.request.digest in known:
                continue
            sound = take.audio
            assert sound is not None
            found = landmarks_of(finite(sound))
            held.frombytes((found & LANDMARK | np.uint64(len(self.requests))).tobytes())
            self.sizes.append(found.size)
            self.requests.append(take.request)
        self.held = np.frombuffer(held, np.uint64)
        self.held.sort()
        self.looked = len(company)

    def nearest(self, own: Landmarks, counts: Callable[[Request], bool]) -> tuple[float, Request | None]:
        """The largest share of landmarks in common with another take, of the smaller of the two, and its request."""
        own = np.unique(own & LANDMARK)
        begins, ends = np.searchsorted(self.held, own), np.searchsorted(self.held, own | HOLDER, "right")
        held = [self.held[begin:end] & HOLDER for begin, end in zip(begins, ends, strict=True) if end > begin]
        best: tuple[float, Request | None] = (0.0, None)
        if not held:
            return best
        for holder, common in zip(*np.unique(np.concatenate(held), return_counts=True), strict=True):
            smaller = min(own.size, self.sizes[holder])
            if smaller >= LEAST_LANDMARKS and counts(self.requests[holder]) and common / smaller > best[0]:
                best = float(common / smaller), self.requests[holder]
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
    mine = _asked(take.request)
    return _told(*copies_index.nearest(landmarks, lambda other: _asked(other) != mine))


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
    mine, seed = _asked(take.request), take.request.seed
    return _told(*copies_index.nearest(landmarks, lambda one: _asked(one) == mine and one.seed != seed))


def _asked(request: Request) -> tuple[str, str]:
    return request.utterance.text, request.reference.sha256


def _told(share: float, other: Request | None) -> Finding:
    if other is None:
        return measured(0.0)
    return measured(share, f"{share:.0%} is {other.utterance.id}, seed {other.seed}")
