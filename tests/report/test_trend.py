import pytest

from harness.baseline import history
from harness.records.history import NAME, AcceptedEvent, RunEvent
from harness.report import page, trend


def note(out, length, **changes):
    known = {
        "on": history.now(),
        "verdict": "PASS",
        "takes": 1,
        "texts": ("short/a",),
        "values": {"length": (length,)},
        "means": {"length": length},
    }
    history.append(out / NAME, RunEvent(**known | changes))


def test_there_is_no_trend_before_the_second_run(tmp_path):
    assert trend.trend(tmp_path) is None
    note(tmp_path, 2.0)
    assert trend.trend(tmp_path) is None


def test_the_trend_shows_now_and_before(tmp_path):
    note(tmp_path, 2.0)
    note(tmp_path, 2.5, verdict="FAIL")
    found = trend.trend(tmp_path)
    assert [run.verdict for run in found.runs] == ["PASS", "FAIL"]
    (line,) = found.lines
    assert (line.metric, line.now, line.before, line.step) == ("length (s)", "2.5", "2", "")
    assert line.path == "M0.0,25.0 L100.0,3.0"


def test_an_incomplete_run_and_an_acceptance_are_no_point_of_the_trend(tmp_path):
    note(tmp_path, 2.0)
    note(tmp_path, 9.0, incomplete="the run was interrupted (exit 2)")
    history.append(tmp_path / NAME, AcceptedEvent(on="now", suite="short", by="Layla"))
    note(tmp_path, 2.1)
    assert [run.means["length"] for run in trend.trend(tmp_path).runs] == [2.0, 2.1]


def test_a_step_is_dated_in_the_line_of_its_metric(tmp_path):
    for number in range(12):
        note(tmp_path, 2.0 + number % 2 / 100 - (number >= 6) / 2)
    (line,) = trend.trend(tmp_path).lines
    assert line.step.startswith("a step of -0.5 at 20")


NO_NUMBERS = (
    '{"event": "run", "on": "now", "verdict": "PASS", "takes": 1, "texts": ["short/a"], "values": {"length": "much"}}'
)


@pytest.mark.parametrize("damage", ['{"event": ', '{"event": "run"}', "[]", NO_NUMBERS])
def test_a_damaged_history_is_said_on_the_page_and_stops_nothing(recorded_run, damage):
    recorded_run.take()
    for number in range(2):
        note(recorded_run.out, 2.0 + number)
    with (recorded_run.out / NAME).open("a") as file:
        file.write(damage + "\n")
    found = page.write_folder(recorded_run.end(0), recorded_run.out).read_text(encoding="utf-8")
    assert "The history of this folder cannot be read" in found


def test_the_page_draws_the_runs_that_the_history_command_tells(recorded_run):
    recorded_run.take()
    for length in (2.0, 2.5):
        note(recorded_run.out, length)
    found = page.write_folder(recorded_run.end(0), recorded_run.out).read_text(encoding="utf-8")
    assert "The last 2 complete runs in this folder" in found
    assert "length (s)" in found
