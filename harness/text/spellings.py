"""Words with more than one right spelling, as lists: what no rule of letters finds.

Conventions: Arabic words are in the spelling that scoring folds words to (ة is ه, ى is ي, إ is أ, ئ and ؤ are ء).
"""

import re

from harness.text.alignment import Form

# A long vowel is heard that the usual spelling leaves out. Two forms each, the usual one first.
_UNWRITTEN = """
هذا هاذا، هذه هاذه، هذي هاذي، هذان هاذان، هذين هاذين، هءلاء هاءلاء، هكذا هاكذا، ههنا هاهنا، ذلك ذالك، ذلكم ذالكم،
ذلكما ذالكما، كذلك كذالك، أولءك أولاءك، لكن لاكن، لكنه لاكنه، لكنها لاكنها، لكنهم لاكنهم، لكني لاكني، لكنني لاكنني،
لكنك لاكنك، لكنكم لاكنكم، لكننا لاكننا، الرحمن الرحمان، الله اللاه، أله ألاه، الأله الألاه، ألهي ألاهي، سموات سماوات،
السموات السماوات، أسحق أسحاق، أبرهيم أبراهيم، أسمعيل أسماعيل، هرون هارون، لقمن لقمان، سليمن سليمان، عثمن عثمان،
معويه معاويه، طه طاها، داود داوود، طاوس طاووس، الذي اللذي، التي اللتي، الحيوه الحياه
"""
_PAIRS = dict(pair.split() for pair in re.split("[،\n]+", _UNWRITTEN) if pair.split())
_PROCLITIC = re.compile(f"^([وف]?[بلكأ]?(?:عبد)?)({'|'.join(sorted(_PAIRS, key=len, reverse=True))})$")


def with_unwritten_vowel(word: str) -> list[str]:
    """The spelling of a folded word that writes the long vowel which the usual one leaves out; nothing for most words.

    >>> with_unwritten_vowel("وهذا")
    ['وهاذا']
    """
    match = _PROCLITIC.match(word)
    return [match[1] + _PAIRS[match[2]]] if match else []


_AMERICAN = (
    (re.compile(r"(?<=[a-z]{3})our(?=(?:s|ed|ing|ful|able|ite|ites|ly|less|er|ers)?$)"), "or"),
    (re.compile(r"(?<=[a-z]{2})is(?=(?:e|es|ed|ing|er|ers|ation|ations)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{2})yse(?=[sd]?$)"), "yze"),
    (re.compile(r"(?<=[a-z]{2}[tbh])re(?=[sd]?$)"), "er"),
    (re.compile(r"(?<=[a-z]{3})ll(?=(?:ed|ing|er|ers)$)"), "l"),
    (re.compile(r"(?<=[a-z]{2})ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=[a-z]{2})ence(?=s?$)"), "ense"),
    (re.compile(r"^gr[ea]y"), "gray"),
)


def american(word: str) -> str:
    """An English word as it is spelled in America; the sound is the same, and the other spelling stays a form too."""
    for pattern, letters in _AMERICAN:
        word = pattern.sub(letters, word)
    return word


def _forms(table: str) -> dict[str, tuple[Form, ...]]:
    rows = (row.split(" = ") for row in table.strip().splitlines())
    return {short: tuple(tuple(form.split()) for form in long.split(" | ")) for short, long in rows}


ABBREVIATIONS: dict[str, dict[str, tuple[Form, ...]]] = {
    "en": _forms("""
mr = mister | mr
mrs = missus | misses | mistress | mrs
ms = miss | mizz | ms
dr = doctor | drive | dr
st = saint | street | st
prof = professor | prof
rev = reverend | rev
gen = general | gen
col = colonel | col
capt = captain | capt
lt = lieutenant | lt
sgt = sergeant | sgt
gov = governor | gov
sen = senator | sen
jr = junior | jr
sr = senior | sr
esq = esquire | esq
vs = versus | vs
etc = et cetera | etcetera | etc
ave = avenue | ave
blvd = boulevard | blvd
rd = road | rd
mt = mount | mt
dept = department | dept
approx = approximately | approx
inc = incorporated | inc
ltd = limited | ltd
tv = television | tv
ok = okay | ok
okay = ok | okay
km = kilometers | kilometer | kilometres | kilometre | km
kg = kilograms | kilogram | kilos | kilo | kg
cm = centimeters | centimeter | centimetres | centimetre | cm
mm = millimeters | millimeter | millimetres | millimetre | mm
mph = miles per hour | miles an hour | mph
& = and
@ = at
"""),
    "ar": _forms("""
& = و
@ = آت | في
"""),
}
"""Short forms by language, each with all that a reader may say for it. Signs that are said stand here too."""
