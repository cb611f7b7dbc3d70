"""Speech changed where only a vocoder can reach it: its tempo, its melody, its breath. Each is as loud as it was."""

from dataclasses import replace

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.backends.embedded.conversion import FRAME_S, RATE_HZ, Frames, analyse


def stretched(sound: Audio, slower: float, melody: float) -> Audio:
    """So many times slower, with a share of the melody (excursions of log F0 from their mean)."""
    frames = analyse(sound, noisy=False)
    f0_hz = frames.f0_hz.copy()
    if frames.voiced.any():
        logs = np.log(f0_hz[frames.voiced])
        f0_hz[frames.voiced] = np.exp(logs.mean() + melody * (logs - logs.mean()))
    return _spoken(replace(frames, f0_hz=f0_hz), slower, sound)


def breathy(sound: Audio, share: float) -> Audio:
    """A share of the voice replaced by noise through the same vocal tract; a whisper from 1 on."""
    frames = analyse(sound, noisy=False)
    f0_hz = frames.f0_hz if share < 1 else np.zeros_like(frames.f0_hz)
    aperiodicity = np.clip(frames.aperiodicity * (1 - share) + share, 0.001, 0.999)
    return _spoken(replace(frames, f0_hz=f0_hz, aperiodicity=aperiodicity), 1.0, sound)


def _spoken(frames: Frames, slower: float, like: Audio) -> Audio:
    import pyworld

    spoken = pyworld.synthesize(frames.f0_hz, frames.envelope, frames.aperiodicity, RATE_HZ, FRAME_S * 1000 * slower)
    back = audio.resample(Audio(spoken.astype(np.float32), RATE_HZ), like.sample_rate_hz)
    gain = 10 ** ((audio.rms_dbfs(like.samples) - audio.rms_dbfs(back.samples)) / 20)
    return Audio(back.samples * np.float32(gain), back.sample_rate_hz)
