"""One session a run: planned once, heard by several, counted from what lies beside it."""

import pytest
from msgspec import structs

from harness import cli
from harness.decision.listening import PreferenceMargin
from harness.errors import UsageError
from harness.records import run_record, schema
from harness.records.gate import Outcome
from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session
from harness.report.listening import conduct, server
from tests.recorded import speech


@pytest.fixture
def run(recorded_run):
    for number in range(1, 9):
        sounds = {"sound": speech(0.6, seed=number), "golden": speech(0.6, seed=50 + number)}
        recorded_run.take(f"short-{number:03d}", **sounds)
    schema.write(recorded_run.out / run_record.NAME, recorded_run.end(0))
    return recorded_run


def answers(session, name, prefers):
    given = []
    for trial in session.trials:
        role = Role.REFERENCE if trial.kind == Kind.CHECK else prefers
        given.append(Rating(trial.number, Choice.A if trial.a == role else Choice.B, 2))
    return Ratings(session=session.id, listener=name, ratings=tuple(given))


def test_a_session_is_planned_once_a_run_and_two_listeners_merge(run, tmp_path, capsys):
    command = ["listen", "--out", str(run.out), "--page", "--pairs", "6"]
    assert cli.main(command) == 0
    assert "nobody's answers count" in capsys.readouterr().out
    session = schema.read(run.out / "listening" / "session.json", Session, "again")
    files = []
    for name, prefers in (("Dana", Role.NEW), ("Noor", Role.ACCEPTED)):
        files.append(tmp_path / f"{name}.json")
        schema.write(files[-1], answers(session, name, prefers))
    assert cli.main([*command, "--add", *map(str, files)]) == 0
    said = capsys.readouterr().out
    assert "new release preferred 50%" in said
    assert "Dana, Noor" in said
    assert conduct.planned(run.out, 6) == session


def test_the_page_is_served_until_it_is_interrupted(run, capsys, monkeypatch):
    class Interrupted(server.ThreadingHTTPServer):
        def serve_forever(self, poll_interval=0.5):
            raise KeyboardInterrupt

    monkeypatch.setattr(server, "ThreadingHTTPServer", Interrupted)
    assert conduct.conduct(run.out, 4, [], 0) == 0
    assert "listen at http://127.0.0.1:" in capsys.readouterr().out


def test_an_accepted_sound_that_is_another_is_not_compared(run):
    record = schema.read(run.out / run_record.NAME, run_record.RunRecord, "again")
    assert len(conduct.pairs_of(record, run.out)) == 8
    (run.out / record.takes[0].accepted_audio).write_bytes(b"another")
    assert len(conduct.pairs_of(record, run.out)) == 7


def test_answers_about_another_run_are_not_thrown_away(run):
    session = conduct.planned(run.out, 4)
    server.keep(answers(session, "Dana", Role.NEW), run.out / "listening")
    run.take("short-009", sound=speech(0.6, seed=9), golden=speech(0.6, seed=10))
    schema.write(run.out / run_record.NAME, run.end(0))
    with pytest.raises(UsageError, match="about another run"):
        conduct.planned(run.out, 4)


def test_without_a_run_the_command_is_one_line_and_exit_four(tmp_path, capsys):
    assert cli.main(["listen", "--out", str(tmp_path)]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_is_signed_by_command_and_an_override_needs_its_reason(run, capsys):
    command = ["sign", "--out", str(run.out), "--by", "Dana", "--verdict"]
    assert cli.main([*command, "hold", "--note", "breathing in short-003"]) == 0
    assert "hold, signed by Dana" in capsys.readouterr().out
    assert cli.main(["sign", "--out", str(run.out)]) == 4
    assert "--verdict ship or hold" in capsys.readouterr().err


def test_only_answers_about_this_very_run_are_judged(run, tmp_path):
    margin = PreferenceMargin("preference", "share", 0.15, "a test", required=True)
    assert conduct.heard(run.out, margin).outcome == Outcome.INCONCLUSIVE
    session = conduct.planned(run.out, 6)
    for name in ("Dana", "Noor"):
        server.keep(answers(session, name, Role.NEW), run.out / "listening")
    assert conduct.heard(run.out, margin).outcome == Outcome.PASS
    record = schema.read(run.out / run_record.NAME, run_record.RunRecord, "again")
    schema.write(run.out / run_record.NAME, structs.replace(record, begun="2026-02-03T00:00:00Z"))
    assert conduct.heard(run.out, margin).outcome == Outcome.INCONCLUSIVE
