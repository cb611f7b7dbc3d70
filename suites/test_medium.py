"""One or two paragraphs: natural pacing over a longer breath, up to what the token budget can speak."""

import pytest

pytestmark = pytest.mark.suite("medium")


def test_speaks_the_paragraph_to_its_end(require):
    require("finished")


def test_keeps_a_natural_pace(require):
    require("length", "duration_ratio")


def test_pauses_between_sentences_without_losing_itself(require):
    require("silence_ratio", "longest_silence")


def test_is_clean_audio_at_the_right_rate(require):
    require("readable", "nonfinite_samples", "sample_rate", "rate_ratio", "speech_level")


def test_holds_the_voice_of_its_reference(require):
    require("speaker_similarity", "nearest_reference")


def test_says_every_word_of_the_paragraph(require):
    require("cer_above_floor", "wer_above_floor")


def test_a_second_recogniser_agrees(require):
    require("second_cer_above_floor", "second_wer_above_floor")


def test_is_no_worse_than_the_accepted_release(not_worse):
    not_worse()
