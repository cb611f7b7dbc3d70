"""Fully vocalised Arabic: the marks must neither stretch the speech nor break the voice."""

import pytest

pytestmark = pytest.mark.suite("diacritized")


def test_stops_because_it_has_finished(require):
    require("finished")


def test_is_not_slowed_down_by_the_marks(require):
    require("length", "duration_ratio")


def test_is_not_mostly_silence(require):
    require("silence_ratio", "longest_silence")


def test_is_clean_audio_at_the_right_rate(require):
    require("readable", "nonfinite_samples", "sample_rate", "rate_ratio", "speech_level")


def test_is_the_voice_of_its_reference(require):
    require("speaker_similarity", "nearest_reference")


def test_is_no_worse_than_the_accepted_release(not_worse):
    not_worse()
