from pathlib import Path

import pytest
from msgspec import structs

from harness.baseline import history
from harness.decision.policy import Margin
from harness.errors import GoldenError, RecordError
from harness.records.gate import Outcome
from harness.records.history import AcceptedEvent
from harness.records.measurement import Metric
from harness.records.run_record import About, RunRecord
from harness.records.take_record import TakeRecord
from tests.synthetic import take

SIM = Metric("sim", "cosine", "higher")


def run_of(values, verdict=Outcome.PASS, system="m1", backend="b", seeds=None, suite="short"):
    """The line of a run, from the values of its takes: by utterance a number, or one for each take."""
    takes = []
    for name, numbers in values.items():
        for seed, value in enumerate(numbers if isinstance(numbers, list) else [numbers]):
            measured = SIM.missing("no speech") if value is None else SIM.measured(value)
            record = TakeRecord.of(take(), {"sim": measured, "gone": SIM.missing("no speech")}, [], None, Path())
            takes.append(structs.replace(record, suite=suite, utterance=name, seed=seed))
    run = RunRecord(
        verdict=verdict,
        exit_code=0,
        about=About(backend=backend, system=system),
        planned=1,
        judged=1,
        takes=tuple(takes),
    )
    return structs.replace(history.of_run(run), on=f"2026-01-{run_of.night:02d} 00:00:00 UTC")


run_of.night = 1


def nights(levels, **kwargs):
    runs = []
    for night, level in enumerate(levels, 1):
        run_of.night = night
        runs.append(run_of({"a": level, "b": level + 0.1}, **kwargs))
    return runs


UP = [0.8, 0.81, 0.8, 0.81, 0.8, 0.81, 0.71, 0.7, 0.71, 0.7, 0.71, 0.7]


def test_a_text_of_which_more_takes_were_made_counts_once():
    run = run_of({"a": [0.5, 0.5, 0.5, 0.5], "b": 0.9})
    assert run.means["sim"] == pytest.approx(0.7)
    assert run.texts == ("short/a", "short/b")
    assert run.numbers("sim") == [0.5, 0.9]


def test_a_step_is_dated_and_named():
    (one,) = history.series(nights(UP))
    assert one.steps_in_words.startswith("a step of -0.1 at 2026-01-07")
    assert one.of == "2 texts of short"


def test_only_texts_that_every_run_has_a_number_of_make_a_series():
    runs = nights([0.8, 0.8, 0.8])
    run_of.night = 4
    (one,) = history.series([*runs, run_of({"a": 0.8, "b": None})])
    assert one.values == (0.8, 0.8, 0.8, 0.8)


def test_another_selection_of_tests_is_another_series_and_no_step():
    full = nights([0.8, 0.81, 0.8, 0.81])
    part = [run_of({"a": level}) for level in (0.1, 0.11, 0.1, 0.11)]
    escalated = [run_of({"a": [level] * 5, "b": level + 0.1}) for level in (0.8, 0.81)]
    found = history.series([*full, *part, *escalated])
    assert sorted(len(one.values) for one in found) == [4, 6]
    assert all(not one.steps for one in found)


@pytest.mark.parametrize("other", [{"backend": "c"}, {"suite": "medium"}])
def test_another_model_or_suite_is_another_series(other):
    assert len(history.series([*nights([0.8, 0.81]), *nights([0.1, 0.2], **other)])) == 2


def test_a_new_revision_goes_on_in_the_same_series_and_is_named_where_it_took_a_step():
    runs = nights(UP[:6]) + nights(UP)[6:]
    runs = [structs.replace(run, system="m1" if at < 6 else "m2") for at, run in enumerate(runs)]
    (one,) = history.series(runs)
    assert "of another system" in one.steps_in_words


def test_a_step_smaller_than_a_quarter_of_the_margin_is_not_told():
    small = [0.8, 0.8001] * 6 + [0.796, 0.7961] * 6
    margin = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
    assert history.series(nights(small))[0].steps
    assert not history.series(nights(small), [margin])[0].steps


def test_runs_of_before_texts_were_noted_are_told_and_make_no_series(tmp_path):
    old = structs.replace(run_of({"a": 0.8}), texts=(), values={})
    assert history.series([old]) == []


def test_the_drift_since_the_first_release_is_told():
    run = structs.replace(run_of({"a": 0.8}), since_first={"sim": -0.021})
    assert "    since the first release of the line: sim -0.021" in history.trend([run])


def test_the_file_tells_runs_acceptances_and_steps(tmp_path):
    path = tmp_path / "history.jsonl"
    for run in nights(UP):
        history.append(path, run)
    accepted = AcceptedEvent(on="now", suite="short", by="Layla", override="sounds fine", found_worse=("x",))
    history.append(path, accepted)
    told = history.trend(history.read(path))
    assert len([line for line in told if "  run  " in line]) == 12
    assert "accepted  short by Layla, although 1 comparisons failed: sounds fine" in told[12]
    assert told[-1].startswith("sim                   0.75, a step of -0.1")


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "history.jsonl"
    history.append(path, run_of({"a": 0.8}))
    path.write_text(path.read_text() + '{"event": \n')
    with pytest.raises(RecordError, match="line 2 is damaged"):
        history.read(path)
    with pytest.raises(GoldenError, match="is missing"):
        history.read(tmp_path / "nowhere.jsonl")


def test_a_text_may_hold_signs_that_some_readers_take_for_line_ends(tmp_path):
    path = tmp_path / "history.jsonl"
    history.append(path, AcceptedEvent(on="now", suite="short", by="Lay\u2028la\u0085"))
    assert [event.by for event in history.read(path)] == ["Lay\u2028la\u0085"]
