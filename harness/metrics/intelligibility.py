"""Can the words be understood, and are they the right ones?

Conventions
    CER and WER are substitutions, deletions and insertions for each letter (spaces not counted) or word of the target;
    both may exceed 1. Texts are compared as `harness.text.scoring` brings them to what they sound like. The whole take
    is heard, however long.
    The floor is what the recogniser scores on the reference itself, a human recording: a weak recogniser has 40 % word
    errors on people. `…_above_floor` is the take's rate less that floor. A reference in another language than the text
    says nothing about the recogniser there; its floor is taken as 0, which is the stricter choice.
    Without a recogniser nothing here is judged: the measurements do not apply and no gate passes them.

    Words are lost when fewer than half their letters were heard: at the beginning, in the middle, or at the end, where
    a generation that stops early leaves them out. In a long text one word is too few errors to show in a rate.

Metrics: `cer`, `wer`, `cer_above_floor`, `wer_above_floor`, `lost_words`, and the same of a second recogniser with
`second_` before.

Source: the definitions of jiwer 4 and of Seed-TTS-Eval. Deviations: CER leaves spaces out, and takes longer than a
recogniser's window are heard in full where Seed-TTS-Eval's Whisper sees 30 s; both make the rate higher or equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference
from harness.errors import AudioError
from harness.metrics import guarded_group
from harness.records.measurement import Measurement, Metric
from harness.take import Take
from harness.text.alignment import align
from harness.text.scoring import VERSION, Differences, compare, same_letter

CER = Metric("cer", unit="ratio", better="lower", version=VERSION)
WER = Metric("wer", unit="ratio", better="lower", version=VERSION)
CER_ABOVE_FLOOR = Metric("cer_above_floor", unit="ratio", better="lower", version=VERSION)
WER_ABOVE_FLOOR = Metric("wer_above_floor", unit="ratio", better="lower", version=VERSION)
LOST_WORDS = Metric("lost_words", unit="words", better="lower", version=VERSION)
SECOND_CER = Metric("second_cer", unit="ratio", better="lower", version=VERSION)
SECOND_WER = Metric("second_wer", unit="ratio", better="lower", version=VERSION)
SECOND_CER_ABOVE_FLOOR = Metric("second_cer_above_floor", unit="ratio", better="lower", version=VERSION)
SECOND_WER_ABOVE_FLOOR = Metric("second_wer_above_floor", unit="ratio", better="lower", version=VERSION)

SECOND_LOST_WORDS = Metric("second_lost_words", unit="words", better="lower", version=VERSION)

HEARD_SHARE = 0.5  # of its letters; a word of which less was heard is lost

HIGHEST_FLOOR = 0.3  # of letters; a recogniser that mishears a third of a human recording judges nobody


class Recognizer(Protocol):
    """Writes down what it hears."""

    @property
    def fingerprint(self) -> str:
        """Name, hash of the weights, versions and preparation; transcripts of one fingerprint compare."""

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        """One transcript a clip, in order, of the whole clip, in the language given (ISO code, `ar`)."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """The metrics of one recogniser, and the option that gives it."""

    option: str
    cer: Metric
    wer: Metric
    cer_above_floor: Metric
    wer_above_floor: Metric
    lost_words: Metric

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (self.cer, self.wer, self.cer_above_floor, self.wer_above_floor, self.lost_words)


FIRST = Opinion("--asr", CER, WER, CER_ABOVE_FLOOR, WER_ABOVE_FLOOR, LOST_WORDS)
SECOND = Opinion("--asr-2", SECOND_CER, SECOND_WER, SECOND_CER_ABOVE_FLOOR, SECOND_WER_ABOVE_FLOOR, SECOND_LOST_WORDS)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser wrote, or why it did not."""

    text: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """A recogniser's error rates on a reference, or why there are none."""

    cer: float
    wer: float
    error: str = ""


def hear(clips: Sequence[Audio], languages: Sequence[str], recognizer: Recognizer) -> list[Heard]:
    """Transcribe a batch; a clip on which the recogniser fails costs the others nothing."""
    finite = [audio.finite(clip) for clip in clips]
    try:
        texts = recognizer.transcribe(finite, languages) if clips else []
        if len(texts) != len(clips):
            raise ValueError(f"{len(texts)} transcripts for {len(clips)} clips")
    except Exception as error:  # noqa: BLE001 -- any failure of a foreign model becomes a verdict of its own
        if len(clips) == 1:
            return [Heard("", f"{type(error).__name__}: {error}")]
        return [
            heard
            for clip, language in zip(finite, languages, strict=True)
            for heard in hear([clip], [language], recognizer)
        ]
    return [Heard(text) for text in texts]


def floor(reference: Reference, heard: Heard) -> Floor:
    """What the recogniser scores on a reference against its transcript."""
    if heard.error:
        return Floor(1.0, 1.0, f"the recogniser failed on the reference {reference.id}: {heard.error}")
    found = compare(reference.transcript, heard.text, reference.language)
    if not found.letters.rate <= HIGHEST_FLOOR:
        return Floor(
            found.letters.rate,
            found.words.rate,
            f"the recogniser gets {found.letters.rate:.0%} of the letters of the reference {reference.id} wrong; to "
            f"judge this voice at most {HIGHEST_FLOOR:.0%} may be wrong (heard: {heard.text})",
        )
    return Floor(found.letters.rate, found.words.rate)


def not_judged(opinion: Opinion) -> dict[str, Measurement]:
    """The measurements of a run without a recogniser."""
    reason = f"no speech recogniser was given ({opinion.option})"
    return {metric.name: metric.not_applicable(reason) for metric in opinion.metrics}


def measure_intelligibility(
    takes: Sequence[Take], recognizer: Recognizer, opinion: Opinion = FIRST
) -> list[dict[str, Measurement]]:
    """All measurements that need a recogniser, for a batch of takes in order, by metric name."""
    references = {take.request.reference.sha256: take.request.reference for take in takes if take.audio is not None}
    floors = _floors(references, recognizer)
    audible = [take for take in takes if take.audio is not None]
    sounds = [take.audio for take in audible if take.audio is not None]
    transcripts = iter(hear(sounds, [take.request.utterance.language for take in audible], recognizer))
    return [
        guarded_group(
            opinion.metrics,
            partial(_of_take, take, next(transcripts), floors[take.request.reference.sha256], opinion),
        )
        if take.audio is not None
        else {metric.name: metric.missing(f"no audio: {take.error}") for metric in opinion.metrics}
        for take in takes
    ]


def _floors(references: Mapping[str, Reference], recognizer: Recognizer) -> dict[str, Floor]:
    """The floor of every reference; one that cannot be read is a floor with an error."""
    floors, sounds = {}, {}
    for name, reference in references.items():
        try:
            sounds[name] = audio.load(reference.path)
        except AudioError as error:
            floors[name] = Floor(1.0, 1.0, f"the reference {reference.id} cannot be heard: {error}")
    spoken = hear(list(sounds.values()), [references[name].language for name in sounds], recognizer)
    return floors | {name: floor(references[name], heard) for name, heard in zip(sounds, spoken, strict=True)}


def _of_take(take: Take, heard: Heard, human: Floor, opinion: Opinion) -> dict[str, Measurement]:
    utterance = take.request.utterance
    if heard.error:
        reason = f"the recogniser failed: {heard.error}"
        return {metric.name: metric.missing(reason) for metric in opinion.metrics}
    found = compare(utterance.spoken or utterance.text, heard.text, utterance.language)
    if not found.letters.target_length:
        return {metric.name: metric.missing("the text holds no letters") for metric in opinion.metrics}
    languages = (take.request.reference.language, utterance.language)
    same_language = len({language.split("-")[0].lower() for language in languages}) == 1
    measured = []
    for absolute, above, counts, floor_rate in (
        (opinion.cer, opinion.cer_above_floor, found.letters, human.cer),
        (opinion.wer, opinion.wer_above_floor, found.words, human.wer),
    ):
        parts = {
            "substitutions": counts.substitutions,
            "deletions": counts.deletions,
            "insertions": counts.insertions,
            "target": counts.target_length,
        }
        measured.append(absolute.measured(counts.rate, f"heard: {heard.text}", (), **parts))
        if not same_language:
            about = f"no floor: the reference is {take.request.reference.language!r}; heard: {heard.text}"
            measured.append(above.measured(counts.rate, about, (), **parts, floor=0.0))
        elif human.error:
            measured.append(above.missing(human.error))
        else:
            about = f"{counts.rate:.1%} less {floor_rate:.1%} on the reference itself; heard: {heard.text}"
            measured.append(above.measured(counts.rate - floor_rate, about, (), **parts, floor=floor_rate))
    lost = lost_words(found)
    places = {"beginning": len(lost.beginning), "middle": len(lost.middle), "end": len(lost.end)}
    measured.append(opinion.lost_words.measured(lost.count, f"not heard {lost}" if lost.count else "", (), **places))
    return {one.metric.name: msgspec.structs.replace(one, heard=heard.text) for one in measured}


@dataclass(frozen=True, slots=True)
class LostWords:
    """Words of the target that met nothing that was heard, by where they stood, each in order."""

    beginning: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    end: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.beginning) + len(self.middle) + len(self.end)

    def __str__(self) -> str:
        named = {"at the beginning": self.beginning, "in the middle": self.middle, "at the end": self.end}
        return "; ".join(f"{place}: {' '.join(words)}" for place, words in named.items() if words)


def lost_words(found: Differences) -> LostWords:
    """The words of which fewer than half the letters were heard.

    Words that were heard as they should be part the sentence; between two of them letters are aligned with letters, so
    that a word which was misheard, or in whose place another was heard, is told from one that is not there.

    >>> print(lost_words(compare("the cat sat down", "the cat sad", "en")))
    at the end: down
    >>> print(lost_words(compare("please do not open", "please open", "en")))
    in the middle: do not
    >>> lost_words(compare("good night", "goodnight", "en")).count
    0
    """
    words = found.words
    lost: list[tuple[int, str]] = []
    spoken: list[tuple[int, str]] = []  # between two words that agree
    heard = ""
    many = 0
    for (target, other), agrees in [*zip(words.pairs, words.same, strict=True), ((None, None), True)]:
        if agrees:
            lost += _unheard(spoken, heard)
            spoken, heard = [], ""
        if target is not None:
            if not agrees:
                spoken.append((many, target))
            many += 1
        if not agrees and other is not None:
            heard += other.replace(" ", "")
    gone = dict(lost)
    first = next((place for place in range(many) if place not in gone), many)
    last = next((place for place in reversed(range(many)) if place not in gone), -1)
    return LostWords(
        tuple(word for place, word in lost if place < first and last >= 0),
        tuple(word for place, word in lost if first < place < last),
        tuple(word for place, word in lost if place > last),
    )


def _unheard(spoken: Sequence[tuple[int, str]], heard: str) -> list[tuple[int, str]]:
    """Those words of a stretch of the target of which fewer than half the letters are among those that were heard."""
    aligned = align([(tuple(word),) for _, word in spoken], [(tuple(heard),)], same_letter)
    met = [0] * len(spoken)
    for (place, _), agrees in zip(aligned.places, aligned.same, strict=True):
        if agrees:
            met[place] += 1
    return [word for word, count in zip(spoken, met, strict=True) if count < HEARD_SHARE * len(word[1])]
