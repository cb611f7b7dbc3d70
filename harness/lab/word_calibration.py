"""Where the limits of the gates on the words lie for one recogniser in one language, and how often they are wrong.

Conventions
    Clean speech of people gives the limits: for each metric the value beyond which an exponential tail leaves the
    share that it may reject. The tail is fitted to the median of the highest tenth, so that a few clips that say
    something else than their label do not move it; it begins at the highest value of all where that is lower, for it
    may well be too long; and no more than one clip in a hundred is taken for one with a wrong label. Ratios that are
    0 where nothing speaks against the target may have no tail at all: their limit is no less than the logarithm of one
    over the share, by which a likelihood alone is that sure. Of missing words, whose limit moves most, a smaller share
    is rejected where it is fitted on fewer than 175 clips.
    What the sound says for the text at all has its limit from the other side: the same clips with the text of another
    give the value that an exponential tail leaves five in a thousand of those above.
    Speakers are dealt to two halves; false rejects and power are counted on each half by the limits of the other. The
    limits to be used are those of all clips. Fewer than four speakers are dealt by clip, and with one clip a half
    nothing can be said.
    Power is counted in the same speech with wrong words in it (`harness.lab.word_faults`): the sound is cut, the text
    stays. `other text` is the sound of each clip with the text of another.
    The floor of the error rates is pooled over all clean clips. Texts of fewer than three words are left out, and so
    are clips beyond 30 s. Rates have two-sided 95 % Clopper-Pearson intervals over clips; clips of one speaker are no
    independent draws, so the true intervals are wider.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf, log
from pathlib import Path

import numpy as np

from harness.audio import Audio
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import Reference, Utterance
from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.lab.calibration import shown
from harness.lab.speech import Recording, recordings, relabelled
from harness.lab.word_faults import FAULTS, Spoken, planted
from harness.metrics.intelligibility import Floor
from harness.metrics.measuring import BATCH, Derived, Measuring
from harness.metrics.recognition import TextScorer, WordAligner, language_key, open_recognizer, weights_of
from harness.metrics.recognition.windows import WINDOW_S
from harness.metrics.remembered import RememberedScorer, remembering
from harness.store import DerivedValues
from harness.take import Provenance, Request, Stop, Take
from harness.text.hypotheses import plain
from harness.text.scoring import compare, spoken_words

MOST = 80  # clips with each fault
LEAST_WORDS, LEAST_CLIPS, LEAST_SPEAKERS = 3, 20, 4
TAIL = 0.1  # the highest share of the values, to which an exponential is fitted
MISLABELLED = 0.01  # of the clips, at most
SHARES = {
    "text_llr": 0.0005,
    "missing_words_llr": 0.009,
    "replaced_words_llr": 0.004,
    "added_words_llr": 0.003,
    "repeated_words_llr": 0.004,
    "word_order_llr": 0.0005,
    "added_letters": 0.004,
    "cer_above_floor": 0.0005,
    "wer_above_floor": 0.0001,
    "lost_words": 0.0005,
}
"""Which share of clean clips each metric may reject; they overlap, and reject about 1 % together."""
UNRELATED = {"text_support": 0.005}
"""Of metrics of which more is better: which share of clips with another text may lie above the limit."""
ENOUGH = 175  # clips, for the share of missing words; with fewer it is as much smaller
ZERO_AT_LEAST = {"text_llr", "replaced_words_llr", "added_words_llr"}
UNITS = {
    "added_letters": ("letters", 1),
    "cer_above_floor": ("ratio", 2),
    "wer_above_floor": ("ratio", 2),
    "lost_words": ("words", 0),
    "text_support": ("nats/letter", 2),
}
WHYS = {
    "text_llr": "the recogniser holds another text for far likelier than the target",
    "missing_words_llr": "the recogniser holds a text that lacks words for far likelier than any that has them",
    "added_letters": "the recogniser writes so many letters that are not in the text where people said the text alone",
    "repeated_words_llr": "the recogniser holds a word for said twice, more than of people",
    "replaced_words_llr": "the recogniser heard other words in the place of some for which the sound does not speak",
    "added_words_llr": "the recogniser holds a text with more words for likelier than the target",
    "word_order_llr": "the recogniser holds two words for exchanged, more than of people",
    "cer_above_floor": "this recogniser gets that many letters of people wrong; more is another text",
    "wer_above_floor": "this recogniser gets that many words of people wrong; more is another text",
    "lost_words": "this recogniser loses up to so many words of people",
    "text_support": "the sound says no more for the text than for the text of another clip of people",
}
OTHER_TEXT = "other text"

Values = Mapping[str, float]
"""Of one clip, by metric; what could not be measured is not there."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Limits for one recogniser and language, and how often they are wrong."""

    language: str
    limits: Values
    of_halves: tuple[Values, Values]
    crossed: Rate
    """Clean clips that the limits of the other half reject."""
    together: Rate
    """Clean clips that `limits` reject, all of which had a part in them."""
    alone: Mapping[str, Rate]
    """The same by each metric alone."""
    power: Mapping[str, Rate]
    """Of each fault, those that the limits of the other half find."""
    by_source: Mapping[str, Rate]
    """`crossed`, for each folder that the clips came from."""
    unjudged: int
    """Clean clips of which nothing could be measured."""
    halved_by: str


def calibrate(
    clips: Sequence[Recording],
    recognizer: TextScorer,
    derived: Derived,
    most: int = MOST,
    say: Callable[[str], None] = lambda line: None,
) -> Calibration:
    """Fit the limits, and count false rejects and power on the half that had no part in them.

    Args:
        clips: Clean speech of people in one language.
        recognizer: One that scores texts and says when words are spoken.
        derived: What was heard is kept there, a batch at a time, so that a killed run goes on where it was.
        most: Clips with each fault.
        say: Gets a line a batch.

    Raises:
        UsageError: Several languages, too few clips, or a recogniser that cannot do that.
    """
    kept = remembering(recognizer, derived)
    if not isinstance(kept, RememberedScorer) or not isinstance(recognizer, WordAligner):
        raise UsageError("this recogniser does not say how likely a text is and when its words are spoken")
    languages = sorted({language_key(clip.language) for clip in clips})
    if len(languages) > 1:
        raise UsageError(f"the speech is in {', '.join(languages)}: limits hold for one language (--language CODE)")
    clips = [one for one in clips if len(one.transcript.split()) >= LEAST_WORDS and one.sound.duration_s <= WINDOW_S]
    if len(clips) < LEAST_CLIPS:
        raise UsageError(
            f"{len(clips)} clips of {LEAST_WORDS} words or more and up to {WINDOW_S:g} s: a rate of 1 % needs at least "
            f"{LEAST_CLIPS} to be guessed and 300 to be shown"
        )
    clips = sorted(clips, key=lambda clip: clip.sound.duration_s)
    measuring = Measuring(recognizer=kept, floors={languages[0]: Floor(0.0, 0.0)})
    takes = [_take(clip) for clip in clips]
    clean = _measured(measuring, takes, "clean speech", say)
    spoken = _spoken(clips, kept, say)
    floor = _floor(takes, kept)
    sides, halved_by = _sides(clips)
    others = [(take, takes[place - len(takes) // 2].request.utterance.text) for place, take in enumerate(takes)]
    differing = [place for place, (take, text) in enumerate(others) if text != take.request.utterance.text]
    wrong = [relabelled(*others[place]) for place in differing]
    unrelated, sides_of_others = _measured(measuring, wrong, OTHER_TEXT, say), [sides[place] for place in differing]
    fitted = [
        limits_of(
            [one for one, side in zip(clean, sides, strict=True) if side == half],
            [one for one, side in zip(unrelated, sides_of_others, strict=True) if side == half],
            floor,
        )
        for half in (0, 1)
    ]
    limits = limits_of(clean, unrelated, floor)
    rejected = [rejects(one, fitted[1 - side], floor) for one, side in zip(clean, sides, strict=True)]
    power = {}
    for fault in FAULTS:
        numbers, sounds = zip(*planted(spoken, fault, most), strict=True) if spoken else ((), ())
        wrong = [replace(takes[number], audio=sound) for number, sound in zip(numbers, sounds, strict=True)]
        values = _measured(measuring, wrong, fault, say)
        power[fault] = _found(values, [sides[number] for number in numbers], fitted, floor)
    power[OTHER_TEXT] = _found(unrelated, sides_of_others, fitted, floor)
    return Calibration(
        languages[0],
        limits,
        (fitted[0], fitted[1]),
        _rate(rejected),
        _rate(rejects(one, limits, floor) for one in clean),
        {metric: _rate(rejects(one, {metric: limits[metric]}, floor) for one in clean) for metric in limits},
        power,
        {
            source: _rate(no for no, clip in zip(rejected, clips, strict=True) if clip.source == source)
            for source in sorted({clip.source for clip in clips})
        },
        sum(not one for one in clean),
        halved_by,
    )


def tail_limit(values: Sequence[float], share: float) -> float:
    """The value beyond which an exponential tail, fitted to the highest tenth, leaves a share; see the conventions.

    Where it begins at the highest value it is lower, and it is never below what is not taken for mislabelled.

    >>> round(tail_limit([0.0] * 90 + [1.0] * 10, 0.001), 2)
    4.32
    >>> tail_limit([0.0] * 90 + [1.0] * 10, 0.1)
    1.0
    """
    ordered = np.sort(np.asarray(values, np.float64))
    start = float(ordered[max(0, ceil((1 - TAIL) * ordered.size) - 1)])
    beyond = ordered[ordered > start] - start
    if not beyond.size:
        return start
    scale = float(np.median(beyond)) / log(2)
    of_tail = start + scale * max(0.0, log(beyond.size / ordered.size / share))
    of_highest = float(ordered[-1]) + scale * max(0.0, log(1 / ordered.size / share))
    return max(min(of_tail, of_highest), float(ordered[-1 - int(MISLABELLED * ordered.size)]))


def limits_of(clean: Sequence[Values], unrelated: Sequence[Values], floor: Floor) -> dict[str, float]:
    """The limit of each metric, rounded to the kinder side.

    Args:
        clean: Of clips with their own text.
        unrelated: Of clips with the text of another.
        floor: Of the error rates.
    """
    found = {}
    few = min(1.0, len(clean) / ENOUGH)
    for metric, share in (SHARES | {"missing_words_llr": SHARES["missing_words_llr"] * few}).items():
        values = [_above(metric, one[metric], floor) for one in clean if metric in one]
        if not values:
            raise UsageError(f"{metric} could not be measured in any clip of a half: is the speech what its text says?")
        limit = max(tail_limit(values, share), log(1 / share) if metric in ZERO_AT_LEAST else -inf)
        found[metric] = _rounded(metric, limit)
    for metric, share in UNRELATED.items():
        values = [one[metric] for one in unrelated if metric in one]
        if values:  # not every recogniser can be asked for it
            found[metric] = -_rounded(metric, -tail_limit(values, share))
    return found


def _rounded(metric: str, limit: float) -> float:
    scale = 10.0 ** UNITS.get(metric, ("nats", 1))[1]
    return ceil(limit * scale - 1e-9) / scale


def rejects(values: Values, limits: Values, floor: Floor) -> bool:
    """Whether any metric of a clip lies beyond its limit."""
    return any(_beyond(metric, _above(metric, values[metric], floor), limits) for metric in limits if metric in values)


def _beyond(metric: str, value: float, limits: Values) -> bool:
    return value < limits[metric] if metric in UNRELATED else value > limits[metric]


def rows(found: Calibration, recognizer: TextScorer, name: str, about: str) -> str:
    """The gates of gates.toml for this recogniser and language, ready to paste, with what was measured."""
    title = f"{name}, {found.language}"
    power = "; ".join(f"{fault} {shown(rate)}" for fault, rate in found.power.items())
    lines = [
        f"# {title}: {about}, halves by {found.halved_by}. Judged by the limits of the other half: rejects "
        f"{shown(found.crossed)} of clean clips;",
        f"# finds of sound that was cut: {power}.",
    ]
    crossed = f"all gates on the words {shown(found.together)}; by the limits of the other half {shown(found.crossed)}"
    for metric, limit in found.limits.items():
        unit, digits = UNITS.get(metric, ("nats", 1))
        lines.append(
            f"""
[[profile.documented.gate]]
name = "{metric} by {title}"
metric = "{metric}"
unit = "{unit}"
{"at_least" if metric in UNRELATED else "at_most"} = {limit:.{digits}f}
languages = ["{found.language}"]
recognisers = ["{weights_of(recognizer)}"]
why = "{WHYS[metric]}"
false_reject = {found.alone[metric].value:.3f}
source = "{about}: alone {shown(found.alone[metric])}, {crossed}"
""".rstrip()
        )
    return "\n".join(lines) + "\n"


def _take(clip: Recording) -> Take:
    reference = Reference(clip.speaker, Path(), clip.transcript, clip.language, clip.speaker, "")
    utterance = Utterance("calibration", "short", 0, clip.transcript, clip.language, clip.speaker)
    request = Request(utterance, reference, 0, chunks(clip.transcript, BudgetConfig()), "recorded")
    return Take(request, clip.sound, Stop.EOS, Provenance("recorded", "human speech", ""))


def _measured(
    measuring: Measuring, takes: Sequence[Take], what: str, say: Callable[[str], None]
) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    for start in range(0, len(takes), BATCH):
        for measured in measuring.measure(takes[start : start + BATCH], [*SHARES, *UNRELATED]):
            found.append({name: one.value for name, one in measured.items() if one.is_known})
        say(f"{what}: {len(found)} of {len(takes)} clips heard")
    return found


def _spoken(clips: Sequence[Recording], kept: RememberedScorer, say: Callable[[str], None]) -> list[Spoken]:
    """Clips whose words have places, each with its number as its own."""
    found = []
    for start in range(0, len(clips), BATCH):
        part = clips[start : start + BATCH]
        texts = [_words(clip) for clip in part]
        times = kept.word_times(
            [clip.sound for clip in part], [clip.language for clip in part], [" ".join(words) for words in texts]
        )
        found += [
            Spoken(clip.speaker, tuple(words), tuple(spans) if len(spans) == len(words) else (), clip.sound)
            for clip, words, spans in zip(part, texts, times, strict=True)
        ]
        say(f"word times: {len(found)} of {len(clips)} clips")
    return found


def _words(clip: Recording) -> list[str]:
    return " ".join(word.written for word in spoken_words(plain(clip.transcript), clip.language)).split()


def _floor(takes: Sequence[Take], kept: RememberedScorer) -> Floor:
    """The error rates of all clean clips together."""
    sounds = [_sound(take) for take in takes]
    heard = kept.transcribe(sounds, [take.request.utterance.language for take in takes])
    found = [
        compare(take.request.utterance.text, text, take.request.utterance.language)
        for take, text in zip(takes, heard, strict=True)
    ]
    letters, words = (
        sum(one.errors for one in side) / max(1, sum(one.target_length for one in side))
        for side in ([one.letters for one in found], [one.words for one in found])
    )
    return Floor(letters, words)


def _sound(take: Take) -> Audio:
    assert take.audio is not None
    return take.audio


def _above(metric: str, value: float, floor: Floor) -> float:
    return value - {"cer_above_floor": floor.cer, "wer_above_floor": floor.wer}.get(metric, 0.0)


def _sides(clips: Sequence[Recording]) -> tuple[list[int], str]:
    """For each clip its half, and by what they were dealt."""
    speakers = sorted({clip.speaker for clip in clips})
    if len(speakers) < LEAST_SPEAKERS:
        return [number % 2 for number in range(len(clips))], "clip"
    return [speakers.index(clip.speaker) % 2 for clip in clips], "speaker"


def _found(wrong: Sequence[Values], sides: Sequence[int], fitted: Sequence[Values], floor: Floor) -> Rate:
    return _rate(rejects(one, fitted[1 - side], floor) for one, side in zip(wrong, sides, strict=True))


def _rate(counted: Iterable[bool]) -> Rate:
    every = list(counted)
    return Rate(sum(every), len(every))


def report(folder: Path, model: str, language: str, cache: Path) -> tuple[list[str], str]:
    """Lines about the limits of each half, and the rows of gates.toml, for the recordings of a folder in a language.

    Args:
        folder: Sound files and manifest.csv.
        model: The recogniser: a folder, a hub id or a name.
        language: Its code; may be left out where all recordings are in one.
        cache: Folder in which what was heard is kept; how far it is stands on stderr, a line a batch.

    Raises:
        UsageError: As `calibrate`.
    """
    recognizer = open_recognizer(model)
    clips = [
        one
        for one in recordings(folder, joined_s=0.0)
        if not language or language_key(one.language) == language_key(language)
    ]
    told = [one for one in clips if one.has_text]
    if not isinstance(recognizer, TextScorer):
        raise UsageError(f"{model} does not say how likely a text is: no limits can be fitted for it")
    found = calibrate(told, recognizer, DerivedValues(cache), MOST, say=partial(print, file=sys.stderr, flush=True))
    lines = [f"# {len(clips) - len(told)} clips left out: nobody says what was said in them"] * (len(told) < len(clips))
    lines += [f"# {source}: rejects {shown(rate)} of clean clips" for source, rate in found.by_source.items()]
    lines += [
        f"# {metric}: limit {limit:g}, of each half {found.of_halves[0][metric]:g} and {found.of_halves[1][metric]:g}"
        for metric, limit in found.limits.items()
    ]
    judged = found.crossed.of - found.unjudged
    about = f"{judged} of {found.crossed.of} {found.language} clips of {', '.join(found.by_source)}"
    return lines, rows(found, recognizer, Path(model).name, about)
