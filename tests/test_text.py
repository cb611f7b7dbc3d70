import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text import letters, reading_time_s, sentences, words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("... ، ؟", 0),
        ("مرحبا", 1),
        ("مَرْحَبًا", 1),
        ("مرحبـــا", 1),
        ("مرحبا ، يا عالم", 3),
        ("في ٢٠٢٤ و 15%", 4),
        ("اشتريت iPhone - أمس", 3),
        ("سطر\n\nآخر", 2),
    ],
)
def test_words_are_tokens_that_can_be_spoken(text, count):
    assert len(words(text)) == count


def test_reading_time_is_the_documented_hundred_and_fifty_words_a_minute():
    assert reading_time_s("كلمة " * 150) == 60.0
    assert reading_time_s("كلمة " * 100, words_per_minute=100) == 60.0


@given(st.text())
def test_every_word_of_a_text_is_in_one_of_its_sentences(text):
    assert [word for sentence in sentences(text) for word in words(sentence)] == words(text)


def test_sentences_end_at_arabic_and_latin_marks_and_at_line_breaks():
    assert sentences("أين؟ هنا! نعم. Yes. قال: لا؛ ثم ذهب\nفقرة") == [
        "أين؟",
        "هنا!",
        "نعم.",
        "Yes.",
        "قال: لا؛",
        "ثم ذهب",
        "فقرة",
    ]


def test_letters_leave_marks_out():
    assert letters("عَلَّمَ ـــ 12؟") == 5
