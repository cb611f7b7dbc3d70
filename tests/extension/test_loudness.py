import numpy as np

from harness.audio import Audio
from tests.extension.ours.loudness import loudest


def test_the_loudest_sample_is_found_whatever_its_sign():
    assert loudest(Audio(np.array([0.1, -0.7, 0.2], np.float32), 24_000)).value == np.float32(0.7)
