"""What other sources of number words say is read as digits, in either language."""

import random

import pytest

from harness.text.scoring import compare


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
