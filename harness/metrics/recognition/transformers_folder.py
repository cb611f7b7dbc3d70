"""Any speech-recognition model of the transformers library as a Recognizer.

Conventions
    Sound goes in at the rate that the model's own feature extractor names, in windows of at most 30 s that are cut at
    pauses (`harness.metrics.recognition.windows`). Decoding is greedy, in float32, on one thread whatever else was
    loaded before. Windows share a batch only where that changes no number: where they have one length already.
    A CTC model has its language built in. The score of a text is that of all its alignments (the forward algorithm).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio, torchaudio_import
from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics.recognition import IMPOSSIBLE, TextScore
from harness.metrics.recognition.windows import WINDOW_S, joined, windows
from harness.threads import one_thread

BATCH_SIZE = 8
WEIGHTS = (".safetensors", ".bin", ".pt", ".h5", ".msgpack")

Samples = NDArray[np.float32]


def check(model: str) -> None:
    """Whether a name can be a model at all.

    Raises:
        UsageError: It is neither a folder that transformers saved nor a hub id.
    """
    folder = Path(model)
    if folder.exists() and not (folder / "config.json").is_file():
        raise UsageError(
            f"speech recogniser {model!r} holds no config.json: give a folder that transformers or CTranslate2 saved"
        )
    if not folder.exists() and not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        raise UsageError(f"speech recogniser {model!r} is neither a folder nor a hub id like owner/name")


def config_of(model: str) -> Any:
    """The configuration of a model.

    Raises:
        UsageError: It cannot be opened.
    """
    torchaudio_import.install()
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"speech recogniser {model!r} cannot be opened: {reason}") from error


def architecture(model: str) -> str:
    """The class that a model's configuration names, or nothing."""
    return next(iter(config_of(model).architectures or ()), "")


def weights_hash(folder: Path, suffixes: Sequence[str] = WEIGHTS) -> str:
    """Of the files that hold a model's weights, whatever stands beside them."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in suffixes)
    return audio.content_hash("".join(f"{path.name} {_file_hash(path)}\n" for path in files).encode())[:16]


def _file_hash(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class TransformersRecognizer:
    """A CTC or encoder-decoder model by folder or hub id; loaded once, with the first clip."""

    preparation = 2  # raise it whenever the same clip would get another transcript or score

    def __init__(self, model: str, device: str = "cpu") -> None:
        check(model)
        self.model = model
        self._device = device
        self.loads = 0

    @cached_property
    def weights(self) -> str:
        folder = Path(self.model)
        return weights_hash(folder) if folder.is_dir() else str(getattr(self._config, "_commit_hash", None) or "")[:16]

    @cached_property
    def fingerprint(self) -> str:
        """Of the model's files where it is a folder, of its commit where it comes from the hub."""
        folder = Path(self.model)
        files = weights_hash(folder, [*WEIGHTS, ".json", ".txt", ".model"]) if folder.is_dir() else self.weights
        return (
            f"{folder.name if folder.is_dir() else self.model} {self.weights} {files} "
            f"{self._engine} prep{self.preparation} {self._device.partition(':')[0]}"
        )

    @property
    def _engine(self) -> str:
        """What computes, and its version."""
        return f"transformers {version('transformers')}"

    @cached_property
    def _config(self) -> Any:
        return config_of(self.model)

    @property
    def _is_ctc(self) -> bool:
        return any(name.endswith("ForCTC") for name in self._config.architectures or ())

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The model and its processor."""
        import torch

        torchaudio_import.install()
        from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor

        self.loads += 1
        kind = AutoModelForCTC if self._is_ctc else AutoModelForSpeechSeq2Seq
        model = kind.from_pretrained(self.model, config=self._config, dtype=torch.float32)
        processor = AutoProcessor.from_pretrained(self.model)
        return model.to(self._device).eval(), processor

    @property
    def _extractor(self) -> Any:
        return self._loaded[1].feature_extractor

    @property
    def _rate_hz(self) -> int:
        return int(self._extractor.sampling_rate)

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        """One transcript a clip, in order, of the whole clip."""
        parts = [windows(audio.resample(clip, self._rate_hz).samples, self._rate_hz) for clip in clips]
        places = [(clip, number) for clip, part in enumerate(parts) for number in range(len(part))]
        samples = [parts[clip][number].samples for clip, number in places]
        import torch  # noqa: F401 -- its threads are limited

        with one_thread(torch_too=True):
            texts = self._transcribed(samples, [languages[clip] for clip, _ in places])
        heard: list[list[str]] = [[] for _ in clips]
        for (clip, _), text in zip(places, texts, strict=True):
            heard[clip].append(text)
        return [joined(texts, [window.overlaps for window in part]) for texts, part in zip(heard, parts, strict=True)]

    def log_likelihoods(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[Sequence[str]]
    ) -> list[list[TextScore]]:
        """The forward score of each text for its clip; only CTC models have one here.

        Raises:
            ValueError: The model is no CTC model, or a clip is too long.
        """
        if not self._is_ctc:
            raise ValueError(f"{self.model} gives no scores of texts")
        samples = [audio.resample(clip, self._rate_hz).samples for clip in clips]
        if any(one.size > WINDOW_S * self._rate_hz for one in samples):
            raise ValueError(f"texts are scored for clips of at most {WINDOW_S:g} s")
        import torch  # noqa: F401 -- its threads are limited

        with one_thread(torch_too=True):
            return [self._forward(one, wanted) for one, wanted in zip(samples, texts, strict=True)]

    def _transcribed(self, samples: Sequence[Samples], languages: Sequence[str]) -> list[str]:
        """A transcript of each window."""
        heard: dict[int, str] = {}
        for batch in batches([one.size for one in samples]):
            heard |= zip(batch, self._decode([samples[place] for place in batch]), strict=True)
        return [heard[place] for place in range(len(samples))]

    def _features(self, samples: Sequence[Samples]) -> Any:
        return self._extractor(
            list(samples),
            sampling_rate=self._rate_hz,
            return_tensors="pt",
            return_attention_mask=True,
            padding=True,
        ).to(self._device)

    def _decode(self, samples: Sequence[Samples]) -> list[str]:
        import torch

        model, processor = self._loaded
        with torch.inference_mode():
            if self._is_ctc:
                tokens = model(**self._features(samples)).logits.argmax(dim=-1)
            else:
                tokens = model.generate(**self._features(samples), num_beams=1, do_sample=False)
        texts: list[str] = processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _forward(self, samples: Samples, texts: Sequence[str]) -> list[TextScore]:
        import torch

        model, processor = self._loaded
        blank = model.config.pad_token_id or 0
        with torch.inference_mode():
            chances = model(**self._features([samples])).logits.log_softmax(dim=-1).transpose(0, 1)
            found = []
            for text in texts:
                target = torch.tensor([processor.tokenizer(text).input_ids])
                loss = torch.nn.functional.ctc_loss(
                    chances,
                    target,
                    torch.tensor([chances.shape[0]]),
                    torch.tensor([target.shape[1]]),
                    blank=blank,
                    reduction="sum",
                )
                found.append(TextScore(-float(loss)) if bool(loss.isfinite()) else IMPOSSIBLE)
        return found


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of what has one length, a batch at a time."""
    together: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        together.setdefault(length, []).append(place)
    for places in together.values():
        for start in range(0, len(places), BATCH_SIZE):
            yield places[start : start + BATCH_SIZE]
