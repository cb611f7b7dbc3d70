import pytest

from harness.power.rates import Rate


@pytest.mark.parametrize(("count", "of"), [(0, 40), (1, 40), (38, 40), (40, 40), (0, 122)])
def test_the_interval_is_clopper_and_pearsons(count, of):
    from scipy.stats import binomtest

    expected = binomtest(count, of).proportion_ci(0.95, method="exact")
    assert Rate(count, of).interval == pytest.approx((expected.low, expected.high))


def test_a_share_of_nothing_is_no_number():
    assert Rate(0, 0).value != Rate(0, 0).value
    assert Rate(1, 4).as_json() == {"count": 1, "of": 4, "low": 0.0063, "high": 0.8059}
