"""What a reader reads: words, sentences, letters, and how long it takes.

Conventions: a word is a whitespace token that holds at least one letter or digit, so a stand-alone comma, dash or
tatweel adds nothing; diacritics and tatweel inside a word do not change the count. Reading time is in seconds at a
words-a-minute rate, 150 unless a project says otherwise; a second model counts letters, and a language may have a rate
of its own (`reading_time`).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from harness.text.scoring import TATWEEL, said, slots

WORDS_PER_MINUTE = 150
LETTERS_START_S = 0.38
SECONDS_PER_ARABIC_LETTER = 0.117  # marks are not written, so that a letter stands for a vowel more
SECONDS_PER_LETTER = 0.078  # of a script that writes its vowels

_ARABIC = ("\u0600", "\u06ff")
_SENTENCE_END = re.compile(r"(?<=[.!?؟؛…])[\"»”')\]]*\s+|\n+")


def words(text: str) -> list[str]:
    """The words of a text in order.

    >>> len(words("مَرْحَبًا ، يا عالَم"))
    3
    >>> words("ـ - ...")
    []
    """
    return [token for token in text.split() if any(_is_spoken(letter) for letter in token)]


def _is_spoken(letter: str) -> bool:
    return letter != TATWEEL and unicodedata.category(letter)[0] in "LN"


def reading_time_s(text: str, words_per_minute: float = WORDS_PER_MINUTE) -> float:
    """Seconds that a human reader needs for the text, as the documented gates count it; 0 for no words.

    Source: the mission's own figure. Fluent Arabic reading is slower (about 138 words a minute, IReST), slow textbook
    Arabic far slower; the measured spread stands beside the duration gate in suites/gates.toml.

    >>> reading_time_s("السلام عليكم ورحمة الله وبركاته")
    2.0
    """
    return len(words(text)) * 60 / words_per_minute


@lru_cache(maxsize=1 << 10)
def spoken_letters(text: str) -> tuple[int, int]:
    """How many letters are spoken, numbers and ligatures written out, marks not counted: Arabic ones, and others.

    >>> spoken_letters("3 كتب") == spoken_letters("ثَلَاثَةُ كُتُبٍ") == (8, 0)
    True
    >>> spoken_letters("ﷺ")
    (15, 0)
    >>> spoken_letters("a book, كتاب")
    (4, 5)
    """
    if not words(text):
        return 0, 0
    letters = [letter for slot in slots(text) for letter in said(slot) if letter != " "]
    arabic = sum(_ARABIC[0] <= letter <= _ARABIC[1] for letter in letters)
    return arabic, len(letters) - arabic


def letters_reading_time_s(text: str) -> float:
    """Seconds that a human reader needs, by letters, numbers and ligatures written out; 0 for no words.

    Diacritics are not counted, so vocalised and plain text take the same time. A letter of an Arabic text takes longer
    than one of a text whose vowels are written.

    Source: for Arabic a line through 4,301 human MSA clips (a published textbook course, 235 minutes, five-fold by
    lesson). There the logarithm of its error has a standard deviation of 0.21 (0.28 for words), the mean error is 15 %
    and 76 % of the clips are within 25 %; of clips with five words and more 82 %. It is a slow, careful tempo: another
    Arabic narrator took 1.26 times as long. For other scripts the time of a letter lies between what 36 LibriSpeech
    clips took (1.14 times it, standard deviation of the logarithm 0.20) and what 20 LibriSpeech test-clean sentences
    took (0.93 times it, 0.10). The tempo of the voice, which no count of letters knows, is what remains.

    >>> letters_reading_time_s("قَرَأَ 3 كُتُبٍ") == letters_reading_time_s("قرأ ثلاثة كتب")
    True
    >>> round(letters_reading_time_s("السلام عليكم"), 2)
    1.67
    """
    arabic, others = spoken_letters(text)
    if not arabic + others:
        return 0.0
    return LETTERS_START_S + SECONDS_PER_ARABIC_LETTER * arabic + SECONDS_PER_LETTER * others


@dataclass(frozen=True, slots=True)
class ReadingRate:
    """How fast a language is read: so many words, or letters where words are not set apart, a minute."""

    per_minute: float
    unit: str = "words"

    def count(self, text: str) -> int:
        """What of a text is counted."""
        return letters(text) if self.unit == "letters" else len(words(text))

    def seconds(self, text: str) -> float:
        """Seconds that a human reader needs; 0 for no words."""
        return self.count(text) * 60 / self.per_minute if words(text) else 0.0


_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) (words|letters) a minute")


def reading_rate(name: str) -> ReadingRate | None:
    """The rate that a name such as "255 letters a minute" says; None where it says none.

    >>> reading_rate("255 letters a minute")
    ReadingRate(per_minute=255.0, unit='letters')
    >>> reading_rate("letters")
    """
    match = _RATE.fullmatch(name)
    return ReadingRate(float(match[1]), match[2]) if match and float(match[1]) > 0 else None


def reading_time(name: str) -> Callable[[str], float] | None:
    """How long a text takes to read, as gates.toml names it: "words", "letters", or a rate; None for no such name.

    >>> reading_time("words") is reading_time_s
    True
    >>> reading_time("120 words a minute")("one two")
    1.0
    >>> round(reading_time("255 letters a minute")("早上好，很高兴再次见到您。"), 2)
    2.59
    """
    rate = reading_rate(name)
    return rate.seconds if rate else {"words": reading_time_s, "letters": letters_reading_time_s}.get(name)


def sentences(text: str) -> list[str]:
    """Split at Arabic and Latin sentence ends and at line breaks; the end mark stays with its sentence.

    >>> sentences("كيف حالك؟ أنا بخير.")
    ['كيف حالك؟', 'أنا بخير.']
    """
    parts = [part.strip() for part in _SENTENCE_END.split(text)]
    return [part for part in parts if words(part)]


def letters(text: str) -> int:
    """How many letters and digits are written, diacritics and tatweel not counted.

    >>> letters("عِلْم") == letters("علم") == 3
    True
    """
    return sum(_is_spoken(letter) for letter in text)
