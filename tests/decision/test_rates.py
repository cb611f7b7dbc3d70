"""Against scipy.stats, which the harness does without because it takes a second to be imported."""

from importlib import import_module

import numpy as np
import pytest

from harness.decision.rates import (
    Rate,
    at_least,
    detectable_share,
    exact_interval,
    fisher,
    quantile,
    share_at_least,
    share_at_most,
)
from harness.records.power_table import CountedRate

stats = import_module("scipy.stats")


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 10), (10, 10), (7, 70)])
def test_the_interval_of_a_share_is_the_exact_one(hits, of):
    exact = stats.binomtest(hits, of).proportion_ci(0.9, "exact")
    np.testing.assert_allclose(exact_interval(hits, of, 0.05), (exact.low, exact.high))


@pytest.mark.parametrize("hits", [0, 1, 4, 10])
def test_so_many_hits_or_more_are_as_likely_as_the_binomial_says(hits):
    assert at_least(hits, 10, 0.2) == pytest.approx(stats.binom.sf(hits - 1, 10, 0.2))


def test_the_detectable_share_is_found_four_times_in_five_and_a_smaller_one_less_often():
    n, chance, level = 70, 0.01, 1e-4
    least = next(k for k in range(n) if stats.binom.sf(k - 1, n, chance) <= level)
    found = detectable_share(n, chance, level)
    assert stats.binom.sf(least - 1, n, found) >= 0.8
    assert stats.binom.sf(least - 1, n, found - 1 / n) < 0.8


def test_t_values_have_their_quantiles():
    assert quantile(0.95, 7) == pytest.approx(stats.t.ppf(0.95, 7))


@pytest.mark.parametrize(("hits", "of"), [(0.0, 10.0), (3.0, 10.0), (10.0, 10.0)])
def test_bounds_of_many_shares_are_those_of_each(hits, of):
    low, high = exact_interval(int(hits), int(of), 0.05)
    assert float(share_at_least(np.array(hits), np.array(of), np.array(0.05))) == pytest.approx(low)
    assert float(share_at_most(np.array(hits), np.array(of), np.array(0.05))) == pytest.approx(high)


@pytest.mark.parametrize(
    ("new", "old"), [((0, 10), (3, 20)), ((4, 10), (1, 20)), ((10, 10), (0, 20)), ((0, 5), (0, 5))]
)
def test_the_chance_of_so_many_on_one_side_is_fishers(new, old):
    table = [[new[0], new[1] - new[0]], [old[0], old[1] - old[0]]]
    sides = (np.array([float(number)]) for number in (*new, *old))
    assert fisher(*sides)[0] == pytest.approx(stats.fisher_exact(table, "greater").pvalue)


@pytest.mark.parametrize(("count", "of"), [(0, 40), (1, 40), (38, 40), (40, 40), (0, 122)])
def test_the_interval_is_clopper_and_pearsons(count, of):
    expected = stats.binomtest(count, of).proportion_ci(0.95, method="exact")
    assert Rate(count, of).interval == pytest.approx((expected.low, expected.high))


def test_a_share_of_nothing_is_no_number():
    assert Rate(0, 0).value != Rate(0, 0).value
    assert Rate(1, 4).record() == CountedRate(1, 4, 0.0063, 0.8059)
