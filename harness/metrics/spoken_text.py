"""Does the take begin with the beginning of its text? Laid beside the same words as a synthesiser says them.

Conventions: cepstra of 13 values every 10 ms at 16 kHz, less their mean and over their deviation where somebody speaks;
levels more than 50 dB below the loud frames count as 50 dB below. Both begin with their first sound. The first 1.2 s of
the take are laid along the synthesiser's speech from its beginning, and from each place 0.15 to 0.6 s later. For each
frame of the take the synthesiser may stand still or go on by one frame or two; the distance is the mean over frames.

Source: dynamic time warping (Sakoe and Chiba, 1978), with an open end.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.metrics.spectrum import mel_bands, mel_edges_hz, transformed

RATE_HZ, HOP, WINDOW, SIZE = 16_000, 160, 400, 512
BANDS, LOWEST_HZ, HIGHEST_HZ, CEPSTRA = 40, 60.0, 7600.0, 13
FLOOR_DB, SPEECH_DB, ONSET_DB = -50.0, -35.0, -30.0
LAID, ALONG = 120, 260  # frames of the take, and of the synthesiser
STEP = 3
STARTS = np.arange(0, 63, STEP)
BEGINNING, LATER = 2, 5  # of the starts: the first two are the beginning, those from the sixth on lie later

Floats = NDArray[np.float32]


def begins_later(take: Audio, spoken: Audio) -> float:
    """How much nearer the take's beginning lies to a later place of its text than to the beginning.

    Args:
        take: What was generated.
        spoken: At least the first words of its text, said by somebody else.

    Returns:
        The difference of the distances over the mean distance; above 0 where a later place is nearer, 0 where either
        holds too little sound.
    """
    laid, along = cepstra(take)[:LAID], cepstra(spoken)[:ALONG]
    starts = STARTS[: max(0, len(along) // STEP - LATER)]
    if len(laid) < LATER or starts.size <= LATER:
        return 0.0
    far = _distances(np.sqrt(((laid[:, None] - along[None]) ** 2).mean(axis=2)), starts)
    return float((far[:BEGINNING].min() - far[LATER:].min()) / max(float(far.mean()), 1e-9))


def cepstra(sound: Audio) -> Floats:
    """Cepstra from the first sound on, shape (frames, 13)."""
    samples = audio.resample(sound, RATE_HZ).samples
    if samples.size < SIZE:
        return np.zeros((0, CEPSTRA), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * np.hanning(WINDOW).astype(np.float32)
    power = np.abs(transformed(frames, SIZE)) ** 2 @ _bands()
    levels = 10 * np.log10(power.sum(axis=1) + 1e-10)
    loud = float(np.percentile(levels, 95))
    floor = 10 ** ((loud + FLOOR_DB) / 10) / BANDS
    found = np.log(np.maximum(power + 1e-8, floor)) @ _cosines()
    speech = found[levels > loud + SPEECH_DB]
    found = (found - speech.mean(axis=0)) / (speech.std(axis=0) + 1e-3)
    return np.asarray(found[max(0, int(np.argmax(levels > loud + ONSET_DB)) - 1) :], np.float32)


def _distances(far: Floats, starts: NDArray[np.int_]) -> Floats:
    """For each start the mean distance along the best way from there, shape (starts,).

    Args:
        far: Of each frame of the take from each of the synthesiser, shape (frames, frames).
        starts: Frames of the synthesiser.
    """
    ways = np.full((starts.size, far.shape[1]), np.inf, np.float32)
    ways[np.arange(starts.size), starts] = far[0, starts]
    for row in far[1:]:
        best = ways.copy()
        np.minimum(best[:, 1:], ways[:, :-1], out=best[:, 1:])
        np.minimum(best[:, 2:], ways[:, :-2], out=best[:, 2:])
        ways = best + row
    return np.asarray(ways.min(axis=1) / len(far), np.float32)


@lru_cache(maxsize=1)
def _bands() -> Floats:
    edges_hz = mel_edges_hz(LOWEST_HZ, HIGHEST_HZ, BANDS)
    return mel_bands(np.fft.rfftfreq(SIZE, 1 / RATE_HZ), edges_hz).astype(np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Any:
    """The discrete cosine transform, shape (bands, cepstra)."""
    angles = np.pi * (np.arange(BANDS)[:, None] + 0.5) * np.arange(CEPSTRA)[None] / BANDS
    return np.cos(angles).astype(np.float32)
