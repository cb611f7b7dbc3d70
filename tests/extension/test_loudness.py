import numpy as np
import pytest

from harness.audio import Audio


@pytest.fixture
def peak(own_metrics):
    """The metric, registered in this test only: other tests ask for everything there is."""
    from tests.extension.ours import loudness

    return loudness.peak


def test_the_peak_is_found_whatever_its_sign(peak):
    assert peak(Audio(np.array([0.1, -0.7, 0.2], np.float32), 24_000)).value == np.float32(0.7)
