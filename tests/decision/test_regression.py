import numpy as np
import pytest

from harness.decision.policy import Margin, Policy
from harness.decision.regression import Layout, Panel, changes, compare

RNG = np.random.default_rng
SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
TEMPO = Margin("tempo", "x", 0.05, 0.15, 0.001, "w", relative=True, better="neither")


def layout(n, speakers=4, suites=1):
    return Layout(
        tuple(f"u-{k}" for k in range(n)),
        tuple(f"s{k * suites // n}" for k in range(n)),
        tuple(f"v{k % speakers}" for k in range(n)),
    )


def panel(values, first_seed=0, metric="sim"):
    return Panel(tuple(range(first_seed, first_seed + values.shape[1])), {metric: values})


def only(new, old, margin=SIM, asked=("suite s0",), looks=(1,), speakers=4, family=0):
    rows = layout(len(new.values[margin.metric]), speakers)
    (one,) = compare(new, old, rows, [margin], asked, Policy(), looks, family)
    return one


def noisy(n=20, takes=3, sd=0.01, seed=0, shift=0.0):
    return 0.8 + shift + RNG(seed).normal(0, sd, (n, takes))


def test_takes_of_one_seed_are_paired():
    old = panel(np.array([[1.0, 5.0, 9.0]]), first_seed=0)
    new = panel(np.array([[5.5, 9.5]]), first_seed=1)
    np.testing.assert_allclose(changes(SIM, new, old), [0.5])


def test_a_seed_that_only_the_new_side_has_counts_as_much_as_the_others():
    old = panel(np.array([[1.0, 5.0, 9.0]]), first_seed=0)
    new = panel(np.array([[1.0, 5.0, 9.0, 20.0, 20.0]]), first_seed=0)
    np.testing.assert_allclose(changes(SIM, new, old), [6.0])


def test_without_common_seeds_the_averages_are_compared():
    old, new = panel(np.array([[1.0, 3.0]])), panel(np.array([[5.0]]), first_seed=7)
    np.testing.assert_allclose(changes(SIM, new, old), [3.0])


@pytest.mark.parametrize(("better", "change"), [("higher", 1.0), ("lower", -1.0), ("neither", 1.0)])
def test_positive_is_better(better, change):
    margin = Margin("sim", "s", 1, 1, 0, "w", better=better)
    np.testing.assert_allclose(changes(margin, panel(np.array([[2.0]])), panel(np.array([[1.0]]))), [change])


def test_a_relative_change_is_a_difference_of_logarithms():
    new, old = panel(np.array([[1.1]]), metric="tempo"), panel(np.array([[1.0]]), metric="tempo")
    np.testing.assert_allclose(changes(TEMPO, new, old), [np.log(1.1)])


def test_a_heavy_tail_is_capped():
    cer = Margin("sim", "ratio", 0.01, 0.2, 0, "w", cap=0.5, better="lower")
    np.testing.assert_allclose(changes(cer, panel(np.array([[40.0]])), panel(np.array([[0.1]]))), [-0.4])


def test_what_has_no_number_is_nan():
    assert np.isnan(changes(SIM, panel(np.array([[np.nan]])), panel(np.array([[1.0]])))).all()


def test_the_interval_is_the_t_interval_over_utterances():
    from scipy.stats import ttest_1samp

    new, old = panel(noisy(seed=1), first_seed=10), panel(noisy(seed=2))
    found = only(new, old, speakers=1)
    reference = ttest_1samp(changes(SIM, new, old), 0, alternative="less")
    interval = ttest_1samp(changes(SIM, new, old), 0).confidence_interval(0.9)
    assert found.p_value == pytest.approx(reference.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_speakers_that_differ_widen_the_interval():
    shift = np.where(np.arange(24) % 8 < 4, 0.05, -0.05)[:, None]
    new, old = panel(noisy(24) + shift, first_seed=10), panel(noisy(24, seed=1))
    alone, clustered = only(new, old, speakers=1), only(new, old, speakers=8)
    assert clustered.high - clustered.low > 1.3 * (alone.high - alone.low)
    assert clustered.p_value != alone.p_value


def test_no_spread_at_all_is_not_certainty():
    same = np.full((4, 1), 0.8)
    found = only(panel(same), panel(same))
    assert found.low < 0 < found.high
    assert found.p_value == 1 or found.p_value >= 0.5


def test_one_utterance_says_nothing():
    found = only(panel(np.array([[0.1]])), panel(np.array([[0.9]])))
    assert (found.low, found.high, found.p_value) == (-np.inf, np.inf, 1.0)


def test_a_drift_either_way_counts_where_neither_is_better():
    old = panel(np.full((10, 1), 1.0), metric="tempo")
    for factor in (0.9, 1.1):
        found = only(panel(np.full((10, 1), factor), metric="tempo"), old, TEMPO)
        assert found.p_value < 1e-6


def test_lost_utterances_are_counted_against_chance():
    old, new = panel(noisy(40, sd=0.001)), noisy(40, sd=0.001, seed=1)
    new[:8] -= 0.2
    found = only(panel(new, first_seed=5), old, asked=("lost",))
    assert found.delta == pytest.approx(-0.2)
    assert found.p_value < 1e-6
    assert found.worst[0][1] < -0.15


def test_noise_of_the_seeds_is_no_loss():
    old, new = panel(noisy(40, sd=0.08)), panel(noisy(40, 1, sd=0.08, seed=1), first_seed=5)
    assert only(new, old, asked=("lost",)).p_value > 0.05


def test_the_worst_utterances_come_first():
    new = noisy(6, sd=0.0)
    new[4] -= 0.3
    new[2] -= 0.1
    assert [name for name, _ in only(panel(new), panel(noisy(6, sd=0.0))).worst[:2]] == ["u-4", "u-2"]


def level(takes, sd, seed, first_seed=0, n=20, apart=0.0):
    """A panel without a change on average: takes stray by `sd`, utterances of the new side by `apart`."""
    rng = RNG(seed)
    strays, changes = rng.normal(0, sd, (n, takes)), rng.normal(0, apart, (n, 1))
    return panel(0.8 + strays - strays.mean(axis=0) + changes - changes.mean(), first_seed)


def test_more_takes_are_named_where_they_decide_it():
    old = level(20, 0.1, 0)
    found = only(level(1, 0.1, 1, first_seed=50), old, speakers=1)
    assert -0.05 < found.low < -0.02
    assert 2 <= found.more_takes <= 9
    assert only(level(found.more_takes + 1, 0.1, 2, first_seed=50), old, speakers=1).low > -0.02
    assert (
        found.way_out == f"about {found.more_takes} takes of each utterance would decide it: --takes {found.more_takes}"
    )


def test_where_the_accepted_takes_are_too_few_both_need_more():
    found = only(level(5, 0.2, 1, first_seed=50, n=60), level(2, 0.2, 0, n=60), speakers=1)
    assert found.more_takes is None
    assert 6 <= found.takes_of_both <= 14
    takes = found.takes_of_both + 4
    assert only(level(takes, 0.2, 1, first_seed=50, n=60), level(takes, 0.2, 0, n=60), speakers=1).low > -0.02
    assert f"accept the released model anew with --takes {found.takes_of_both}" in found.way_out


def test_where_texts_changed_differently_only_more_of_them_decide_it():
    found = only(level(5, 0.001, 1, first_seed=50, apart=0.08), level(5, 0.001, 0), speakers=1)
    assert (found.more_takes, found.takes_of_both) == (None, None)
    assert 20 < found.utterances < 80
    assert (
        only(
            level(5, 0.001, 1, first_seed=50, n=2 * found.utterances, apart=0.08),
            level(5, 0.001, 0, n=2 * found.utterances),
            speakers=1,
        ).low
        > -0.02
    )
    assert found.way_out.endswith(f"about {found.utterances} utterances would; 20 are there")


def test_a_voice_that_is_heard_seldom_is_no_stratum():
    rows = layout(20, speakers=4, suites=2)
    assert not [name for name in rows.strata(("voices",)) if name.startswith("voice")]
    assert len(layout(40, speakers=4).strata(("voices",))) == 4


def test_the_detectable_drop_is_detected_four_times_in_five():
    rng, hits, trials = RNG(5), 0, 400
    for _ in range(trials):
        old, new = rng.normal(0.8, 0.03, (20, 3)), rng.normal(0.8, 0.03, (20, 3))
        new -= 0.0281
        hits += only(panel(new, 5), panel(old), speakers=1, family=40).p_value <= 0.01 / 40
    typical = np.median(
        [
            only(
                panel(noisy(20, sd=0.03, seed=2 * k), 5),
                panel(noisy(20, sd=0.03, seed=2 * k + 1)),
                speakers=1,
                family=40,
            ).detectable
            for k in range(100)
        ]
    )
    assert typical == pytest.approx(0.0281, rel=0.1)
    assert 0.7 < hits / trials < 0.9
