import numpy as np
import pytest

from harness.decision.exchange import MOST_WAYS, chance, dealt, swapped, tail


def exact(observed, groups):
    sums = np.zeros(1)
    for group in groups:
        for row in group:
            sums = (sums[:, None] + row).ravel()
    return float((sums <= observed + 1e-12).mean())


def takes(rng, kind, utterances, count):
    if kind == "normal":
        return rng.normal(0, 1, (utterances, count))
    if kind == "skewed":
        return -rng.gamma(0.5, 1.0, (utterances, count))
    return np.where(rng.random((utterances, count)) < 0.2, -0.5, 0.0) + rng.normal(0, 0.01, (utterances, count))


@pytest.mark.parametrize("kind", ["normal", "skewed", "rare"])
@pytest.mark.parametrize(("utterances", "new", "old"), [(6, 1, 3), (6, 2, 2), (10, 1, 1), (5, 2, 3)])
def test_the_tail_is_that_of_every_way_to_deal_the_takes(kind, utterances, new, old):
    rng = np.random.default_rng(utterances + new)
    for shift in (0.2, 0.6, 1.5):
        ours, theirs = takes(rng, kind, utterances, new) - shift, takes(rng, kind, utterances, old)
        truth = exact((ours.mean(1) - theirs.mean(1)).sum(), [dealt(ours, theirs)])
        found = chance(ours, theirs, paired=False)
        # Beyond the middle nothing is evidence, and is not told apart.
        assert found == pytest.approx(truth, rel=0.6, abs=0.03) or (truth > 0.5 and found > 0.45)


def test_a_loss_of_every_take_has_the_chance_that_all_were_dealt_so():
    ours, theirs = np.zeros((8, 1)), np.ones((8, 3))
    assert chance(ours, theirs, paired=False) == pytest.approx(4.0**-8)


def test_small_tails_are_right_where_no_drawing_would_reach_them():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(-0.6, 1, (70, 3)), rng.normal(0, 1, (70, 3))
    d = ours.mean(1) - theirs.mean(1)
    from scipy.stats import norm

    spread = np.sqrt((dealt(ours, theirs) ** 2).mean(1).sum())
    assert chance(ours, theirs, paired=False) == pytest.approx(norm.sf(-d.sum() / spread), rel=0.5)


def test_what_did_not_change_or_got_better_is_no_evidence():
    same = np.ones((5, 2))
    assert chance(same, same, paired=False) == 1.0
    assert chance(same, same, paired=True) == 1.0
    assert chance(same + 1, same, paired=False) == 1.0
    assert tail(-1.0, []) == 1.0


def test_paired_takes_change_places_with_their_siblings_only():
    old = np.array([[0.0, 10.0]] * 6)
    new = old - 1.0
    assert chance(new, old, paired=True) == pytest.approx(2.0**-12)
    assert chance(new, old, paired=False) > 0.1
    assert swapped(np.array([2.0])).tolist() == [[2.0, -2.0]]


def test_missing_takes_are_left_out_and_their_utterance_stays():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(-1, 1, (12, 2)), rng.normal(0, 1, (12, 3))
    whole = chance(ours, theirs, paired=False)
    more_rows = np.vstack([ours, [[np.nan, np.nan]]]), np.vstack([theirs, [[1.0, 2.0, 3.0]]])
    assert chance(*more_rows, paired=False) == pytest.approx(whole)
    ours[0, 1] = np.nan
    assert 0 < chance(ours, theirs, paired=False) < 1


def test_where_there_are_too_many_ways_some_are_drawn():
    rng = np.random.default_rng(0)
    assert dealt(rng.normal(size=(2, 9)), rng.normal(size=(2, 9))).shape == (2, MOST_WAYS)


@pytest.mark.parametrize(("new", "kind"), [(1, "rare"), (3, "rare"), (1, "skewed")])
def test_under_exchange_hardly_a_run_in_a_hundred_has_a_chance_of_one_in_a_hundred(new, kind):
    rng = np.random.default_rng(3)
    small = sum(chance(takes(rng, kind, 18, new), takes(rng, kind, 18, 3), paired=False) <= 0.01 for _ in range(300))
    assert small <= 9  # 3 expected; a t-test of one take against the mean of three has more
