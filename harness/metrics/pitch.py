"""Does it sing like a voice, buzz like a machine, or only whisper?

Conventions: pitch in Hz between 65 and 400, spread in semitones; frames of 40 ms every 20 ms, those within 30 dB of
the loud ones. A frame is voiced where the autocorrelation of its spectrum below 2 kHz, divided by that of the window,
reaches 0.7 at a lag within those bounds.

Metrics: `pitch_spread`, `voiced_share`.

Source: Boersma (1993), autocorrelation divided by the window's. No path search: octave errors remain, so the spread is
taken robustly, and absolute pitch is not a metric.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.audio import Audio
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.spectrum import transformed

WINDOW_S, HOP_S = 0.040, 0.020
LOWEST_HZ, HIGHEST_HZ = 65.0, 400.0
BAND_HZ = 2000.0
VOICED = 0.70
LONG_LAG_COST = 0.002  # a lag: of two equal peaks the shorter period is meant
RANGE_DB = 30.0
RUMBLE_S = 0.025
LEAST_VOICED = 20  # frames, 0.4 s
MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Pitch:
    """Pitch of the voiced frames, shape (voiced,), and how many frames sounded at all."""

    hz: NDArray[np.float64]
    sounding: int

    @classmethod
    def of(cls, audio: Audio) -> "Pitch":
        """Track the pitch; an empty track for a take shorter than a frame."""
        rate = audio.sample_rate_hz
        width = round(WINDOW_S * rate)
        if audio.samples.size < width:
            return cls(np.empty(0), 0)
        sound = _without_rumble(_without_rumble(audio.samples, rate), rate)
        frames = sliding_window_view(sound, width)[:: round(HOP_S * rate)]
        window = np.hanning(width).astype(np.float32)
        power = frames.var(axis=1)
        frames = frames[power >= np.percentile(power, 95) * 10 ** (-RANGE_DB / 10)]
        centred = (frames - frames.mean(axis=1, keepdims=True)) * window
        bins = round(BAND_HZ * 2 * width / rate)
        spectra = np.abs(transformed(centred, 2 * width)[:, :bins]) ** 2
        lag_rate = (bins - 1) * rate / width
        own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * width)[:bins]) ** 2)
        lags = np.fft.irfft(spectra, axis=1)
        shortest, longest = int(lag_rate / HIGHEST_HZ), int(lag_rate / LOWEST_HZ)
        shape = lags[:, : longest + 2] / np.maximum(lags[:, :1], 1e-12) / np.maximum(own[: longest + 2] / own[0], 0.05)
        costs = LONG_LAG_COST * np.arange(longest + 1 - shortest)
        best = (shape[:, shortest : longest + 1] - costs).argmax(axis=1) + shortest
        row = np.arange(best.size)
        left, peak, right = shape[row, best - 1], shape[row, best], shape[row, best + 1]
        shift = np.clip(0.5 * (left - right) / np.minimum(left - 2 * peak + right, -1e-6), -0.5, 0.5)
        hz = lag_rate / (best + shift)
        # At the ends of the range the best lag is no peak: what it belongs to lies outside.
        inside = (peak >= left) & (peak >= right) & (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
        return cls(hz[(peak > VOICED) & inside].astype(np.float64), best.size)


def _without_rumble(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The sound less its mean over 25 ms: what is slower than any voice has a period of its own."""
    width = round(RUMBLE_S * rate_hz) | 1
    padded = np.pad(samples, width // 2, mode="reflect" if samples.size > width else "edge")
    total = np.concatenate([[0.0], np.cumsum(padded, dtype=np.float64)])
    return np.asarray(samples - (total[width:] - total[:-width]) / width, np.float32)


@analysis()
def pitch(sound: Audio) -> Pitch:
    """The pitch of the take."""
    return Pitch.of(sound)


@metric("voiced_share", unit="ratio", better="higher")
def voiced_share(pitch: Pitch) -> Finding:
    """Share of the sounding frames that have a pitch: at most 0.15 in whisper and hiss, 0.2 to 0.9 in speech."""
    if not pitch.sounding:
        raise Missing("no speech was found")
    return measured(pitch.hz.size / pitch.sounding)


@metric("pitch_spread", unit="semitones", better="higher")
def pitch_spread(pitch: Pitch) -> Finding:
    """Robust standard deviation of the pitch in semitones (median absolute deviation x 1.48); 0 is a monotone."""
    if pitch.hz.size < LEAST_VOICED:
        raise NotApplicable(f"{pitch.hz.size} voiced frames; a melody needs {LEAST_VOICED}")
    semitones = 12 * np.log2(pitch.hz)
    spread = MAD_TO_SD * float(np.median(np.abs(semitones - np.median(semitones))))
    return measured(spread, median_hz=float(np.median(pitch.hz)), voiced_frames=pitch.hz.size)
