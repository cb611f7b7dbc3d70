"""Does it speak the diacritics? Two takes of one sentence whose marks differ in a word must differ in that word.

Conventions
    The rows of a minimal pair share a voice, a seed and every letter; عِلْم and عَلَم are spelled alike. Both takes become
    mel cepstra of 10 ms frames, are aligned by dynamic time warping, and their distance is smoothed over 80 ms.
    `pair_contrast` is the greatest distance within the differing word over the 95th percentile of the distances in the
    rest of the sentence, where both say the same. The rest is thus the pair's own floor: a voice whose takes vary much
    needs a greater difference. About 1 means that the marks were not spoken.
    `pair_reading` needs a recogniser that writes diacritics: how much nearer the heard text is to its own row than to
    the other, 1 to -1, diacritics counted.

Metrics: `pair_contrast`, `pair_reading`.

Blind to: pairs that differ in a shadda only. A longer consonant is what time warping folds away (measured: contrasts of
1.4 to 2.2, against 0.7 to 1.9 for takes that say the same); such a pair is refused and needs `pair_reading`. Nor does a
contrast say which of the two readings was spoken, only that there are two.

Source: own measure. On the embedded voice, five pairs that differ in vowels, four voices, every two of four seeds: 320
comparisons of the two rows gave 2.22 to 6.78, 120 of the text without marks 0.71 to 1.76, 240 of one marked row with
itself 0.73 to 1.64 (`python -m benchmarks.demonstration_rates`). No neural voice was measured: there the takes of one
text differ more, and so will the floor.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.intelligibility import Floor, Heard
from harness.metrics.spectrum import mel_bands, transformed
from harness.take import Take
from harness.text.scoring import compare, said, slots

RATE_HZ = 16_000
FRAMES_PER_SECOND = 100
WINDOW = 400  # samples: 25 ms
MEL_BANDS = 40
CEPSTRA = 12
EDGE_DB = 35.0  # frames at either end that lie this far below the loud ones are not speech
SMOOTHING_FRAMES = 8  # 80 ms, a short vowel
WARP_PENALTY = 0.1  # of a standard deviation of the cepstra, for each frame that one take lingers
WORD_MARGIN = 0.1  # of the sentence: where a word lies is estimated from its letters
FLOOR_PERCENTILE = 95.0
LEAST_FLOOR = 0.05  # half the distance of two takes that say the same; keeps equal takes from dividing by zero
LONGEST_S = 30.0  # the alignment grows with the square of the length

SHADDA = "\u0651"
VOWELS = frozenset("\u064e\u064f\u0650")

Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that differ in the marks of some words: where those lie, as shares of the sentence."""

    start: float
    end: float
    words: str
    shadda_only: bool


@analysis()
def partner(take: Take, company: Callable[[], Iterable[Take]]) -> Take | None:
    """The take of the other utterance of a minimal pair, of the same seed; None where it was not planned."""
    mine, seed = take.request.utterance, take.request.seed
    if not mine.pair:
        return None
    for other in company():
        theirs = other.request.utterance
        if (theirs.suite, theirs.pair, other.request.seed) == (mine.suite, mine.pair, seed) and theirs.id != mine.id:
            return other
    return None


@analysis()
def comparable(take: Take, partner: Take | None) -> Take:
    """The partner of a take, where the two can be compared."""
    if not take.request.utterance.pair:
        raise NotApplicable("this row of the corpus belongs to no minimal pair")
    if partner is None:
        raise NotApplicable("the other row of the pair was not selected")
    if take.request.reference.sha256 != partner.request.reference.sha256:
        raise NotApplicable("the rows of the pair were spoken in different voices")
    for one in (take, partner):
        if not one.has_sound:
            raise Missing(f"{one.request.utterance.id} has no audio: {one.error}")
    return partner


def difference(text: str, other: str) -> Pair | None:
    """Where two texts differ when diacritics count; None where they do not, or differ in their words.

    >>> difference("هَذَا عِلْمٌ", "هَذَا عَلَمٌ").words
    'عِلمٌ/عَلَمٌ'
    """
    one, two = ([said(slot) for slot in slots(row, strict=True)] for row in (text, other))
    differing = [place for place, (mine, theirs) in enumerate(zip(one, two, strict=False)) if mine != theirs]
    if len(one) != len(two) or not differing:
        return None
    ends = np.cumsum([0, *(len(mine) + len(theirs) for mine, theirs in zip(one, two, strict=True))])
    shares = ends / ends[-1]
    without = [[word.replace(SHADDA, "") for word in row] for row in (one, two)]
    return Pair(
        start=float(shares[differing[0]]),
        end=float(shares[differing[-1] + 1]),
        words=" ".join(f"{one[place]}/{two[place]}" for place in differing),
        shadda_only=without[0] == without[1],
    )


@metric("pair_contrast", unit="ratio", better="higher", of="take")
def pair_contrast(take: Take, comparable: Take) -> Finding:
    """How much more the two takes of a pair differ in the differing word than elsewhere; the same for both."""
    first, second = sorted((take, comparable), key=lambda one: one.request.utterance.id)
    assert first.audio is not None
    assert second.audio is not None
    pair = difference(first.request.utterance.text, second.request.utterance.text)
    if pair is None:
        raise NotApplicable("the two texts of the pair do not differ in diacritics")
    if pair.shadda_only:
        raise NotApplicable(
            f"{pair.words} differ in a shadda only, which this comparison cannot hear: "
            "it takes a recogniser that writes diacritics (--asr)"
        )
    if max(first.audio.duration_s, second.audio.duration_s) > LONGEST_S:
        raise Missing(f"a take of the pair is longer than {LONGEST_S:g} s")
    one, two = cepstra(first.audio), cepstra(second.audio)
    if min(len(one), len(two)) <= SMOOTHING_FRAMES:
        raise Missing("a take of the pair holds no speech")
    return contrast(one, two, pair)


def contrast(one: Frames, two: Frames, pair: Pair) -> Finding:
    """How much more two takes, as cepstra, differ where a pair differs than elsewhere."""
    path, distances = warp(one, two)
    smooth = np.convolve(distances, np.ones(SMOOTHING_FRAMES) / SMOOTHING_FRAMES, "same")
    places = (path[:, 0] / len(one) + path[:, 1] / len(two)) / 2
    inside = (places >= pair.start - WORD_MARGIN) & (places <= pair.end + WORD_MARGIN)
    if inside.all():
        raise NotApplicable("the differing words fill the sentence: nothing is left to compare with")
    word, rest = float(smooth[inside].max()), float(np.percentile(smooth[~inside], FLOOR_PERCENTILE))
    return measured(word / max(rest, LEAST_FLOOR), f"{pair.words}: {word:.2f} against {rest:.2f}", word=word, rest=rest)


@metric("pair_reading", unit="ratio", better="higher", of="take")
def pair_reading(text: str, comparable: Take, heard: Heard, floor: Floor) -> Finding:
    """Whether a recogniser that writes diacritics hears this row of the pair rather than the other."""
    own, other = text, comparable.request.utterance.text
    if heard.error:
        # One that mishears people fails because of that, and each take would name a failure of its own.
        raise Missing(floor.error or f"the recogniser failed: {heard.error}")
    apart = compare(own, other, strict=True).letters.errors
    if not apart:
        raise NotApplicable("the two texts of the pair do not differ in diacritics")
    if not writes_vowels(heard.text):
        raise NotApplicable("the recogniser writes no diacritics, so it cannot say which row of the pair it heard")
    to_own, to_other = (compare(row, heard.text, strict=True).letters.errors for row in (own, other))
    return measured((to_other - to_own) / apart, f"heard: {heard.text}", own=to_own, other=to_other, apart=apart)


def writes_vowels(text: str) -> bool:
    """Whether a recogniser marks its vowels: most words have one. A tanwin here and there is plain spelling.

    >>> writes_vowels("هَذَا عِلْمٌ"), writes_vowels("شكراً جزيلاً")
    (True, False)
    """
    words = text.split()
    return 2 * sum(any(letter in VOWELS for letter in word) for word in words) > len(words)


def cepstra(sound: Audio) -> Frames:
    """Mel cepstra of the speech between the silent edges, shape (frames, CEPSTRA), mean 0 and unit deviation."""
    samples = audio.resample(audio.finite(sound), RATE_HZ).samples
    if not samples.any():
        return np.zeros((0, CEPSTRA))
    power = _mel_power(samples)
    mel = np.log(np.maximum(power, power.max() * 1e-6))
    loud = mel.mean(axis=1) > np.percentile(mel.mean(axis=1), 95) - EDGE_DB / 10 * np.log(10)
    edges = np.flatnonzero(loud)
    bands = (np.arange(MEL_BANDS) + 0.5) / MEL_BANDS
    cosines = np.cos(np.pi * np.outer(bands, np.arange(1, CEPSTRA + 1))) * np.sqrt(2 / MEL_BANDS)
    found = mel[edges[0] : edges[-1] + 1] @ cosines if edges.size else np.zeros((0, CEPSTRA))
    spread = float(found.std()) if found.size else 0.0
    return (found - found.mean(axis=0)) / spread if spread > 0 else np.zeros((0, CEPSTRA))


def _mel_power(samples: NDArray[np.float32]) -> Frames:
    """Mel spectrogram at 16 kHz, shape (frames, MEL_BANDS): power in bands of equal area on Slaney's scale.

    Source: `torchaudio.transforms.MelSpectrogram` with norm and scale "slaney", whose numbers these are to 1e-5; not
    taken from there, because a run in which every embedding is kept needs torch for nothing else.
    """
    padded = np.pad(samples.astype(np.float64), WINDOW // 2, mode="reflect")
    frames = sliding_window_view(padded, WINDOW)[:: RATE_HZ // FRAMES_PER_SECOND]
    power = np.abs(transformed(frames * np.hanning(WINDOW + 1)[:-1])) ** 2
    return np.asarray(power @ _slaney_bands())


@lru_cache(maxsize=1)
def _slaney_bands() -> Frames:
    """The bands, shape (bins, MEL_BANDS): as wide as each other up to 1 kHz, in equal ratios above it."""
    linear_hz, ratio = 200 / 3, np.log(6.4) / 27
    top = 15 + np.log(RATE_HZ / 2 / 1000) / ratio
    mel = np.linspace(0, top, MEL_BANDS + 2)
    edges_hz = np.where(mel < 15, mel * linear_hz, 1000 * np.exp((mel - 15) * ratio))
    return mel_bands(np.fft.rfftfreq(WINDOW, 1 / RATE_HZ), edges_hz) * (2 / (edges_hz[2:] - edges_hz[:-2]))


def warp(one: Frames, two: Frames) -> tuple[NDArray[np.int64], Frames]:
    """Dynamic time warping: the path, shape (steps, 2), and the distance of the two frames at each step."""
    squares = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1)[None] - 2 * one @ two.T
    local = np.sqrt(np.maximum(squares, 0) / one.shape[1])
    rows, columns = local.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(rows + columns - 1):
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        lingering = np.minimum(total[i, j + 1], total[i + 1, j]) + WARP_PENALTY
        total[i + 1, j + 1] = np.minimum(total[i, j], lingering) + local[i, j]
    path = _path(total)
    return path, local[path[:, 0], path[:, 1]]


def _path(total: Frames) -> NDArray[np.int64]:
    i, j = total.shape[0] - 1, total.shape[1] - 1
    steps: list[Sequence[int]] = []
    while i and j:
        steps.append((i - 1, j - 1))
        moves = (
            (total[i - 1, j - 1], i - 1, j - 1),
            (total[i - 1, j] + WARP_PENALTY, i - 1, j),
            (total[i, j - 1] + WARP_PENALTY, i, j - 1),
        )
        _, i, j = min(moves)
    return np.asarray(steps[::-1], np.int64)
