"""Which letters differ; Arabic letters keep their signs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.difference import difference

TEXTS = st.text(st.sampled_from("ابتثجحخ دذرزَُِّْ abc.،ـ"), max_size=30)


def differing(side):
    return [stretch.text for stretch in side if stretch.differs]


def test_a_letter_is_marked_on_both_sides_with_the_signs_it_carries():
    target, heard = difference("المَدْرَسَة", "المدرشة")
    assert (differing(target), differing(heard)) == (["سَ"], ["ش"])


def test_signs_that_the_recognizer_does_not_write_are_no_difference():
    target, heard = difference("ذَهَبَ الوَلَدُ.", "ذهب الولد")
    assert differing(target) == differing(heard) == []


def test_signs_count_where_both_texts_write_them():
    target, heard = difference("كَتَبَ", "كُتِبَ")
    assert (differing(target), differing(heard)) == (["كَتَ"], ["كُتِ"])


def test_a_dropped_word_is_marked_where_it_stood():
    target, heard = difference("one two three", "one three")
    assert [text.strip() for text in differing(target)] == ["two"]
    assert differing(heard) == []


@pytest.mark.parametrize(
    ("target", "heard"),
    [
        ("ذهب إلى المدرسة", "ذهب الى المدرسه"),
        ("قرأ ٣ كتب", "قرأ ثلاثة كتب"),
        ("هذا أحمد", "هٰذا احمد"),
        ("مئة كتاب", "مائة كتاب"),
    ],
)
def test_what_the_scoring_forgives_is_not_marked(target, heard):
    assert [differing(side) for side in difference(target, heard)] == [[], []]


def test_beside_a_wrong_word_a_forgiven_letter_is_not_marked_either():
    target, heard = difference("إلى المدرسة", "الى المدرشه")
    assert (differing(target), differing(heard)) == (["س"], ["ش"])


def test_what_the_scoring_does_not_forgive_is_marked():
    target, heard = difference("شربت ماء", "شربت ما")
    assert (differing(target), differing(heard)) == (["ء"], [])


def test_composed_and_decomposed_letters_are_the_same():
    target, heard = difference("أحمد caf\u00e9", "\u0627\u0654حمد cafe\u0301")
    assert differing(target) == differing(heard) == []


@given(TEXTS, TEXTS)
def test_no_letter_of_either_text_is_lost(target, heard):
    import unicodedata

    sides = difference(target, heard)
    for side, text in zip(sides, (target, heard), strict=True):
        assert "".join(stretch.text for stretch in side) == unicodedata.normalize("NFC", text)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text):
    assert not any(map(differing, difference(text, text)))
