import numpy as np
import pytest

from harness.decision.sequential import nominal, spent


@pytest.mark.parametrize(
    ("level", "looks", "published"),
    # Pocock 1977, table 1: nominal two-sided levels at overall 5 and 1 % are these of one-sided 2.5 and 0.5 %, twice.
    [(0.025, 2, 0.0294), (0.025, 3, 0.0221), (0.025, 4, 0.0182), (0.025, 5, 0.0158), (0.005, 5, 0.00283)],
)
def test_the_levels_are_pococks(level, looks, published):
    assert 2 * nominal(level, tuple(range(1, looks + 1))) == pytest.approx(published, rel=0.02)


def test_one_look_costs_nothing():
    assert nominal(0.05, (3,)) == spent(0.05, (3,)) == 0.05


@pytest.mark.parametrize("level", [0.3, 0.05, 1e-4, 1e-9, 1e-20])
def test_what_is_spent_at_the_nominal_level_is_the_level(level):
    looks = (1, 2, 3, 5)
    assert spent(nominal(level, looks), looks) == pytest.approx(level, rel=1e-3)
    assert level / 4 <= nominal(level, looks) <= level


def test_peeking_after_every_take_keeps_the_level():
    walks = np.random.default_rng(0).standard_normal((200_000, 5)).cumsum(axis=1)
    looks = (1, 2, 3, 5)
    from scipy.stats import norm

    bound = norm.isf(nominal(0.05, looks))
    crossed = [(walks[:, look - 1] / np.sqrt(look) > bound) for look in looks]
    assert np.any(crossed, axis=0).mean() == pytest.approx(0.05, abs=0.002)
