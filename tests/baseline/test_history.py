from pathlib import Path

import numpy as np
import pytest

from harness import shipped
from harness.baseline import golden, history
from harness.baseline.history import step_in
from harness.corpus import suites_of
from harness.decision.policy import load_policy
from harness.errors import GoldenError, RecordError
from harness.lab.audit import World
from harness.records.gate import Outcome
from harness.records.history import AcceptedEvent
from harness.records.measurement import Metric
from harness.records.run_record import About, RunRecord
from harness.records.take_record import TakeRecord
from tests.synthetic import take

SIM = Metric("sim", "cosine", "higher")


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


def run_of(value, verdict=Outcome.PASS):
    measurements = {"sim": SIM.measured(value), "gone": SIM.missing("no speech")}
    run = RunRecord(
        verdict=verdict,
        exit_code=0,
        about=About(system="m1"),
        planned=1,
        judged=1,
        takes=(TakeRecord.of(take(), measurements, [], None, Path()),),
    )
    return history.of_run(run)


def test_the_file_tells_runs_acceptances_and_steps(tmp_path):
    path = tmp_path / "history.jsonl"
    for value in (0.8, 0.81, 0.8, 0.81, 0.8, 0.81, 0.71, 0.7, 0.71, 0.7, 0.71, 0.7):
        history.append(path, run_of(value))
    accepted = AcceptedEvent(on="now", suite="short", by="Layla", override="sounds fine", found_worse=("x",))
    history.append(path, accepted)
    told = history.trend(history.read(path))
    assert len([line for line in told if "  run  " in line]) == 12
    assert "accepted  short by Layla, although 1 comparisons failed: sounds fine" in told[12]
    assert told[-1].startswith("sim                   0.7, a step of -0.1")


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "history.jsonl"
    history.append(path, run_of(0.8))
    path.write_text(path.read_text() + '{"event": \n')
    with pytest.raises(RecordError, match="line 2 is damaged"):
        history.read(path)
    with pytest.raises(GoldenError, match="is missing"):
        history.read(tmp_path / "nowhere.jsonl")


def test_a_text_may_hold_signs_that_some_readers_take_for_line_ends(tmp_path):
    path = tmp_path / "history.jsonl"
    history.append(path, AcceptedEvent(on="now", suite="short", by="Lay\u2028la\u0085"))
    assert [event.by for event in history.read(path)] == ["Lay\u2028la\u0085"]
