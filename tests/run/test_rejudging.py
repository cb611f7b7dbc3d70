"""What is accepted rests on the takes in the store: a run set up again, measured and judged again."""

import pytest
from msgspec import structs

from harness.errors import GoldenError
from harness.records import schema
from harness.records.gate import Outcome
from harness.records.run_record import RunRecord
from harness.run.rejudging import rejudge, settings_as_data
from tests.run.test_plan import Speaking, make, rows

__all__ = ["make"]


@pytest.fixture
def judged(make):
    """A run of two takes as its record has them, and the run."""
    run = make(Speaking())
    requests = [run.request(row, 0) for row in rows(2)]
    run.generate(requests)
    takes = []
    for request in requests:
        take = run.take(request)
        takes.append(run.noted(take, run.measurements(take, ["length"]), run.judge(take, ["length", "duration_ratio"])))
    record = RunRecord(
        verdict=Outcome.PASS,
        exit_code=0,
        about=run.about(),
        settings=settings_as_data(run.settings),
        planned=2,
        judged=2,
        takes=tuple(takes),
    )
    return schema.decode(schema.encode(schema.stamped(record)), RunRecord, "run.json", "run again"), run


def again(judged, **changes):
    record, run = judged
    return rejudge(structs.replace(record, **changes), "short", run.settings.profile, run.store)


def test_a_sound_run_is_judged_the_same_again_and_by_every_gate(judged):
    record, run = judged
    takes = again(judged).takes
    wanted = {gate.asked_as for gate in run.profile.gates if gate.is_for("short")}
    for was, now in zip(record.takes, takes, strict=True):
        assert now.measurements["length"] == was.measurements["length"]
        assert {verdict.gate.asked_as for verdict in now.verdicts} == wanted
        assert now.audio == was.audio


def test_a_number_that_the_audio_does_not_have_is_named(judged):
    first, second = judged[0].takes
    length = structs.replace(first.measurements["length"], value=9.0)
    claimed = structs.replace(first, measurements={"length": length})
    with pytest.raises(GoldenError, match=r"short-001, seed 0: length is 2\.6, not 9: run pytest"):
        again(judged, takes=(claimed, second))


def test_a_verdict_that_the_gates_do_not_give_is_named(judged):
    first, second = judged[0].takes
    passed = structs.replace(first.verdicts[0], outcome=Outcome.FAIL)
    with pytest.raises(GoldenError, match="short-001, seed 0: length is PASS, not FAIL"):
        again(judged, takes=(structs.replace(first, verdicts=(passed,)), second))


def test_a_take_that_is_gone_or_was_asked_for_otherwise_is_refused(judged):
    record, run = judged
    with pytest.raises(GoldenError, match="short-001, seed 0 was asked for in another way"):
        again(judged, about=structs.replace(record.about, system="another system"))
    run.store.path(record.takes[0].digest).unlink()
    with pytest.raises(GoldenError, match="short-001, seed 0 is not in the store any more"):
        again(judged)


def test_a_run_that_does_not_say_how_it_was_asked_for_is_refused(judged):
    with pytest.raises(GoldenError, match="does not say how it was asked for"):
        again(judged, settings={"backend": "speaking"})
