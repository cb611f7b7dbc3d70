import numpy as np
import pytest

from harness.decision.policy import Margin
from harness.decision.regression import Side, levels, takes_of

SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
TEMPO = Margin("tempo", "x", 0.05, 0.15, 0.001, "w", relative=True, better="neither")
EVERY = np.array([0])


def panel(values, first_seed=0, metric="sim"):
    return Side(tuple(range(first_seed, first_seed + values.shape[1])), {metric: values})


def changes(margin, new, old, same_system=True):
    return takes_of(margin, new, old, same_system).changes[0]


def test_takes_of_one_seed_of_one_system_are_paired():
    old = panel(np.array([[1.0, 5.0, 9.0]]), first_seed=0)
    new = panel(np.array([[5.5, 9.5]]), first_seed=1)
    np.testing.assert_allclose(changes(SIM, new, old), [0.5])


def test_a_changed_system_is_compared_with_every_accepted_take():
    old = panel(np.array([[1.0, 5.0, 9.0]]), first_seed=0)
    new = panel(np.array([[5.5, 9.5]]), first_seed=1)
    np.testing.assert_allclose(changes(SIM, new, old, same_system=False), [2.5])


def test_a_seed_that_only_the_new_side_has_counts_as_much_as_the_others():
    old = panel(np.array([[1.0, 5.0, 9.0]]), first_seed=0)
    new = panel(np.array([[1.0, 5.0, 9.0, 20.0, 20.0]]), first_seed=0)
    np.testing.assert_allclose(changes(SIM, new, old), [6.0])


@pytest.mark.parametrize(("better", "change"), [("higher", 1.0), ("lower", -1.0), ("neither", 1.0)])
def test_positive_is_better(better, change):
    margin = Margin("sim", "s", 1, 1, 0, "w", better=better)
    np.testing.assert_allclose(changes(margin, panel(np.array([[2.0]])), panel(np.array([[1.0]]))), [change])


def test_a_relative_change_is_a_difference_of_logarithms():
    found = changes(TEMPO, panel(np.array([[1.1]]), metric="tempo"), panel(np.array([[1.0]]), metric="tempo"))
    np.testing.assert_allclose(found, [np.log(1.1)])


def test_a_heavy_tail_is_capped():
    cer = Margin("sim", "ratio", 0.01, 0.2, 0.001, "w", cap=0.5, better="lower")
    np.testing.assert_allclose(changes(cer, panel(np.array([[7.0]])), panel(np.array([[0.1]]))), [-0.4])


def test_what_has_no_number_is_nan():
    assert np.isnan(changes(SIM, panel(np.array([[np.nan]])), panel(np.array([[1.0]])))).all()


@pytest.mark.parametrize(
    ("better", "relative"), [("higher", False), ("lower", False), ("neither", True), ("lower", True)]
)
@pytest.mark.parametrize("same_system", [True, False])
def test_the_levels_that_are_shown_differ_by_the_change_that_is_shown(better, relative, same_system):
    rng = np.random.default_rng(0)
    margin = Margin("sim", "s", 0.1, 1, 0.001, "w", relative=relative, better=better)
    old, new = panel(rng.uniform(1, 2, (6, 3))), panel(rng.uniform(1, 2, (6, 2)))
    takes = takes_of(margin, new, old, same_system)
    accepted, now = levels(margin, takes, np.arange(6))
    change = margin.displayed(float(takes.changes[0].mean()))
    sign = -1 if better == "lower" else 1
    assert sign * (now / accepted - 1 if relative else now - accepted) == pytest.approx(change)


def test_an_old_take_and_many_new_ones_are_told_by_one_estimate():
    old, new = panel(np.array([[0.8]])), panel(np.array([[0.8, 0.8, 0.8, 0.7, 0.7]]))
    accepted, now = levels(SIM, takes_of(SIM, new, old, same_system=False), EVERY)
    assert (round(accepted, 3), round(now, 3)) == (0.8, 0.76)


def test_utterances_without_a_change_have_no_part_in_the_levels():
    old, new = panel(np.array([[0.8], [0.2]])), panel(np.array([[0.7], [np.nan]]))
    assert levels(SIM, takes_of(SIM, new, old, same_system=True), np.arange(2)) == (0.8, 0.7)
