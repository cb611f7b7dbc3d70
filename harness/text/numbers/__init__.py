"""Numbers in digits and every right way to read them aloud: `arabic`, `english`.

Conventions: digits are ASCII, a decimal sign is a point or a comma, an exponent stands behind ^, signs of other scripts
have been brought to these (`harness.text.scoring`). Commas or spaces before groups of three part thousands; a space may
also part two numbers, so both readings are right. Groups of digits in a row may be a telephone number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from harness.text.alignment import Slot
from harness.text.numbers import arabic, english

LANGUAGES = {"ar": arabic, "en": english}

_SIGNS = "$€£"
_DIGITS = r"\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_TELEPHONE = r"\+?\d{1,4}(?:[ -]\d{2,4}){2,}|\+\d{5,}|\d{3,4}-\d{4,}"
_NUMBER = re.compile(
    rf"(?<![a-z\d])(?P<minus>(?<!\S)[-\u2212](?=[\d{_SIGNS}]))?(?P<before>[{_SIGNS}] ?)?"
    rf"(?:(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?![:\d])|(?P<grouped>\d{{1,3}}(?: \d{{3}})+(?![\d -]*\d))"
    rf"|(?P<telephone>{_TELEPHONE})|(?P<digits>{_DIGITS}))"
    rf"(?:\^(?P<power>\d+)|(?P<ordinal>st|nd|rd|th)(?![a-z])|(?P<percent> ?%)|(?P<after> ?[{_SIGNS}]))?(?![a-z\d])"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text: where it stands, and how it may be read."""

    start: int
    end: int
    found: re.Match[str]
    language: ModuleType

    def spoken(self, ordinal_too: bool = False) -> Slot:
        """Every right reading."""
        return _spoken(self.found, self.language, ordinal_too)


def numbers(text: str, language: str) -> Iterator[Number]:
    """The numbers of a text in a language whose readings are known; none elsewhere."""
    known = LANGUAGES.get(language.split("-")[0].lower())
    if known is not None:
        for match in _NUMBER.finditer(text):
            yield Number(match.start(), match.end(), match, known)


def spoken(written: str, language: str = "ar", ordinal_too: bool = False) -> Slot:
    """Every reading of one number: `12`, `1,000`, `3.5`, `10:30`, `40%`.

    >>> spoken("40%")[0][-1]
    (('بالمئة',), ('في', 'المئة'))

    Raises:
        ValueError: It is no number.
    """
    match = _NUMBER.fullmatch(written)
    if match is None:
        raise ValueError(f"{written!r} is not a number in digits")
    return _spoken(match, LANGUAGES[language], ordinal_too)


def _spoken(match: re.Match[str], language: ModuleType, ordinal_too: bool) -> Slot:
    part = match.groupdict()
    sign = (part["before"] or part["after"] or "").strip()
    if part["hour"]:
        slot = _time(int(part["hour"]), int(part["minute"]), language)
    elif part["telephone"]:
        groups = re.findall(r"\d+", part["telephone"])
        apart = tuple(language.whole(group) for group in groups)
        slot = (apart, language.digit_by_digit("".join(groups)))
    elif part["grouped"]:
        groups = part["grouped"].split()
        slot = (*language.whole("".join(groups)), tuple(language.whole(group) for group in groups))
        slot = _with_sign(slot, "".join(groups), "", sign, language)
    else:
        digits, _, fraction = _decimal(part["digits"]).partition(".")
        if part["ordinal"]:
            slot = language.ordinal(digits)
        else:
            slot = language.decimal(digits, fraction) if fraction else language.whole(digits, ordinal_too)
            slot = _with_sign(slot, digits, fraction, sign, language)
    if part["power"]:
        slot = language.power(slot, part["power"])
    if part["percent"]:
        slot = language.percent(slot)
    return language.negative(slot) if part["minus"] else slot


def _with_sign(slot: Slot, digits: str, fraction: str, sign: str, language: ModuleType) -> Slot:
    if not sign:
        return slot
    sums: Slot = language.money(slot, sign, None if fraction else int(digits))
    if len(fraction) == 2:
        sums = (*sums, *language.money(language.whole(digits), sign, int(digits), fraction))
    return sums


def _time(hour: int, minute: int, language: ModuleType) -> Slot:
    if hour < 25 and minute < 60:
        return language.time(hour, minute)  # type: ignore[no-any-return]
    return (tuple(language.whole(str(number)) for number in (hour, minute)),)


def _decimal(written: str) -> str:
    """Commas, spaces or two points before groups of three part thousands; another comma is a decimal one."""
    if written.count(".") > 1:
        return written.replace(".", "")
    head, *groups = re.split("[, ]", written)
    return head + "".join(groups) if all(len(group.split(".")[0]) == 3 for group in groups) else head + "." + groups[0]
