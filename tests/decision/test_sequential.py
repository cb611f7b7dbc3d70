import numpy as np
import pytest

from harness.decision.sequential import nominal, portion, spent


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


def crossed(walks, looks, doubt):
    """Share of random walks that exceed the bound of one of the looks."""
    from scipy.stats import norm

    found = [
        walks[:, look - 1] / np.sqrt(walks[:, look - 1].var()) > norm.isf(portion(doubt, looks, number))
        for number, look in enumerate(looks)
    ]
    return np.any(found, axis=0).mean()


@pytest.mark.parametrize("doubt", [0.05, 0.2])
@pytest.mark.parametrize("looks", [(1, 2, 3, 5), (3, 5), (5,)])
def test_the_intervals_of_all_looks_together_miss_as_often_as_is_said_and_no_less(doubt, looks):
    walks = np.random.default_rng(1).standard_normal((200_000, 5)).cumsum(axis=1)
    assert crossed(walks, looks, doubt) == pytest.approx(doubt, rel=0.03)


def test_looks_that_have_more_in_common_miss_less_often():
    rng, takes = np.random.default_rng(2), np.arange(1, 6)
    common = rng.standard_normal((200_000, 1))
    walks = rng.standard_normal((200_000, 5)).cumsum(axis=1) + takes * common
    assert crossed(walks, (1, 2, 3, 5), 0.05) < 0.05


def test_little_is_used_up_early_and_one_look_has_it_all():
    levels = [portion(0.05, (1, 2, 3, 5), number) for number in range(4)]
    assert levels == sorted(levels)
    assert levels[0] == pytest.approx(0.05 / 25, rel=1e-3)
    assert levels[-1] > 0.8 * 0.05  # what the looks have in common is not paid for twice
    assert portion(0.05, (5,), 0) == pytest.approx(0.05)
