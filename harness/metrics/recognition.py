"""Any speech-recognition model of the transformers library as a Recognizer.

Conventions
    Sound goes in at the rate that the model's own feature extractor names, in windows of at most 30 s that overlap by
    5 s; the transcripts of neighbouring windows are joined at the longest run of words that both hold. Where they hold
    none in common they are put end to end, so that nothing heard is lost. Decoding is greedy, in float32. Windows
    share a batch only where that changes no number: where the model pads all of them to one length, or where they have
    one length already.
    The language is forced where the model takes one (Whisper). A CTC model has its language built in.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio, torchaudio_import
from harness.audio import Audio
from harness.errors import UsageError
from harness.text.scoring import ALEF, HAMZA_ON_ALEF, said, slots

WINDOW_S = 30.0
OVERLAP_S = 5.0
MOST_OVERLAP_WORDS = 30  # more than anybody says in 5 s
LEAST_COMMON_WORDS = 2  # one word alone is in both by chance too often
BATCH_SIZE = 8


@dataclass(frozen=True, slots=True)
class _Window:
    clip: int
    samples: NDArray[np.float32]
    language: str


class TransformersRecognizer:
    """A CTC or encoder-decoder model by folder or hub id; loaded once, with the first clip."""

    preparation = 1  # raise it whenever the same clip would get another transcript

    def __init__(self, model: str, device: str = "cpu") -> None:
        self.model = model
        self._device = device
        self.loads = 0
        folder = Path(model)
        if folder.exists() and not (folder / "config.json").is_file():
            raise UsageError(f"speech recogniser {model!r} holds no config.json: give a folder that transformers saved")
        if not folder.exists() and not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
            raise UsageError(f"speech recogniser {model!r} is neither a folder nor a hub id like owner/name")

    @cached_property
    def fingerprint(self) -> str:
        """Of the model's files where it is a folder, of its commit where it comes from the hub."""
        folder = Path(self.model)
        if folder.is_dir():
            files = sorted(path for path in folder.iterdir() if path.is_file())
            weights = audio.content_hash("".join(f"{path.name} {_file_hash(path)}\n" for path in files).encode())
        else:
            weights = str(getattr(self._config, "_commit_hash", None) or "")
        return (
            f"{folder.name if folder.is_dir() else self.model} {weights[:16]} transformers {version('transformers')} "
            f"prep{self.preparation} {self._device.partition(':')[0]}"
        )

    @cached_property
    def _config(self) -> Any:
        torchaudio_import.install()
        from transformers import AutoConfig

        try:
            return AutoConfig.from_pretrained(self.model)
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UsageError(f"speech recogniser {self.model!r} cannot be opened: {reason}") from error

    @property
    def _is_ctc(self) -> bool:
        return any(name.endswith("ForCTC") for name in self._config.architectures or ())

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The model and its processor."""
        import torch
        from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor

        self.loads += 1
        kind = AutoModelForCTC if self._is_ctc else AutoModelForSpeechSeq2Seq
        model = kind.from_pretrained(self.model, config=self._config, dtype=torch.float32)
        processor = AutoProcessor.from_pretrained(self.model)
        return model.to(self._device).eval(), processor

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        """One transcript a clip, in order, of the whole clip."""
        _, processor = self._loaded
        rate = processor.feature_extractor.sampling_rate
        windows = [
            _Window(number, samples, language)
            for number, (clip, language) in enumerate(zip(clips, languages, strict=True))
            for samples in _cut(audio.resample(clip, rate).samples, rate)
        ]
        heard: dict[int, str] = {}
        for batch in self._batches(windows):
            heard |= zip(batch, self._decode([windows[number] for number in batch], rate), strict=True)
        parts: list[list[str]] = [[] for _ in clips]
        for number, window in enumerate(windows):
            parts[window.clip].append(heard[number])
        return [joined(part) for part in parts]

    def _batches(self, windows: Sequence[_Window]) -> Iterator[list[int]]:
        """Numbers of the windows that go through the model together."""
        together: dict[tuple[str, int], list[int]] = {}
        for number, window in enumerate(windows):
            length = 0 if self._pads_to_one_length else window.samples.size
            together.setdefault((window.language, length), []).append(number)
        for numbers in together.values():
            for start in range(0, len(numbers), BATCH_SIZE):
                yield numbers[start : start + BATCH_SIZE]

    @property
    def _pads_to_one_length(self) -> bool:
        return hasattr(self._loaded[1].feature_extractor, "nb_max_frames")

    def _decode(self, windows: Sequence[_Window], rate: int) -> list[str]:
        import torch

        model, processor = self._loaded
        features = processor.feature_extractor(
            [window.samples for window in windows],
            sampling_rate=rate,
            return_tensors="pt",
            return_attention_mask=True,
            **({} if self._pads_to_one_length else {"padding": True}),
        ).to(self._device)
        with torch.inference_mode():
            if self._is_ctc:
                tokens = model(**features).logits.argmax(dim=-1)
            else:
                tokens = model.generate(**features, **self._generation(windows[0].language))
        texts: list[str] = processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _generation(self, language: str) -> dict[str, Any]:
        model, _ = self._loaded
        longest = getattr(model.config, "max_target_positions", None) or 448
        options: dict[str, Any] = {"num_beams": 1, "do_sample": False, "max_length": longest}
        known = getattr(model.generation_config, "lang_to_id", None)
        if known:
            code = language.split("-")[0].lower()  # ar-EG is ar
            if f"<|{code}|>" not in known:
                raise ValueError(f"{self.model} does not know the language {language!r}")
            options |= {"language": code, "task": "transcribe"}
        return options


def _file_hash(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cut(samples: NDArray[np.float32], rate: int) -> list[NDArray[np.float32]]:
    """Overlapping windows over the whole of a clip; the last ends where it ends."""
    window, step = round(WINDOW_S * rate), round((WINDOW_S - OVERLAP_S) * rate)
    starts = range(0, max(samples.size - window, 0) + step, step) if samples.size > window else (0,)
    return [samples[start : start + window] for start in starts]


def joined(parts: Sequence[str]) -> str:
    """The transcript of a whole clip from those of its overlapping windows.

    >>> joined(["we went home and then sle", "and then slept well"])
    'we went home and then slept well'
    >>> joined(["one two", "three four"])
    'one two three four'
    """
    whole: list[str] = []
    for part in parts:
        new = part.split()
        tail = whole[-MOST_OVERLAP_WORDS:]
        one, two = [_key(word) for word in tail], [_key(word) for word in new[:MOST_OVERLAP_WORDS]]
        run = SequenceMatcher(None, one, two, autojunk=False).find_longest_match()
        if run.size >= LEAST_COMMON_WORDS:
            whole = whole[: len(whole) - len(tail) + run.a + run.size] + new[run.b + run.size :]
        else:
            whole += new
    return " ".join(whole)


def _key(word: str) -> str:
    """A word as it sounds, so that a full stop at a window's end does not hide that two words are one."""
    return " ".join(said(slot) for slot in slots(word)).replace(HAMZA_ON_ALEF, ALEF)
