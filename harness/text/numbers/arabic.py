"""How numbers in digits are read aloud in Modern Standard Arabic.

A number written in digits has several right readings: the gender follows the thing that is counted, the case follows
the sentence. Which of them the grammar asks for is not judged here: each is accepted for digits. A number written in
words has one reading, its own.

Conventions: a reading is a row of slots (`harness.text.alignment`), each with all its right forms, in plain spelling.

Accepted
    cardinals up to 999,999,999,999: both genders, all cases, the construct of the dual (مئتا, ألفي), مئة as one word
    with its digit or apart from it; beyond, and with leading zeros, digit by digit
    from three digits on also digit by digit, and with an even number of digits in pairs, as telephone numbers are read
    ordinals up to 99 where a date, an hour or a part of a book calls for one (الساعة 10, يوم 15, 15 يونيو, الـ3)
    h:mm by the hour of the twelve or of the twenty-four, minutes after it or before the next, half, third and quarter,
    from 13:00 on with the part of the day or without
    decimals with فاصلة or نقطة, read as a number or digit by digit, a half or a quarter; percent as بالمئة or في المئة;
    dollars, euros and pounds by their signs; a minus, a square, a cube, a power

Not read: dates with strokes, ranges, units. A corpus row that holds one says in `spoken` how it is to be read.
"""

from collections.abc import Sequence
from itertools import product

from harness.text.alignment import Form, Slot

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
_AROUND_HALF = {25: ("إلا خمس", "إلا خمسا"), 35: ("وخمس", "وخمسا")}
_MOST_BEFORE = 30  # minutes that may be said as missing to the hour
_MINUTE_UNITS = ("", " دقيقة", " دقائق")
_PART_OF_DAY: Slot = ((), *(tuple(part.split()) for part in ("تماما", "ظهرا", "عصرا", "مساء", "ليلا", "بعد الظهر")))
_FRACTIONS = {"5": "ونصف", "25": "وربع"}
_PERCENT: Slot = (("بالمئة",), ("في", "المئة"))
_POINT: Slot = (("فاصلة",), ("نقطة",))

# singular, accusative, plural; the dual is made from the singular
_CURRENCIES = {
    "$": (("دولار", "دولارا", "دولارات"),),
    "€": (("يورو", "يوروهات"),),
    "£": (("جنيه", "جنيها", "جنيهات"), ("جنيه إسترليني", "جنيها إسترلينيا", "جنيهات إسترلينية")),
}
CURRENCY_SIGNS = "".join(_CURRENCIES)
_HUNDREDTHS = ("سنت", "سنتا", "سنتات", "هللة", "هللات", "قرش", "قرشا", "قروش")

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


def prefixed(slots: Sequence[Slot], prefix: str) -> list[Slot]:
    """The same reading with a proclitic (و, ب, ال …) written onto its first word."""
    if not slots:
        return []
    return [tuple(_with_prefix(form, prefix) for form in slots[0]), *slots[1:]]


def _with_prefix(form: Form, prefix: str) -> Form:
    if not form:
        return form
    first, *rest = form
    return (prefix + first if isinstance(first, str) else prefixed([first], prefix)[0], *rest)


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
            forms = (plural,) if 3 <= rest <= 10 else (singular, accusative) if rest else (singular,)
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
    return _slot(*(f"{unit_name} و{ten}" for unit_name, ten in product(_WITH_TENS[unit], names)))


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
    return _slot(*(f"ال{units[unit - 1]} {ten}" for units, ten in product((masculine, feminine), names)))


def definite(digits: str, prefix: str) -> Slot:
    """The ordinals of a small number that has an article before its digits (الـ3, بالـ3, للـ3); none elsewhere.

    >>> definite("3", "بال")
    (('بالثالث',), ('بالثالثة',))
    """
    if not prefix.endswith(("ال", "لل")) or not digits.isdecimal() or not 1 <= int(digits) <= 99:
        return ()
    return tuple((prefix + str(first).removeprefix("ال"), *rest) for first, *rest in ordinal(int(digits)))


def digit_by_digit(digits: str) -> Form:
    """Each digit for itself, in the masculine, as telephone numbers are read."""
    return tuple(_UNITS[int(digit)][0] for digit in digits)


def whole(digits: str, ordinal_too: bool = False) -> Slot:
    """Every reading of a whole number.

    >>> whole("911")[1]
    ('تسعة', 'واحد', 'واحد')
    """
    number, leading_zero = int(digits), len(digits) > 1 and digits[0] == "0"
    if number >= BEYOND or leading_zero:
        return (digit_by_digit(digits), *_in_pairs(digits))
    forms: list[Form] = [tuple(cardinal(number))]
    if len(digits) > 2:
        forms.append(digit_by_digit(digits))
    if ordinal_too and 1 <= number <= 99:
        forms += ordinal(number)
    return (*forms, *_in_pairs(digits))


def _in_pairs(digits: str) -> list[Form]:
    pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    if len(digits) < 4 or len(digits) % 2:
        return []
    return [tuple((digit_by_digit(pair),) if pair[0] == "0" else _below_hundred(int(pair)) for pair in pairs)]


def decimal(digits: str, fraction: str) -> Slot:
    """Every reading of a number with a fraction."""
    part: Slot = (
        (digit_by_digit(fraction),) if fraction.startswith("0") else (*whole(fraction), digit_by_digit(fraction))
    )
    said: tuple[Form, ...] = ((_POINT, part),)
    if fraction in _FRACTIONS:
        said = (*said, (_FRACTIONS[fraction],))
    return ((whole(digits), said),)


def money(amount: Slot, sign: str, number: int | None = None, cents: str = "") -> Slot:
    """Every reading of a sum.

    Args:
        amount: The readings of the number before the unit.
        sign: That of the currency.
        number: That number, where it is whole.
        cents: Digits of hundredths that are read after the unit, or nothing.
    """
    names = _CURRENCIES[sign]
    unit = _slot(*(name for forms in names for name in forms))
    forms: list[Form] = [(amount, unit)]
    if number == 1:
        forms.append((unit,))
    if number == 2:
        forms += _slot(*(name[0] + case for name in names for case in _CASES_OF_TWO))
    if not cents:
        return tuple(forms)
    (more,) = prefixed([whole(str(int(cents)))], "و")
    return tuple((*form, more, ((), *_slot(*_HUNDREDTHS))) for form in forms)


def time(hour: int, minute: int) -> Slot:
    """Every reading of h:mm."""
    hours = dict.fromkeys((hour, (hour - 1) % 12 + 1))
    part: Slot = _PART_OF_DAY if hour > 12 else ((),)
    readings: list[Form] = [(_hour(said), _past(minute), part) for said in hours]
    if minute >= 60 - _MOST_BEFORE:
        readings.append((_hour(hour % 12 + 1), _until(minute), part))
    return tuple(readings)


def _hour(hour: int) -> Slot:
    forms: list[Form] = [tuple(cardinal(hour))]
    if 1 <= hour <= 24:
        forms = [*ordinal(hour), *forms]
    return (("الواحدة",), *forms) if hour == 1 else tuple(forms)


def _past(minute: int) -> Slot:
    if not minute:
        return ((),)
    plain = ["و" + " ".join(form) for form in _plain(_below_hundred(minute))]
    forms = [*_MINUTES.get(minute, ()), *(f"{said}{unit}" for said in plain for unit in _MINUTE_UNITS)]
    five = _AROUND_HALF.get(minute, ())
    forms += [f"{half} {said}{unit}" for half in _MINUTES[30] for said in five for unit in _MINUTE_UNITS]
    return _slot(*forms)


def _until(minute: int) -> Slot:
    """Minutes that are missing to the hour."""
    plain = [" ".join(form) for form in _plain(_below_hundred(60 - minute))]
    plain += [f"{form}ا" for form in plain if " " not in form and form[-1] not in "ةني"]  # إلا خمسا
    forms = [*_BEFORE_THE_HOUR.get(minute, ()), *(f"إلا {said}{unit}" for said in plain for unit in _MINUTE_UNITS)]
    return _slot(*forms)


def _plain(slot: Slot) -> list[tuple[str, ...]]:
    return [tuple(part for part in form if isinstance(part, str)) for form in slot]


def power(base: Slot, exponent: str) -> Slot:
    """Every reading of a number with a small one above it."""
    named = {"2": ("تربيع", "مربع"), "3": ("تكعيب", "مكعب")}.get(exponent, ())
    forms: list[Form] = [(base, _slot(*named))] if named else []
    return (*forms, (base, _slot("أس", "مرفوع إلى القوة"), whole(exponent)))


def negative(slot: Slot) -> Slot:
    """The readings of a number below zero."""
    return ((_slot("ناقص", "سالب"), slot),)


def percent(slot: Slot) -> Slot:
    """The readings of a percentage."""
    return ((slot, _PERCENT),)
