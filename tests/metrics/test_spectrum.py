import numpy as np
import pytest

from harness.audio import Audio
from harness.metrics.spectrum import N_BANDS, Spectrum
from tests.synthetic import draw


def test_bins_add_up_to_the_power_of_the_sound():
    hiss = Audio((0.1 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32), 24_000)
    assert Spectrum.of(hiss).power.sum(axis=1).mean() == pytest.approx(0.01, rel=0.05)


def test_a_frame_comes_every_ten_milliseconds():
    seen = Spectrum.of(draw("#" * 10))
    assert seen.power.shape[0] == 98  # the last one begins 25 ms before the end
    assert seen.bands_db().shape == (98, N_BANDS)


def test_a_sound_shorter_than_a_frame_is_one_frame():
    assert Spectrum.of(Audio(np.full(10, 0.5, np.float32), 24_000)).power.shape[0] == 1


def test_what_sounds_is_within_the_range_of_the_loud_frames():
    sounding = Spectrum.of(draw("####....")).sounding(30.0)
    assert sounding[:38].all()
    assert not sounding[42:].any()
