"""Language facts about text, Arabic and Latin: what a reader reads (`reading`), and what a recogniser may write.

`scoring` brings a target text and a heard text to what they sound like, with the lists of `spellings`; `numbers` reads
digits aloud in Arabic and English, and `alignment` counts the differences.
"""

from harness.text.reading import (
    ReadingRate,
    letters,
    letters_reading_time_s,
    reading_rate,
    reading_time,
    reading_time_s,
    sentences,
    spoken_letters,
    words,
)
from harness.text.scoring import TATWEEL

__all__ = [
    "TATWEEL",
    "ReadingRate",
    "letters",
    "letters_reading_time_s",
    "reading_rate",
    "reading_time",
    "reading_time_s",
    "sentences",
    "spoken_letters",
    "words",
]
