import numpy as np
import pytest

from harness.decision.change import Strata, Takes, VoiceScatter, spread

RNG = np.random.default_rng


def strata(n=40, speakers=8, suites=2, whole=True):
    of = [f"s{k * suites // n}" for k in range(n)]
    return Strata.of(of, [f"v{k % speakers}" for k in range(n)], [f"s{k}" for k in range(suites)], whole)


def takes(runs, n=40, new=1, old=3, seed=0, alike=0.0, of_seed=0.0, speakers=8, paired=False):
    rng = RNG(seed)

    def side(count):
        voices = rng.normal(0, np.sqrt(alike), (runs, speakers))[:, np.arange(n) % speakers][:, :, None]
        return rng.normal(0, 1, (runs, n, count)) + voices + rng.normal(0, np.sqrt(of_seed), (runs, 1, count))

    return Takes(side(new), side(old), paired)


def found(of, asked, metrics=1):
    return spread(of, asked, VoiceScatter.of([of] * metrics, asked), 1e-6)


def test_strata_are_all_texts_the_suites_asked_for_and_voices_that_are_heard_often():
    assert strata(40, speakers=4).names == (
        "all",
        "suite s0",
        "suite s1",
        "voice v0",
        "voice v1",
        "voice v2",
        "voice v3",
    )
    assert strata(40, speakers=8).names == ("all", "suite s0", "suite s1")
    assert strata(40, whole=False).names == ("suite s0", "suite s1")


def test_a_stratum_has_the_margin_that_is_seen_as_surely_as_that_of_all_texts():
    np.testing.assert_allclose(strata(40, speakers=4).widening, [1, 2**0.5, 2**0.5, 2, 2, 2, 2])


def test_without_all_texts_together_nothing_would_hold_the_sum_and_the_margin_is_not_widened():
    np.testing.assert_allclose(strata(40, whole=False).widening, [1, 1])


def test_takes_of_one_seed_are_paired_and_missing_ones_left_out():
    new, old = np.array([[[1.0, np.nan], [3.0, 4.0]]]), np.array([[[0.0, 9.0], [1.0, 1.0]]])
    np.testing.assert_allclose(Takes(new, old, paired=True).changes, [[1.0, 2.5]])
    np.testing.assert_allclose(Takes(new, old, paired=False).changes, [[1.0 - 4.5, 2.5]])


@pytest.mark.parametrize("world", [{}, {"alike": 0.05}, {"alike": 0.3}, {"of_seed": 0.05, "new": 5}])
@pytest.mark.parametrize("metrics", [1, 10])
def test_standard_errors_are_what_changes_really_scatter(world, metrics):
    of = takes(3000, **world)
    one = found(of, strata(speakers=8), metrics)
    true = one.delta.std(axis=0)
    ratio = np.sqrt((one.error**2).mean(axis=0)) / true
    # A component that is not there is estimated above 0 half the time: a little too wide, and never too narrow.
    assert ratio.min() > 0.93
    assert ratio.max() < 1.3


def test_a_t_test_keeps_its_level_also_where_takes_of_a_voice_stray_alike():
    from scipy.special import stdtr

    for alike in (0.0, 0.1):
        of, asked = takes(4000, n=70, alike=alike, new=3), strata(70, speakers=8)
        one = found(of, asked)
        share = (stdtr(one.worse_freedom, one.delta / one.worse_error) < 0.01).mean(axis=0)
        assert share.max() < 0.025, (alike, share)


def test_a_voice_does_not_excuse_its_own_loss():
    of, asked = takes(200, n=80, speakers=8), strata(80, speakers=8)
    hit = np.array([name == "voice v0" for name in asked.names])
    worse = Takes(of.new - 3.0 * asked.members[hit][0][None, :, None], of.old, False)
    one = found(worse, asked)
    clean = found(of, asked)
    np.testing.assert_allclose(one.worse_error[:, hit].mean(), clean.worse_error[:, hit].mean(), rtol=0.05)
    assert one.error[:, hit].mean() > 2 * clean.error[:, hit].mean()


def test_fewer_than_six_speakers_widen_not_worse_and_leave_worse_alone():
    of, asked = takes(500, n=40, alike=1.0, speakers=4), strata(40, speakers=4)
    one = found(of, asked)
    assert one.error[:, 0].mean() > 1.5 * one.worse_error[:, 0].mean()
    many = found(takes(500, n=48, alike=1.0, speakers=8), strata(48, speakers=8))
    np.testing.assert_allclose(many.error[:, 0], many.worse_error[:, 0])


def test_a_spread_of_nothing_is_not_believed_below_the_resolution():
    same = Takes(np.full((1, 40, 1), 0.5), np.full((1, 40, 3), 0.5), False)
    one = spread(same, strata(), VoiceScatter.of([same], strata()), 0.01)
    np.testing.assert_allclose(one.error[0, 0], 0.01 / np.sqrt(40))


def test_pairs_of_one_seed_share_what_the_seed_does():
    rng = RNG(0)
    of_seed = rng.normal(0, 1, (500, 1, 3))
    new, old = rng.normal(0, 0.1, (500, 40, 3)) + of_seed, rng.normal(0, 0.1, (500, 40, 3)) + of_seed
    paired, apart = found(Takes(new, old, True), strata()), found(Takes(new, old, False), strata())
    assert paired.error[:, 0].mean() < 0.1 * apart.error[:, 0].mean()
