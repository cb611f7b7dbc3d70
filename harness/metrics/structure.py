"""Is it spoken once, from beginning to end, and nothing else? Answered from the sound alone, without any model.

Conventions: seconds over the whole take, pauses found by `harness.metrics.silence`, levels in dB relative to the loud
frames (95th percentile). Every finding carries its time spans.

A stretch is the same as another when both are 0.3 s long or longer and their spectra agree frame by frame, harmonics
included: two readings of one word by one speaker agree to 0.78 at most, a copy to 0.9 and more, also at another level
and with a codec's or some noise in between. A word said again in another melody is not found; a recogniser would.

Metrics: `inner_gap`, `held_sound`, `repeated_speech`, `reference_leak`, `extra_speech`, `tempo_ratio`,
`pace_change`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio, finite, load, resample
from harness.corpus import Reference
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.silence import SPEECH_PERCENTILE, Silences
from harness.metrics.spectrum import HOP_S, Spectrum
from harness.records.measurement import Span
from harness.text import spoken_letters, words

GAP_BELOW_SPEECH_DB = (20.0, 40.0)  # how far below the speech a gap lies: at least, where noise fills it; at most
GAP_ABOVE_NOISE_DB = 6.0

HELD_LAG = 24  # frames, 0.24 s: whole numbers of codec frames at 12.5, 25, 50 and 75 a second
HELD_DB = 3.0  # RMS over bands; the same speech sound a quarter of a second later differs by more
HELD_RANGE_DB = 30.0

# A print is what 4 frames, 30 ms apart, look like between 100 Hz and 4 kHz; 8 prints, 30 ms apart, make a stretch.
PRINT_FRAMES, STEP = 4, 3
PRINT_HZ = (100.0, 4000.0)
PRINT_EXPONENT = 0.12  # of the power: loud cells count more, as in a logarithm, but silence counts nothing
STRETCH_PRINTS, SOUNDING_PRINTS = 8, 6
PRINT_RANGE_DB = 50.0
SAME = 0.80  # mean correlation over a stretch
STRETCH_S = ((STRETCH_PRINTS - 1) * STEP + (PRINT_FRAMES - 1) * STEP) * HOP_S
ROWS_AT_ONCE = 64
LONGEST_LAG_S = 130.0  # between a copy and what it copies: without a bound the search grows with the length squared

# The slowest reader: recitation reaches 3.1 letters a second of speech, pauses left out.
SLOWEST_LETTERS_S = 2.8
SLOW_START_S = 1.0
TEMPO_LEAST_WORDS = 3

PEAK_DB = 2.0
PACE_LEAST_SPEECH_S = 4.0


@dataclass(frozen=True, slots=True)
class Prints:
    """What each 0.1 s of a sound looks like: unit vectors, zeros in silence, shape (n, dimensions), one every 10 ms."""

    rows: NDArray[np.float32]
    sounding: NDArray[np.bool_]

    @classmethod
    def of(cls, spectrum: Spectrum) -> "Prints":
        """Prints of a whole sound; none where it is shorter than a print."""
        first, last = np.searchsorted(spectrum.hz, PRINT_HZ)
        cells = spectrum.power[:, first:last] ** np.float32(PRINT_EXPONENT)
        count = max(0, cells.shape[0] - (PRINT_FRAMES - 1) * STEP)
        cells -= cells.mean(axis=1, keepdims=True)
        parts = [cells[n * STEP : n * STEP + count] for n in range(PRINT_FRAMES)]
        mean = sum(parts) / np.float32(PRINT_FRAMES) if count else cells[:0]
        rows = np.concatenate([part - mean for part in parts], axis=1)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        heard = spectrum.sounding(PRINT_RANGE_DB)
        share = sum(heard[n * STEP : n * STEP + count].astype(int) for n in range(PRINT_FRAMES))
        sounding = np.asarray(share) >= PRINT_FRAMES * 0.6
        rows[~sounding] = 0.0
        return cls(rows, sounding)


@analysis()
def prints(spectrum: Spectrum) -> Prints:
    """What each stretch of the take looks like."""
    return Prints.of(spectrum)


@analysis()
def transcript(reference: Reference) -> str:
    """What is said in the reference."""
    return reference.transcript


@analysis()
def reference_pauses(reference: Reference) -> Silences:
    """Where the reference is silent."""
    return _reference_pauses(reference)


@analysis()
def reference_prints(reference: Reference, audio: Audio) -> Prints:
    """What each stretch of the reference looks like at the rate of the take."""
    return _reference_prints(reference, audio.sample_rate_hz)


@lru_cache(maxsize=64)
def _reference_prints(reference: Reference, sample_rate_hz: int) -> Prints:
    return Prints.of(Spectrum.of(resample(_reference_sound(reference), sample_rate_hz)))


@lru_cache(maxsize=64)
def _reference_pauses(reference: Reference) -> Silences:
    return Silences.of(_reference_sound(reference))


def _reference_sound(reference: Reference) -> Audio:
    return finite(load(reference.path))


def _copies(take: Prints, source: Prints, lags: tuple[int, int] | None = None) -> NDArray[np.int64]:
    """Where stretches of the take are the same as stretches of the source: (start in the take, in the source), frames.

    Args:
        take: What is searched, a stretch every 30 ms.
        source: What is searched for, a stretch every 10 ms.
        lags: With a take against itself: how much later, in frames, the second of the two may begin, least and most.
    """
    found = [np.empty((0, 2), np.int64)]
    span = STEP * (STRETCH_PRINTS - 1)
    n_source = source.rows.shape[0] - span
    starts = np.arange(0, take.rows.shape[0] - span, STEP)
    if n_source < 1:
        return found[0]
    columns = np.ascontiguousarray(source.rows.T)
    for block in range(0, starts.size, ROWS_AT_ONCE):
        rows = np.arange(block, min(block + ROWS_AT_ONCE, starts.size) + STRETCH_PRINTS - 1) * STEP
        first, last = 0, n_source
        if lags is not None:
            first, last = min(rows[0] + lags[0], n_source), min(rows[-1] + lags[1], n_source)
        there = slice(first, last + span)
        alike = take.rows[rows] @ columns[:, there]
        both = np.outer(take.sounding[rows], source.sounding[there]).astype(np.float32)
        n, m = rows.size - STRETCH_PRINTS + 1, last - first
        if m < 1:
            break
        total, count = np.zeros((n, m), np.float32), np.zeros((n, m), np.float32)
        for k in range(STRETCH_PRINTS):
            total += alike[k : k + n, STEP * k : STEP * k + m]
            count += both[k : k + n, STEP * k : STEP * k + m]
        hits = np.argwhere((total >= SAME * count) & (count >= SOUNDING_PRINTS))
        pairs = np.stack([rows[hits[:, 0]], hits[:, 1] + first], axis=1)
        if lags is not None:
            apart = pairs[:, 1] - pairs[:, 0]
            pairs = pairs[(apart >= lags[0]) & (apart <= lags[1])]
        found.append(pairs)
    return np.concatenate(found)


def _stretches(starts: NDArray[np.int64]) -> tuple[Span, ...]:
    """(start_s, end_s) of the union of stretches that begin at these frames."""
    frames = np.unique(starts)
    if not frames.size:
        return ()
    length = round(STRETCH_S / HOP_S)
    breaks = np.flatnonzero(np.diff(frames) > length)
    firsts, lasts = frames[np.append(0, breaks + 1)], frames[np.append(breaks, frames.size - 1)]
    return tuple((float(a * HOP_S), float((b + length) * HOP_S)) for a, b in zip(firsts, lasts, strict=True))


def _total_s(spans: tuple[Span, ...]) -> float:
    return sum(end - start for start, end in spans)


@metric("repeated_speech", unit="s", better="lower")
def repeated_speech(prints: Prints) -> Finding:
    """Seconds of speech that are a copy of something said earlier in the take: loops and stuck phrases."""
    pairs = _copies(prints, prints, (round(STRETCH_S / HOP_S), round(LONGEST_LAG_S / HOP_S)))
    spans = _stretches(pairs[:, 1])
    return measured(_total_s(spans), spans=spans)


@metric("reference_leak", unit="s", better="lower")
def reference_leak(prints: Prints, reference_prints: Prints) -> Finding:
    """Seconds of the take that are a copy of a stretch of the reference recording."""
    spans = _stretches(_copies(prints, reference_prints)[:, 0])
    return measured(_total_s(spans), spans=spans)


@metric("inner_gap", unit="s", better="lower")
def inner_gap(spectrum: Spectrum) -> Finding:
    """Seconds of the longest gap between two stretches of speech, also where noise fills it."""
    levels = spectrum.levels_db()
    loud = float(np.percentile(levels, SPEECH_PERCENTILE))
    noise = float(np.percentile(levels, 5)) + GAP_ABOVE_NOISE_DB
    least, most = GAP_BELOW_SPEECH_DB
    silent = levels < np.clip(noise, loud - most, loud - least)
    edges = np.flatnonzero(np.diff(silent, prepend=False, append=False)).reshape(-1, 2)
    inner = edges[(edges[:, 0] > 0) & (edges[:, 1] < levels.size)]
    if not inner.size:
        return measured(0.0)
    start, end = inner[np.argmax(inner[:, 1] - inner[:, 0])] * HOP_S
    return measured(end - start, spans=((float(start), float(end)),))


@metric("held_sound", unit="s", better="lower")
def held_sound(spectrum: Spectrum) -> Finding:
    """Seconds of the longest stretch in which the sound does not change: a stuck token, a frozen vowel, a buzz."""
    bands = spectrum.bands_db()
    if bands.shape[0] <= HELD_LAG:
        return measured(0.0)
    change = np.sqrt(np.square(bands[HELD_LAG:] - bands[:-HELD_LAG]).mean(axis=1))
    held = (change < HELD_DB) & spectrum.sounding(HELD_RANGE_DB)[HELD_LAG:]
    edges = np.flatnonzero(np.diff(held, prepend=False, append=False)).reshape(-1, 2)
    if not edges.size:
        return measured(0.0)
    start, end = edges[np.argmax(edges[:, 1] - edges[:, 0])]
    span = (float(start * HOP_S), float((end + HELD_LAG) * HOP_S))
    return measured(span[1] - span[0], spans=(span,))


@metric("extra_speech", unit="s", better="lower")
def extra_speech(pauses: Silences, text: str) -> Finding:
    """Seconds of speech beyond what the slowest reader needs for the text; the span is where it must have ended."""
    spoken = sum(spoken_letters(text))
    if not spoken:
        raise Missing("the text holds no words")
    needed = SLOW_START_S + spoken / SLOWEST_LETTERS_S
    extra = pauses.speech_s - needed
    if extra <= 0:
        return measured(0.0, speech_s=pauses.speech_s, needed_s=needed)
    heard = np.cumsum(~pauses.silent) * (pauses.total_s / pauses.silent.size)
    start = float(np.searchsorted(heard, needed) * pauses.total_s / pauses.silent.size)
    return measured(extra, spans=((start, pauses.total_s),), speech_s=pauses.speech_s, needed_s=needed)


@metric("tempo_ratio", unit="ratio", better="neither")
def tempo_ratio(pauses: Silences, text: str, reference_pauses: Silences, transcript: str) -> Finding:
    """Letters a second of speech in the take over those in the reference.

    95 % of human sentences lie between 0.6 and 1.55; letters of another script or language shift it further.
    """
    if min(len(words(text)), len(words(transcript))) < TEMPO_LEAST_WORDS:
        raise NotApplicable(f"fewer than {TEMPO_LEAST_WORDS} words say nothing about a tempo")
    if not pauses.speech_s or not reference_pauses.speech_s:
        raise Missing("no speech was found")
    take, own = (
        sum(spoken_letters(said)) / heard.speech_s for said, heard in ((text, pauses), (transcript, reference_pauses))
    )
    return measured(take / own, take_letters_s=take, reference_letters_s=own)


@metric("pace_change", unit="ratio", better="lower")
def pace_change(spectrum: Spectrum) -> Finding:
    """How many times faster one half of the speech is than the other, in peaks of loudness (syllables) a second."""
    sounding = spectrum.sounding(HELD_RANGE_DB)
    if sounding.sum() * HOP_S < PACE_LEAST_SPEECH_S:
        raise NotApplicable(f"less than {PACE_LEAST_SPEECH_S:g} s of speech has no pace to lose")
    levels = np.convolve(spectrum.levels_db(), np.hanning(9) / np.hanning(9).sum(), "same")[sounding]
    valley = np.minimum.reduce([np.roll(levels, shift) for shift in range(-8, 9)])
    crest = (levels >= np.roll(levels, 1)) & (levels > np.roll(levels, -1)) & (levels > valley + PEAK_DB)
    half = levels.size // 2
    first, second = float(crest[:half].sum()), float(crest[half:].sum())
    if not min(first, second):
        raise Missing("one half of the take has no syllables")
    rate = 1 / (half * HOP_S)
    return measured(max(first, second) / min(first, second), first_half_s=first * rate, second_half_s=second * rate)
