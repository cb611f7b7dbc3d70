"""Does it say the same samples twice? What a frame that is played again, or a delayed copy, leaves in the sound.

Conventions: seconds; a copy is exact, or lies under the whole take. Two readings of one sound never agree so far, and
neither do two decodings of one code.

Metrics: `stutter`, `echo`.

Blind to: a copy that a codec or noise has changed since (`stutter`); `structure.repeated_speech` knows such copies from
0.3 s on.
"""

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.metrics.copies import named
from harness.metrics.declaration import Finding, NotApplicable, measured, metric

LAGS_S = (0.018, 0.125)  # from one codec frame to three
STEPS = 32_768  # 16 bit: what a file holds
LEAST_CREST = 0.01  # full scale: lower crests agree by chance
SHAPE = (-3, -2, -1, 0, 1, 2, 3)  # samples around a crest that must agree
APART_S = 0.01

ECHO_RATE_HZ = 8_000
ECHO_LAGS_S = (0.012, 0.1)
ECHO_BAND_HZ = (300.0, 3600.0)
WHITENED_HZ = 60.0  # half the width of the band that gives a bin its average
ECHO_OUTSTANDS = 17.0  # times the typical height: melody leaves no lag out, an echo stands on one
LEAST_ECHO_S = 2.0  # in less, one melody resembles itself at a few periods of its pitch


@metric("stutter", unit="s", better="lower")
def stutter(sound: Audio) -> Finding:
    """Seconds of the longest stretch that repeats, sample by sample, what stands 18 to 125 ms before it."""
    samples = np.round(sound.samples * STEPS).astype(np.int64)
    heights = np.abs(samples)
    inner = heights[1:-1]
    crests = np.flatnonzero((inner >= heights[:-2]) & (inner > heights[2:]) & (inner > LEAST_CREST * STEPS))
    crests = crests[(crests >= 3) & (crests < samples.size - 4)] + 1
    if crests.size < 2:
        return measured(0.0)
    # Crests of one shape have one name of 64 bits; to sort names is ten times faster than to sort shapes.
    alike = named(samples[crests + step] for step in SHAPE)
    order = np.argsort(alike, kind="stable")
    first, second = crests[order[:-1]], crests[order[1:]]
    lags = second - first
    rate = sound.sample_rate_hz
    same = (alike[order[:-1]] == alike[order[1:]]) & (lags >= LAGS_S[0] * rate) & (lags <= LAGS_S[1] * rate)
    span = _longest_run(second[same], lags[same], round(APART_S * rate))
    if span is None:
        return measured(0.0)
    start, end = (place / rate for place in span)
    return measured(end - start, spans=((start, end),))


def _longest_run(places: NDArray[np.int64], lags: NDArray[np.int64], apart: int) -> tuple[int, int] | None:
    """First and last of the longest row of places of one lag that are no further apart, in samples."""
    if places.size < 2:
        return None
    order = np.lexsort((places, lags))
    places, lags = places[order], lags[order]
    breaks = np.flatnonzero((np.diff(lags) != 0) | (np.diff(places) > apart))
    starts, ends = np.append(0, breaks + 1), np.append(breaks, places.size - 1)
    longest = int(np.argmax(places[ends] - places[starts]))
    return int(places[starts[longest]]), int(places[ends[longest]])


@metric("echo", unit="ratio", better="lower")
def echo(sound: Audio) -> Finding:
    """Height of the one lag, 12 to 100 ms, at which the whole take resembles itself; 0 where none stands out.

    The autocorrelation of the whole take, its spectrum whitened: a voice that is heard twice, or a comb, has one peak.
    """
    if sound.duration_s < LEAST_ECHO_S:
        raise NotApplicable(f"{sound.duration_s:.2f} s are too short to tell an echo from a melody")
    every = max(1, round(sound.sample_rate_hz / ECHO_RATE_HZ))
    parts = sound.samples[: sound.samples.size // every * every].reshape(-1, every).T
    samples = sum(parts[1:], parts[0]) / np.float32(every)
    rate = sound.sample_rate_hz / every
    size = 1 << int(np.ceil(np.log2(samples.size + ECHO_LAGS_S[1] * rate)))
    power = np.abs(np.fft.rfft(samples, size)) ** 2
    half = max(3, int(WHITENED_HZ * size / rate))
    total = np.concatenate([[0.0], np.cumsum(power)])
    bins = np.arange(power.size)
    low, high = np.maximum(bins - half, 0), np.minimum(bins + half + 1, power.size)
    around = (total[high] - total[low]) / (high - low)
    hz = bins * rate / size
    white = np.where(
        (hz >= ECHO_BAND_HZ[0]) & (hz <= ECHO_BAND_HZ[1]), power / np.maximum(around, around.max() * 1e-7), 0.0
    )
    alike = np.fft.irfft(white)
    first, last = (int(lag * rate) for lag in ECHO_LAGS_S)
    heights = np.abs(alike[first:last]) / max(float(alike[0]), 1e-12)
    peak = int(heights.argmax())
    outstands = float(heights[peak]) / max(float(np.median(heights)) / 0.6745, 1e-9)
    found = float(heights[peak]) if outstands >= ECHO_OUTSTANDS else 0.0
    return measured(found, f"at {1000 * (first + peak) / rate:.0f} ms" if found else "", outstands=outstands)
