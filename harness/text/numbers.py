"""How digits are read aloud in Modern Standard Arabic.

A number written in digits has several right readings: the gender follows the thing that is counted, the case follows
the sentence. Which of them the grammar asks for is not judged here: each is accepted for digits. A number written in
words has one reading, its own.

Conventions: a reading is a row of slots (`harness.text.alignment`), each with all its right forms, in plain spelling.

Accepted
    cardinals up to 999,999,999,999: both genders, all cases, the construct of the dual (مئتا, ألفي), مئة as one word
    with its digit or apart from it; beyond, and with leading zeros, digit by digit
    ordinals up to 99 where a date, an hour or a part of a book calls for one (الساعة 10, يوم 15, 15 يونيو)
    h:mm with half, third and quarter; decimals with فاصلة, a half or a quarter; percent as بالمئة or في المئة

Not read: dates with strokes, ranges, currencies, units, negative numbers. A corpus row that holds one says in `spoken`
how it is to be read.
"""

from itertools import product

from harness.text.alignment import Slot

BEYOND = 10**12

_UNITS = {
    0: ("صفر",),
    1: ("واحد", "واحدة"),
    2: ("اثنان", "اثنين", "اثنتان", "اثنتين"),
    3: ("ثلاثة", "ثلاث"),
    4: ("أربعة", "أربع"),
    5: ("خمسة", "خمس"),
    6: ("ستة", "ست"),
    7: ("سبعة", "سبع"),
    8: ("ثمانية", "ثماني", "ثمان"),
    9: ("تسعة", "تسع"),
    10: ("عشرة", "عشر"),
}
_WITH_TENS = {**_UNITS, 1: ("واحد", "واحدة", "أحد", "إحدى")}
_TEENS = {
    11: ("أحد عشر", "إحدى عشرة"),
    12: ("اثنا عشر", "اثني عشر", "اثنتا عشرة", "اثنتي عشرة"),
    18: ("ثمانية عشر", "ثماني عشرة", "ثمان عشرة"),
} | {n: (f"{_UNITS[n - 10][0]} عشر", f"{_UNITS[n - 10][1]} عشرة") for n in (13, 14, 15, 16, 17, 19)}
_TENS = {2: "عشر", 3: "ثلاث", 4: "أربع", 5: "خمس", 6: "ست", 7: "سبع", 8: "ثمان", 9: "تسع"}
_CASES = ("ون", "ين")
_CASES_OF_TWO = ("ان", "ين")
_DUALS = (*_CASES_OF_TWO, "ا", "ي")

# singular, accusative, stem of the dual, plural
_SCALES = {
    10**9: ("مليار", "مليارا", "مليار", "مليارات"),
    10**6: ("مليون", "مليونا", "مليون", "ملايين"),
    10**3: ("ألف", "ألفا", "ألف", "آلاف"),
}
_ORDINALS = ("أول", "ثاني", "ثالث", "رابع", "خامس", "سادس", "سابع", "ثامن", "تاسع", "عاشر")
_FEMININE_ORDINALS = ("أولى", "ثانية", "ثالثة", "رابعة", "خامسة", "سادسة", "سابعة", "ثامنة", "تاسعة", "عاشرة")
_MINUTES = {15: ("والربع", "وربع"), 20: ("والثلث", "وثلث"), 30: ("والنصف", "ونصف")}
_BEFORE_THE_HOUR = {45: ("إلا الربع", "إلا ربعا"), 40: ("إلا الثلث", "إلا ثلثا")}
_FRACTIONS = {"5": "ونصف", "25": "وربع"}
_PERCENT: Slot = (("بالمئة",), ("في", "المئة"))

# After these words and before these a small number may be an ordinal.
_COUNTED_IN_ORDER = "الساعة اليوم يوم الفصل الدرس الطابق القرن المرتبة المركز الباب الجزء الصف السنة المادة السؤال"
_MONTHS = (
    "يناير فبراير مارس أبريل إبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر "
    "كانون شباط آذار نيسان أيار حزيران تموز آب أيلول تشرين محرم صفر ربيع جمادى رجب شعبان رمضان شوال"
)
ORDINAL_AFTER = frozenset(_COUNTED_IN_ORDER.split())
ORDINAL_BEFORE = frozenset(_MONTHS.split())


def _slot(*forms: str) -> Slot:
    return tuple(dict.fromkeys(tuple(form.split()) for form in forms))


def prefixed(slots: list[Slot], prefix: str) -> list[Slot]:
    """The same reading with a proclitic (و, ب, ال …) written onto its first word."""
    if not slots:
        return []
    first = tuple((prefix + alternative[0], *alternative[1:]) for alternative in slots[0])
    return [first, *slots[1:]]


def cardinal(number: int) -> list[Slot]:
    """Every reading of a whole number from 0 to below `BEYOND`.

    >>> cardinal(25)[0][0], cardinal(25)[0][-1]
    (('خمسة', 'وعشرون'), ('خمس', 'وعشرين'))
    >>> [slot[0] for slot in cardinal(1985)]
    [('ألف',), ('وتسعمئة',), ('وخمسة', 'وثمانون')]
    """
    if number == 0:
        return [_slot(*_UNITS[0])]
    parts = []
    for scale, (singular, accusative, dual, plural) in _SCALES.items():
        count, number = divmod(number, scale)
        if count == 1:
            parts.append([_slot(singular, *([accusative] if number else []))])
        elif count == 2:
            # Before more of the number there is no construct; ألفا is then the accusative of one thousand.
            parts.append([_slot(*(dual + ending for ending in (_CASES_OF_TWO if number else _DUALS)))])
        elif count:
            rest = count % 100
            forms = (plural,) if 3 <= rest <= 10 else (accusative, singular) if rest > 10 else (singular,)
            parts.append([*_below_thousand(count), _slot(*forms)])
    if number:
        parts.append(_below_thousand(number))
    return _joined(parts)


def _below_thousand(number: int) -> list[Slot]:
    hundreds, rest = divmod(number, 100)
    parts = []
    if hundreds == 1:
        parts.append([_slot("مئة")])
    elif hundreds == 2:
        parts.append([_slot(*("مئت" + ending for ending in _DUALS))])
    elif hundreds:
        stems = _UNITS[hundreds][1:]
        parts.append([_slot(*(f"{stem}{gap}مئة" for stem, gap in product(stems, ("", " "))))])
    if rest:
        parts.append([_below_hundred(rest)])
    return _joined(parts)


def _below_hundred(number: int) -> Slot:
    if number <= 10:
        return _slot(*_UNITS[number])
    if number < 20:
        return _slot(*_TEENS[number])
    tens, unit = divmod(number, 10)
    names = [_TENS[tens] + case for case in _CASES]
    if not unit:
        return _slot(*names)
    return _slot(*(f"{one} و{ten}" for one, ten in product(_WITH_TENS[unit], names)))


def _joined(parts: list[list[Slot]]) -> list[Slot]:
    first, *others = parts
    return first + [slot for part in others for slot in prefixed(part, "و")]


def ordinal(number: int) -> Slot:
    """The definite ordinals of 1 to 99, both genders.

    >>> ordinal(15)
    (('الخامس', 'عشر'), ('الخامسة', 'عشرة'))
    """
    tens, unit = divmod(number, 10)
    if not unit and tens > 1:
        return _slot(*(f"ال{_TENS[tens]}{case}" for case in _CASES))
    masculine, feminine = _ORDINALS, _FEMININE_ORDINALS
    if number > 10:
        masculine, feminine = ("حادي", *_ORDINALS[1:]), ("حادية", *_FEMININE_ORDINALS[1:])
    if number <= 10:
        return _slot("ال" + masculine[number - 1], "ال" + feminine[number - 1])
    if number < 20:
        return _slot(f"ال{masculine[unit - 1]} عشر", f"ال{feminine[unit - 1]} عشرة")
    names = [f"وال{_TENS[tens]}{case}" for case in _CASES]
    return _slot(*(f"ال{one[unit - 1]} {ten}" for one, ten in product((masculine, feminine), names)))


def digit_by_digit(digits: str) -> Slot:
    """Each digit for itself, in the masculine, as telephone numbers are read."""
    return _slot(" ".join(_UNITS[int(digit)][0] for digit in digits))


def spoken(written: str, ordinal_too: bool = False) -> list[Slot]:
    """Every reading of a number in ASCII digits: `12`, `1,000`, `3.5`, `10:30`, `40%`.

    >>> [slot[0] for slot in spoken("40%")]
    [('أربعون',), ('بالمئة',)]
    """
    if written.endswith("%"):
        return [*spoken(written.rstrip("% ")), _PERCENT]
    if ":" in written:
        hour, minute = written.split(":")
        return [_time(int(hour), int(minute))] if int(hour) < 25 and int(minute) < 60 else _apart(hour, minute)
    whole, _, fraction = _decimal(written).partition(".")
    slots = _whole(whole, ordinal_too and not fraction)
    if not fraction:
        return slots
    part = _apart(*fraction) if fraction.startswith("0") else _whole(fraction, False)
    if len(part) == 1 and fraction in _FRACTIONS:
        return [*slots, (*(("فاصلة", *form) for form in part[0]), (_FRACTIONS[fraction],))]
    return [*slots, _slot("فاصلة"), *part]


def _apart(*numbers: str) -> list[Slot]:
    return [slot for number in numbers for slot in cardinal(int(number))]


def _decimal(written: str) -> str:
    """Commas before groups of three part thousands; another comma is a decimal one."""
    head, *groups = written.split(",")
    return head + "".join(groups) if all(len(group.split(".")[0]) == 3 for group in groups) else head + "." + groups[0]


def _whole(digits: str, ordinal_too: bool) -> list[Slot]:
    number, leading_zero = int(digits), len(digits) > 1 and digits[0] == "0"
    if number >= BEYOND or leading_zero:
        return [digit_by_digit(digits)]
    slots = cardinal(number)
    return [(*slots[0], *ordinal(number))] if ordinal_too and 1 <= number <= 99 else slots


def _time(hour: int, minute: int) -> Slot:
    readings = [f"{name} {past}".strip() for name in _hour(hour) for past in _past(minute)]
    if minute in _BEFORE_THE_HOUR:
        readings += [f"{name} {until}" for name in _hour(hour % 12 + 1) for until in _BEFORE_THE_HOUR[minute]]
    return _slot(*readings)


def _hour(hour: int) -> list[str]:
    said = [" ".join(form) for form in cardinal(hour)[0]]
    if 1 <= hour <= 24:
        said = [" ".join(form) for form in ordinal(hour)] + said
    return ["الواحدة", *said] if hour == 1 else said


def _past(minute: int) -> list[str]:
    if not minute:
        return [""]
    plain = ["و" + " ".join(form) for form in _below_hundred(minute)]
    return [*_MINUTES.get(minute, ()), *plain, *(f"{said} {unit}" for said in plain for unit in ("دقيقة", "دقائق"))]
