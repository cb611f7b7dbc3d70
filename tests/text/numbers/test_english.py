"""Digits are read aloud in every right way, and two numbers never sound alike."""

import pytest

from harness.text.numbers import english
from tests.readings import expanded, readings


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "zero"), ("13", "thirteen"), ("18", "eighteen"), ("42", "forty two"), ("100", "a hundred"),
        ("105", "one hundred and five"), ("105", "one oh five"), ("911", "nine eleven"), ("911", "nine one one"),
        ("1900", "nineteen hundred"), ("1905", "nineteen oh five"), ("1985", "nineteen hundred and eighty five"),
        ("2012", "two thousand twelve"), ("2012", "twenty twelve"), ("1000000", "a million"),
        ("1200300", "one million two hundred thousand three hundred"), ("007", "oh oh seven"),
        ("0.5", "point five"), ("3.14", "three point one four"), ("7:00", "seven oclock"), ("7:05", "seven oh five"),
        ("7:15", "a quarter past seven"), ("7:45", "quarter to eight"), ("13:30", "half past one pm"),
        ("12:00", "noon"), ("0:00", "midnight"),
    ],
)  # fmt: skip
def test_a_number_is_read_in_the_right_way(written, said):
    assert said in readings(written, "en")


@pytest.mark.parametrize(
    ("digits", "said"),
    [("1", "first"), ("2", "second"), ("12", "twelfth"), ("20", "twentieth"), ("21", "twenty first"), ("103", "one")],
)
def test_an_ordinal_ends_in_its_last_word_alone(digits, said):
    forms = set(expanded(english.ordinal(digits)))
    assert any(form.startswith(said) for form in forms)
    assert any(form.startswith(f"the {said}") for form in forms)
    assert forms.isdisjoint(expanded(english.whole(digits)))


def test_a_number_too_large_is_no_cardinal():
    assert "billion" not in str(english.whole(str(english.BEYOND)))
    assert "billion" in str(english.whole(str(english.BEYOND - 1)))


def test_no_two_numbers_share_a_reading():
    owners = {}
    for number in [*range(1100), *range(1100, 200_000, 997)]:
        for form in readings(str(number), "en"):
            assert owners.setdefault(form, number) == number, form


def test_cents_follow_their_dollars_with_their_name_or_without():
    said = set(expanded(english.money(english.whole("3"), "$", 3, "50")))
    assert {"three dollars fifty", "three dollars and fifty cents", "three fifty"} < said
    assert "a dollar" in set(expanded(english.money(english.whole("1"), "$", 1)))


def test_a_power_a_share_and_a_number_below_zero_are_named():
    five = english.whole("5")
    assert {"five squared", "five to the power of two", "five to the second power"} <= set(
        expanded(english.power(five, "2"))
    )
    assert set(expanded(english.percent(five))) == {"five percent", "five per cent"}
    assert set(expanded(english.negative(five))) == {"minus five", "negative five"}
