"""Every command can be asked for, says what it does, and refuses what it does not read."""

from pathlib import Path

import pytest

from harness import cli
from harness.cli.arguments import arguments_of
from harness.errors import UsageError

PARSER = arguments_of(cli.COMMANDS)


def test_every_command_has_options_of_its_own_and_a_line_that_says_what_it_does():
    (commands,) = [action for action in PARSER._actions if action.dest == "command"]
    assert commands.choices.keys() == cli.COMMANDS.keys()
    told = {choice.dest: choice.help for choice in commands._choices_actions}
    assert all(told[name] == function.__doc__ for name, function in cli.COMMANDS.items())


def test_what_accepts_also_measures_again_and_overrides_nothing_then():
    given = PARSER.parse_args(["accept", "short", "--by", "Layla", "--remeasure", "--golden-audio", "kept"])
    assert (given.suites, given.remeasure, given.golden_audio) == (["short"], True, Path("kept"))
    assert not PARSER.parse_args(["accept", "short", "--by", "Layla"]).remeasure
    with pytest.raises(UsageError, match=r"--override: not allowed with argument --remeasure"):
        PARSER.parse_args(["accept", "short", "--by", "Layla", "--remeasure", "--override", "why"])


def test_a_wrong_option_is_a_usage_error_and_no_exit():
    with pytest.raises(UsageError, match="python -m harness diff: the following arguments are required: SUITE"):
        PARSER.parse_args(["diff"])
