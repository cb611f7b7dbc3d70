from pathlib import Path

from harness.records.event import Unjudged
from harness.report.terminal import WIDTH, summary
from tests.synthetic import draw


def lines(run):
    return list(summary(run, Path(".harness"), Path(".harness/report/index.html")))


def test_the_block_ends_with_the_verdict_and_names_causes_with_their_worst_take(recorded_run):
    for number in range(1, 6):
        recorded_run.take(f"short-{number:03d}", sound=draw("#" * number + "." * 10))
    said = lines(recorded_run.end())
    assert said[-1] == "VERDICT       FAIL"
    assert [line for line in said if line.startswith("FAIL")] == ["FAIL  5 takes: silence_ratio"]
    assert any(line.strip().startswith("listen") and "short-001" in line for line in said)
    assert any(line.startswith("short         5 takes: ") for line in said)
    assert said[-2] == "report        .harness/report/index.html"


def test_a_killed_run_tells_its_missing_takes_in_one_line(recorded_run):
    for number in range(18):
        recorded_run.plan(f"suites/test_short.py::test_it[short-{number:03d}]", f"short-{number:03d}")
    said = "\n".join(lines(recorded_run.journal.record()))
    assert said.count("it did not run") == 1
    assert "18 takes not judged" in said


def test_no_sentence_is_wider_than_the_terminal(recorded_run):
    recorded_run.take("short-001", sound=draw("##........"))
    recorded_run.plan("suites/test_short.py::test_a_rather_long_name_of_a_test[short-002]", "short-002")
    recorded_run.journal.add(Unjudged("t" * 60, "harness error", "a long story " * 20))
    said = lines(recorded_run.end())
    assert all(len(line) <= WIDTH for line in said if "/takes/" not in line), said


def test_an_incomplete_run_says_so(recorded_run):
    recorded_run.take()
    said = "\n".join(lines(recorded_run.journal.record()))
    assert "INCOMPLETE" in said
    assert said.endswith("VERDICT       INCONCLUSIVE")
