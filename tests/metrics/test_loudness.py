import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load
from harness.metrics import loudness
from harness.metrics.silence import Pauses
from tests.synthetic import draw

SPEECH = load(shipped.VOICES / "layla.flac")


def scaled(gain_db):
    return Pauses.of(Audio(SPEECH.samples * np.asarray(10 ** (gain_db / 20), np.float32), SPEECH.sample_rate_hz))


def line(end_db):
    return np.linspace(0, end_db, SPEECH.samples.size)


def test_a_voice_is_about_as_loud_in_each_third():
    assert loudness.level_range(scaled(line(0))).value < 6


def test_a_softer_half_and_a_decay_are_a_range():
    half = np.where(np.arange(SPEECH.samples.size) < SPEECH.samples.size // 2, 0.0, -14.0)
    assert loudness.level_range(scaled(half)).value > 12
    assert loudness.level_range(scaled(line(-30))).value > 12


def test_pauses_take_no_part_in_the_level():
    assert loudness.level_range(Pauses.of(draw("########....####....####"))).value == pytest.approx(0, abs=0.5)


def test_a_word_has_no_thirds():
    assert not loudness.level_range(Pauses.of(draw("####"))).applicable


def test_a_fade_out_leaves_no_loud_end():
    fading = np.minimum(0, 30 - 45 * np.linspace(0, 1.3333, SPEECH.samples.size))
    assert loudness.fading(scaled(fading)).value > loudness.fading(scaled(line(0))).value + 8
    assert not loudness.fading(Pauses.of(draw("#" * 10))).applicable
