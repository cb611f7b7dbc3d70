"""Language facts about text, Arabic and Latin: words, sentences, reading time.

Conventions: a word is a whitespace token that holds at least one letter or digit, so a stand-alone comma, dash or
tatweel adds nothing; diacritics and tatweel inside a word do not change the count. Reading time is in seconds at a
words-a-minute rate, 150 unless a project says otherwise.
"""

import re
import unicodedata

WORDS_PER_MINUTE = 150

TATWEEL = "\u0640"
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
