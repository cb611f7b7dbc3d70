import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load
from harness.metrics import loudness
from harness.metrics.declaration import NotApplicable
from harness.metrics.silence import Silences
from tests.synthetic import draw

SPEECH = load(shipped.VOICES / "omar.flac")


def scaled(gain_db):
    return Silences.of(Audio(SPEECH.samples * np.asarray(10 ** (gain_db / 20), np.float32), SPEECH.sample_rate_hz))


def line(end_db):
    return np.linspace(0, end_db, SPEECH.samples.size)


def test_a_voice_is_about_as_loud_in_each_third():
    assert loudness.level_range(scaled(line(0))).value < 6


def test_a_softer_half_and_a_decay_are_a_range():
    half = np.where(np.arange(SPEECH.samples.size) < SPEECH.samples.size // 2, 0.0, -14.0)
    assert loudness.level_range(scaled(half)).value > 12
    assert loudness.level_range(scaled(line(-30))).value > 12


def test_pauses_take_no_part_in_the_level():
    assert loudness.level_range(Silences.of(draw("########....####....####"))).value == pytest.approx(0, abs=0.5)


def test_a_word_has_no_thirds():
    assert not loudness.level_range(Silences.of(draw("####"))).applicable


def test_a_fade_out_leaves_no_loud_end():
    def found(gain_db):
        pauses = scaled(gain_db)
        return loudness.fading(loudness.smooth_levels(pauses), pauses)

    fading = np.minimum(0, 30 - 45 * np.linspace(0, 1.3333, SPEECH.samples.size))
    assert found(fading).value > found(line(0)).value + 8
    short = Silences.of(draw("#" * 10))
    with pytest.raises(NotApplicable):
        loudness.fading.function(loudness.smooth_levels(short), short)


def test_a_click_long_after_the_speech_is_not_its_end():
    quiet = np.zeros(SPEECH.sample_rate_hz // 2, np.float32)
    click = quiet.copy()
    click[5000:5100] = 0.05

    def fading(tail):
        pauses = Silences.of(Audio(np.concatenate([SPEECH.samples, tail, quiet]), SPEECH.sample_rate_hz))
        return loudness.fading(loudness.smooth_levels(pauses), pauses)

    assert fading(click).spans == fading(quiet).spans
    assert fading(click).value == pytest.approx(fading(quiet).value, abs=0.1)


def test_a_second_half_that_jumps_is_a_fall_or_a_rise():
    def both(gain_db):
        pauses = scaled(gain_db)
        levels = loudness.smooth_levels(pauses)
        return loudness.level_fall(levels, pauses).value, loudness.level_rise(levels, pauses).value

    later = np.arange(SPEECH.samples.size) > SPEECH.samples.size // 2
    as_it_is, softer, louder = both(line(0)), both(np.where(later, -14.0, 0.0)), both(np.where(later, 0.0, -14.0))
    assert as_it_is[0] == -as_it_is[1]
    assert softer[0] > as_it_is[0] + 10
    assert louder[1] > as_it_is[1] + 10
