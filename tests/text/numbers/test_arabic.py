"""Digits are read aloud in every right way, and two numbers never sound alike."""

import pytest

from harness.text.numbers import arabic
from tests.readings import expanded, readings


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
    assert said in readings(written, "ar")


def test_a_number_too_large_is_read_digit_by_digit():
    assert readings("1000000000000", "ar") == {" ".join(["واحد", *["صفر"] * 12])}


def test_no_two_numbers_share_a_reading():
    owners = {}
    for number in [*range(1100), *range(1100, 2_000_000, 1997)]:
        for form in readings(str(number), "ar"):
            assert owners.setdefault(form, number) == number, form


@pytest.mark.parametrize("number", range(1, 100))
def test_every_small_number_has_a_cardinal_and_an_ordinal(number):
    assert all(form for form in arabic.cardinal(number)[0])
    assert set(arabic.ordinal(number)).isdisjoint(arabic.cardinal(number)[0])


def test_a_proclitic_is_written_onto_the_first_word_of_every_form():
    said = {" ".join(word) for word in arabic.prefixed(arabic.cardinal(25), "ب")[0]}
    assert "بخمسة وعشرون" in said
    assert all(form.startswith("ب") for form in said)


def test_only_a_small_number_after_an_article_is_definite():
    assert arabic.definite("3", "ال")[0] == ("الثالث",)
    assert arabic.definite("3", "ب") == arabic.definite("100", "ال") == arabic.definite("1.5", "ال") == ()


def test_two_of_a_currency_are_its_dual_and_one_needs_no_number():
    two = set(expanded(arabic.money(arabic.whole("2"), "$", 2)))
    assert {"دولاران", "دولارين"} < two
    assert "دولار" in set(expanded(arabic.money(arabic.whole("1"), "$", 1)))
    assert "دولار" not in two
