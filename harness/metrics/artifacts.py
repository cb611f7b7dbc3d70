"""Is it sound at all, as it is labelled, and free of what no voice makes?

Conventions: counts of samples, rates and frequencies in Hz, levels in dBFS, relative levels in dB below (negative) or
above the speech. The metrics read NaN and infinities as zeros and `nonfinite_samples` counts them. Each finding has
its time span where it has a place in time.

Metrics: `readable`, `nonfinite_samples`, `sample_rate`, `speech_level`, `downmix_loss`, `dc_offset`, `clipping`,
`clicks`, `seams`, `dropouts`, `steady_tone`, `noise_level`, `bandwidth`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.audio import SILENT_DBFS, Audio
from harness.metrics.declaration import Finding, NotApplicable, analysis, measured, metric
from harness.metrics.silence import SPEECH_PERCENTILE, Silences
from harness.metrics.spectrum import Spectrum, transformed
from harness.records.measurement import Span
from harness.take import Take

FLAT_RUN = 3  # equal samples in a row: one or two happen at every crest, three are a plateau
PLATEAU = 0.5  # of the peak: where a clipped crest can lie
QUIET_PEAK = 0.05  # full scale; below it 16-bit steps make plateaus of their own

CLICK_BLOCK_S = 0.0005
CLICK_AROUND_BLOCKS, CLICK_NEXT_BLOCKS = 24, 2  # 12 ms either side, but for the 1 ms nearest to the click
CLICK_RATIO = 60.0  # times the RMS around; the sharpest consonants and glottal pulses of human speech reach 50
CLICK_AUDIBLE = 0.25  # of the take's own RMS after the same filter: sharper but fainter is a lip, not a fault

SEAM_RATIO = 40.0
SEAM_FLOOR = 0.05  # of the take's own RMS after the same filter
SEAM_LEAST_S = 2.0  # one leap in a single word is no rate

DROPOUT_DBFS = -72.0
DROPOUT_S = (0.004, 1.0)
DROPOUT_EDGE_S = 0.003
DROPOUT_EDGE_DB = 26.0  # below the loud frames: speech on both sides, so no closure of a stop

HOLE_STEP_S = 0.001
HOLE_S = (0.016, 1.0)  # longer than the longest pitch period, 1 / 65 s: a deep voice falls silent between its pulses
STEEP = 16.0  # in power: what is left of a millisecond that a hole begins in

TONE_WINDOW = 4096  # samples: 6 Hz resolution at 24 kHz
TONE_LOWEST_HZ = 35.0
TONE_ABOVE = 6.0  # times the power of the bins around
TONE_AROUND_BINS = 12
TONE_PERCENTILE = 10.0
TONE_LEAST_WINDOWS = 8  # 0.8 s: below it a vowel is as steady as a tone

NOISE_PERCENTILE = 10.0
SPEECH_RANGE_DB = 30.0
BANDWIDTH_RANGE_DB = 60.0


@metric("readable", unit="yes", better="higher", of="take")
def readable(take: Take) -> Finding:
    """1 where the take has audio, 0 with the reason where it has none."""
    return measured(float(take.has_sound), detail=take.error)


@metric("nonfinite_samples", unit="samples", better="lower", of="sound")
def nonfinite_samples(audio: Audio) -> Finding:
    """How many samples are NaN or infinite. The other metrics read such samples as zeros."""
    bad = np.flatnonzero(~np.isfinite(audio.samples))
    detail = f"the first at {bad[0] / audio.sample_rate_hz:.3f} s" if bad.size else ""
    return measured(bad.size, detail, samples=audio.samples.size)


@metric("sample_rate", unit="Hz", better="neither", of="sound")
def sample_rate(audio: Audio) -> Finding:
    """The rate that the file is labelled with, in Hz; whether the label is true is `speaker.rate_ratio`."""
    return measured(audio.sample_rate_hz)


@analysis()
def level_dbfs(pauses: Silences) -> float:
    """Level of the speech, in dBFS."""
    loud = pauses.levels_dbfs[~pauses.silent]
    return float(10 * np.log10(np.mean(10 ** (loud / 10)))) if loud.size else SILENT_DBFS


@metric("speech_level", unit="dBFS", better="higher", of="sound")
def speech_level(pauses: Silences) -> Finding:
    """RMS level in dBFS over the frames that are not silent; `SILENT_DBFS` where all are.

    >>> tone = np.sin(np.arange(24_000) / 24_000 * 2 * np.pi * 200).astype(np.float32)
    >>> round(speech_level(Silences.of(Audio(0.1 * tone, 24_000))).value, 1)
    -23.0
    """
    return measured(level_dbfs(pauses), speech_s=pauses.speech_s)


@metric("downmix_loss", unit="dB", better="lower", of="sound")
def downmix_loss(audio: Audio) -> Finding:
    """How many dB mixing the channels to mono took from the loudest of them; 0 for a mono file.

    Equal channels lose nothing, sound on one side only loses 6 dB, channels in antiphase lose everything.
    """
    return measured(audio.downmix_loss_db)


@metric("dc_offset", unit="full scale", better="lower", of="sound")
def dc_offset(sound: Audio) -> Finding:
    """Distance of the mean sample from zero, as a share of full scale.

    >>> round(dc_offset(Audio(np.full(100, -0.25, np.float32), 24_000)).value, 3)
    0.25
    """
    return measured(abs(float(sound.samples.mean(dtype=np.float64))))


@metric("clipping", unit="ratio", better="lower")
def clipping(sound: Audio) -> Finding:
    """Share of the samples that lie in plateaus: three equal ones or more in a row, in the upper half of the range."""
    samples = sound.samples
    peak = float(np.abs(samples).max())
    if peak < QUIET_PEAK or samples.size < FLAT_RUN:
        return measured(0.0, peak=peak)
    flat = (np.diff(samples) == 0) & (np.abs(samples[1:]) > PLATEAU * peak)
    inside = np.logical_and.reduce([flat[first : flat.size - FLAT_RUN + 2 + first] for first in range(FLAT_RUN - 1)])
    spans = _spans(inside, 1.0 / sound.sample_rate_hz, join=round(0.05 * sound.sample_rate_hz))
    return measured(float(inside.mean()), spans=spans, peak=peak)


@dataclass(frozen=True, slots=True)
class Jerk:
    """The third difference of the signal, which speech hardly excites, in blocks of 0.5 ms: shape (blocks,) each."""

    peaks: NDArray[np.float32]
    around: NDArray[np.float64]
    """RMS of the 12 ms on either side."""
    mean: float
    """RMS of the whole take."""

    @classmethod
    def of(cls, sound: Audio) -> "Jerk":
        """Look at a whole sound; no blocks where it is too short for a look around."""
        width = max(1, round(CLICK_BLOCK_S * sound.sample_rate_hz))
        if sound.samples.size < width * 2 * CLICK_AROUND_BLOCKS:
            return cls(np.zeros(0, np.float32), np.zeros(0), 0.0)
        # Mirrored at both ends, so that a click in the first or last sample counts like any other.
        third = np.abs(np.diff(np.pad(sound.samples, 3, mode="reflect"), 3))[1:]
        blocks = np.pad(third, (0, -third.size % width), mode="reflect").reshape(-1, width)
        power = np.square(blocks, dtype=np.float64).mean(axis=1)
        wide, near = 2 * CLICK_AROUND_BLOCKS + 1, 2 * CLICK_NEXT_BLOCKS + 1
        around = _moving_sum(power, wide) - _moving_sum(power, near)
        scale = np.sqrt(np.maximum(around, 0.0) / (wide - near))
        return cls(blocks.max(axis=1), scale, float(np.sqrt(power.mean())))


@analysis()
def jerk(sound: Audio) -> Jerk:
    """The jerks of the take."""
    return Jerk.of(sound)


@metric("clicks", unit="clicks", better="lower")
def clicks(jerk: Jerk) -> Finding:
    """How many impulses there are that stand out of the sound around them as no consonant does.

    A click is a block whose jerk is `CLICK_RATIO` times that of the 12 ms on either side.
    """
    if not jerk.peaks.size:
        return measured(0.0)
    floor = max(CLICK_AUDIBLE * jerk.mean, 1e-9)
    found = jerk.peaks > CLICK_RATIO * np.maximum(jerk.around, floor)
    spans = _spans(found, CLICK_BLOCK_S, join=CLICK_NEXT_BLOCKS)
    return measured(len(spans), spans=spans, sharpest=float((jerk.peaks / np.maximum(jerk.around, floor)).max()))


@metric("seams", unit="1/s", better="lower")
def seams(jerk: Jerk, sound: Audio) -> Finding:
    """How often a second the signal leaps where nobody hears a click: sounds that were cut and joined.

    A block whose jerk is `SEAM_RATIO` times that of the 12 ms on either side, however faint.
    """
    if not jerk.peaks.size:
        return measured(0.0)
    found = jerk.peaks > SEAM_RATIO * np.maximum(jerk.around, max(SEAM_FLOOR * jerk.mean, 1e-9))
    spans = _spans(found, CLICK_BLOCK_S, join=CLICK_NEXT_BLOCKS)
    return measured(len(spans) / max(sound.duration_s, SEAM_LEAST_S), spans=spans, seams=len(spans))


@metric("dropouts", unit="dropouts", better="lower", version=2)
def dropouts(sound: Audio, pauses: Silences) -> Finding:
    """How often the sound falls into silence and comes back from one millisecond to the next, as lost frames do.

    The silence may be digital, or hold noise 26 dB below what stands on either side. A voice closes and opens more
    slowly, down to 3 ms: there only digital silence counts.
    """
    zeros, holes = _zeros(sound, pauses).tolist(), _holes(sound, pauses).tolist()
    # Both may find the same hole; where it is digital its ends are exact.
    others = [hole for hole in holes if all(hole[1] < start or hole[0] > end for start, end in zeros)]
    spans = sorted((float(start), float(end)) for start, end in [*zeros, *others])
    return measured(len(spans), spans=tuple(spans), lost_s=sum(end - start for start, end in spans))


def _zeros(sound: Audio, pauses: Silences) -> NDArray[np.float64]:
    """Stretches of digital silence with speech within 3 ms on both sides: (start_s, end_s), shape (n, 2)."""
    rate = sound.sample_rate_hz
    quiet = np.abs(sound.samples) < 10 ** (DROPOUT_DBFS / 20)
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
    edge = round(DROPOUT_EDGE_S * rate)
    lengths = edges[:, 1] - edges[:, 0]
    inside = (edges[:, 0] >= edge) & (edges[:, 1] <= sound.samples.size - edge)
    edges = edges[inside & (lengths >= DROPOUT_S[0] * rate) & (lengths <= DROPOUT_S[1] * rate)]
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound.samples, dtype=np.float64))])
    loud = 10 ** ((np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE) - DROPOUT_EDGE_DB) / 10)
    before = (energy[edges[:, 0]] - energy[edges[:, 0] - edge]) / edge
    after = (energy[edges[:, 1] + edge] - energy[edges[:, 1]]) / edge
    return np.asarray(edges[(before > loud) & (after > loud)] / rate)


def _holes(sound: Audio, pauses: Silences) -> NDArray[np.float64]:
    """Stretches between a fall and a return of `DROPOUT_EDGE_DB` within 2 ms: (start_s, end_s), shape (n, 2)."""
    width = max(1, round(HOLE_STEP_S * sound.sample_rate_hz))
    count = sound.samples.size // width
    power = np.square(sound.samples[: count * width].reshape(count, width), dtype=np.float64).mean(axis=1) + 1e-14
    loud = 10 ** ((np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE) - DROPOUT_EDGE_DB) / 10)
    drop = 10 ** (DROPOUT_EDGE_DB / 10)
    before, between, after = power[:-2], power[1:-1], power[2:]
    # A millisecond between that is neither as loud nor as silent is a voice on its way.
    falls = (before > loud) & (after * drop < before) & ((between * STEEP > before) | (between < 4 * after))
    rises = (after > loud) & (before * drop < after) & ((between * STEEP > after) | (between < 4 * before))
    falls, rises = np.flatnonzero(falls) + 1, np.flatnonzero(rises) + 1
    least, most = (round(seconds / HOLE_STEP_S) for seconds in HOLE_S)
    found: list[tuple[float, float]] = []
    for fall in falls:
        nearest = np.searchsorted(rises, fall + least)
        if nearest == rises.size or rises[nearest] > fall + most or (found and fall * HOLE_STEP_S <= found[-1][1]):
            continue
        rise = rises[nearest]
        inside, ends = power[fall + 1 : rise].max() * drop, (power[fall - 1], power[rise + 1])
        if inside < 4 * min(ends) and inside < max(ends):
            found.append((fall * HOLE_STEP_S, rise * HOLE_STEP_S))
    return np.asarray(found, np.float64).reshape(-1, 2)


@metric("steady_tone", unit="dB", better="lower")
def steady_tone(sound: Audio, level_dbfs: float) -> Finding:
    """Level of the loudest tone that never stops, in dB relative to the speech: hum, whine, a stuck carrier.

    In each frequency bin the 10th percentile over time: speech leaves every bin for a while, a hum never does.
    """
    samples = sound.samples
    starts = range(0, samples.size - TONE_WINDOW + 1, TONE_WINDOW // 2)
    if len(starts) < TONE_LEAST_WINDOWS:
        raise NotApplicable(f"{sound.duration_s:.2f} s is too short to tell a tone from a vowel")
    frames = sliding_window_view(samples, TONE_WINDOW)[:: TONE_WINDOW // 2]
    window = np.hanning(TONE_WINDOW).astype(np.float32)
    power = np.abs(transformed(frames * window)) ** 2 * np.float32(2.0 / (window @ window) / TONE_WINDOW)
    rank = int(len(starts) * TONE_PERCENTILE / 100)
    lasting = np.partition(power, rank, axis=0)[rank].astype(np.float64)
    around = sliding_window_view(np.pad(lasting, TONE_AROUND_BINS, mode="reflect"), 2 * TONE_AROUND_BINS + 1)
    median = np.partition(around, TONE_AROUND_BINS, axis=1)[:, TONE_AROUND_BINS]  # the middle one of an odd number
    peaks = np.where(lasting > TONE_ABOVE * median, lasting, 0.0)
    lobe = np.convolve(peaks, np.ones(3), "same")  # a Hann window spreads a tone over three bins
    hz = np.fft.rfftfreq(TONE_WINDOW, 1 / sound.sample_rate_hz)
    lobe[hz < TONE_LOWEST_HZ] = 0.0
    loudest = int(lobe.argmax())
    level = 10 * np.log10(max(float(lobe[loudest]), 10 ** (SILENT_DBFS / 10)))
    return measured(level - level_dbfs, f"at {hz[loudest]:.0f} Hz", hz=float(hz[loudest]), level_dbfs=level)


@metric("noise_level", unit="dB", better="lower")
def noise_level(spectrum: Spectrum, level_dbfs: float) -> Finding:
    """Level of the background noise in dB relative to the speech, -20 being a signal-to-noise ratio of 20 dB.

    The sum over bands of each band's 10th percentile over time, because connected speech has no silent frame but
    leaves each band silent now and then. Blind below 100 Hz, where `steady_tone` listens.
    """
    bands = spectrum.wide_bands()
    rank = int(bands.shape[0] * NOISE_PERCENTILE / 100)
    noise = float(np.partition(bands, rank, axis=0)[rank].sum(dtype=np.float64))
    level = 10 * np.log10(max(noise, 10 ** (SILENT_DBFS / 10)))
    return measured(level - level_dbfs, level_dbfs=level)


@metric("bandwidth", unit="Hz", better="higher")
def bandwidth(spectrum: Spectrum) -> Finding:
    """Highest frequency in Hz that the sounding frames still reach within 60 dB of their strongest bin.

    The 95th percentile over the frames, so that a handful of fricatives is enough to show that the channel is open.
    """
    loud = spectrum.power[spectrum.sounding(SPEECH_RANGE_DB)]
    rank = min(int(loud.shape[0] * SPEECH_PERCENTILE / 100), loud.shape[0] - 1)
    strong = np.partition(loud, rank, axis=0)[rank]
    smooth = np.convolve(np.pad(strong, 2, mode="edge"), np.ones(5) / 5, "valid")
    reached = np.flatnonzero(smooth >= smooth.max() * 10 ** (-BANDWIDTH_RANGE_DB / 10))
    return measured(float(spectrum.hz[reached[-1]]))


def _moving_sum(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Sum over `width` (odd) neighbours of each value; past the ends the values are mirrored."""
    padded = np.pad(values, width // 2, mode="reflect")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray(total[width:] - total[:-width])


def _spans(found: NDArray[np.bool_], step_s: float, join: int) -> tuple[Span, ...]:
    """(start_s, end_s) of each stretch of found steps; stretches at most `join` steps apart are one."""
    places = np.flatnonzero(found)
    if not places.size:
        return ()
    breaks = np.flatnonzero(np.diff(places) > join)
    starts, ends = places[np.append(0, breaks + 1)], places[np.append(breaks, places.size - 1)] + 1
    return tuple((float(start * step_s), float(end * step_s)) for start, end in zip(starts, ends, strict=True))
