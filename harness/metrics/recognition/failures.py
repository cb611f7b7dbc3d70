"""What a recogniser writes when it fails: it says nothing about the take, and no take is blamed for it.

A loop is a text that goes round and has more letters than anybody can say in that time. A take that does say a word
again and again takes its time for it, and is heard as it is.
Boilerplate are phrases with which films and videos begin and end. Recognisers that learned from subtitles write them
over silence and noise; where the target does not hold such a phrase it is no part of what was said.
"""

import re
import zlib
from collections.abc import Sequence

from harness.text.scoring import said, slots

MOST_COMPRESSED = 2.4  # bytes of a text for each of its compressed bytes, as Whisper's authors check
MOST_LETTERS_S = 25.0  # nobody says more; fluent Arabic has 12, fast English 18
LOOP_LETTERS_S = 15.0  # for a text that goes round
LEAST_ROUNDS = 4
LONGEST_PHRASE = 10  # words

_BOILERPLATE = {
    "ar": (
        "اشتركوا في القناة",
        "لا تنسوا الاشتراك في القناة",
        "لا تنسى الاشتراك في القناة",
        "شكرا على المشاهدة",
        "شكرا للمشاهدة",
        "شكرا لكم على المشاهدة",
        "ترجمة نانسي قنقر",
        "ترجمة نانسي قنقور",
        "أراكم في الفيديو القادم",
        "موسيقى",
    ),
    "en": (
        "thank you for watching",
        "thanks for watching",
        "thank you so much for watching",
        "please subscribe to my channel",
        "please subscribe",
        "like and subscribe",
        "don't forget to like and subscribe",
        "subtitles by the amara org community",
        "transcription by castingwords",
        "see you in the next video",
        "see you next time",
    ),
}


def compression(text: str) -> float:
    """Bytes of a text for each byte of it compressed; a text that repeats itself has many.

    >>> compression("one two three four five") < 1.2 < 6 < compression("again " * 40)
    True
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def rounds(text: str) -> tuple[int, str]:
    """How often the phrase that comes most often in a row comes there, and the phrase; up to 8 words."""
    words, best = text.split(), (1, "")
    for size in range(1, min(8, len(words) // 2) + 1):
        count = 1
        for start in range(size, len(words) - size + 1):
            same = words[start : start + size] == words[start - size : start]
            # counted from word to word: a run of equal pairs as long as a phrase is one more round
            count = count + 1 if same else 1
            times = 1 + (count - 1 + size - 1) // size if count > 1 else 1
            if times > best[0]:
                best = times, " ".join(words[start : start + size])
    return best


def loop(text: str, duration_s: float, targets: Sequence[str] = (), language: str = "ar") -> str:
    """Why a transcript cannot be what was said; nothing where it can.

    Args:
        text: The transcript.
        duration_s: Of the clip.
        targets: What should be said: a text that goes round itself, or all of which is said again, is no loop.
        language: Of both.

    >>> loop("thank you " * 40, 3.0)
    "it goes round: 'thank you' 40 times in 3.0 s"
    >>> loop("no no no no no", 3.0)
    ''
    """
    letters_s = sum(letter.isalnum() for letter in text) / max(duration_s, 0.1)
    if letters_s <= LOOP_LETTERS_S:
        return ""
    times, phrase = rounds(text)
    if any(
        rounds(target)[0] >= times or _spelled(target, language) == _spelled(phrase, language) for target in targets
    ):
        return ""
    if times >= LEAST_ROUNDS:
        return f"it goes round: {phrase[:40]!r} {times} times in {duration_s:.1f} s"
    if letters_s > MOST_LETTERS_S and compression(text) > MOST_COMPRESSED:
        return f"it goes round: {letters_s:.0f} letters a second, more than anybody says"
    return ""


def without_boilerplate(heard: str, targets: Sequence[str], language: str) -> tuple[str, str]:
    """A transcript without the phrases of videos at its edges that the target does not hold, and those phrases.

    >>> without_boilerplate("the cat sat. Thanks for watching!", ["The cat sat."], "en")
    ('the cat sat.', 'Thanks for watching!')
    """
    code = language.split("-")[0].lower()
    wanted = [_spelled(text, code) for text in targets]
    phrases = [
        key for key in (_spelled(phrase, code) for phrase in _BOILERPLATE.get(code, ())) if key not in "|".join(wanted)
    ]
    words = heard.split()
    dropped: list[str] = []
    while True:
        sizes = range(min(LONGEST_PHRASE, len(words)), 0, -1)
        ends = ((words[-size:], words[:-size]) for size in sizes)
        starts = ((words[:size], words[size:]) for size in sizes)
        found = next((cut for cut in (*ends, *starts) if _spelled(" ".join(cut[0]), code) in phrases), None)
        if found is None:
            return " ".join(words), "; ".join(dropped)
        dropped.append(" ".join(found[0]))
        words = found[1]


def _spelled(text: str, language: str) -> str:
    """A text by its sound, without spaces."""
    bare = re.sub(r"[\[\](){}♪]", " ", text)
    return "".join(said(slot) for slot in slots(bare, language)).replace(" ", "").replace("أ", "ا")
