"""A signature is for one run and no other, and an override says why."""

import pytest

from harness.baseline import signature
from harness.errors import RecordError, UsageError
from harness.records import run_record, schema
from harness.records.gate import Outcome
from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session, Trial
from harness.records.run_record import About, RunRecord
from harness.records.signature import Decision, Signature
from harness.records.take_record import TakeKey


@pytest.fixture
def out(tmp_path):
    def write(verdict=Outcome.PASS, judged=3):
        record = RunRecord(verdict=verdict, exit_code=0, about=About(), planned=3, judged=judged)
        schema.write(tmp_path / run_record.NAME, record)
        return tmp_path

    return write


def test_it_names_the_run_the_verdict_and_who_signed(out):
    folder = out()
    signed = signature.sign(folder, " Dana ", Decision.SHIP)
    assert (signed.by, signed.verdict, signed.run) == ("Dana", Outcome.PASS, signature.run_hash(folder))
    assert signature.of(folder) == schema.stamped(signed)


def test_without_a_signature_there_is_none_and_one_of_another_run_is_refused(out):
    folder = out()
    assert signature.of(folder) is None
    signature.sign(folder, "Dana", Decision.SHIP)
    out(judged=2)
    with pytest.raises(RecordError, match="another run"):
        signature.of(folder)


@pytest.mark.parametrize("verdict", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_an_override_without_a_note_is_refused_and_nothing_is_written(out, verdict):
    folder = out(verdict)
    with pytest.raises(UsageError, match="give --note"):
        signature.sign(folder, "Dana", Decision.SHIP, " ")
    assert signature.of(folder) is None
    assert signature.sign(folder, "Dana", Decision.HOLD).note == ""
    assert signature.sign(folder, "Dana", Decision.SHIP, "known").overrides


def test_nobody_cannot_sign(out):
    with pytest.raises(UsageError, match="--by NAME"):
        signature.sign(out(), "  ", Decision.HOLD)


def test_without_a_run_there_is_nothing_to_sign(tmp_path):
    with pytest.raises(RecordError, match="run pytest suites/ again"):
        signature.sign(tmp_path, "Dana", Decision.HOLD)


def test_a_signature_from_the_page_is_kept_only_for_the_run_that_lies_there(out):
    folder = out()
    made = Signature(by="Dana", on="now", decision=Decision.SHIP, run=signature.run_hash(folder), verdict=Outcome.PASS)
    signature.keep(folder, made)
    assert signature.of(folder) == schema.stamped(made)
    out(judged=1)
    with pytest.raises(RecordError, match="this signature is of run"):
        signature.keep(folder, made)


def test_takes_that_the_runs_listeners_heard_are_bound_to_it(out):
    folder = out()
    trials = (
        Trial(0, Kind.PAIR, "short", "short-001", 2, "layla", Role.NEW, Role.ACCEPTED),
        Trial(1, Kind.CHECK, "short", "short-002", 0, "layla", Role.REFERENCE, Role.ANCHOR),
    )
    session = Session(id="s", run=signature.run_hash(folder), trials=trials)
    schema.write(folder / "listening" / "session.json", session)
    answers = Ratings(session="s", listener="Noor", ratings=(Rating(0, Choice.A, 1), Rating(1, Choice.A, 1)))
    schema.write(folder / "listening" / "ratings" / "Noor.json", answers)
    signed = signature.sign(folder, "Dana", Decision.SHIP, listened=[TakeKey("short", "short-009", 0)])
    assert signed.listened == (TakeKey("short", "short-001", 2), TakeKey("short", "short-009", 0))
