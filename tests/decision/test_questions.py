from dataclasses import replace

import numpy as np
import pytest

from harness.decision.change import Strata, Takes
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, OPEN, PASS, Broken, Look, Rule, holm

SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
LEVEL = Margin("level", "dB", 1.0, 6.0, 0.05, "w", better="neither")
CER = Margin("cer", "ratio", 0.01, 0.2, 0.001, "w", cap=0.5, better="lower")
SUITES = ["short"] * 20 + ["medium"] * 10 + ["hard"] * 30
STRATA = Strata.of(SUITES, [f"v{k % 6}" for k in range(60)], ("short", "medium", "hard"), whole=True)
POLICY = Policy(broken_share=0.02)


def rule(margins=(SIM,), looks=(3,), strata=STRATA, policy=POLICY):
    return Rule(margins, strata, policy, looks, whole=True)


def side(rng, margin, takes, k=0.5, runs=1, shift=0.0, rows=slice(None)):
    values = np.zeros((runs, 60, takes)) + rng.normal(0, k * margin.margin, (runs, 60, takes))
    values[:, rows] += shift
    return values


def outcomes(of, run=0):
    return {key: int(found[run]) for key, found in of.outcomes.items()}


def asked(margin=SIM, looks=(3,), k=0.5, shift=0.0, rows=slice(None), seed=0, old=3, broken=None, policy=POLICY):
    rng = np.random.default_rng(seed)
    of = rule((margin,), looks, policy=policy)
    accepted = side(rng, margin, old, k)
    new = side(rng, margin, looks[-1], k, shift=shift, rows=rows)
    for number, look in enumerate(looks):
        of.look(Look({margin.metric: Takes(new[:, :, :look], accepted, False)}, broken=broken), number)
    return of


def test_an_unchanged_release_passes_every_question():
    assert set(outcomes(asked()).values()) == {PASS}


def test_a_loss_of_two_margins_everywhere_fails_over_all_texts():
    of = asked(shift=-2 * SIM.margin)
    assert outcomes(of)["all", "sim", "mean"] == FAIL
    assert of.adjusted["all", "sim", "mean"][0] <= POLICY.alpha


def test_what_is_shown_worse_and_lies_inside_the_margin_passes():
    of = asked(shift=-0.5 * SIM.margin, k=0.1)
    assert of.adjusted["all", "sim", "mean"][0] <= POLICY.alpha
    assert outcomes(of)["all", "sim", "mean"] == PASS


def test_what_is_shown_worse_with_an_estimate_inside_the_margin_is_looked_at_again_and_not_failed():
    of = asked(shift=-0.8 * SIM.margin, k=0.8, looks=(1,), seed=4)
    assert of.adjusted["all", "sim", "mean"][0] <= POLICY.alpha
    assert outcomes(of)["all", "sim", "mean"] == OPEN


def test_a_suite_may_lose_more_than_all_texts_may():
    short = slice(0, 20)
    assert outcomes(asked(shift=-1.2 * SIM.margin, rows=short, k=0.2))["suite short", "sim", "mean"] == PASS
    assert outcomes(asked(shift=-2.5 * SIM.margin, rows=short, k=0.2))["suite short", "sim", "mean"] == FAIL


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_what_may_drift_neither_way_fails_either_way(shift):
    assert outcomes(asked(LEVEL, shift=shift))["all", "level", "mean"] == FAIL


def test_what_may_drift_neither_way_pays_for_both_sides():
    one, two = Margin("level", "dB", 1.0, 6.0, 0.05, "w"), LEVEL
    p_values = [asked(margin, shift=-0.35, k=1).p_values["all", "level", "mean"][0] for margin in (one, two)]
    assert p_values[1] == pytest.approx(2 * p_values[0], rel=1e-6)


def test_a_gain_is_no_failure_where_more_is_better():
    assert outcomes(asked(shift=0.5))["all", "sim", "mean"] == PASS


def test_the_smallest_p_value_of_all_looks_counts():
    rng = np.random.default_rng(0)
    of, accepted = rule(looks=(1, 2)), side(rng, SIM, 3)
    of.look(Look({"sim": Takes(side(rng, SIM, 1, shift=-0.015), accepted, False)}), 0)
    early = of.p_values["all", "sim", "mean"].copy()
    of.look(Look({"sim": Takes(side(rng, SIM, 2), accepted, False)}), 1)
    assert early[0] < 0.01
    assert of.p_values["all", "sim", "mean"][0] == early[0]


def test_what_passed_at_a_look_stays_passed():
    rng = np.random.default_rng(0)
    of, accepted = rule(looks=(1, 2)), side(rng, SIM, 3, k=0.2)
    of.look(Look({"sim": Takes(side(rng, SIM, 1, k=0.2), accepted, False)}), 0)
    assert outcomes(of)["all", "sim", "mean"] == PASS
    of.look(Look({"sim": Takes(side(rng, SIM, 2, k=0.2, shift=-0.1), accepted, False)}), 1)
    assert outcomes(of)["all", "sim", "mean"] == PASS


def cer_takes(broken, takes=3, seed=0):
    """Oriented values of a metric that is 0.03 but in so many takes, which are not understood at all."""
    rng = np.random.default_rng(seed)
    values = -0.03 + rng.normal(0, 0.002, (1, 60, takes))
    flat = values.reshape(-1)
    flat[rng.choice(flat.size, broken, replace=False)] = -0.5
    return flat.reshape(1, 60, takes)


def cer_answer(broken, takes=3):
    of = rule((CER,), (takes,))
    of.look(Look({"cer": Takes(cer_takes(broken, takes), cer_takes(0, 3, seed=1), False)}), 0)
    return of


def test_an_average_that_rare_failures_decide_is_not_passed_by_takes_among_which_none_failed():
    few, many = cer_answer(0, takes=1), cer_answer(0, takes=5)
    assert few.answers["all", "cer", "mean"].low[0] < -0.01  # 60 takes leave 4.9 % of broken ones possible
    assert outcomes(few)["all", "cer", "mean"] == OPEN
    assert outcomes(many)["all", "cer", "mean"] == PASS


def test_the_same_takes_without_a_cap_would_pass():
    free = Margin("cer", "ratio", 0.01, 0.2, 0.001, "w", better="lower")
    of = rule((free,), (1,))
    of.look(Look({"cer": Takes(cer_takes(0, 1), cer_takes(0, 3, seed=1), False)}), 0)
    assert outcomes(of)["all", "cer", "mean"] == PASS


def test_failures_that_cost_the_margin_do_not_pass():
    of = cer_answer(6, takes=5)  # 2 % of 300
    assert outcomes(of)["all", "cer", "mean"] == OPEN


def test_changes_within_the_noise_of_the_takes_are_no_loss():
    noisy = asked(Margin("sim", "cosine", 0.02, 0.03, 0.001, "w"), k=2.0, looks=(1,))
    assert noisy.answers["all", "sim", "lost"].delta[0] == 0


def test_a_release_that_is_noisier_than_the_accepted_one_has_lost_nothing_by_that():
    rng, margin = np.random.default_rng(0), Margin("sim", "cosine", 0.02, 0.03, 0.001, "w")
    of = rule((margin,), (1,))
    of.look(Look({"sim": Takes(side(rng, margin, 1, k=2), side(rng, margin, 3, k=0.2), False)}), 0)
    assert of.answers["all", "sim", "lost"].delta[0] == 0


def test_a_fifth_of_the_texts_lost_fails():
    assert outcomes(asked(shift=-0.3, rows=slice(0, 12)))["all", "sim", "lost"] == FAIL


def broken(new, of_new=180, old=0, of_old=180):
    return Broken(*(np.array([float(value)]) for value in (new, of_new, old, of_old)))


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        (broken(0), PASS),
        (broken(3, old=3), PASS),
        (broken(0, of_new=30), OPEN),  # 0 of 30 leaves 9.5 % possible
        (broken(9, old=8), OPEN),
        (broken(40, old=1), FAIL),
        (broken(12, of_new=180, old=0, of_old=9000), FAIL),  # above the accepted release's rate
    ],
)
def test_the_share_of_broken_takes_decides(counts, outcome):
    assert outcomes(asked(broken=counts))["all", "", "broken"] == outcome


def test_where_no_take_may_break_one_that_does_is_not_passed_over():
    strict = Policy(broken_share=0.0, broken_bound=0.05)
    of = asked(broken=broken(10), policy=strict)
    assert outcomes(of)["all", "", "broken"] == FAIL


def test_the_sum_of_small_losses_fails_against_the_first_release_of_the_line():
    rng = np.random.default_rng(0)
    of = rule()
    last, first = side(rng, SIM, 3, shift=-2 * SIM.margin), side(rng, SIM, 3)
    new = side(rng, SIM, 3, shift=-2.2 * SIM.margin)
    of.look(Look({"sim": Takes(new, last, False)}, {"sim": Takes(new, first, False)}), 0)
    assert outcomes(of)["all", "sim", "mean"] == PASS
    assert outcomes(of)["all", "sim", "anchor"] == FAIL
    assert of.answers["all", "sim", "anchor"].margin == pytest.approx(1.5 * SIM.margin)


def test_one_number_is_not_enough_for_an_answer():
    lonely = Strata.of(["short"], ["v0"], ("short",), whole=False)
    of = Rule((SIM,), lonely, POLICY, (1,), whole=False)
    of.look(Look({"sim": Takes(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), False)}), 0)
    assert outcomes(of)["suite short", "sim", "mean"] == OPEN


def test_many_runs_are_answered_like_each_alone():
    rng = np.random.default_rng(5)
    accepted, new = side(rng, SIM, 3, runs=6), side(rng, SIM, 2, runs=6, shift=-0.02)
    together = rule(looks=(2,))
    together.look(Look({"sim": Takes(new, accepted, False)}), 0)
    for run in range(6):
        alone = rule(looks=(2,))
        alone.look(Look({"sim": Takes(new[run : run + 1], accepted[run : run + 1], False)}), 0)
        assert outcomes(alone) == outcomes(together, run)
        for key, p_values in alone.p_values.items():
            assert p_values[0] == pytest.approx(together.p_values[key][run])


def test_holm_over_rows():
    np.testing.assert_allclose(
        holm(np.array([[0.01, 0.04, 0.001], [1.0, 1.0, 0.2]])), [[0.02, 0.04, 0.003], [1, 1, 0.6]]
    )


def test_takes_that_do_not_differ_at_all_are_not_certain_below_the_resolution():
    same = np.full((1, 60, 3), 0.8)
    of = rule()
    of.look(Look({"sim": Takes(same, same, False)}), 0)
    answer = of.answers["all", "sim", "mean"]
    assert answer.error[0] == pytest.approx(SIM.resolution / np.sqrt(6 * 60))
    assert answer.low[0] < 0 < answer.high[0]


@pytest.mark.parametrize(("loss", "outcome"), [(0.0, PASS), (2.0, FAIL)])
def test_without_a_resolution_takes_that_never_scatter_are_certain(loss, outcome):
    margin = replace(SIM, resolution=0.0)
    same = np.full((1, 60, 3), 0.8)
    of = rule((margin,))
    of.look(Look({"sim": Takes(same - loss * margin.margin, same, False)}), 0)
    assert outcomes(of)["all", "sim", "mean"] == outcome
