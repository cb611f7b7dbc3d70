"""Pictures of a take: waveform over mel spectrogram, with what was found at its time.

Conventions: time runs from left to right over the whole picture, mel bands from low to high, 70 dB below the loudest
cell are black. The picture is HTML with inline SVG and one PNG, drawn here because 200 takes must be drawn in seconds
(a figure of matplotlib takes 0.3 s, this takes 0.01 s); it needs no script, and its colours follow the page.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio, finite
from harness.metrics.artifacts import clipping
from harness.metrics.spectrum import mel_bands, mel_edges_hz, transformed

WINDOW_S = 0.025
HOP_S = 0.010
MOST_COLUMNS = 480
MEL_BANDS = 72
RANGE_DB = 70.0
SHADES = 64

# Black over violet and orange to pale yellow, rising in lightness, so that it also reads in grey.
_ANCHORS = np.array(
    [(4, 3, 16), (48, 18, 96), (120, 32, 122), (190, 55, 98), (240, 110, 60), (252, 180, 90), (252, 250, 205)]
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a time of the take."""

    kind: str
    """'silence', 'clipped' or 'defect'."""
    label: str
    start_s: float
    end_s: float


def mel_spectrogram_db(sound: Audio) -> NDArray[np.float64]:
    """Mel power in dB below the loudest cell, shape (MEL_BANDS, columns); Hann windows of 25 ms, 10 ms or more apart.

    Source: `harness.metrics.spectrum.mel_bands`, each at least one bin wide.
    """
    rate = sound.sample_rate_hz
    width = max(16, round(WINDOW_S * rate))
    hop = max(1, round(HOP_S * rate), -(-sound.samples.size // MOST_COLUMNS))
    padded = np.pad(sound.samples, (0, max(0, width - sound.samples.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    size = 1 << (width - 1).bit_length()
    window = np.hanning(width).astype(np.float32)
    power = np.abs(transformed(frames * window, size)) ** 2
    mel = np.asarray(power @ _mel_bands(size, rate).T, np.float64)
    return 10 * np.log10(np.maximum(mel.T / max(float(mel.max(initial=0)), 1e-12), 10 ** (-RANGE_DB / 10)))


@lru_cache(maxsize=8)
def _mel_bands(size: int, rate: int) -> NDArray[np.float64]:
    """Weights of the bands, shape (MEL_BANDS, bins)."""
    bins = np.fft.rfftfreq(size, 1 / rate)
    edges_hz = mel_edges_hz(0.0, rate / 2, MEL_BANDS)
    weights = mel_bands(bins, edges_hz).T
    # A low band may be narrower than a bin: then it hears the bin nearest to its centre.
    empty = np.flatnonzero(weights.sum(axis=1) == 0)
    weights[empty, np.abs(bins - edges_hz[1:-1][empty, None]).argmin(axis=1)] = 1
    return weights


def spectrogram_png(sound: Audio) -> bytes:
    """The mel spectrogram as a PNG of one pixel a cell, low bands at the bottom."""
    shades = np.round((mel_spectrogram_db(finite(sound)) / RANGE_DB + 1) * (SHADES - 1))
    return _png(shades[::-1].astype(np.uint8))


def _png(shades: NDArray[np.uint8]) -> bytes:
    """A picture with a palette; rows from top to bottom, values below SHADES."""
    height, width = shades.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = shades
    at = np.linspace(0, len(_ANCHORS) - 1, SHADES)
    palette = np.stack([np.interp(at, range(len(_ANCHORS)), channel) for channel in _ANCHORS.T], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette.round().astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes())),
        (b"IEND", b""),
    )
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def waveform_path(sound: Audio) -> str:
    """The outline of the waveform as an SVG path, x from 0 to MOST_COLUMNS, y from 0 (+1) to 100 (-1)."""
    samples = np.clip(finite(sound).samples, -1, 1)
    starts = np.unique(np.linspace(0, samples.size, MOST_COLUMNS, endpoint=False).astype(np.int64))
    high = 50 - 50 * np.maximum.reduceat(samples, starts)
    low = 50 - 50 * np.minimum.reduceat(samples, starts)
    columns = np.round(np.linspace(0, MOST_COLUMNS, starts.size), 1)
    upper = [f"{x:g},{y:.1f}" for x, y in zip(columns, high, strict=True)]
    lower = [f"{x:g},{y:.1f}" for x, y in zip(columns[::-1], low[::-1], strict=True)]
    return f"M{' '.join(upper)}L{' '.join(lower)}Z"


def marks(
    sound: Audio, silent: Sequence[tuple[float, float]], defects: Sequence[tuple[str, float, float]]
) -> list[Mark]:
    """What is marked in the picture of a sound: silence, what the gate counts as clipped, and defects with a place."""
    found = [Mark("silence", f"silence {start:.2f} to {end:.2f} s", start, end) for start, end in silent]
    found += [
        Mark("clipped", f"clipped {start:.2f} to {end:.2f} s", start, end)
        for start, end in clipping(finite(sound)).spans
    ]
    found += [Mark("defect", f"{name} {start:.2f} to {end:.2f} s", start, end) for name, start, end in defects]
    return found


def ticks_s(duration_s: float) -> list[float]:
    """Times to write under the picture: about six, at round steps.

    >>> ticks_s(5.28)
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    step = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60) if duration_s / step <= 6.5), 300)
    return [round(float(tick), 1) for tick in np.arange(0, duration_s, step)]
