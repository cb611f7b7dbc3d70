"""README.md and docs/: every link leads somewhere, every command is understood by the program that it names."""

import importlib.util
import os
import shlex
import tomllib

import pytest
from packaging.requirements import Requirement

import run
from harness import cli
from harness.cli.arguments import arguments_of
from tests.pages import PAGES, ROOT, blocks, command_of, commands, headings, links

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_there_is_a_page_for_each_task():
    assert {page.stem for page in PAGES} >= {"README", "ci", "extend", "files", "gates", "release", "report", "systems"}
    assert all(commands(page) for page in PAGES)


def test_the_readme_is_short_enough_for_a_newcomer():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for file, heading in links(page):
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), file
        assert not heading or heading in headings(there), f"{file}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_stands_apart_is_a_command_or_was_printed(page):
    for lines in [lines for kind, lines in blocks(page) if kind == "apart"]:
        told = [command_of(line) is None for line in lines]
        assert not any(told) or (all(told) and lines[0].startswith("FAIL  ")), lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_understood(page, pytestconfig):
    for command in commands(page):
        words = [word for word in shlex.split(command) if word != "…"]
        if words[0] == "pytest":
            _, unknown = pytestconfig._parser.parse_known_and_unknown_args(words[1:])
            assert unknown == [], command
        elif words[:3] == ["python", "-m", "harness"]:
            assert arguments_of(cli.COMMANDS).parse_args(words[3:] or ["doctor"]), command
        elif words[:2] == ["python3", "run.py"]:
            assert words[2] in run.JOBS, command
        elif words[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(words[2]), command
        elif words[0] == "ray":
            ray = pytest.importorskip("ray.scripts.scripts").cli.commands[words[1]]
            assert words[2:] == [] or ray.make_context(words[1], words[2:], resilient_parsing=True), command
        elif words[:2] == ["pip", "install"]:
            asked = Requirement(words[2].replace(".[", "voice-clone-harness["))
            assert asked.name == PROJECT["name"], command
            assert asked.extras <= PROJECT["optional-dependencies"].keys(), command
        elif words[0] == ".ci/run":
            assert os.access(ROOT / words[0], os.X_OK)
        else:
            assert words[0] in {"export", "."}, command
