"""Short-time spectra that several metrics look at, computed once a take.

Conventions: frames of 25 ms every 10 ms, Hann window, power per bin; levels in dB. A take shorter than one frame is
padded with zeros to one.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.metrics.declaration import analysis

HOP_S = 0.010
WINDOW_S = 0.025
N_BANDS = 24
LOWEST_HZ, HIGHEST_HZ = 100.0, 7000.0  # where wideband speech has its detail; 16 kHz recordings hold it too
QUIETEST_DB = -100.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Power spectra of a take: `power` of shape (frames, bins), `hz` of shape (bins,)."""

    power: Floats
    hz: Floats
    total_s: float

    @classmethod
    def of(cls, audio: Audio) -> "Spectrum":
        """Spectra of the whole take, however long.

        >>> tone = np.sin(np.arange(24_000) / 24_000 * 2 * np.pi * 1000).astype(np.float32)
        >>> seen = Spectrum.of(Audio(tone, 24_000))
        >>> float(seen.hz[seen.power.mean(axis=0).argmax()])
        1000.0
        """
        rate = audio.sample_rate_hz
        width, hop = round(WINDOW_S * rate), round(HOP_S * rate)
        padded = np.pad(audio.samples, (0, max(0, width - audio.samples.size)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
        power = np.abs(transformed(frames * np.hanning(width).astype(np.float32))) ** 2
        power *= np.float32(2 / (width * np.square(np.hanning(width)).sum()))  # sums over bins are mean squares
        return cls(power, np.fft.rfftfreq(width, 1 / rate).astype(np.float32), audio.duration_s)

    def bands_db(self) -> Floats:
        """Levels in 24 mel bands from 100 Hz to 7 kHz, shape (frames, 24)."""
        mel = self.power @ _mel_bands(self.hz.size, float(self.hz[-1]))
        return np.asarray(10 * np.log10(np.maximum(mel, 10 ** (QUIETEST_DB / 10))), np.float32)

    def wide_bands(self) -> Floats:
        """Power in equal bands of 500 Hz from 100 Hz up to half the sample rate, shape (frames, bands)."""
        first = int(np.searchsorted(self.hz, LOWEST_HZ))
        width = max(1, round(500.0 / float(self.hz[1])))
        return np.add.reduceat(self.power, np.arange(first, self.hz.size, width), axis=1)

    def levels_db(self) -> Floats:
        """Level of each frame, shape (frames,)."""
        return np.asarray(10 * np.log10(np.maximum(self.power.sum(axis=1), 10 ** (QUIETEST_DB / 10))), np.float32)

    def sounding(self, range_db: float) -> NDArray[np.bool_]:
        """True for the frames within so many dB of the 95th percentile, shape (frames,)."""
        levels = self.levels_db()
        return levels >= np.percentile(levels, 95) - range_db


@analysis()
def spectrum(sound: Audio) -> Spectrum:
    """The spectra of the take."""
    return Spectrum.of(sound)


def transformed(rows: NDArray[np.floating[Any]], size: int | None = None) -> NDArray[np.complexfloating[Any, Any]]:
    """The Fourier transform of each row, shape (rows, size // 2 + 1); rows are padded with zeros to `size`.

    SciPy's takes a fifth of the time of NumPy's for many short rows; importing it takes 0.2 s, when first asked.
    """
    from scipy.fft import rfft

    return np.asarray(rfft(rows, size, axis=1))


def mel_edges_hz(lowest_hz: float, highest_hz: float, bands: int) -> NDArray[np.float64]:
    """Where bands that are equally wide on the mel scale begin, peak and end, shape (bands + 2,).

    Source: 2595 log10(1 + f / 700 Hz), O'Shaughnessy.
    """
    return _hz(np.linspace(_mel(lowest_hz), _mel(highest_hz), bands + 2))


def mel_bands(hz: NDArray[np.floating[Any]], edges_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles of equal height, shape (bins, bands), for bins at these frequencies."""
    rising = (hz[:, None] - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - hz[:, None]) / (edges_hz[2:] - edges_hz[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


@lru_cache(maxsize=8)
def _mel_bands(bins: int, top_hz: float) -> Floats:
    edges_hz = mel_edges_hz(LOWEST_HZ, HIGHEST_HZ, N_BANDS)
    return mel_bands(np.linspace(0.0, top_hz, bins), edges_hz).astype(np.float32)


def _mel(hz: float) -> float:
    return 2595.0 * float(np.log10(1 + hz / 700.0))


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700.0 * (10 ** (mel / 2595.0) - 1))
