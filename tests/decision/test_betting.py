"""The interval holds for lumps, skew and ties, and is not much wider than the exact one where that exists."""

import numpy as np
import pytest

from harness.decision.betting import mean_interval
from harness.decision.rates import exact_interval

DRAWS = {
    "coins": (lambda rng, n: (rng.random(n) < 0.8).astype(float), 0.8),
    "rare failures": (lambda rng, n: 1 - 0.5 * (rng.random(n) < 0.04), 0.98),
    "ties": (lambda rng, n: rng.choice([0, 0.5, 1], n, p=[0.2, 0.5, 0.3]), 0.55),
    "skew": (lambda rng, n: rng.beta(8, 0.8, n), 8 / 8.8),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_the_mean_lies_outside_as_rarely_as_promised(kind):
    draw, mean = DRAWS[kind]
    rng = np.random.default_rng(1)
    outside = 0
    for _ in range(40):
        low, high = mean_interval(draw(rng, 30), 0.1)
        outside += not low <= mean <= high
    assert outside <= 6


@pytest.mark.parametrize(("hits", "of"), [(32, 40), (56, 70), (140, 140)])
def test_it_is_hardly_wider_than_the_exact_interval_of_a_share(hits, of):
    low, high = mean_interval([1.0] * hits + [0.0] * (of - hits))
    exact = exact_interval(hits, of, 0.025)
    assert low <= hits / of <= high
    assert high - low < 1.45 * (exact[1] - exact[0])


def test_numbers_that_hardly_vary_are_known_better_than_coins_of_the_same_mean():
    close = np.full(60, 0.9) + np.linspace(-0.02, 0.02, 60)
    low, high = mean_interval(close)
    assert high - low < 0.12
    assert low < 0.9 < high


def test_what_is_no_share_is_refused_and_nothing_says_nothing():
    assert mean_interval([]) == (0.0, 1.0)
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="0 to 1"):
            mean_interval([0.5, wrong])
