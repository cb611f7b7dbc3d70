"""Brings the target text and the heard text to what they sound like, so that a perfect transcript has no errors.

Forgiven, because they are spellings of the same sound
    diacritics (unless `strict`) · tatweel · presentation forms and ligatures · bidi marks and zero-width characters ·
    punctuation of any script · upper and lower case · digits of any script · digits against number words (`numbers`) ·
    Persian ک ی ہ · ى for ي and ة for ه · a hamza left off an alef (أ إ آ for ا), ٱ · the seat of a hamza (ؤ ئ أ ء) ·
    dagger alef written, left out, or as an alef, also where nobody writes it (هذا, لكن, الرحمن) · مساءا for مساءً ·
    small letters and verse numbers of the Quran · مائة for مئة, ثلاث مئة for ثلاثمئة · words written together or apart
    (إن شاء الله, إنشاء الله), for nobody hears a space · emoji and all that leaves no trace in a line · English
    abbreviations (Mr., Dr., &), color for colour · الساعة before 13:05, which is read الواحدة وخمس دقائق

Not forgiven: everything else. A hamza that has no alef is a sound (ماء is not ما, سؤال is not سوال), two alefs are not
one (قراءات is not قرت), ى is not ا, ة is not ت. Two hamza rules do not chain: أ may stand for ا and for ئ, but ا and ئ
differ.

Blind to: words that differ in diacritics only (`strict` sees them) or in a hamza on an alef only (سأل, سال).

Strict keeps the marks: short vowels, tanwin and shadda count as letters of their own. A sukun says that there is no
vowel and is dropped, as is a short vowel before its own long one (كِتَاب, كِتاب). Numbers in digits have no marks; a
text for strict scoring writes them as words.

Source: the project's own rules. Why no package does it: pyarabic is GPL and unmaintained; camel-tools folds letters one
by one and so makes ا equal to ئ where it makes أ equal to both; jiwer aligns, and leaves the text to others.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from harness.text import numbers
from harness.text.alignment import Alignment, Form, Slot, align, first_form
from harness.text.numbers import arabic
from harness.text.spellings import ABBREVIATIONS, american, with_unwritten_vowel

VERSION = 3  # raise it whenever a pair of texts would score otherwise

HAMZA, ALEF, HAMZA_ON_ALEF, MADDA = "ء", "ا", "أ", "آ"
DAGGER_ALEF = "\u0670"
SUKUN = "\u0652"
TATWEEL = "\u0640"
_MARKS = frozenset("\u064b\u064c\u064d\u064e\u064f\u0650\u0651")

_LETTERS = str.maketrans(
    {
        "إ": HAMZA_ON_ALEF,
        "ٱ": ALEF,
        "ؤ": HAMZA,
        "ئ": HAMZA,
        "ى": "ي",
        "ی": "ي",
        "ة": "ه",
        "ۃ": "ه",
        "ہ": "ه",
        "ە": "ه",
        "ھ": "ه",
        "ک": "ك",
        "ڪ": "ك",
        "\u0654": HAMZA,  # a hamza above or below that no letter took up stands for itself
        "\u0655": HAMZA,
        "\u08f0": "\u064b",
        "\u08f1": "\u064c",
        "\u08f2": "\u064d",
    }
)
_WITHIN_WORDS = str.maketrans("", "", "'’‘ʼ`\"«»‹›“”„")  # وَ«لا» is one word, as is don't
_SAME = frozenset({(HAMZA_ON_ALEF, ALEF), (ALEF, HAMZA_ON_ALEF), (HAMZA_ON_ALEF, HAMZA), (HAMZA, HAMZA_ON_ALEF)})

_PROCLITICS = frozenset(
    f"{one}{two}" for one in ("", "و", "ف") for two in ("", "ب", "ل", "ك", "ال", "بال", "كال", "لل")
) - {""}
_VERSE = re.compile("\u06dd\\s*\\d+|\ufd3f\\s*\\d+\\s*\ufd3e|\ufd3e\\s*\\d+\\s*\ufd3f")
_SUPERSCRIPTS = {ord(sign): str(number) for number, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_RAISED = re.compile("(?<=\\d)[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# Unicode's Default_Ignorable_Code_Point, the marks around a sign (keycaps), and the small letters of the Quran.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u20dd-\u20e0\u20e2-\u20e4\u06e5\u06e6]"
)
_APART = re.compile(r"(?<=\d)(?=[^\W\d_])(?!(?:st|nd|rd|th)\b)|(?<=[^\W\d_])(?=\d)")
# مائة, its dual and its compounds, as `_fold` leaves them
_COUNTS = "ثلاث|أربع|خمس|ست|سبع|ثماني?|تسع"
_HUNDRED = re.compile(f"^([وف]?[بلك]?(?:ال)?(?:{_COUNTS})?)ماء(ه|تان|تين|تا|تي)$")
_HUNDREDS = re.compile(f"^(و?(?:{_COUNTS}))(مءه)$")
HOUR = "الساعة"
_LATE_HOUR = re.compile(r"(1[3-9]|2[0-4]):[0-5]\d")
_SAID = "&@"  # signs that are words
_TANWIN_ALONE = (HAMZA + "\u064b", HAMZA + "\u08f0")  # its alef is written by some and not by others
_NO_SPACES = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")


@dataclass(frozen=True, slots=True)
class Differences:
    """What separates a heard text from its target, by letters and by words."""

    letters: Alignment
    words: Alignment


def compare(target: str, heard: str, language: str = "ar", strict: bool = False) -> Differences:
    """Count the differences between what should be said and what was heard.

    Args:
        target: What should be said.
        heard: What a recogniser wrote.
        language: Of both; digits are read aloud in Arabic and English, elsewhere they match digits.
        strict: Whether diacritics count.

    >>> compare("قَرَأَ ٣ كُتُبٍ.", "قرا ثلاثة كتب").words.errors
    0
    >>> compare("شربت ماء", "شربت ما").letters.errors
    1
    """
    one, two = ([word.slot for word in scored_words(text, language, strict)] for text in (target, heard))
    return Differences(
        letters=align([_letters(slot) for slot in one], [_letters(slot) for slot in two], same_letter),
        words=align(one, two, same_word, join=True),
    )


def same_letter(one: str, other: str) -> bool:
    """Whether two letters, as `slots` leaves them, may spell the same sound."""
    return one == other or (one, other) in _SAME


@lru_cache(maxsize=1 << 16)
def same_word(one: str, other: str) -> bool:
    """Whether two words, as `slots` leaves them, are spellings of one."""
    return len(one) == len(other) and all(map(same_letter, one, other))


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a number in digits, as it is written and in all its right forms."""

    written: str
    slot: Slot


def slots(text: str, language: str = "ar", strict: bool = False) -> list[Slot]:
    """A text as it is scored: one slot a word or number, each with all its right forms.

    >>> slots("هٰذا")
    [(('هذا',), ('هاذا',))]
    """
    return [word.slot for word in spoken_words(text, language, strict)]


def spoken_words(text: str, language: str = "ar", strict: bool = False) -> list[Word]:
    """The words of a text, each as written (punctuation and marks gone) and with its right forms.

    >>> [word.written for word in spoken_words("قال: «نعم»، 12!")]
    ['قال', 'نعم', '12']
    """
    language = language.split("-")[0].lower()
    clean = _clean(text)
    spoken: list[Word] = []
    end = 0
    for number in numbers.numbers(clean, language):
        before = _plain_words(clean[end : number.start])
        prefix = before.pop() if before and before[-1] in _PROCLITICS and language == "ar" else ""
        after = _plain_words(clean[number.end :].lstrip()[:40])[:1]
        last = before[-1] if before else ""
        dated = last in arabic.ORDINAL_AFTER or any(word in arabic.ORDINAL_BEFORE for word in after)
        spoken += _words(before, language, strict)
        slot = number.spoken(language == "ar" and dated)
        if prefix:
            (slot,) = arabic.prefixed([slot], prefix)
            slot = (*slot, *arabic.definite(clean[number.start : number.end], prefix))
        spoken.append(Word(prefix + clean[number.start : number.end].strip(), _refolded(slot)))
        end = number.end
    return spoken + _words(_plain_words(clean[end:]), language, strict)


def scored_words(text: str, language: str = "ar", strict: bool = False) -> list[Word]:
    """The words of a text as it is scored: الساعة and a time by the hour of the twenty-four are one word.

    Nobody reads such a time as it is written, and whoever puts it in other words may leave الساعة out. Marks are not
    read in numbers, so `strict` leaves them apart.
    """
    words = spoken_words(text, language, strict)
    if strict or language.split("-")[0].lower() != "ar":
        return words
    found: list[Word] = []
    for word in words:
        if found and _LATE_HOUR.fullmatch(word.written) and _without_marks(found[-1].written) == HOUR:
            name = found.pop()
            word = Word(f"{name.written} {word.written}", ((*name.slot[0], word.slot), *word.slot))
        found.append(word)
    return found


def _clean(text: str) -> str:
    """Composed characters, ASCII digits, nothing invisible, no tatweel; punctuation stands still."""
    seen = _RAISED.sub(lambda raised: "^" + raised.group().translate(_SUPERSCRIPTS), _INVISIBLE.sub("", text))
    composed = unicodedata.normalize("NFKC", "".join(_without_carrier(c) for c in seen)).casefold()
    kept = (c for c in composed if c.isspace() or c == "\u06dd" or (c != TATWEEL and unicodedata.category(c)[0] != "C"))
    digits = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in kept)
    digits = _VERSE.sub(" ", digits).replace("\u06dd", " ")
    digits = digits.replace("٫", ".").replace("٬", ",").replace("٪", "%").translate(_WITHIN_WORDS)
    return _NO_SPACES.sub(r" \1 ", digits)


def _without_carrier(character: str) -> str:
    """A mark in its presentation form would be composed onto a space and so part a word in two."""
    if "\ufe70" <= character <= "\ufe7f" or "\ufc5e" <= character <= "\ufc63":
        return unicodedata.normalize("NFKC", character).replace(" ", "")
    return character


def _plain_words(clean: str) -> list[str]:
    """Words with their marks, punctuation gone; signs that are said are words."""
    apart = "".join(c if c in _SAID else " " if unicodedata.category(c)[0] in "PSZC" else c for c in clean)
    return [word for word in apart.split() if any(unicodedata.category(c)[0] in "LN" or c in _SAID for c in word)]


def _without_marks(word: str) -> str:
    return "".join(c for c in word if unicodedata.category(c) != "Mn")


def _words(words: Iterable[str], language: str, strict: bool) -> list[Word]:
    made = []
    for word in words:
        folded = _fold(word, strict)
        if word in _SAID or folded:
            known = ABBREVIATIONS.get(language, {}).get(word, ())
            forms = [*known, *(form for form in _forms(word, folded, language) if word not in _SAID)]
            if forms:
                made.append(Word(word, tuple(dict.fromkeys(forms))))
    return made


def _refolded(slot: Slot) -> Slot:
    """The forms of a number, spelled as all other words are."""
    return tuple(dict.fromkeys(tuple(_respelled(part) for part in form) for form in slot))


@lru_cache(maxsize=1 << 12)
def _respelled(part: "str | Slot") -> "str | Slot":
    if not isinstance(part, str):
        return _refolded(part)
    forms: Slot = tuple(dict.fromkeys(form for form in _forms(part, _fold(part, False), "ar")))
    return forms[0][0] if len(forms) == 1 and len(forms[0]) == 1 else forms


def _fold(word: str, strict: bool) -> str:
    """One spelling for letters that are always interchangeable; marks gone unless strict."""
    if strict:
        word = _without_redundant_vowels(word)
    word = re.sub(f"[ىي]{DAGGER_ALEF}$", "ي", word).replace("ى\u0654", "ئ").translate(_LETTERS)
    kept = _MARKS if strict else frozenset()
    return "".join(c for c in word if c == DAGGER_ALEF or c in kept or unicodedata.category(c) != "Mn" or c > "\u08ff")


def _without_redundant_vowels(word: str) -> str:
    word = word.replace(SUKUN, "")
    word = re.sub("([اى])\u064b", "\u064b\\1", word)  # both orders of tanwin and its alef are written
    word = re.sub("\u064e(?=[اآىٰ])", "", word)
    word = re.sub("\u064f(?=و(?![\u064b-\u0651]))", "", word)
    return re.sub("\u0650(?=ي(?![\u064b-\u0651]))", "", word)


def _forms(word: str, folded: str, language: str) -> list[Form]:
    """All spellings of a word that `same_word` cannot see as one, each as one word or two."""
    choices: list[tuple[str, ...]] = []
    for place, letter in enumerate(folded):
        dagger = folded[place + 1 : place + 2] == DAGGER_ALEF
        if letter == MADDA:
            choices.append((ALEF, HAMZA + ALEF))
        elif letter in "وي" and dagger:
            choices.append((letter, ALEF, letter + ALEF))  # الصلوٰة, الصلوة and الصلاة; سموٰت and سموات
        elif letter == DAGGER_ALEF:
            choices.append(("",) if folded[place - 1 : place] in ("و", "ي") else ("", ALEF))
        else:
            choices.append((letter,))
    spelled = ["".join(letters) for letters in product(*choices)] if len(folded) < 40 else [folded]
    if word.endswith(_TANWIN_ALONE):
        spelled += [spelling + ALEF for spelling in spelled]
    spelled += [other for spelling in spelled for other in with_unwritten_vowel(spelling)]
    spelled += [american(spelling) for spelling in spelled if language == "en"]
    spelled += [f"{hundred[1]}مء{hundred[2]}" for word in spelled if (hundred := _HUNDRED.match(word))]
    apart = [(hundreds[1], hundreds[2]) for word in spelled if (hundreds := _HUNDREDS.match(word))]
    return [*((word,) for word in dict.fromkeys(spelled) if word), *apart]


def said(slot: Slot) -> str:
    """A slot's first form, in words."""
    return " ".join(first_form(slot))


def _letters(slot: Slot) -> Slot:
    return tuple(
        dict.fromkeys(
            tuple(letter for part in form for letter in (part if isinstance(part, str) else (_letters(part),)))
            for form in slot
        )
    )
