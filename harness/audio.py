"""Sound as this package handles it.

Conventions: one channel, float32, full scale is -1 to 1, rate in Hz, levels in dBFS (0 dBFS is the RMS of a full-scale
square wave). Files are read through libsndfile, rates are converted by soxr.
"""

import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import sound_header
from harness.errors import AudioError

FRAME_S = 0.02  # level frames of 20 ms, as in speech codecs and voice activity detectors
RATES_HZ = (4_000, 384_000)
BLOCK_FRAMES = 1 << 16  # 256 kB a channel: the system hands out larger buffers anew, cleared, for each read
MOST_VALUES = 32 * 2**20  # samples times channels: 23 minutes at 24 kHz, 128 MB
SILENT_DBFS = -200.0  # the level given to a frame of zeros, in place of minus infinity


@dataclass(frozen=True, slots=True)
class Audio:
    """A mono signal; `samples` is float32 of shape (n,) and may hold NaN where a model produced it."""

    samples: NDArray[np.float32]
    sample_rate_hz: int
    downmix_loss_db: float = 0.0
    """How much quieter the mix is than the loudest channel of the file that it was read from; 0 for a mono file."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise AudioError(f"audio is {self.samples.dtype} of shape {self.samples.shape}; float32 (n,) is needed")
        if self.sample_rate_hz <= 0:
            raise AudioError(f"sample rate is {self.sample_rate_hz} Hz; a positive rate is needed")

    @property
    def duration_s(self) -> float:
        """Seconds of sound.

        >>> Audio(np.zeros(12_000, np.float32), 24_000).duration_s
        0.5
        """
        return self.samples.size / self.sample_rate_hz


def opened(path: Path) -> Any:
    """A `soundfile.SoundFile` that is read on from where it stands, so that its blocks are what it holds as a whole.

    python-soundfile seeks to its place after every read, and behind a seek the first frame of an MP3 lacks the bits
    that stand before it: half a frame was silent wherever a block ended.
    """
    import soundfile

    class ReadOn(soundfile.SoundFile):  # type: ignore[misc]  # it is not typed
        def seekable(self) -> bool:
            return False

    return ReadOn(path)


def load(path: Path) -> Audio:
    """Read a sound file of any bit depth and channel count that libsndfile knows; channels are averaged.

    What the header says is believed no further than the file bears it out: it is read in blocks, up to `MOST_VALUES`.

    Raises:
        AudioError: The file is missing, no regular file, no sound file, cut off, too long, of a rate that is none of
            sound, or holds no samples.
    """
    import soundfile

    try:
        if not path.exists():
            raise AudioError(f"{path} is missing")
        if not path.is_file():
            raise AudioError(f"{path} is {'a folder' if path.is_dir() else 'a pipe or device'}; a sound file is needed")
        if path.stat().st_size == 0:
            raise AudioError(f"{path} is an empty file of 0 bytes")
        with opened(path) as file:
            rate, channels, declared = int(file.samplerate), int(file.channels), int(file.frames)
            low, high = RATES_HZ
            if not low <= rate <= high:
                raise AudioError(f"{path} is labelled with {rate:,} Hz; sound has {low:,} to {high:,} Hz")
            blocks = []
            frames = 0
            while block := len(read := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                frames += block
                if frames * channels > MOST_VALUES:
                    most_s = MOST_VALUES / channels / rate
                    raise AudioError(f"{path} holds more than {most_s:,.0f} s of sound; that is the most that is read")
                blocks.append(read)
            kind = str(file.format)
    except (soundfile.LibsndfileError, OSError, ValueError, MemoryError) as error:
        raise AudioError(f"{path} is not a sound file that libsndfile can read ({error})") from error
    missing = sound_header.missing_from(path, kind, declared, frames)
    if missing:
        raise AudioError(f"{path} is cut off: {missing}; transfer or generate it again")
    if not blocks:
        raise AudioError(f"{path} holds 0 samples")
    return mixed_down(np.concatenate(blocks) if len(blocks) > 1 else blocks[0], rate)


def mixed_down(channels: NDArray[np.float32], sample_rate_hz: int) -> Audio:
    """Channels of shape (n, channels), averaged; what that took from the loudest of them is noted."""
    if channels.shape[1] == 1:
        return Audio(np.ascontiguousarray(channels[:, 0]), sample_rate_hz)
    mono = channels.mean(axis=1, dtype=np.float32)
    return Audio(mono, sample_rate_hz, _downmix_loss_db(channels, mono))


def _downmix_loss_db(channels: NDArray[np.float32], mono: NDArray[np.float32]) -> float:
    """Level of the loudest channel above that of the mix, in dB; channels of shape (n, channels)."""
    heard = np.nan_to_num(channels, nan=0.0, posinf=0.0, neginf=0.0)
    mixed = np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0)
    return max(rms_dbfs(channel) for channel in heard.T) - rms_dbfs(mixed)


def encode_wav(audio: Audio) -> bytes:
    """WAV bytes, the same for the same samples: 16-bit PCM, or 32-bit float where PCM would hide a defect.

    A signal with NaN, infinities or values beyond full scale would be clipped by PCM and so pass for a sound one.
    """
    buffer = io.BytesIO()
    if np.isfinite(audio.samples).all() and np.abs(audio.samples).max(initial=0.0) <= 1.0:
        import soundfile

        # libsndfile writes floats by 32767 and reads them by 32768: a sound would fade by a step each time it is kept.
        whole = np.clip(np.rint(audio.samples * np.float32(32768)), -32768, 32767).astype(np.int16)
        soundfile.write(buffer, whole, audio.sample_rate_hz, format="WAV", subtype="PCM_16")
    else:
        # scipy's writer, because libsndfile stamps float files with the time of day.
        from scipy.io import wavfile

        wavfile.write(buffer, audio.sample_rate_hz, audio.samples)
    return buffer.getvalue()


def resample(audio: Audio, sample_rate_hz: int) -> Audio:
    """The same sound at another rate (soxr, high quality); the same object where the rate is right already."""
    if audio.sample_rate_hz == sample_rate_hz:
        return audio
    import soxr

    return Audio(soxr.resample(audio.samples, audio.sample_rate_hz, sample_rate_hz), sample_rate_hz)


def finite(audio: Audio) -> Audio:
    """The same sound with NaN and infinities as zeros, so that one bad sample spoils one measurement, not all."""
    if np.isfinite(audio.samples).all():
        return audio
    return Audio(np.nan_to_num(audio.samples, nan=0.0, posinf=0.0, neginf=0.0), audio.sample_rate_hz)


def rms_dbfs(samples: NDArray[Any]) -> float:
    """Level of a stretch of sound in dBFS; `SILENT_DBFS` for zeros and for no samples at all.

    >>> round(rms_dbfs(np.full(480, 0.1, np.float32)), 3)
    -20.0
    """
    power = float(np.square(samples, dtype=np.float64).mean()) if samples.size else 0.0
    return 10 * float(np.log10(power)) if power > 1e-20 else SILENT_DBFS


def frame_levels_dbfs(audio: Audio) -> NDArray[np.float64]:
    """Level of each frame of `FRAME_S`, shape (frames,); a last part frame is measured over its own samples.

    Raises:
        AudioError: The audio holds no samples.
    """
    if audio.samples.size == 0:
        raise AudioError("audio holds 0 samples; levels need at least one")
    hop = round(audio.sample_rate_hz * FRAME_S)
    starts = np.arange(0, audio.samples.size, hop)
    power = np.add.reduceat(np.square(audio.samples, dtype=np.float64), starts)
    counts = np.diff(np.append(starts, audio.samples.size))
    return 10 * np.log10(np.maximum(power / counts, 10 ** (SILENT_DBFS / 10)))


def content_hash(data: bytes) -> str:
    """The name of a piece of evidence: sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a whole file, given in one piece or in many, or none: a killed run leaves no half a take behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)  # a full disk, or Ctrl-C
        raise
