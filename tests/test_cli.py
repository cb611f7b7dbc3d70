import subprocess
import sys

import pytest

from harness import cli
from harness.errors import UsageError
from harness.records import schema
from harness.records.history import RunEvent


def test_the_doctor_says_what_is_there_and_what_can_be_judged(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "torch" in said
    assert "42 to 62 words: not duration_ratio" in said


def test_a_usage_error_is_one_line_and_exit_4(capsys, monkeypatch):
    def refuse(arguments):
        raise UsageError("no such thing")

    monkeypatch.setitem(cli.COMMANDS, "doctor", refuse)
    assert cli.main(["doctor"]) == 4
    assert capsys.readouterr().err == "ERROR: no such thing\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["dance"], "argument COMMAND: invalid choice: 'dance' (choose from"),
        ([], "the following arguments are required: COMMAND"),
        (["history", "--size", "3"], "unrecognized arguments: --size 3"),
        (["power", "--texts", "many"], "argument --texts: invalid int value: 'many'"),
        (["diff", "shrot"], "suite 'shrot' is unknown; "),
        (["diff", "short", "--corpus", "nofolder"], "corpus folder 'nofolder' does not exist"),
        (["init", "--name", "a/b"], "--name is 'a/b'"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_4(capsys, arguments, complaint):
    assert cli.main(arguments) == 4
    said = capsys.readouterr().err
    assert said.startswith("ERROR: ")
    assert complaint in said
    assert said.count("\n") == 1


def test_what_cannot_be_written_is_one_line(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for error, status in ((PermissionError(13, "Permission denied", "x"), 4), (OSError(28, "No space left", "x"), 3)):

        def refuse(arguments, error=error):
            raise error

        monkeypatch.setitem(cli.COMMANDS, "doctor", refuse)
        assert cli.main(["doctor"]) == status
        assert capsys.readouterr().err == f"ERROR: x: {error.strerror}\n"


@pytest.mark.slow
@pytest.mark.parametrize("words", ["doctor", "history --out {}", "audit --null 20 --planted 10"])
def test_a_reader_that_has_seen_enough_ends_the_output_without_a_word(words, tmp_path):
    event = RunEvent(on="2026-01-02", verdict="PASS", takes=3, means={"length": 2.0})
    (tmp_path / "releases.jsonl").write_bytes(schema.line(event))
    command = [sys.executable, "-m", "harness", *words.format(tmp_path).split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as said:
        said.stdout.close()
        assert said.stderr.read() == b""
        assert said.wait() == 141
