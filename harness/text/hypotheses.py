"""Texts that may have been spoken in place of the target: what a recogniser is asked to compare it with.

Conventions
    The target is written as the recogniser writes: words that it heard as they should be stand in its own spelling,
    with its capitals and punctuation; the others stand without marks, with the punctuation of what was heard in their
    place. A hypothesis changes one thing in it, so that all else that the recogniser mishears is the same on both sides
    of a comparison: a word is missing, a word of 3 letters or more comes twice, two neighbours changed places, or a
    stretch stands as it was heard. Punctuation stays where it was when words change (`harness.text.as_written`).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.text.alignment import Alignment, align
from harness.text.as_written import ENDS, as_written, bare, dressed, exchanged, letters, parts, twice, without
from harness.text.scoring import same_word, scored_words

LEAST_LETTERS = 3  # fewer are within what a recogniser mishears
_BARE_ALEFS = str.maketrans("أإآٱ", "اااا")


class Change(StrEnum):
    """What is changed in a target."""

    MISSING = "missing"
    REPEATED = "repeated"
    EXCHANGED = "exchanged"
    HEARD = "heard otherwise"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text that may have been spoken instead."""

    change: Change
    text: str
    words: tuple[int, ...]
    """The words of the target that are concerned."""
    lost_letters: int = 0
    """How many letters fewer than the target it has."""


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """A target and what may have been spoken in its place."""

    words: tuple[str, ...]
    """The target, word by word."""
    spellings: tuple[str, ...]
    """The target in all spellings that are right."""
    heard: tuple[str, ...]
    """What the recogniser wrote, as it is and without punctuation."""
    changed: tuple[Hypothesis, ...]
    reading: str
    """The reading of the target that was compared, as it was given."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that must be scored, each once."""
        return tuple(dict.fromkeys([*self.spellings, *self.heard, *(hypothesis.text for hypothesis in self.changed)]))


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch of the target, as it is compared, and what was heard there."""

    words: tuple[str, ...]
    heard: tuple[str, ...]
    same: bool


def plain(text: str) -> str:
    """A text without diacritics and tatweel; punctuation stays."""
    bare = unicodedata.normalize("NFC", text).replace("\u0640", "")
    return " ".join("".join(c for c in bare if unicodedata.category(c) != "Mn").split())


def hypotheses(targets: Sequence[str], heard: str, language: str) -> Hypotheses:
    """What may have been spoken in place of a target.

    Args:
        targets: The readings of the text that are right; the one that agrees best with what was heard is compared.
        heard: What the recogniser wrote.
        language: Of both.
    """
    theirs = scored_words(heard, language)
    readings = [(text, scored_words(plain(text), language)) for text in targets]
    aligned = [
        align([word.slot for word in mine], [word.slot for word in theirs], same_word, join=True)
        for _, mine in readings
    ]
    best = min(range(len(readings)), key=lambda place: aligned[place].errors)
    written, mine = readings[best]
    blocks = _blocks(aligned[best], as_written(plain(written), mine, language), as_written(heard, theirs, language))
    words = tuple(word for block in blocks for word in block.words)
    base, other = " ".join(words), " ".join(word.written for word in mine)
    without_punctuation = " ".join(word.written for word in theirs)
    return Hypotheses(
        words,
        tuple(dict.fromkeys([base, other, plain(written), base.translate(_BARE_ALEFS)])),
        tuple(dict.fromkeys([heard, without_punctuation])),
        tuple(change for change in [*_changes(words), *_as_heard(blocks)] if change.text != base),
        written,
    )


def _blocks(alignment: Alignment, mine: Sequence[str], theirs: Sequence[str]) -> list[_Block]:
    """Both texts cut where neither has a word across the cut; words that agree stand alone."""
    groups: list[tuple[list[int], list[int], bool]] = []
    for (one, two), same in zip(alignment.places, alignment.same, strict=True):
        joins = groups and ((one >= 0 and one in groups[-1][0]) or (two >= 0 and two in groups[-1][1]))
        if joins:
            before = groups.pop()
            groups.append(([*before[0], one], [*before[1], two], before[2] and same))
        else:
            groups.append(([one], [two], same))
    blocks: list[_Block] = []
    at = 0
    for number, (ours, others, same) in enumerate(groups):
        # A word that was heard in several has the place of its last: take up those before it.
        last = max((place for place in others if place >= 0), default=at - 1)
        last = len(theirs) - 1 if number == len(groups) - 1 else last
        heard = tuple(theirs[place] for place in range(at, last + 1))
        at = max(at, last + 1)
        target = [mine[place] for place in dict.fromkeys(ours) if place >= 0]
        begins = not blocks or (" ".join(blocks[-1].words) or " ")[-1] in ENDS
        words = (" ".join(heard),) if same else dressed(target, heard, begins)
        blocks.append(_Block(words, heard, same))
    if len(blocks) > 1 and not blocks[-1].heard and blocks[-2].words:
        # What was not heard at the end takes up the full stop of what was heard before it.
        heard_last, unheard = blocks[-2:]
        stop = parts(heard_last.words[-1])[2]
        blocks[-2:] = [
            replace(heard_last, words=(*heard_last.words[:-1], heard_last.words[-1].removesuffix(stop))),
            replace(unheard, words=(*unheard.words[:-1], unheard.words[-1] + stop)),
        ]
    return blocks


def _changes(words: Sequence[str]) -> list[Hypothesis]:
    changes = []
    many = [letters(word) for word in words]
    runs = [(place, place + 1) for place in range(len(words))]
    runs += [(len(words) - 2, len(words))] if len(words) > 2 else []
    for first, end in runs:
        text = " ".join(without(words, first, end))
        changes.append(Hypothesis(Change.MISSING, text, tuple(range(first, end)), sum(many[first:end])))
    for place, word in enumerate(words):
        if many[place] >= LEAST_LETTERS:
            changes.append(Hypothesis(Change.REPEATED, " ".join(twice(words, place)), (place,), -many[place]))
        if place + 1 < len(words) and bare(words[place + 1]).casefold() != bare(word).casefold():
            text = " ".join(exchanged(words, place))
            changes.append(Hypothesis(Change.EXCHANGED, text, (place, place + 1)))
    return changes


def _as_heard(blocks: Sequence[_Block]) -> list[Hypothesis]:
    """Each stretch that was heard otherwise, put in the place of the target's."""
    starts, place = [], 0
    for block in blocks:
        starts.append(place)
        place += len(block.words)
    runs: list[tuple[int, int]] = []
    for number, block in enumerate(blocks):
        if not block.same:
            if runs and runs[-1][1] == number:
                runs[-1] = runs[-1][0], number + 1
            else:
                runs.append((number, number + 1))
    spans = dict.fromkeys([*runs, *((number, number + 1) for number, block in enumerate(blocks) if not block.same)])
    changes = []
    for first, end in spans:
        text = [
            word
            for number, block in enumerate(blocks)
            for word in (block.heard if first <= number < end else block.words)
        ]
        lost = sum(letters("".join(block.words)) - letters("".join(block.heard)) for block in blocks[first:end])
        covered = range(starts[first], starts[end - 1] + len(blocks[end - 1].words))
        changes.append(Hypothesis(Change.HEARD, " ".join(text), tuple(covered), lost))
    return changes
