import io

import pytest

from harness.report.progress import Progress
from tests.synthetic import take


def test_a_log_gets_a_line_every_tenth_of_the_way_with_the_time_left():
    log, clock = io.StringIO(), [0.0]
    progress = Progress(log, quiet=False, clock=lambda: clock[0])
    for done in range(1, 51):
        clock[0] += 1
        progress(done, 50, take())
    progress.close()
    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "takes 5/50, about 45 s left: short-001 in the voice layla, 65 frames/s, RTF 0.385"
    assert lines[-1].startswith("takes 50/50, in 50 s: ")


def test_what_is_left_of_judging_has_lines_with_the_time_left():
    log, clock = io.StringIO(), [0.0]
    progress = Progress(log, quiet=False, clock=lambda: clock[0])
    for done in (8, 9, 40, 72, 80):
        progress.judged(done, 80)
        clock[0] += done
    assert log.getvalue().splitlines() == [
        "judged 8/80",
        "judged 40/80, about 21 s left",
        "judged 72/80, about 7 s left",
    ]


@pytest.mark.parametrize(("takes", "said"), [(0, ""), (1, "1 take of"), (70, "70 takes of")])
def test_takes_that_are_not_measured_again_are_told(takes, said):
    file = io.StringIO()
    Progress(file, quiet=False).taken_over(takes)
    assert file.getvalue().startswith(said)
    assert bool(file.getvalue()) is bool(takes)


def test_a_worker_is_silent():
    log = io.StringIO()
    Progress(log, quiet=True)(1, 1, take())
    assert log.getvalue() == ""


def test_names_are_not_read_as_markup():
    log = io.StringIO()
    from tests.synthetic import request, utterance

    asked = request()
    object.__setattr__(asked, "utterance", utterance(id="[bold]x"))
    Progress(log, quiet=False)(1, 1, take(asked=asked))
    assert "[bold]x" in log.getvalue()
