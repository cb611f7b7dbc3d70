"""Answers of models that are kept: a clip that was heard before is not heard again.

An answer is kept under the model's fingerprint, the hash of the clip's samples and rate, and its form. What failed is
not kept and is tried again by the next run.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np

from harness.audio import Audio, content_hash
from harness.metrics.measuring import Derived
from harness.metrics.recognition import (
    Recognizer,
    TextScore,
    TextScorer,
    WordAligner,
    WordExpecter,
    check_language,
    weights_of,
)
from harness.metrics.speaker_encoder import (
    WINDOW_FRAMES,
    WINDOW_HOP_FRAMES,
    Embeddings,
    SpeakerEncoder,
    Which,
)

T = TypeVar("T")
ROWS = "rows 2"
"""Names the form of `packed_rows`: what was kept in another is not found."""


def remembered(
    derived: Derived,
    keys: Sequence[str],
    make: Callable[[list[int]], Sequence[T]],
    pack: Callable[[T], bytes],
    unpack: Callable[[bytes], T],
) -> list[T]:
    """The values of some keys, in order: those that are kept, and the rest made in one go and kept.

    Args:
        derived: Where they are kept.
        keys: One for each value; equal keys have one value.
        make: Gives the values of the keys at some positions.
        pack: A value as bytes.
        unpack: The value of such bytes.
    """
    found: dict[str, T] = {}
    missing: dict[str, int] = {}
    for position, key in enumerate(keys):
        if key in found or key in missing:
            continue
        kept = derived.get(key)
        if kept is None:
            missing[key] = position
        else:
            found[key] = unpack(kept)
    if missing:
        for key, value in zip(missing, make(list(missing.values())), strict=True):
            data = pack(value)
            derived.put(key, data)
            found[key] = unpack(data)
    return [found[key] for key in keys]


def packed_rows(rows: Embeddings) -> bytes:
    """Embeddings of shape (rows, values) as bytes, bit for bit: their length, and their bytes of one place together.

    Half the values of an encoder that ends in a rectifier are zero, and neighbouring seconds of speech are alike.
    """
    planes = np.asarray(rows, "<f4").T.copy().view(np.uint8).reshape(-1, 4).T
    return len(rows).to_bytes(4, "little") + zlib.compress(planes.tobytes())


def unpacked_rows(data: bytes) -> Embeddings:
    """The embeddings of `packed_rows`."""
    count = int.from_bytes(data[:4], "little")
    if not count:
        return np.zeros((0, 1), np.float32)
    planes = np.frombuffer(zlib.decompress(data[4:]), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T.copy().view("<f4").reshape(-1, count).T)


def clip_key(fingerprint: str, clip: Audio, more: str = "") -> str:
    """Under what a model's answer to a clip is kept."""
    return f"{fingerprint}\n{content_hash(clip.samples.tobytes())} {clip.sample_rate_hz}\n{more}"


class RememberedEncoder:
    """A speaker encoder whose embeddings are kept."""

    def __init__(self, encoder: SpeakerEncoder, derived: Derived) -> None:
        self.encoder = encoder
        self._derived = derived

    @cached_property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    def embed(self, clips: Sequence[Audio]) -> Embeddings:
        rows = remembered(
            self._derived,
            [clip_key(self.fingerprint, clip, ROWS) for clip in clips],
            lambda places: list(self.encoder.embed([clips[place] for place in places])),
            lambda row: packed_rows(np.asarray(row)[np.newaxis]),
            lambda data: unpacked_rows(data)[0],
        )
        return np.stack(rows)

    def windows(self, clips: Sequence[Audio], which: Sequence[Which]) -> list[Embeddings]:
        """Seconds of speech of each clip, where the encoder can hear so little."""
        hear = self.encoder.windows  # type: ignore[attr-defined]
        form = f"{ROWS} windows {WINDOW_FRAMES} {WINDOW_HOP_FRAMES}"
        return remembered(
            self._derived,
            [clip_key(self.fingerprint, clip, f"{form} {one}") for clip, one in zip(clips, which, strict=True)],
            lambda places: list(hear([clips[place] for place in places], [which[place] for place in places])),
            packed_rows,
            unpacked_rows,
        )


class RememberedRecognizer:
    """A recogniser whose transcripts are kept."""

    def __init__(self, recognizer: Recognizer, derived: Derived) -> None:
        self.recognizer = recognizer
        self._derived = derived

    @cached_property
    def fingerprint(self) -> str:
        return self.recognizer.fingerprint

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        return remembered(
            self._derived,
            [clip_key(self.fingerprint, clip, language) for clip, language in zip(clips, languages, strict=True)],
            lambda places: self.recognizer.transcribe(
                [clips[place] for place in places], [languages[place] for place in places]
            ),
            str.encode,
            bytes.decode,
        )

    @property
    def weights(self) -> str:
        return weights_of(self.recognizer)

    def check_language(self, language: str) -> None:
        """As the recogniser itself."""
        check_language(self.recognizer, language)


class RememberedScorer(RememberedRecognizer):
    """One that also says how likely a text is; that is kept too."""

    def __init__(self, scorer: TextScorer, derived: Derived) -> None:
        super().__init__(scorer, derived)
        self._scorer = scorer

    def log_likelihoods(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[Sequence[str]]
    ) -> list[list[TextScore]]:
        return remembered(
            self._derived,
            [
                clip_key(self.fingerprint, clip, f"{language}\n" + "\n".join(wanted))
                for clip, language, wanted in zip(clips, languages, texts, strict=True)
            ],
            lambda places: self._scorer.log_likelihoods(
                [clips[place] for place in places],
                [languages[place] for place in places],
                [texts[place] for place in places],
            ),
            msgspec.json.encode,
            lambda data: msgspec.json.decode(data, type=list[TextScore]),
        )

    def word_times(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[str]
    ) -> list[list[tuple[float, float]]]:
        """When the words of each text are spoken, where the recogniser says that; kept too."""
        aligner = self._scorer
        if not isinstance(aligner, WordAligner):
            return [[] for _ in clips]
        return remembered(
            self._derived,
            [
                clip_key(self.fingerprint, clip, f"{language}\nword times\n{text}")
                for clip, language, text in zip(clips, languages, texts, strict=True)
            ],
            lambda places: aligner.word_times(
                [clips[place] for place in places],
                [languages[place] for place in places],
                [texts[place] for place in places],
            ),
            msgspec.json.encode,
            lambda data: msgspec.json.decode(data, type=list[tuple[float, float]]),
        )

    def word_priors(self, languages: Sequence[str], texts: Sequence[str]) -> list[tuple[float, ...]]:
        """How likely words are where nothing is heard, if the recogniser says that; kept too."""
        expecter = self._scorer
        if not isinstance(expecter, WordExpecter):
            return [() for _ in texts]
        return remembered(
            self._derived,
            [
                f"{self.fingerprint}\n{language}\nword priors\n{text}"
                for language, text in zip(languages, texts, strict=True)
            ],
            lambda places: expecter.word_priors(
                [languages[place] for place in places], [texts[place] for place in places]
            ),
            msgspec.json.encode,
            lambda data: msgspec.json.decode(data, type=tuple[float, ...]),
        )


def remembering(recognizer: Recognizer, derived: Derived) -> RememberedRecognizer:
    """A recogniser that looks first at what was kept, and can do what it could before."""
    if isinstance(recognizer, TextScorer):
        return RememberedScorer(recognizer, derived)
    return RememberedRecognizer(recognizer, derived)
