import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from harness.baseline import history
from harness.errors import UsageError
from harness.records.event import NAME, Ended, Unjudged
from harness.records.history import NAME as HISTORY
from harness.records.history import RunEvent
from harness.run.journal import PREVIOUS, Journal


def test_a_new_run_forgets_the_old_one(recorded_run):
    recorded_run.take()
    Journal(recorded_run.out).begin()
    assert Journal(recorded_run.out).record().planned == 0


def test_processes_of_one_run_begin_it_once(recorded_run):
    recorded_run.take()
    worker = Journal(recorded_run.out, recorded_run.journal.run)
    worker.begin()
    assert worker.is_mine
    assert not Journal(recorded_run.out).is_mine
    assert worker.record().planned == 1


def test_one_folder_has_one_owner(tmp_path):
    first, second = Journal(tmp_path / "out"), Journal(tmp_path / "out")
    first.claim()
    with pytest.raises(UsageError, match=r"another run writes into .*out: wait until it has ended, or give this one"):
        second.claim()
    first.release()
    second.claim()
    second.release()


def test_what_killed_processes_had_half_written_goes_at_the_start(tmp_path):
    dead, alive = tmp_path / "store" / ".a.wav.999999999.part", tmp_path / f".b.wav.{os.getpid()}.part"
    for path in (dead, alive):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    Journal(tmp_path).begin()
    assert (dead.exists(), alive.exists()) == (False, True)


def test_what_an_earlier_run_came_to_is_set_aside_but_not_its_history(recorded_run):
    from harness import report
    from harness.baseline import history

    recorded_run.take()
    report.write(recorded_run.end(0), recorded_run.out)
    history.append(recorded_run.out / HISTORY, RunEvent(on="now", verdict="PASS", takes=1))
    (recorded_run.out / "junit.xml").write_text("<testsuites/>")
    Journal(recorded_run.out).begin()
    assert {path.name for path in recorded_run.out.iterdir() if path.suffix != ".lock"} == {
        NAME,
        HISTORY,
        PREVIOUS,
        "takes",
    }
    aside = {path.name for path in (recorded_run.out / PREVIOUS).iterdir()}
    assert aside == {NAME, "run.json", "summary.md", "report", "junit.xml"}


def test_an_event_that_was_cut_off_makes_the_run_incomplete(recorded_run):
    recorded_run.take()
    recorded_run.end(exit_status=0)
    with (recorded_run.out / NAME).open("a") as file:
        file.write('{"event": "judged", "test": "half')
    record = recorded_run.journal.record()
    assert record.incomplete == "1 events of the run's journal cannot be read"
    assert record.exit_code == 3


def test_several_writers_do_not_tear_each_other_s_lines(tmp_path):
    journal = Journal(tmp_path)
    journal.begin()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.add(Unjudged(str(number), "skipped", "x" * 5_000)), range(200)))
    lines = (tmp_path / NAME).read_text(encoding="utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 201


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"run\.jsonl is missing: give the folder"):
        Journal(tmp_path).record()


def test_the_journal_of_an_earlier_version_is_refused_by_its_schema(tmp_path):
    (tmp_path / NAME).write_text('{"begun":"2026-01-02T03:04:05Z"}\n{"planned":{"t":[["short-001",0]]}}\n')
    with pytest.raises(UsageError, match=r"run\.jsonl line 1 has schema 1, .* reads schema 6: run pytest"):
        Journal(tmp_path).record()


def test_a_text_may_hold_signs_that_some_readers_take_for_line_ends(recorded_run):
    recorded_run.take(text="قال\u2028نعم\u0085لا")
    assert recorded_run.end(0).takes[0].text == "قال\u2028نعم\u0085لا"


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_was_killed_while_it_wrote_its_report_is_told_as_no_complete_one(tmp_path, ended):
    journal = Journal(tmp_path)
    journal.begin()
    record = structs.replace(journal.record(), incomplete="")
    history.append(tmp_path / "releases.jsonl", history.of_run(record))
    if ended:
        journal.add(Ended("2026-01-01T00:00:00Z", 0))
    Journal(tmp_path).begin()
    (line,) = history.read(tmp_path / "releases.jsonl")
    assert line.begun == record.begun
    assert ("killed" in line.incomplete) is not ended
