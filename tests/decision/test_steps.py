import numpy as np
import pytest

from harness.decision.steps import RUNS_TO_A_FALSE_ALARM, best_split, steps_in

RNG = np.random.default_rng


def test_a_step_of_two_hundredths_is_dated_within_one_run_nine_times_in_ten():
    rng, close = RNG(0), 0
    for _ in range(25):
        at = int(rng.integers(15, 40))
        values = 0.8 + rng.normal(0, 0.0048, 56) - 0.02 * (np.arange(56) >= at)  # 70 takes that scatter by 0.04
        found = steps_in(values, least=0.005, series=40)
        close += len(found) == 1 and abs(found[0].at - at) <= 1 and found[0].size == pytest.approx(-0.02, abs=0.006)
    assert close >= 23


def test_forty_series_over_fifty_six_runs_hardly_raise_an_alarm():
    sets = RNG(1).normal(0, 1, (60, 40, 56))
    alarmed = np.zeros(60, bool)
    for end in range(4, 57):  # what `steps_in` asks after each run, of many sets at once
        _, p_values = best_split(sets[:, :, :end].reshape(-1, end))
        alarmed |= (p_values.reshape(60, 40) * 40 * RUNS_TO_A_FALSE_ALARM <= 1).any(axis=1)
    assert alarmed.mean() <= 0.05
    assert [bool(steps_in(row, series=40)) for row in sets[0][:5]] == [False] * 5


def test_up_and_back_are_two_steps():
    rng = RNG(2)
    values = rng.normal(0, 0.2, 40) + 2.0 * ((np.arange(40) >= 14) & (np.arange(40) < 24))
    found = steps_in(values)
    assert [abs(step.at - at) <= 1 for step, at in zip(found, (14, 24), strict=True)] == [True, True]
    assert found[0].size > 1.5
    assert found[1].size < -1.5


def test_a_change_is_one_alarm_however_long_it_lasts():
    rng = RNG(3)
    assert len(steps_in(rng.normal(0, 0.1, 120) + (np.arange(120) >= 30))) == 1


def test_what_is_smaller_than_anybody_wants_to_hear_of_is_no_step():
    values = [0.0, 0.001] * 10 + [0.01, 0.011] * 10
    assert steps_in(values, least=0.02) == []
    assert len(steps_in(values, least=0.005)) == 1


def test_one_run_that_stands_out_is_no_level_yet():
    level = [0.80, 0.81] * 5
    assert steps_in([*level, 0.7]) == []
    assert [step.at for step in steps_in([*level, 0.7, 0.71])] == [10]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], [1.0] * 10])
def test_where_nothing_moved_or_nothing_can_be_said_there_is_no_step(values):
    assert steps_in(values) == []


def test_a_jump_between_two_fixed_values_is_a_step():
    (step,) = steps_in([1.0] * 5 + [2.0] * 3)
    assert (step.at, step.size, step.noticed) == (5, 1.0, 6)


def test_the_chance_of_the_best_split_is_no_smaller_than_how_often_noise_has_one():
    _, p_values = best_split(RNG(4).normal(0, 1, (20_000, 30)))
    for level in (0.1, 0.01, 0.001):
        assert (p_values <= level).mean() <= level * 1.1
