"""The reference on its way into a model: read, checked, cut to what a model conditions on, at the rates it needs.

Conventions: mono float32; 24 kHz for the codec, 16 kHz for Whisper's log-mel features. A long file is read in blocks
and only up to the conditioning window, so that an hour of audio costs what the window costs.

The released Higgs Audio v2 generation model hears the reference through the codec alone. Features are computed when
asked for, and `whisper_inputs` gives them only to a model whose config says that it encodes them.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio, sound_header, torchaudio_import
from harness.audio import Audio
from harness.corpus import MIN_REFERENCE_DBFS, MIN_REFERENCE_S
from harness.errors import AudioError

CODEC_RATE_HZ = 24_000
WHISPER_RATE_HZ = 16_000
LEAST_RATE_HZ = 8_000  # telephone speech; below it no voice can be told from another
BLOCK_S = 1.0


@dataclass(frozen=True, slots=True)
class ReferenceConfig:
    """How much of a reference a model hears."""

    window_s: float = 30.0
    """The most that conditions a take; a longer reference is cut."""
    search_s: float = 2.0
    """The cut is made at the quietest frame of this last stretch of the window."""
    least_s: float = MIN_REFERENCE_S


@dataclass(frozen=True)
class ReferenceFeatures:
    """One reference, for both ways into a model."""

    codec_audio: Audio
    """24 kHz."""
    whisper_audio: Audio
    """16 kHz."""
    cut: bool
    """Whether the file was longer than the window."""

    @cached_property
    def log_mel(self) -> NDArray[np.float32]:
        """Whisper's log-mel features, shape (80, 3000): 30 s at 100 frames a second, padded with silence."""
        torchaudio_import.install()
        from transformers import WhisperFeatureExtractor

        extracted = WhisperFeatureExtractor()(
            self.whisper_audio.samples, sampling_rate=WHISPER_RATE_HZ, return_tensors="np"
        )
        features: NDArray[np.float32] = extracted["input_features"][0]
        return features


def whisper_inputs(config: Any, features: ReferenceFeatures) -> dict[str, NDArray[np.float32]]:
    """What a model with a Whisper encoder is given besides the codes; nothing for the released generation model."""
    if not getattr(config, "encode_whisper_embed", False):
        return {}
    return {"audio_features": features.log_mel[None]}


def load(path: Path, config: ReferenceConfig | None = None) -> ReferenceFeatures:
    """Read a reference of any kind, rate and channel count that libsndfile knows.

    Raises:
        AudioError: It cannot condition a clone; says why, with value and unit, and what to do.
    """
    config = config or ReferenceConfig()
    sound, cut = _read(path, config)
    if cut:
        sound = _cut_at_a_quiet_place(sound, config)
    _check(path, sound, config)
    return ReferenceFeatures(
        codec_audio=audio.resample(sound, CODEC_RATE_HZ),
        whisper_audio=audio.resample(sound, WHISPER_RATE_HZ),
        cut=cut,
    )


def as_wav(path: Path, config: ReferenceConfig | None = None) -> bytes:
    """A reference for whoever reads it elsewhere: the file's own bytes where it is a WAV within the window.

    Raises:
        AudioError: It cannot condition a clone.
    """
    features = load(path, config)
    if features.cut:
        return audio.encode_wav(features.codec_audio)
    return path.read_bytes() if path.suffix.lower() == ".wav" else audio.encode_wav(audio.load(path))


def _read(path: Path, config: ReferenceConfig) -> tuple[Audio, bool]:
    """The first `window_s` of the file in mono, at its own rate, and whether there is more."""
    import soundfile

    if not path.exists():
        raise AudioError(f"reference {path} is missing: put it there or name another voice")
    if path.is_dir():
        raise AudioError(f"reference {path} is a folder; a sound file is needed")
    if path.stat().st_size == 0:
        raise AudioError(f"reference {path} is an empty file of 0 bytes: record it again")
    try:
        with audio.opened(path) as file:
            rate, promised, kind = file.samplerate, file.frames, str(file.format)
            if rate < LEAST_RATE_HZ:
                raise AudioError(
                    f"reference {path} has {rate} Hz; at least {LEAST_RATE_HZ} Hz are needed: record again"
                )
            wanted = round(config.window_s * rate)
            blocks, held = [], 0
            while held < wanted:
                block = file.read(min(round(BLOCK_S * rate), wanted - held), dtype="float32", always_2d=True)
                if not block.size:
                    break
                blocks.append(block.mean(axis=1, dtype=np.float32))
                held += len(block)
            more = held == wanted and bool(file.read(1).size)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"reference {path} cannot be read as sound ({error}): export it again as WAV") from error
    if held == 0:
        raise AudioError(f"reference {path} holds 0 samples: record it again")
    missing = "" if more else sound_header.missing_from(path, kind, promised, held)
    if missing:
        raise AudioError(f"reference {path} is cut off: {missing}: copy it again")
    return Audio(np.concatenate(blocks), rate), more


def _cut_at_a_quiet_place(sound: Audio, config: ReferenceConfig) -> Audio:
    """End in the quietest frame of the last `search_s`, so that no word is cut in two where there is a pause."""
    levels = audio.frame_levels_dbfs(audio.finite(sound))
    frame = round(sound.sample_rate_hz * audio.FRAME_S)
    first = max(0, levels.size - round(config.search_s / audio.FRAME_S))
    quietest = first + int(np.argmin(levels[first:]))
    return Audio(sound.samples[: quietest * frame + frame // 2], sound.sample_rate_hz)


def _check(path: Path, sound: Audio, config: ReferenceConfig) -> None:
    broken = int((~np.isfinite(sound.samples)).sum())
    if broken:
        raise AudioError(f"reference {path} holds {broken} samples that are not finite numbers: export it again")
    if sound.duration_s < config.least_s:
        raise AudioError(
            f"reference {path} lasts {sound.duration_s:.2f} s; at least {config.least_s:g} s are needed: record again"
        )
    if not sound.samples.any():
        raise AudioError(f"reference {path} is digital silence throughout: record it again")
    if np.ptp(sound.samples) == 0:
        raise AudioError(f"reference {path} holds one constant value, {sound.samples[0]:g}, and no sound: record again")
    level = audio.rms_dbfs(sound.samples - sound.samples.mean(dtype=np.float64))
    if level < MIN_REFERENCE_DBFS:
        raise AudioError(
            f"reference {path} is silent ({level:.0f} dBFS); above {MIN_REFERENCE_DBFS:g} dBFS is needed: record again"
        )
    if np.abs(sound.samples).max() > 4:
        raise AudioError(
            f"reference {path} reaches {np.abs(sound.samples).max():.3g} times full scale; "
            "samples of -1 to 1 are needed: export it again with the right scaling"
        )
    at_full_scale = float((np.abs(sound.samples) >= 0.999).mean())
    if at_full_scale > 0.2:
        raise AudioError(
            f"reference {path} is clipped: {at_full_scale:.0%} of its samples stand at full scale: record it at a "
            "lower level"
        )
