import pytest
from msgspec import structs

from harness.errors import RecordError
from harness.records import schema
from harness.records.gate import Outcome
from harness.records.run_record import About, NotJudged, RunRecord
from harness.records.take_record import TakeKey


def test_a_run_is_read_as_it_was_written(tmp_path):
    run = RunRecord(
        verdict=Outcome.INCONCLUSIVE,
        exit_code=1,
        about=About(backend="embedded", voices=("layla",)),
        planned=1,
        judged=0,
        not_judged=(NotJudged(TakeKey("short", "short-001", 0), "it did not run"),),
    )
    schema.write(tmp_path / "run.json", run)
    read = schema.read(tmp_path / "run.json", RunRecord, "run again")
    assert structs.replace(read, sha256="", takes=()) == structs.replace(run, schema=RunRecord.SCHEMA)
    assert len(read.takes) == 0


def test_takes_are_lines_that_are_read_when_asked_for(recorded_run):
    recorded_run.take(heard="نص")
    recorded_run.take("medium-002")
    run = recorded_run.end()
    path = recorded_run.out / "run.json"
    schema.write(path, run)
    read = schema.read(path, RunRecord, "run again")
    assert read.takes == run.takes
    assert [{one.gate.name for one in take.verdicts} for take in read.takes] == [
        {"length", "silence_ratio", "finished"}
    ] * 2
    assert [take.utterance for take in read.takes[:1]] == ["medium-002"]
    assert b'"why"' not in path.read_bytes().splitlines()[1], "a gate is told once, not in every take"
    assert len({id(verdict.gate) for take in read.takes for verdict in take.verdicts}) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"judged":1', '"judged":2'), "was changed by hand"),
        (lambda text: text.replace('"verdicts":"P', '"verdicts":"F', 1), "was changed by hand"),
        (lambda text: text.replace('"schema":5', '"schema":4'), "has schema 4, this version of the harness reads"),
        (lambda text: text[: len(text) // 2], "is damaged"),
        (lambda text: '{"schema": 4, "takes": [\n]}\n', "has schema 4, this version of the harness reads schema 5"),
        (lambda text: "", "is damaged"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_refused_in_one_line(recorded_run, change, said):
    recorded_run.take()
    path = recorded_run.out / "run.json"
    schema.write(path, recorded_run.end())
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(RecordError, match="run again") as refusal:
        schema.read(path, RunRecord, "run again")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
