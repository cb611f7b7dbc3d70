"""What was heard against what should have been said, letter by letter.

Words that are the same in both texts anchor the comparison; between them the letters are aligned with the fewest edits.

Conventions: a letter is a base character with the marks written on it, so a vowel sign is never torn from its letter.
What the scoring forgives (`harness.text.scoring`) is not marked: punctuation, case, hamza seats, digits against number
words. Vowel signs count only where both texts write some: a recognizer that writes none has not misheard them.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from harness.text import TATWEEL, scoring
from harness.text.alignment import align


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of letters that are all the same, or all different, from the other text."""

    text: str
    differs: bool


def difference(target: str, heard: str, language: str = "ar") -> tuple[list[Stretch], list[Stretch]]:
    """Both texts whole, cut into stretches.

    >>> difference("كتاب جديد", "كتاب حديد")[1]
    [Stretch(text='كتاب ', differs=False), Stretch(text='ح', differs=True), Stretch(text='ديد', differs=False)]
    """
    with_signs = _has_signs(target) and _has_signs(heard)
    sides = [_letters(target), _letters(heard)]
    words = [_words(side, with_signs) for side in sides]
    different: list[set[int]] = [set(), set()]
    matcher = SequenceMatcher(None, [key for key, _ in words[0]], [key for key, _ in words[1]], autojunk=False)
    for kind, start, end, heard_start, heard_end in matcher.get_opcodes():
        if kind != "equal":
            stretch = [letter for _, word in words[0][start:end] for letter in word]
            heard_stretch = [letter for _, word in words[1][heard_start:heard_end] for letter in word]
            said, other = _text(sides[0], stretch), _text(sides[1], heard_stretch)
            if not scoring.compare(said, other, language, strict=with_signs).words.errors:
                continue  # two spellings of the same words
            for side, found in zip(different, _unaligned(stretch, heard_stretch), strict=True):
                side.update(found)
    return _stretches(sides[0], different[0]), _stretches(sides[1], different[1])


def _words(letters: Sequence[str], with_signs: bool) -> list[tuple[str, list[tuple[int, str]]]]:
    """Each word as (what it is compared by, its letters as (place in the text, what they are compared by))."""
    words: list[tuple[str, list[tuple[int, str]]]] = []
    ended = True
    for place, letter in enumerate(letters):
        if letter[0].isspace():
            ended = True
        elif key := _key(letter, with_signs):
            word, keys = ("", []) if ended else words.pop()
            words.append((word + key, [*keys, (place, key)]))
            ended = False
    return words


def _unaligned(target: Sequence[tuple[int, str]], heard: Sequence[tuple[int, str]]) -> tuple[list[int], list[int]]:
    """Places of the letters that a shortest way from one stretch to the other changes, drops or adds."""
    found = align([((key,),) for _, key in target], [((key,),) for _, key in heard], _same)
    differing = [places for places, agree in zip(found.places, found.same, strict=True) if not agree]
    return (
        [target[place][0] for place, _ in differing if place >= 0],
        [heard[place][0] for _, place in differing if place >= 0],
    )


def _text(side: Sequence[str], letters: Sequence[tuple[int, str]]) -> str:
    """The text from the first of some letters to the last."""
    return "".join(side[letters[0][0] : letters[-1][0] + 1]) if letters else ""


def _same(one: str, other: str) -> bool:
    return one == other or (one[1:] == other[1:] and scoring.same_letter(one[0], other[0]))


def _letters(text: str) -> list[str]:
    letters: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if letters and unicodedata.combining(character):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _has_signs(text: str) -> bool:
    return any(unicodedata.combining(character) for character in text)


def _key(letter: str, with_signs: bool) -> str:
    """What a letter is compared by; empty for what does not count."""
    base = letter[0]
    if base == TATWEEL or unicodedata.category(base)[0] not in "LN":
        return ""
    return _folded(base) + ("".join(sorted(letter[1:])) if with_signs else "")


@lru_cache(maxsize=4096)
def _folded(base: str) -> str:
    """A letter as the scoring spells it; a digit stays one."""
    slots = [] if base.isdigit() else scoring.slots(base)
    return scoring.said(slots[0]) if slots else base.casefold()


def _stretches(letters: Sequence[str], different: set[int]) -> list[Stretch]:
    found: list[Stretch] = []
    for number, letter in enumerate(letters):
        differs = number in different
        if found and found[-1].differs == differs:
            found[-1] = Stretch(found[-1].text + letter, differs)
        else:
            found.append(Stretch(letter, differs))
    return found
