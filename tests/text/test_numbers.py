"""Digits are read aloud in every right way, and two numbers never sound alike."""

import itertools
import random

import pytest

from harness.text import numbers
from harness.text.numbers import arabic
from harness.text.scoring import compare


def expanded(slot):
    """Every form of a slot, in words."""
    for form in slot:
        parts = [[part] if isinstance(part, str) else list(expanded(part)) for part in form]
        yield from (" ".join(word for word in words if word) for words in itertools.product(*parts))


def forms(written, language="ar"):
    return set(expanded(numbers.spoken(written, language)))


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


@pytest.mark.parametrize("language", ["ar", "en"])
def test_an_independent_list_of_number_words_is_read_as_its_digits(language):
    num2words = pytest.importorskip("num2words").num2words
    chance = random.Random(4)
    # In Arabic the package says ثمانية ألفا after a hundred where the grammar says آلاف: such numbers are left out.
    largest = {"ar": 1000, "en": 10**9}[language]
    for number in [*range(0, 130, 3), *(chance.randrange(10**digits) for digits in range(3, 10) for _ in range(8))]:
        number %= largest
        assert compare(str(number), num2words(number, lang=language), language).words.errors == 0, number
    if language == "en":
        for number in [*range(1, 32), 100, 103, 1000]:
            said = num2words(number, to="ordinal")
            suffix = num2words(number, to="ordinal_num")
            assert compare(suffix, said, "en").words.errors == 0, suffix


def test_no_two_numbers_share_a_reading():
    owners = {}
    for number in [*range(1100), *range(1100, 2_000_000, 997)]:
        for form in forms(str(number)):
            assert owners.setdefault(form, number) == number, form


@pytest.mark.parametrize("number", range(1, 100))
def test_every_small_number_has_a_cardinal_and_an_ordinal(number):
    assert all(form for form in arabic.cardinal(number)[0])
    assert set(arabic.ordinal(number)).isdisjoint(arabic.cardinal(number)[0])
