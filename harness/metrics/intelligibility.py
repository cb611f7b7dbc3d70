"""Can the words be understood, and are they the right ones?

Conventions
    CER and WER are substitutions, deletions and insertions for each letter (spaces not counted) or word of the target;
    both may exceed 1. Texts are compared as `harness.text.scoring` brings them to what they sound like. The whole take
    is heard, however long.
    The floor is what the recogniser scores on human recordings in the language of the text: all references of the run
    in that language together, for one clip says little. A weak recogniser has 40 % word errors on people.
    `…_above_floor` is the take's rate less that floor. Where there is no reference in the language, or where the
    recogniser mishears them, these and lost words are not judged.
    A transcript that goes round with more letters than anybody says is a failure of the recogniser, and phrases of
    videos that the target does not hold are left out (`harness.metrics.recognition.failures`).
    Without a recogniser nothing here is judged: the measurements do not apply and no gate passes them.

    Words are lost when fewer than half their letters were heard: at the beginning, in the middle, or at the end, where
    a generation that stops early leaves them out. In a long text one word is too few errors to show in a rate.

Metrics: `cer`, `wer`, `cer_above_floor`, `wer_above_floor`, `lost_words`, and the same of a second recogniser with
`second_` before.

Source: the definitions of jiwer 4 and of Seed-TTS-Eval. Deviations: CER leaves spaces out, and takes longer than a
recogniser's window are heard in full where Seed-TTS-Eval's Whisper sees 30 s; both make the rate higher or equal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference, Utterance
from harness.errors import AudioError
from harness.metrics.declaration import (
    ANALYSES,
    Finding,
    MetricFunction,
    Missing,
    NotApplicable,
    analysis,
    measured,
    metric,
)
from harness.metrics.measuring import Derived, Models
from harness.metrics.recognition import Recognizer, failures, language_key, open_recognizer
from harness.metrics.remembered import remembering
from harness.take import Take
from harness.text.alignment import Alignment, align
from harness.text.scoring import VERSION, Differences, compare, same_letter

P = ParamSpec("P")
T = TypeVar("T")

SHOWN_LETTERS = 200  # of a heard text in a line; the report has the rest

HEARD_SHARE = 0.5  # of its letters; a word of which less was heard is lost

HIGHEST_FLOOR = 0.3  # of letters; a recogniser that mishears a third of a human recording judges nobody


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser wrote, or why it did not."""

    text: str
    error: str = ""
    boilerplate: str = ""
    """What it wrote beyond that, a phrase of videos that nobody said."""

    @property
    def shown(self) -> str:
        """For a line."""
        beyond = f" (and, which is not counted: {self.boilerplate})" if self.boilerplate else ""
        return f"heard: {shortened(self.text)}{beyond}"


@dataclass(frozen=True, slots=True)
class Floor:
    """A recogniser's error rates on human recordings in a language, or why there are none."""

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


def shortened(text: str) -> str:
    """A text for one line.

    >>> shortened("word " * 100)[-25:]
    'word word … (500 letters)'
    """
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS].rstrip()} … ({len(text)} letters)"


def floor_of(references: Sequence[Reference], spoken: Sequence[Heard], language: str) -> Floor:
    """What the recogniser scores on the references of a language, all letters and words together."""
    found, failed = [], []
    for reference, heard in zip(references, spoken, strict=True):
        duration_s = len(reference.transcript) / failures.LOOP_LETTERS_S  # nobody speaks faster
        why = heard.error or failures.loop(heard.text, duration_s, [reference.transcript], language)
        if why:
            failed.append(f"{reference.id}: {why}")
        else:
            found.append(compare(reference.transcript, heard.text, language))
    letters, words = (
        sum(part.errors for part in side) / max(1, sum(part.target_length for part in side))
        for side in ([one.letters for one in found], [one.words for one in found])
    )
    if not found:
        why = "; ".join(failed) or f"no reference is spoken in {language!r}"
        return Floor(1.0, 1.0, f"there is no human speech in {language!r} to know the recogniser by: {why}")
    if not letters <= HIGHEST_FLOOR:
        return Floor(
            letters,
            words,
            f"the recogniser gets {letters:.0%} of the letters of {len(found)} references in {language!r} wrong and "
            "says nothing of these takes word for word: take one that understands the voices "
            f"(at most {HIGHEST_FLOOR:.0%} wrong)",
        )
    return Floor(letters, words)


@analysis(once="run", is_instrument=True)
def recognizer(models: Models, derived: Derived) -> Recognizer:
    """The run's recogniser, which looks first at what was kept."""
    if not models.recognizer:
        raise NotApplicable("no speech recogniser was given (--asr)")
    return remembering(open_recognizer(models.recognizer, models.device), derived)


@analysis(once="run", is_instrument=True)
def second_recognizer(models: Models, derived: Derived) -> Recognizer:
    """A second recogniser, which looks first at what was kept."""
    if not models.second_recognizer:
        raise NotApplicable("no speech recogniser was given (--asr-2)")
    return remembering(open_recognizer(models.second_recognizer, models.device), derived)


@analysis()
def language(take: Take) -> str:
    """The language of the text."""
    return take.request.utterance.language


RECOGNIZERS = ("recognizer", "second_recognizer")
SECOND: dict[str, str] = {"recognizer": "second_recognizer"}
"""What an analysis or metric needs of the first recogniser, and the same of the second."""


def both(function: Callable[P, T]) -> Callable[P, T]:
    """The same analysis of the first recogniser, and as `second_…` of the second."""
    name = function.__name__
    once = ANALYSES[name].once
    SECOND[name] = f"second_{name}"
    analysis(once=once, name=SECOND[name], needs=SECOND)(function)
    return function


def of_second(first: MetricFunction[P]) -> MetricFunction[P]:
    """The same metric of the second recogniser, as `second_…`."""
    mine = first.meaning
    return metric(
        f"second_{mine.name}",
        mine.unit,
        mine.better,
        of=first.of,
        needs=SECOND,
        beside=tuple(f"second_{name}" for name in first.beside),
        version=mine.version,
    )(first.function)


@both
@analysis(once="run")
def floors(recognizer: Recognizer) -> dict[str, Floor]:
    """The floors of the languages that were asked for so far."""
    return {}


@both
@analysis(what="the recogniser")
def floor(
    recognizer: Recognizer,
    floors: dict[str, Floor],
    references: Sequence[Reference],
    reference: Reference,
    language: str,
) -> Floor:
    """What the recogniser scores on the references in the language of the text."""
    code = language_key(language)
    if code not in floors:
        known = {
            one.sha256: one
            for one in [*references, reference]
            if language_key(one.language) == code and not one.problem
        }
        floors[code] = floor_of(list(known.values()), hear_references(list(known.values()), recognizer), code)
    return floors[code]


@both
@analysis(what="the recogniser")
def usable_floor(floor: Floor) -> Floor:
    """The floor, where the recogniser hears people well enough to judge anybody."""
    if floor.error:
        raise Missing(floor.error)
    return floor


def hear_references(references: Sequence[Reference], recognizer: Recognizer) -> list[Heard]:
    """What the recogniser writes of each reference; one that cannot be read is heard with an error."""
    sounds, problems = {}, {}
    for place, one in enumerate(references):
        try:
            sounds[place] = audio.load(one.path)
        except AudioError as error:
            problems[place] = Heard("", f"it cannot be heard: {error}")
    spoken = hear(list(sounds.values()), [references[place].language for place in sounds], recognizer)
    heard = problems | dict(zip(sounds, spoken, strict=True))
    return [heard[place] for place in range(len(references))]


@both
@analysis(once="batch", what="the recogniser")
def heard(recognizer: Recognizer, sound: Sequence[Audio], language: Sequence[str], take: Sequence[Take]) -> list[Heard]:
    """What the recogniser wrote of each take, without phrases of videos that the text does not hold."""
    spoken = hear(sound, language, recognizer)
    return [_checked(one, clip, of.request.utterance) for one, clip, of in zip(spoken, sound, take, strict=True)]


def _checked(heard: Heard, clip: Audio, utterance: Utterance) -> Heard:
    """A transcript, or why it says nothing about the take."""
    readings, code = utterance.readings, utterance.language
    why = failures.loop(heard.text, clip.duration_s, readings, code)
    if heard.error or why:
        return Heard("", heard.error or f"{why} ({heard.shown})")
    text, boilerplate = failures.without_boilerplate(heard.text, readings, code)
    return Heard(text, boilerplate=boilerplate)


@both
@analysis()
def differences(heard: Heard, take: Take) -> Differences:
    """Where the heard text differs from the target."""
    if heard.error:
        raise Missing(f"the recogniser failed: {heard.error}")
    utterance = take.request.utterance
    found = min(
        (compare(reading, heard.text, utterance.language) for reading in utterance.readings),
        key=lambda one: (one.words.errors, one.letters.errors),
    )
    if not found.letters.target_length:
        raise Missing("the text holds no letters")
    return found


@metric("cer", unit="ratio", better="lower", of="sound", beside=("cer_above_floor",), version=VERSION)
def cer(differences: Differences, heard: Heard) -> Finding:
    """Errors for each letter of the target."""
    return _rate(differences.letters, heard)


@metric("wer", unit="ratio", better="lower", of="sound", beside=("wer_above_floor",), version=VERSION)
def wer(differences: Differences, heard: Heard) -> Finding:
    """Errors for each word of the target."""
    return _rate(differences.words, heard)


@metric("cer_above_floor", unit="ratio", better="lower", of="sound", version=VERSION)
def cer_above_floor(usable_floor: Floor, differences: Differences, heard: Heard) -> Finding:
    """The letter error rate less what the recogniser scores on the reference itself."""
    return _above(usable_floor.cer, differences.letters, heard)


@metric("wer_above_floor", unit="ratio", better="lower", of="sound", version=VERSION)
def wer_above_floor(usable_floor: Floor, differences: Differences, heard: Heard) -> Finding:
    """The word error rate less what the recogniser scores on the reference itself."""
    return _above(usable_floor.wer, differences.words, heard)


@metric("lost_words", unit="words", better="lower", of="sound", version=VERSION)
def lost_word_count(usable_floor: Floor, differences: Differences, heard: Heard) -> Finding:
    """Words of which fewer than half the letters were heard."""
    lost = lost_words(differences)
    places = {"beginning": len(lost.beginning), "middle": len(lost.middle), "end": len(lost.end)}
    return measured(lost.count, f"not heard {lost}" if lost.count else "", (), heard.text, **places)


for _first in (cer, wer, cer_above_floor, wer_above_floor, lost_word_count):
    of_second(_first)


def _rate(found: Alignment, heard: Heard) -> Finding:
    return measured(found.rate, heard.shown, (), heard.text, **_counts(found))


def _above(floor_rate: float, found: Alignment, heard: Heard) -> Finding:
    about = f"{found.rate:.1%} less {floor_rate:.1%} on human speech in this language; {heard.shown}"
    return measured(found.rate - floor_rate, about, (), heard.text, **_counts(found), floor=floor_rate)


def _counts(found: Alignment) -> dict[str, float]:
    return {
        "substitutions": found.substitutions,
        "deletions": found.deletions,
        "insertions": found.insertions,
        "target": found.target_length,
    }


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
