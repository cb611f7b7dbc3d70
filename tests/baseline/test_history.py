import numpy as np
import pytest

from harness import shipped
from harness.baseline import golden, history
from harness.baseline.history import step_in
from harness.corpus import suites_of
from harness.decision.policy import load_policy
from harness.errors import GoldenError
from harness.lab.audit import World


def test_a_step_of_two_hundredths_is_dated_within_one_run_nine_times_in_ten():
    rng, close = np.random.default_rng(0), 0
    for _ in range(200):
        at = int(rng.integers(8, 22))
        found = step_in(0.8 + rng.normal(0, 0.006, 30) - 0.02 * (np.arange(30) >= at))
        close += found is not None and abs(found.at - at) <= 1 and found.size < 0
    assert close >= 180


def test_such_a_step_is_dated_in_runs_that_scatter_like_the_shipped_voice():
    similarity = next(margin for margin in load_policy()[1] if margin.metric == "speaker_similarity")
    accepted = [golden.read(shipped.GOLDEN, "embedded", suite) for suite in suites_of()]
    world, rng, close = World.of(accepted, [similarity]), np.random.default_rng(2), 0
    for _ in range(40):
        at = int(rng.integers(3, 8))
        means = np.array([world.takes(1, rng).mean() for _ in range(10)]) - 0.02 * (np.arange(10) >= at)
        found = step_in(means)
        close += found is not None and abs(found.at - at) <= 1 and found.size < 0
    assert close >= 36


def test_hardly_a_series_without_a_step_has_one():
    rng = np.random.default_rng(1)
    assert sum(step_in(rng.normal(0, 1, 30)) is not None for _ in range(200)) <= 6


def test_one_run_that_stands_out_is_no_level_yet():
    level = [0.80, 0.81] * 5
    assert step_in([*level, 0.7]) is None
    assert step_in([*level, 0.7, 0.71]).at == 10


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0] * 10, [1.0] * 9 + [float("nan")]])
def test_where_nothing_can_be_dated_there_is_no_step(values):
    assert step_in(values) is None


def run_of(value, verdict="PASS"):
    takes = [{"measurements": {"sim": {"value": value}, "gone": {"value": None}}}]
    return history.of_run(
        {"takes": takes, "verdict": verdict, "judged": 1, "about": {"system": "m1"}, "incomplete": ""}
    )


def test_the_file_tells_runs_acceptances_and_steps(tmp_path):
    path = tmp_path / "history.jsonl"
    for value in (0.8, 0.81, 0.8, 0.81, 0.8, 0.81, 0.71, 0.7, 0.71, 0.7, 0.71, 0.7):
        history.append(path, run_of(value))
    accepted = {"event": "accepted", "suite": "short", "by": "Layla", "override": "sounds fine", "found_worse": ["x"]}
    history.append(path, accepted)
    told = history.trend(history.read(path))
    assert len([line for line in told if "  run  " in line]) == 12
    assert "accepted  short by Layla, although 1 comparisons failed: sounds fine" in told[12]
    assert told[-1].startswith("sim                   0.7, a step of -0.1")


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"event": "run"}\n{"event": \n')
    with pytest.raises(GoldenError, match="line 2 is damaged"):
        history.read(path)
    with pytest.raises(GoldenError, match="is missing"):
        history.read(tmp_path / "nowhere.jsonl")
