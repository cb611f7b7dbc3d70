import pytest

from harness import cli
from harness.errors import UsageError


def test_the_doctor_says_what_is_there_and_what_can_be_judged(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "torch" in said
    assert "42 to 62 words: not duration_ratio, finished" in said


def test_a_usage_error_is_one_line_and_exit_4(capsys, monkeypatch):
    def refuse(arguments):
        raise UsageError("no such thing")

    monkeypatch.setitem(cli._COMMANDS, "doctor", refuse)
    assert cli.main(["doctor"]) == 4
    assert capsys.readouterr().err == "ERROR: no such thing\n"


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["dance"])
    assert caught.value.code == 2
    assert "dance" in capsys.readouterr().err
