"""Words, sentences, and the time that they take."""

from pathlib import Path

import pytest

from harness.text import READING_TIMES, letters, letters_reading_time_s, reading_time_s, sentences, words

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_stand_alone_signs_are_no_words():
    assert words("بعد الغداء – إن شئت – ، ـ ...") == ["بعد", "الغداء", "إن", "شئت"]


def test_sentences_keep_their_ends():
    assert sentences("كيف حالك؟ أنا بخير.\nشكرا!") == ["كيف حالك؟", "أنا بخير.", "شكرا!"]


def test_the_documented_time_counts_words_only():
    assert reading_time_s("أ ب ج د هـ") == 2.0
    assert reading_time_s("أ ب ج", words_per_minute=60) == 3.0
    assert reading_time_s("") == 0


def test_letters_know_that_a_number_takes_longer_than_it_is_written():
    assert reading_time_s("1987654") == 0.4
    assert letters_reading_time_s("1987654") > 5.0
    assert letters_reading_time_s("... ؟") == 0


def test_marks_take_no_time():
    assert letters("عِلْمٌ") == letters("علم")
    assert letters_reading_time_s("عِلْمٌ") == letters_reading_time_s("علم")


def test_both_models_have_a_name():
    assert set(READING_TIMES) == {"words", "letters"}
    assert READING_TIMES["letters"]("سلام") != READING_TIMES["words"]("سلام")


@pytest.mark.skipif(not DATA.is_dir(), reason="no recordings of human speech beside the project")
def test_the_stated_error_on_english_readers_is_what_we_measure():
    import csv

    import numpy as np

    with (DATA / "manifest.csv").open(encoding="utf-8") as file:
        clips = [row for row in csv.DictReader(file) if row["language"] == "en"]
    assert len(clips) == 36
    error = np.log([float(row["duration_s"]) / letters_reading_time_s(row["transcript"]) for row in clips])
    assert np.exp(np.median(error)) == pytest.approx(0.79, abs=0.02)
    assert error.std() == pytest.approx(0.20, abs=0.01)
