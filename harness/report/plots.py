"""Pictures of a take: waveform over spectrogram, silent stretches shaded."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio

WINDOW_S = 0.025
HOP_S = 0.010
RANGE_DB = 70.0
DOTS_PER_INCH = 80


def spectrogram_db(sound: Audio) -> NDArray[np.float64]:
    """Power in dB below the loudest cell, shape (bins, frames); Hann windows of 25 ms every 10 ms."""
    width, hop = round(WINDOW_S * sound.sample_rate_hz), round(HOP_S * sound.sample_rate_hz)
    padded = np.pad(sound.samples, (0, max(0, width - sound.samples.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(width), axis=1)) ** 2
    return 10 * np.log10(np.maximum(power.T / max(float(power.max()), 1e-12), 10 ** (-RANGE_DB / 10)))


def waveform_png(take: Audio, silent_spans: Sequence[tuple[float, float]]) -> bytes:
    """PNG of 960 x 320 pixels; samples that are not numbers are drawn as zeros."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sound = audio.finite(take)
    figure = Figure(figsize=(12, 4), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    wave, spectrum = figure.subplots(2, 1, sharex=True)
    low, high = _envelope(sound.samples, 1200)
    times = np.linspace(0, sound.duration_s, low.size)
    wave.fill_between(times, low, high, linewidth=0)
    wave.set_ylim(-1, 1)
    wave.set_ylabel("full scale")
    spectrum.imshow(
        spectrogram_db(sound),
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, sound.duration_s, 0, sound.sample_rate_hz / 2000),
    )
    spectrum.set_ylabel("kHz")
    spectrum.set_xlabel("seconds; silence is shaded")
    panels: Any = (wave, spectrum)
    for panel in panels:
        for start, end in silent_spans:
            panel.axvspan(start, end, color="tab:gray", alpha=0.4, linewidth=0)
    wave.set_xlim(0, sound.duration_s)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _envelope(samples: NDArray[np.float32], points: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    starts = np.unique(np.linspace(0, samples.size, min(points, samples.size), endpoint=False, dtype=np.int64))
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
