"""Words as a text writes them, with capitals, apostrophes and punctuation, and what is done to those when words move.

A recogniser that writes "I'll go, too." holds "ill go too" for unlikely whatever was said. Texts that it is asked to
compare are written as it writes.
"""

import unicodedata
from collections.abc import Sequence

from harness.text.scoring import Word, scored_words

ENDS = ".?!؟…"  # of sentences: a capital follows


def as_written(text: str, words: Sequence[Word], language: str) -> list[str]:
    """Each word of a text as it stands there; in its plain form where several stand between two spaces.

    Scripts without capitals keep the plain forms: recognisers put few marks there, and limits were fitted so.

    >>> as_written("I'll go, well-read.", scored_words("I'll go, well-read.", "en"), "en")
    ["I'll", 'go,', 'well', 'read']
    """
    plain = [word.written for word in words]
    if not any(sign.isupper() or sign.islower() for sign in text):
        return plain
    found: list[str] = []
    same: list[str] = []
    for token in text.split():
        mine = [word.written for word in scored_words(token, language)]
        same += mine
        found += [token] if len(mine) == 1 else mine
    return found if same == plain else plain  # a number may stand on both sides of a space


def parts(word: str) -> tuple[str, str, str]:
    """The punctuation before, the word, and the punctuation after it.

    >>> parts("«don't!»")
    ('«', "don't", '!»')
    """
    inside = [place for place, sign in enumerate(word) if unicodedata.category(sign)[0] not in "PZ" or sign in "%&@"]
    if not inside:
        return "", "", word
    return word[: inside[0]], word[inside[0] : inside[-1] + 1], word[inside[-1] + 1 :]


def bare(word: str) -> str:
    """A word without the punctuation around it."""
    return parts(word)[1]


def letters(word: str) -> int:
    """Letters and digits."""
    return sum(sign.isalnum() for sign in word)


def dressed(words: Sequence[str], like: Sequence[str], begins: bool) -> tuple[str, ...]:
    """Words with the punctuation, and where a sentence begins the capital, of others in whose place they stand.

    >>> dressed(["the", "cat"], ["A", "bat,"], True)
    ('The', 'cat,')
    """
    found = [bare(word) or word for word in words]
    if found and like:
        if begins:
            found[0] = _capital(found[0], bare(like[0]))
        found[0] = parts(like[0])[0] + found[0]
        found[-1] += parts(like[-1])[2]
    return tuple(found)


def without(words: Sequence[str], first: int, end: int) -> list[str]:
    """The words less some; what stood after the last of those stands after the word before them.

    >>> without(["Come", "here,", "now."], 2, 3)
    ['Come', 'here.']
    >>> without(["Come", "here,", "now."], 0, 1)
    ['Here,', 'now.']
    """
    left, right = list(words[:first]), list(words[end:])
    after = parts(words[end - 1])[2]
    if left and after:
        left[-1] = "".join(parts(left[-1])[:2]) + after
    if right and (not left or left[-1][-1:] in ENDS):
        before, word, behind = parts(right[0])
        right[0] = before + _capital(word, bare(words[first])) + behind
    return left + right


def twice(words: Sequence[str], place: int) -> list[str]:
    """The words with one of them said twice.

    >>> twice(["Come", "here."], 1)
    ['Come', 'here', 'here.']
    >>> twice(["Come", "here."], 0)
    ['Come', 'come', 'here.']
    """
    before, word, after = parts(words[place])
    again = word if place else _small(word)
    return [*words[:place], before + word, again + after, *words[place + 1 :]]


def exchanged(words: Sequence[str], place: int) -> list[str]:
    """The words with one of them behind the next; punctuation stays where it was.

    >>> exchanged(["Come", "here,", "now."], 1)
    ['Come', 'now,', 'here.']
    >>> exchanged(["Come", "here,", "now."], 0)
    ['Here', 'come,', 'now.']
    """
    (before, one, after), (before_2, two, after_2) = parts(words[place]), parts(words[place + 1])
    if not place:
        one, two = (_small(one), _capital(two, one)) if one[:1].isupper() else (one, two)
    return [*words[:place], before + two + after, before_2 + one + after_2, *words[place + 2 :]]


def _capital(word: str, like: str) -> str:
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def _small(word: str) -> str:
    return word if len(word) == 1 or word[1] in "'’" else word[:1].lower() + word[1:]
