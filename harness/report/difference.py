"""What was heard against what should have been said, letter by letter.

Conventions: a letter is a base character with the marks written on it, so a vowel sign is never torn from its letter.
Punctuation, case, spaces and tatweel do not count as differences, and vowel signs only where both texts write some:
a recognizer that writes none has not misheard them.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from harness.text import TATWEEL


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of letters that are all the same, or all different, from the other text."""

    text: str
    differs: bool


def difference(target: str, heard: str) -> tuple[list[Stretch], list[Stretch]]:
    """Both texts whole, cut into stretches.

    >>> difference("كتاب جديد", "كتاب حديد")[1]
    [Stretch(text='كتاب ', differs=False), Stretch(text='ح', differs=True), Stretch(text='ديد', differs=False)]
    """
    with_signs = _has_signs(target) and _has_signs(heard)
    sides = [_letters(target), _letters(heard)]
    keys = [[_key(letter, with_signs) for letter in side] for side in sides]
    counted = [[number for number, key in enumerate(side) if key] for side in keys]
    different: list[set[int]] = [set(), set()]
    matcher = SequenceMatcher(
        None, [keys[0][number] for number in counted[0]], [keys[1][number] for number in counted[1]], autojunk=False
    )
    for kind, *bounds in matcher.get_opcodes():
        if kind != "equal":
            different[0].update(counted[0][bounds[0] : bounds[1]])
            different[1].update(counted[1][bounds[2] : bounds[3]])
    return _stretches(sides[0], different[0]), _stretches(sides[1], different[1])


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
    return base.casefold() + ("".join(sorted(letter[1:])) if with_signs else "")


def _stretches(letters: Sequence[str], different: set[int]) -> list[Stretch]:
    found: list[Stretch] = []
    for number, letter in enumerate(letters):
        differs = number in different
        if found and found[-1].differs == differs:
            found[-1] = Stretch(found[-1].text + letter, differs)
        else:
            found.append(Stretch(letter, differs))
    return found
