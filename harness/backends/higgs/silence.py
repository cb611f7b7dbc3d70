"""Which codes are silence: learnt from the codec itself, once.

Conventions: digital silence and faint room noise are encoded and decoded back; a frame counts only if it comes back
silent. The first codebooks carry the level, the last ones what little is left of a noise, and those may hold anything.
So a frame is called silent by as many leading codebooks as still recognize every frame of a second, unseen half.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.cloning.termination import Codes

NOISE_DBFS = (-80.0, -70.0)  # a studio and a quiet room
SECONDS = 8.0
SILENT_DBFS = -55.0  # a frame that decodes below this is not heard beside speech


@dataclass(frozen=True)
class SilenceCodes:
    """The codes of silence, a set for each leading codebook."""

    known: tuple[frozenset[int], ...]
    note: str = ""
    """Why no frame is ever called silent, where the codec has no silence."""

    def __call__(self, frame: Codes) -> bool:
        """Whether a frame, codes of shape (codebooks,), is silent."""
        return bool(self.known) and all(int(code) in known for code, known in zip(frame, self.known, strict=False))


def learn(codec: Any, frame_samples: int = 960) -> SilenceCodes:
    """Encode silence and room noise, decode them back, and keep what stayed silent.

    A codec that gives back its own silence as sound has none: then nothing is called silent, and the note says so.
    """
    rate = int(codec.config.sample_rate)
    kept = [_silent_codes(codec, Audio(np.zeros(round(rate * SECONDS), np.float32), rate), frame_samples)]
    for number, level in enumerate(NOISE_DBFS):
        kept.append(_silent_codes(codec, _room_noise(level, rate, seed=number), frame_samples))
    if not kept[0].size:
        return SilenceCodes((), f"off: the codec decodes digital silence above {SILENT_DBFS:g} dBFS")
    learnt = np.concatenate([part[:, ::2] for part in kept], axis=1)
    unseen = np.concatenate([part[:, 1::2] for part in kept], axis=1)
    known = tuple(frozenset(int(code) for code in row) for row in learnt)
    for leading in range(len(known), 1, -1):
        codes = SilenceCodes(known[:leading])
        if all(codes(frame) for frame in unseen.T):
            return codes
    return SilenceCodes(known[:1])


def _silent_codes(codec: Any, sound: Audio, frame_samples: int) -> NDArray[np.int64]:
    """Codes of the frames that come back silent, shape (codebooks, frames); the edges are left out."""
    import torch

    with torch.inference_mode():
        codes = codec.encode(torch.from_numpy(sound.samples)[None, None].to(codec.device)).audio_codes
        decoded = codec.decode(codes).audio_values[0, 0].float().cpu().numpy()
    frames = decoded[: codes.shape[2] * frame_samples].reshape(-1, frame_samples)
    levels = np.array([audio.rms_dbfs(frame) for frame in frames])
    inner = np.arange(levels.size)
    silent = (levels < SILENT_DBFS) & (inner >= 2) & (inner < levels.size - 2)
    found: NDArray[np.int64] = codes[0].cpu().numpy()[:, silent]
    return found


def _room_noise(level_dbfs: float, rate: int, seed: int) -> Audio:
    """Noise that falls by 6 dB an octave above 200 Hz, as rooms do."""
    size = round(rate * SECONDS)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    spectrum /= np.maximum(np.fft.rfftfreq(size, 1 / rate), 200.0)
    noise = np.fft.irfft(spectrum, size)
    noise *= 10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2))
    return Audio(noise.astype(np.float32), rate)
