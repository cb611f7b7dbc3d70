"""What turns a clip into a voice: speaker embeddings, by Resemblyzer unless another encoder is asked for.

Conventions
    Speaker embeddings are unit vectors. Before encoding every clip is resampled to 16 kHz, scaled to -30 dBFS
    (Resemblyzer itself is not level-invariant: -30 dB of gain costs it 0.03 on average and up to 0.10) and trimmed of
    long pauses by WebRTC's voice activity detector.

Source: Resemblyzer 0.1.4 (GE2E, Wan et al. 2018), its weights as shipped. Deviations: the level, as above; the mel
spectrogram is torchaudio's (the same numbers to 3e-7, without compiling numba); windows of many clips share a batch.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol
from weakref import finalize
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from harness import audio, registry, torchaudio_import
from harness.audio import Audio
from harness.threads import one_thread

ENCODER_RATE_HZ = 16_000
ENCODER_DBFS = -30.0
WINDOW_FRAMES, WINDOW_HOP_FRAMES = 100, 5  # of 10 ms: what `windows` cuts, shorter than a voice is known by as a whole
LEAST_SPEECH_S = 0.4  # less than a quarter of the encoder's 1.6 s window says nothing about a voice
WINDOWS_PER_BATCH = 16  # as fast as 64, and a quarter of the memory
VAD_SAMPLES = 480  # 30 ms
MEL_HOP = 160  # samples, 10 ms

Embeddings = NDArray[np.float32]
Which = slice | tuple[int, ...]
"""Some windows of a clip: every so many of them, or those of some numbers."""


class SpeakerEncoder(Protocol):
    """Turns clips into voices."""

    @property
    def fingerprint(self) -> str:
        """Name, version, hash of the weights and of the preparation; embeddings of one fingerprint compare."""

    def embed(self, clips: Sequence[Audio]) -> Embeddings:
        """Unit vectors of shape (clips, dimensions); a row of NaN for a clip without speech."""


class Resemblyzer:
    """The default encoder: 256 dimensions, loaded once, on the CPU or a GPU."""

    preparation = 1  # raise it whenever the same clip would get another embedding

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self.loads = 0
        self._model: Any = None
        self._mel: Any = None
        self._known: dict[tuple[int, int, int], tuple[int, Any]] = {}

    @cached_property
    def fingerprint(self) -> str:
        from importlib.metadata import version
        from importlib.util import find_spec
        from pathlib import Path

        home = find_spec("resemblyzer")
        assert home is not None
        assert home.origin is not None
        weights = audio.content_hash(Path(home.origin).with_name("pretrained.pt").read_bytes())
        kind = self._device.partition(":")[0]
        return f"resemblyzer {version('resemblyzer')} {weights[:16]} prep{self.preparation} {kind}"

    def windows(self, clips: Sequence[Audio], which: Sequence[Which]) -> list[Embeddings]:
        """Some seconds of speech of each clip, of those that begin every 0.05 s: unit vectors of shape (windows, 256).

        Args:
            clips: Any sounds.
            which: Of each clip those that are asked for; numbers beyond its last are passed over.
        """
        self._load()
        cut, counts = [], []
        for clip, wanted in zip(clips, which, strict=True):
            mel = self._log_mel(clip)
            starts = range(0, len(mel) - WINDOW_FRAMES + 1, WINDOW_HOP_FRAMES)
            those = starts[wanted] if isinstance(wanted, slice) else [starts[n] for n in wanted if n < len(starts)]
            cut += [mel[at : at + WINDOW_FRAMES] for at in those]
            counts.append(len(those))
        ends = np.cumsum(counts)
        return np.split(self._encoded(cut), ends[:-1]) if clips else []

    def embed(self, clips: Sequence[Audio]) -> Embeddings:
        self._load()
        windows, owners = [], []
        for number, clip in enumerate(clips):
            mine = self._windows(clip)
            windows += mine
            owners += [number] * len(mine)
        vectors = np.full((len(clips), 256), np.nan, np.float32)
        encoded = self._encoded(windows)
        for number in set(owners):
            mean = encoded[np.asarray(owners) == number].mean(axis=0)
            vectors[number] = mean / np.linalg.norm(mean)
        return vectors

    def _encoded(self, windows: Sequence[Any]) -> Embeddings:
        """Windows of one length, whosever they are, as unit vectors of shape (windows, 256)."""
        import torch

        encoded = [np.zeros((0, 256), np.float32)]
        # A second thread gains nothing and costs much on a busy machine.
        with torch.inference_mode(), one_thread(torch_too=self._device == "cpu"):
            for start in range(0, len(windows), WINDOWS_PER_BATCH):
                batch = torch.stack(list(windows[start : start + WINDOWS_PER_BATCH])).to(self._device)
                encoded.append(self._model(batch).cpu().numpy())
        return np.concatenate(encoded)

    def _load(self) -> None:
        if self._model is not None:
            return
        import warnings

        torchaudio_import.install()
        with warnings.catch_warnings():
            # Its import of a deprecated SciPy module is its own affair.
            warnings.simplefilter("ignore")
            import resemblyzer
            import torchaudio

        self.loads += 1
        self._model = resemblyzer.VoiceEncoder(self._device, verbose=False).eval()
        self._mel = torchaudio.transforms.MelSpectrogram(
            ENCODER_RATE_HZ,
            n_fft=400,
            hop_length=MEL_HOP,
            n_mels=40,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        )

    def _windows(self, clip: Audio) -> list[Any]:
        """Mel windows of 1.6 s, shape (160, 40), overlapping as Resemblyzer cuts them; none without speech."""
        size, mel = self._heard(clip)
        return [mel[cut] for cut in self._cuts(size)[1]] if size else []

    def _log_mel(self, clip: Audio) -> Any:
        """The whole clip's mel spectrogram, shape (frames, 40); no frames without speech."""
        size, mel = self._heard(clip)
        return mel[: size // MEL_HOP + 1] if size else []

    def _heard(self, clip: Audio) -> tuple[int, Any]:
        """Samples of speech in a clip, and their mel spectrogram up to the end of the last window.

        It is asked for twice, by `embed` and by `windows`, and known for as long as the clip's samples are held.
        """
        import torch

        # The check sum, because somebody may change the samples where they lie.
        key = id(clip.samples), clip.sample_rate_hz, crc32(clip.samples.tobytes())
        if key not in self._known:
            sound, mel = self._speech(clip), None
            if sound.size:
                end = self._cuts(sound.size)[0][-1].stop
                mel = self._mel(torch.as_tensor(np.pad(sound, (0, max(0, end - sound.size))))).T
            self._known[key] = sound.size, mel
            finalize(clip.samples, self._known.pop, key, None)
        return self._known[key]

    def _cuts(self, size: int) -> Any:
        """Where Resemblyzer cuts so many samples into windows: slices of the samples, and of their mel spectrogram."""
        return self._model.compute_partial_slices(size, rate=1.3, min_coverage=0.75)

    def _speech(self, clip: Audio) -> NDArray[np.float32]:
        """The clip as the encoder wants it, its long pauses cut; no samples where it holds too little speech."""
        sound = audio.resample(audio.finite(clip), ENCODER_RATE_HZ).samples
        level = audio.rms_dbfs(sound)
        if level <= audio.SILENT_DBFS or sound.size < LEAST_SPEECH_S * ENCODER_RATE_HZ:
            return np.zeros(0, np.float32)
        sound = without_long_pauses(sound * np.float32(10 ** ((ENCODER_DBFS - level) / 20)))
        return np.asarray(sound if sound.size >= LEAST_SPEECH_S * ENCODER_RATE_HZ else sound[:0], np.float32)


def without_long_pauses(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech at 16 kHz whose pauses are at most 0.2 s long.

    Windows of 30 ms in which WebRTC's detector, at its strictest, hears a voice; where most of 8 windows have one there
    is speech, and 3 windows on either side of it belong to it.

    Source: Resemblyzer's `trim_long_silences`, whose samples these are; it takes them one by one.
    """
    import webrtcvad

    sound = sound[: sound.size // VAD_SAMPLES * VAD_SAMPLES]
    pcm = np.round(sound * np.float32(32767)).astype("<i2").tobytes()
    detector, size = webrtcvad.Vad(mode=3), 2 * VAD_SAMPLES
    voiced = [detector.is_speech(pcm[at : at + size], ENCODER_RATE_HZ) for at in range(0, len(pcm), size)]
    if not voiced:
        return sound
    counts = np.convolve(voiced, np.ones(8))[4 : 4 + len(voiced)]
    speech = np.convolve(counts > 4, np.ones(7))[3 : 3 + len(voiced)] > 0
    return np.asarray(sound[np.repeat(speech, VAD_SAMPLES)])


def open_encoder(name: str, device: str = "cpu") -> SpeakerEncoder:
    """The encoder of that name, or the x-vector model of that folder or hub id; its weights load with the first clip.

    Raises:
        UsageError: `module:Class` names nothing that can be imported.
    """
    from harness.metrics.xvector import XVector

    kind = registry.find(registry.ENCODER, name)
    opened: SpeakerEncoder = kind(device=device) if kind else XVector(name, device)
    return opened
