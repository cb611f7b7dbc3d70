import math

import pytest

from harness.metrics import duration, shown_beside
from harness.take import Stop
from tests.synthetic import draw, take


def test_length_is_the_whole_audio_however_long():
    assert duration.length(draw("#" * 1200)).value == pytest.approx(120.0)


def test_duration_ratio_is_seconds_over_reading_time():
    found = duration.duration_ratio(draw("#" * 24), "واحد اثنان ثلاثة أربعة خمسة", "words")
    assert found.value == pytest.approx(1.2)
    assert found.components["reading_time_s"] == 2.0


def test_a_text_without_words_has_no_ratio_and_says_so():
    found = duration.duration_ratio(draw("#"), "...", "words")
    assert math.isnan(found.value)
    assert "no words" in found.why_not


def test_speaking_rate_counts_letters_and_not_marks():
    assert duration.speaking_rate(1.0, "عَلَّمَ").value == duration.speaking_rate(1.0, "علم").value == 3.0
    assert "no speech" in duration.speaking_rate(0.0, "علم").why_not


@pytest.mark.parametrize(("stop", "value"), [(Stop.EOS, 1), (Stop.SILENCE, 1), (Stop.BUDGET, 0), (Stop.TIMEOUT, 0)])
def test_a_take_is_finished_when_the_model_ended_it(stop, value):
    assert duration.finished(take(stopped_by=stop)).value == value


def test_whether_a_take_is_finished_is_not_asked_of_a_system_that_cannot_tell():
    found = duration.finished(take(stopped_by=Stop.UNKNOWN))
    assert not found.applicable
    assert "does not say" in found.why_not


def test_a_take_without_audio_is_not_finished():
    found = duration.finished(take(error="the model raised"))
    assert found.applicable
    assert "the model raised" in found.why_not


def test_letters_know_what_words_do_not_and_are_shown_beside_them():
    digits = duration.letters_duration_ratio(draw("#" * 24), "1987654")
    assert digits.value < 0.5 < duration.duration_ratio(draw("#" * 24), "1987654", "words").value
    assert duration.duration_ratio(draw("#" * 24), "1987654", "letters").value == digits.value
    assert "no words" in duration.letters_duration_ratio(draw("#"), "...").why_not
    assert "letters_duration_ratio" in shown_beside(["duration_ratio"])
