import numpy as np
import pytest

from harness.audio import Audio
from harness.cloning.output import joined
from harness.errors import AudioError
from tests.synthetic import draw


def steps(samples):
    return np.abs(np.diff(samples)).max()


def test_one_part_stays_as_it_is():
    part = draw("#" * 5)
    assert joined([part]) is part


def test_parts_are_joined_without_a_click_and_nothing_is_lost():
    high = Audio(np.full(4_800, 0.5, np.float32), 24_000)
    low = Audio(np.full(2_400, -0.5, np.float32), 24_000)
    whole = joined([high, low])
    assert whole.samples.size == 7_200
    assert steps(np.concatenate([high.samples, low.samples])) == 1.0
    assert steps(whole.samples) < 0.02
    np.testing.assert_array_equal(whole.samples[:4_000], high.samples[:4_000])
    assert high.samples.min() == 0.5


def test_a_part_shorter_than_the_fade_is_joined_too():
    assert joined([draw("#"), Audio(np.ones(3, np.float32), 24_000), draw("#")]).samples.size == 4_803


@pytest.mark.parametrize("parts", [[], [draw("#"), draw("#", rate_hz=16_000)]])
def test_nothing_and_different_rates_are_refused(parts):
    with pytest.raises(AudioError, match="at least one part and one rate"):
        joined(parts)


def test_edges_that_nobody_hears_are_joined_sample_by_sample():
    rng = np.random.default_rng(0)
    parts = [Audio((rng.standard_normal(2_400) * 1e-4).astype(np.float32), 24_000) for _ in range(2)]
    assert np.array_equal(joined(parts).samples, np.concatenate([part.samples for part in parts]))
