"""Speech recognisers: what they are asked, and how one is opened.

transformers_folder     CTC and encoder-decoder models of the transformers library, by folder or hub id
whisper                 Whisper of the same library: decoding with fallback, one encoder pass for all that is asked
ctranslate2_folder      the same Whisper as CTranslate2 and faster-whisper keep it, faster on a CPU
text_tree               many texts under one Whisper decoder; when their words are spoken
windows                 clips beyond a recogniser's window
failures                what a recogniser writes when it fails: loops, and phrases that nobody said
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness import registry
from harness.audio import Audio
from harness.errors import UsageError


class Recognizer(Protocol):
    """Writes down what it hears."""

    @property
    def fingerprint(self) -> str:
        """Name, hash of the weights, versions and preparation; transcripts of one fingerprint compare."""

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        """One transcript a clip, in order, of the whole clip, in the language given (ISO code, `ar`)."""


@dataclass(frozen=True, slots=True)
class TextScore:
    """The logarithm of the probability that a recogniser gives to a text for a clip, in nats."""

    total: float
    """Of the whole text and its end."""
    words: tuple[float, ...] = ()
    """Of each word, given those before it; empty where the model does not say."""


IMPOSSIBLE = TextScore(-inf)


@runtime_checkable
class TextScorer(Recognizer, Protocol):
    """A recogniser that also says how likely a given text is."""

    @property
    def weights(self) -> str:
        """Hash of the weights alone, 16 hexadecimal digits: what limits are calibrated for."""

    def log_likelihoods(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[Sequence[str]]
    ) -> list[list[TextScore]]:
        """For each clip the score of each of its texts, in order.

        Raises:
            ValueError: A clip is longer than what the model hears at once.
        """


@runtime_checkable
class WordAligner(Recognizer, Protocol):
    """A recogniser that also says when the words of a given text are spoken."""

    def word_times(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[str]
    ) -> list[list[tuple[float, float]]]:
        """For each clip from when to when each word of its text is spoken, in seconds; empty where that is unknown."""


@runtime_checkable
class WordExpecter(Recognizer, Protocol):
    """A recogniser that also says how likely the words of a text are to it where nothing is heard."""

    def word_priors(self, languages: Sequence[str], texts: Sequence[str]) -> list[tuple[float, ...]]:
        """The log-probability of each word of each text given those before it, in nats; empty where that is unknown."""


def weights_of(recognizer: Recognizer) -> str:
    """The hash of a recogniser's weights, or nothing where it does not say: then no limits are made for it."""
    return str(getattr(recognizer, "weights", ""))


def check_language(recognizer: Recognizer, language: str) -> None:
    """Whether a recogniser hears a language, as far as it says so before it is loaded.

    Raises:
        UsageError: It does not.
    """
    check = getattr(recognizer, "check_language", None)
    if check is not None:
        check(language)


def open_recognizer(name: str, device: str = "cpu") -> Recognizer:
    """The recogniser of that name, or the model of that folder or hub id; it loads with the first clip.

    Raises:
        UsageError: There is no such model, or the package that runs it is not installed.
    """
    from harness.metrics.recognition import ctranslate2_folder, transformers_folder, whisper

    kind = registry.find(registry.RECOGNIZER, name)
    if kind:
        opened: Recognizer = kind(device=device)
        return opened
    transformers_folder.check(name)
    if ctranslate2_folder.holds_a_model(Path(name)):
        return ctranslate2_folder.CTranslate2Whisper(name, device)
    if transformers_folder.architecture(name).startswith("Whisper"):
        return whisper.Whisper(name, device)
    return transformers_folder.TransformersRecognizer(name, device)


def language_key(language: str) -> str:
    """The code of a language without its region: `ar` of ar-EG."""
    return language.split("-")[0].lower()


def language_code(language: str, known: Sequence[str], model: str) -> str:
    """The two letters by which a multilingual model knows a language: `ar` for ar-EG, arb or ara.

    Raises:
        UsageError: The model does not know it.
    """
    code = language.split("-")[0].split("_")[0].lower()
    code = {"arb": "ar", "ara": "ar", "eng": "en"}.get(code, code)
    if code not in known:
        raise UsageError(
            f"language {language!r} is none that the recogniser {model} knows: write it as ISO 639-1 does, e.g. 'ar'"
        )
    return code
