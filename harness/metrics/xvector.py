"""Another speaker encoder by option: any x-vector model of transformers, e.g. a WavLM fine-tuned for verification.

Conventions: as `harness.metrics.speaker_encoder`: 16 kHz, -30 dBFS, unit vectors, a row of NaN for a clip without
speech. Long clips are cut into windows of at most 10 s, whose vectors are averaged, so that memory does not grow with
the clip. The limits of gates.toml are Resemblyzer's: measure this encoder's own with `python -m harness calibrate`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import audio, torchaudio_import
from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics.silence import Silences
from harness.metrics.speaker_encoder import ENCODER_DBFS, ENCODER_RATE_HZ, LEAST_SPEECH_S, Embeddings

WINDOW_S = 10.0


class XVector:
    """Loaded once, on the CPU or a GPU; one clip at a time, so that no score depends on its company."""

    preparation = 1  # raise it whenever the same clip would get another embedding

    def __init__(self, model: str, device: str = "cpu") -> None:
        self._name = model
        self._device = device
        self._model: Any = None

    @property
    def fingerprint(self) -> str:
        from importlib.metadata import version

        folder = Path(self._name)
        weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("pytorch_model*.bin"))
        if folder.is_dir():
            known = audio.content_hash(b"".join(path.read_bytes() for path in weights))[:16]
        else:
            self._load()
            known = str(getattr(self._model.config, "_commit_hash", None) or "unknown revision")
        package = f"transformers {version('transformers')}"
        return f"x-vector {folder.name} {known} {package} prep{self.preparation} {self._device.partition(':')[0]}"

    def embed(self, clips: Sequence[Audio]) -> Embeddings:
        import torch

        self._load()
        size = int(self._model.config.xvector_output_dim)
        vectors = np.full((len(clips), size), np.nan, np.float32)
        for number, clip in enumerate(clips):
            windows = _windows(clip)
            if not windows:
                continue
            with torch.inference_mode():
                parts = [
                    self._model(torch.as_tensor(window, device=self._device)[None]).embeddings[0] for window in windows
                ]
                mean = torch.stack([torch.nn.functional.normalize(part, dim=0) for part in parts]).mean(dim=0)
            vectors[number] = torch.nn.functional.normalize(mean, dim=0).cpu().numpy()
        return vectors

    def _load(self) -> None:
        if self._model is not None:
            return
        torchaudio_import.install()
        from transformers import AutoModelForAudioXVector

        try:
            model = AutoModelForAudioXVector.from_pretrained(self._name)
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise UsageError(
                f"--speaker-encoder {self._name!r} is no x-vector model that transformers can load ({first}): "
                "give a folder or hub id with such a model, or leave the option out"
            ) from error
        self._model = model.to(self._device).eval()


def _windows(clip: Audio) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """The clip at 16 kHz and -30 dBFS, without its silent edges, zero mean and unit variance, in windows."""
    sound = audio.resample(audio.finite(clip), ENCODER_RATE_HZ)
    if sound.samples.size < LEAST_SPEECH_S * ENCODER_RATE_HZ:
        return []
    sounding = np.flatnonzero(~Silences.of(sound).silent)
    if sounding.size * audio.FRAME_S < LEAST_SPEECH_S:
        return []
    frame = round(audio.FRAME_S * ENCODER_RATE_HZ)
    kept = sound.samples[sounding[0] * frame : (sounding[-1] + 1) * frame]
    kept = kept * np.float32(10 ** ((ENCODER_DBFS - audio.rms_dbfs(kept)) / 20))
    kept = (kept - kept.mean()) / np.float32(kept.std() + 1e-7)
    count = -(-kept.size // round(WINDOW_S * ENCODER_RATE_HZ))
    return [np.ascontiguousarray(part) for part in np.array_split(kept, count)]
