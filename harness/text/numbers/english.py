"""How numbers in digits are read aloud in English.

Conventions: as in `harness.text.numbers.arabic`; lower case, no hyphens, no apostrophes.

Accepted
    cardinals up to 999,999,999,999 with "and" or without, "a hundred" for "one hundred"; beyond, and with leading
    zeros, digit by digit, zero as "zero" or "oh"
    from three digits on also digit by digit or in pairs (1985, 911, telephone numbers), hundreds up to ninety nine
    hundred
    ordinals (1st, 22nd); h:mm by the hour of the twelve or of the twenty-four, past and to, quarter and half, with
    o'clock or without, after noon with p.m. or without
    decimals digit by digit after "point"; percent as one word or two; dollars, euros and pounds by their signs; a
    minus, a square, a cube, a power

Not read: dates with strokes, ranges, units.
"""

from harness.text.alignment import Form, Slot

BEYOND = 10**12

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *(f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ZERO: Slot = (("zero",), ("oh",), ("o",))
_OH: Slot = (("oh",), ("o",), ("zero",))
_AND: Slot = ((), ("and",))
_PERCENT: Slot = (("percent",), ("per", "cent"))
_CURRENCIES = {
    "$": (("dollar",), ("dollars",)),
    "€": (("euro",), ("euros",)),
    "£": (("pound",), ("pounds",), ("pound", "sterling"), ("pounds", "sterling")),
}
CURRENCY_SIGNS = "".join(_CURRENCIES)
_HUNDREDTHS: Slot = ((), ("cent",), ("cents",), ("pence",), ("penny",), ("p",))
_CLOCK: Slot = ((), ("oclock",))
_HALF_DAY: Slot = ((), ("pm",))
_MINUTES: Slot = ((), ("minutes",), ("minute",))
_PAST: Slot = (("past",), ("after",))
_TO: Slot = (("to",), ("till",), ("before",), ("of",))


def _below_hundred(number: int) -> Form:
    if number < 20:
        return (_UNITS[number],)
    tens, unit = divmod(number, 10)
    return (_TENS[tens], _UNITS[unit]) if unit else (_TENS[tens],)


def _below_thousand(number: int) -> Form:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    count: Slot = (("one",), ("a",)) if hundreds == 1 else ((_UNITS[hundreds],),)
    return (count, "hundred", *((_AND, *_below_hundred(rest)) if rest else ()))


def cardinal(number: int) -> Form:
    """A whole number from 0 to below `BEYOND`.

    >>> cardinal(2012)
    ('two', 'thousand', ((), ('and',)), 'twelve')
    """
    if not number:
        return ("zero",)
    words: list[str | Slot] = []
    for scale, name in _SCALES:
        count, number = divmod(number, scale)
        if count == 1:
            words += [(("one",), ("a",)), name]
        elif count:
            words += [*_below_thousand(count), name]
    if number:
        words += [*((_AND,) if words and number < 100 else ()), *_below_thousand(number)]
    return tuple(words)


def digit_by_digit(digits: str) -> Form:
    """Each digit for itself."""
    return tuple(_ZERO if digit == "0" else _UNITS[int(digit)] for digit in digits)


def whole(digits: str, ordinal_too: bool = False) -> Slot:
    """Every reading of a whole number.

    >>> whole("911")[1:]
    (('nine', 'one', 'one'), ('nine', 'eleven'))
    """
    number, leading_zero = int(digits), len(digits) > 1 and digits[0] == "0"
    if number >= BEYOND or leading_zero:
        return (digit_by_digit(digits), *_in_pairs(digits))
    forms = [cardinal(number)]
    if len(digits) > 2:
        forms.append(digit_by_digit(digits))
    if ordinal_too:
        forms += ordinal(digits)
    return (*forms, *_in_pairs(digits))


def _in_pairs(digits: str) -> list[Form]:
    """Two digits at a time, from the end; 1905 is nineteen oh five, 1900 nineteen hundred, 911 nine eleven."""
    if len(digits) < 3 or digits[0] == "0":
        return []
    first = len(digits) % 2 or 2
    pairs = [digits[:first], *(digits[start : start + 2] for start in range(first, len(digits), 2))]
    said: list[str | Slot] = [*_below_hundred(int(pairs[0]))]
    for pair in pairs[1:]:
        if pair == "00":
            said += ["hundred"] if len(pairs) == 2 else [_OH, _OH]
        elif pair[0] == "0":
            hundred: Form = ("hundred", _AND, _UNITS[int(pair)])
            said += [((_OH, _UNITS[int(pair)]), hundred)] if len(pairs) == 2 else [_OH, _UNITS[int(pair)]]
        else:
            rest = _below_hundred(int(pair))
            said += [(rest, ("hundred", _AND, *rest))] if len(digits) == 4 else rest
    return [tuple(said)]


def ordinal(digits: str) -> Slot:
    """The ordinal of a whole number below `BEYOND`."""
    *before, last = cardinal(int(digits))
    assert isinstance(last, str)
    said = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return ((*before, said), ("the", *before, said))


def decimal(digits: str, fraction: str) -> Slot:
    """Every reading of a number with a fraction."""
    before: Slot = whole(digits)
    if int(digits) == 0:
        before = ((), *before, ("oh",))
    return ((before, "point", (digit_by_digit(fraction), *whole(fraction))),)


def money(amount: Slot, sign: str, number: int | None = None, cents: str = "") -> Slot:
    """Every reading of a sum.

    Args:
        amount: The readings of the number before the unit.
        sign: That of the currency.
        number: That number, where it is whole.
        cents: Digits of hundredths that are read after the unit, or nothing.
    """
    unit = _CURRENCIES[sign]
    forms: list[Form] = [(amount, unit)]
    if number == 1:
        forms.append(("a", unit))
    if not cents:
        return tuple(forms)
    rest = whole(str(int(cents)))
    return (*((*form, _AND, rest, _HUNDREDTHS) for form in forms), (amount, rest))


def time(hour: int, minute: int) -> Slot:
    """Every reading of h:mm."""
    forms: list[Form] = []
    half_day: Slot = _HALF_DAY if hour > 12 else ((),)
    for said in dict.fromkeys((hour, (hour - 1) % 12 + 1)):
        name = cardinal(said)
        if not minute:
            forms += [(*name, _CLOCK, half_day), (*name, "hundred", ((), ("hours",)))]
            continue
        minutes: Form = (_OH, _UNITS[minute]) if minute < 10 else _below_hundred(minute)
        forms.append((*name, (minutes,), half_day))
        forms.append((_around(minute), _PAST, *name, _CLOCK, half_day))
    if hour in (0, 12) and not minute:
        forms += [("midnight",)] if hour == 0 else [("noon",), ("midday",)]
    if minute > 30:
        forms.append((_around(60 - minute), _TO, *cardinal(hour % 12 + 1), _CLOCK, half_day))
    return tuple(forms)


def _around(minutes: int) -> Slot:
    named: dict[int, list[Form]] = {15: [("quarter",), ("a", "quarter")], 30: [("half",)]}
    return (*named.get(minutes, []), (*_below_hundred(minutes), _MINUTES))


def power(base: Slot, exponent: str) -> Slot:
    """Every reading of a number with a small one above it."""
    named = {"2": "squared", "3": "cubed"}.get(exponent)
    forms: list[Form] = [(base, named)] if named else []
    to: Slot = (("to", "the"), ("to", "the", "power", "of"))
    return (*forms, (base, to, (*whole(exponent), *ordinal(exponent))), (base, "to", ordinal(exponent), "power"))


def negative(slot: Slot) -> Slot:
    """The readings of a number below zero."""
    return (((("minus",), ("negative",)), slot),)


def percent(slot: Slot) -> Slot:
    """The readings of a percentage."""
    return ((slot, _PERCENT),)
