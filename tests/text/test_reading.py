"""Words, sentences, and the time that they take."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text import letters, letters_reading_time_s, reading_time, reading_time_s, sentences, words

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_stand_alone_signs_are_no_words():
    assert words("بعد الغداء – إن شئت – ، ـ ...") == ["بعد", "الغداء", "إن", "شئت"]


def test_the_documented_time_counts_words_only():
    assert reading_time_s("أ ب ج د هـ") == 2.0
    assert reading_time_s("أ ب ج", words_per_minute=60) == 3.0
    assert reading_time_s("") == 0


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


def test_letters_know_that_a_number_takes_longer_than_it_is_written():
    assert reading_time_s("1987654") == 0.4
    assert letters_reading_time_s("1987654") > 5.0
    assert letters_reading_time_s("... ؟") == 0


def test_marks_take_no_time():
    assert letters("عِلْمٌ") == letters("علم")
    assert letters_reading_time_s("عِلْمٌ") == letters_reading_time_s("علم")


def test_both_models_have_a_name():
    by_words, by_letters = reading_time("words"), reading_time("letters")
    assert by_letters("سلام") != by_words("سلام")
    assert reading_time("75 words a minute")("سلام") == 2 * by_words("سلام")
    assert reading_time("60 letters a minute")("早上好。") == 3.0
    assert reading_time("60 letters a minute")("。") == 0
    assert [reading_time(name) for name in ("bars", "0 words a minute", "-3 words a minute", "")] == [None] * 4


# Only where the recordings stand beside the project: they are not part of it.
if DATA.is_dir():

    def test_the_stated_error_on_english_readers_is_what_we_measure():
        import csv

        import numpy as np

        with (DATA / "manifest.csv").open(encoding="utf-8") as file:
            clips = [row for row in csv.DictReader(file) if row["language"] == "en"]
        assert len(clips) == 36
        error = np.log([float(row["duration_s"]) / letters_reading_time_s(row["transcript"]) for row in clips])
        assert np.exp(np.median(error)) == pytest.approx(1.14, abs=0.02)
        assert error.std() == pytest.approx(0.20, abs=0.01)
