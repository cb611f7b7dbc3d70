"""Digits are read aloud in every right way, and two numbers never sound alike."""

import itertools

import pytest

from harness.text import numbers
from harness.text.scoring import compare


def forms(written):
    return {" ".join(w for part in parts for w in part) for parts in itertools.product(*numbers.spoken(written))}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "صفر"), ("1", "واحدة"), ("2", "اثنتين"), ("8", "ثمان"), ("11", "إحدى عشرة"), ("12", "اثنا عشر"),
        ("18", "ثماني عشرة"), ("21", "إحدى وعشرون"), ("90", "تسعين"), ("100", "مئة"), ("200", "مئتا"),
        ("801", "ثمانمئة وواحد"), ("1000", "ألف"), ("2000", "ألفي"), ("3000", "ثلاثة آلاف"), ("11000", "أحد عشر ألفا"),
        ("100000", "مئة ألف"), ("2000000", "مليونا"), ("5000000000", "خمسة مليارات"),
        ("1234567", "مليون ومئتان وأربعة وثلاثون ألفا وخمسمئة وسبعة وستون"),
        ("007", "صفر صفر سبعة"), ("0.5", "صفر فاصلة خمسة"), ("2.25", "اثنان وربع"), ("1.05", "واحد فاصلة صفر خمسة"),
        ("1,5", "واحد ونصف"), ("7:00", "السابعة"), ("1:00", "الواحدة"), ("3:15", "الثالثة والربع"),
        ("12:45", "الواحدة إلا الربع"), ("5:07", "الخامسة وسبع دقائق"),
    ],
)  # fmt: skip
def test_a_number_is_read_in_the_right_way(written, said):
    assert said in forms(written)


def test_a_number_too_large_is_read_digit_by_digit():
    assert forms("1000000000000") == {" ".join(["واحد", *["صفر"] * 12])}


def test_ordinals_need_their_context():
    assert compare("الفصل 3", "الفصل الثالث").words.errors == 0
    assert compare("3 قصص", "الثالثة قصص").words.errors > 0


def test_no_two_numbers_share_a_reading():
    owners = {}
    for number in [*range(1100), *range(1100, 2_000_000, 997)]:
        for form in forms(str(number)):
            assert owners.setdefault(form, number) == number, form


@pytest.mark.parametrize("number", range(1, 100))
def test_every_small_number_has_a_cardinal_and_an_ordinal(number):
    assert all(form for form in numbers.cardinal(number)[0])
    assert set(numbers.ordinal(number)).isdisjoint(numbers.cardinal(number)[0])
