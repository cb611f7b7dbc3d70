"""Whisper as CTranslate2 and faster-whisper keep it: the same decoding and the same scores, in whole numbers.

Conventions
    A folder with model.bin, config.json and the vocabulary, with tokenizer.json beside them (the converter copies it:
    `--copy_files tokenizer.json`). On the CPU it computes with weights of 8 bits, on one
    thread; on a GPU as the weights are stored.
    All is as in `harness.metrics.recognition.whisper` but where it says otherwise here. A text that is doubtful is not
    decoded again by chance but with 5 beams, and then with 5 beams in which no three tokens come twice: the library
    draws its chances from a generator that cannot be set back, and a transcript must be the same at every call.
    Scores of texts come from forced decoding, many texts at once; word times from the library's own alignment.

Needs the extra `asr`. Source: CTranslate2 (Klein et al.), whose `generate` gives the logits of a forced prefix too. On
speech the scores differ from those of the same weights in float32: benchmarks/recognisers.py says by how much.
"""

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.metrics.recognition import IMPOSSIBLE, TextScore
from harness.metrics.recognition.text_tree import FRAME_S
from harness.metrics.recognition.whisper import FRAME_RATE_HZ, Draft, Whisper

MOST_TOKENS = 448
TOGETHER = 16  # texts that are scored at once; each holds the encoded sound and its logits
ATTEMPTS: tuple[dict[str, int], ...] = (
    {"beam_size": 1},
    {"beam_size": 5},
    {"beam_size": 5, "no_repeat_ngram_size": 3},
)
ENGLISH_ONLY = 51_864  # tokens of the models that know no other language

Floats = NDArray[np.float32]


def holds_a_model(folder: Path) -> bool:
    """Whether a folder is one that CTranslate2's converter wrote."""
    return (folder / "model.bin").is_file() and any(folder.glob("vocabulary.*"))


class CTranslate2Whisper(Whisper):
    """A Whisper that CTranslate2 runs, by folder; loaded once, with the first clip."""

    preparation = 2

    def __init__(self, model: str, device: str = "cpu", compute_type: str = "") -> None:
        super().__init__(model, device)
        self._compute_type = compute_type or ("int8" if device == "cpu" else "default")

    @property
    def _engine(self) -> str:
        return f"ctranslate2 {version('ctranslate2')} {self._compute_type}"

    @cached_property
    def _config(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((Path(self.model) / "config.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        path = Path(self.model) / "tokenizer.json"
        if not path.is_file():
            raise UsageError(
                f"speech recogniser {self.model!r} holds no tokenizer.json: convert it with --copy_files tokenizer.json"
            )
        return Tokenizer.from_file(str(path))

    @cached_property
    def _extractor(self) -> Any:
        from harness import torchaudio_import

        torchaudio_import.install()
        from transformers import WhisperFeatureExtractor

        return WhisperFeatureExtractor(feature_size=self._loaded.n_mels)

    @cached_property
    def _loaded(self) -> Any:
        try:
            from ctranslate2.models import Whisper as Model
        except ImportError as error:
            raise UsageError(f"{self.model!r} needs CTranslate2: pip install 'voice-clone-harness[asr]'") from error
        self.loads += 1
        kind, _, number = self._device.partition(":")
        return Model(
            self.model,
            device=kind,
            device_index=int(number or 0),
            compute_type=self._compute_type,
            inter_threads=1,
            intra_threads=1,
        )

    def _states(self, features: Floats) -> Floats:
        (states,) = np.array(self._loaded.encode(_view(features), to_cpu=True), np.float32)
        return np.asarray(states, np.float32)

    def _generated(
        self, states: Sequence[Any], code: str, durations_s: Sequence[float], attempt: int = 0
    ) -> list[Draft]:
        # One by one: on some processors a clip would be heard otherwise in company.
        found = []
        for state, duration_s in zip(states, durations_s, strict=True):
            (one,) = self._loaded.generate(
                _view(state[None]),
                [self._start(code)],
                max_length=2 * min(self._most_tokens(duration_s), MOST_TOKENS // 2),  # the library generates half of it
                return_scores=True,  # the mean of a token's, with its default length penalty
                **ATTEMPTS[attempt],
            )
            text = self._tokenizer.decode(one.sequences_ids[0], skip_special_tokens=True).strip()
            found.append(Draft(text, one.scores[0]))
        return found

    def _scores(self, states: Any, code: str, texts: Sequence[str]) -> list[TextScore]:
        rows = [self._tokens(text) for text in texts]
        if max(map(len, rows), default=0) >= MOST_TOKENS // 2:
            return [IMPOSSIBLE for _ in texts]
        found: dict[int, TextScore] = {}
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        for first in range(0, len(order), TOGETHER):
            places = order[first : first + TOGETHER]
            said = self._forced(states, code, [rows[place] for place in places])
            for place, chances in zip(places, said, strict=True):
                found[place] = TextScore(sum(chances), self._by_word(texts[place], chances[:-1]))
        return [found[place] for place in range(len(texts))]

    def _forced(self, states: Any, code: str, rows: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of each row and of its end."""
        start, end = self._start(code), self._tokenizer.token_to_id("<|endoftext|>")
        answers = self._loaded.generate(
            _view(np.repeat(states[None], len(rows), axis=0)),
            [[*start, *row] for row in rows],
            beam_size=1,
            max_length=2 * max(len(start), len(rows[-1]) + 1),
            return_logits_vocab=True,
            suppress_tokens=[],
            suppress_blank=False,
        )
        return [
            [_chance(np.array(step), token) for step, token in zip(answer.logits[0], (*row, end), strict=False)]
            for answer, row in zip(answers, rows, strict=True)
        ]

    def _spans(self, states: Any, code: str, text: str, seconds: float) -> list[tuple[float, float]]:
        words, ends = self._word_ends(text)
        tokens = self._tokens(text)
        if not words or not self._config.get("alignment_heads") or len(tokens) >= MOST_TOKENS // 2:
            return []
        without_times = self._start(code)[:-1]  # the library adds the last one itself
        (found,) = self._loaded.align(
            _view(states[None]), without_times, [list(tokens)], max(2, round(seconds * FRAME_RATE_HZ))
        )
        first: dict[int, int] = {}
        for token, frame in found.alignments:
            first.setdefault(token, frame)
        return [(first[one] * FRAME_S, first[two] * FRAME_S) for one, two in zip([0, *ends], ends, strict=False)]

    @cached_property
    def _languages(self) -> list[str]:
        if self._tokenizer.get_vocab_size() == ENGLISH_ONLY:
            return []
        return [str(self._tokenizer.id_to_token(one)).strip("<|>") for one in self._config.get("lang_ids") or ()]

    def _start(self, code: str) -> list[int]:
        names = [f"<|{code}|>", "<|transcribe|>"] if self._languages else []
        return [
            int(self._tokenizer.token_to_id(name)) for name in ("<|startoftranscript|>", *names, "<|notimestamps|>")
        ]

    def _tokens(self, text: str) -> tuple[int, ...]:
        return _tokens_of(self._tokenizer, text)


@lru_cache(maxsize=1 << 14)
def _tokens_of(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Of a text that follows the start, as `harness.metrics.recognition.whisper` has it."""
    return tuple(tokenizer.encode(f" {text}", add_special_tokens=False).ids) if text else ()


def _chance(logits: Floats, token: int) -> float:
    most = logits.max()
    return float(logits[token] - most - np.log(np.exp(logits - most).sum()))


def _view(values: NDArray[Any]) -> Any:
    from ctranslate2 import StorageView

    return StorageView.from_array(np.ascontiguousarray(values, np.float32))
