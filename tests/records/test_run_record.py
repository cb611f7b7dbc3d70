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
    assert schema.read(tmp_path / "run.json", RunRecord, "run again") == schema.stamped(run)
