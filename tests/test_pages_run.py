"""The commands of the pages, run in their order in a small project: what a page promises, this machine does.

What needs a GPU, a hub, a server, a cluster or minutes is left out here by name; tests/test_pages.py holds every
command against the program that it names, and systems have tests of their own (tests/backends, test_systems_page.py).
"""

import shlex

import pytest

from harness import cli
from tests.pages import ROOT, commands, files
from tests.synthetic import draw, write_voice
from tests.test_systems_page import CRITERIA, GATES, ROW, example

pytestmark = pytest.mark.slow

LEFT_OUT = {
    "--add": "answers that were mailed: tests/report/listening/test_conduct.py",
    "audit": "minutes: tests/lab/test_audit.py",
    "harness allure": "needs Node: tests/report/test_browser.py",
    "benchmarks": "minutes, on speech that is not shipped",
    "calibrate": "on speech that is not shipped: tests/lab/test_calibration.py",
}
STANDS_FOR = {"short medium …": "short", "FOLDER": "sounds", "VOICES": "voices", "NAME": "Layla", "WHY": "heard"}
MARGIN = """
[comparison]
accepted_takes = 3
[[margin]]
metric = "length"
unit = "s"
margin = 0.5
lost = 2
resolution = 0.01
why = "a test"
"""
INI = """[pytest]
addopts = -p no:cacheprovider -p harness.plugin
harness_backend = my_voice:MyVoice
harness_model = checkpoint-7
harness_voices = voices
harness_golden = golden
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A repository of somebody's own, with the class of docs/systems.md as its system."""
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini(INI)
    (pytester.path / "my_voice.py").write_text(example(), encoding="utf-8")
    monkeypatch.syspath_prepend(pytester.path)
    suites = pytester.path / "suites"
    (suites / "corpus").mkdir(parents=True)
    (suites / "criteria.py").write_text(CRITERIA + "\ndef test_not_worse(not_worse):\n    not_worse()\n")
    (suites / "test_release.py").write_text("")
    (suites / "gates.toml").write_text(GATES + MARGIN)
    rows = [ROW.format(number, " ".join(["كلمة"] * (4 + number))) for number in range(1, 5)]
    (suites / "corpus" / "short.toml").write_text("\n".join(rows), encoding="utf-8")
    for name in ("layla", "omar"):
        write_voice(pytester.path / "voices", name, draw("###." * 8), transcript="هذا نص قصير")
    return pytester


def run(project, command):
    """The exit status of a command of a page."""
    for name, value in STANDS_FOR.items():
        command = command.replace(name, value)
    words = shlex.split(command)
    if words[0] == "pytest":
        return project.runpytest_inprocess(*words[1:]).ret
    if words[3] in {"accept", "diff"}:
        words += ["--golden", "golden", "--corpus", "suites/corpus", "--gates-file", "suites/gates.toml"]
    return cli.main(words[3:])


def runnable(page):
    found = [one for one in commands(ROOT / "docs" / page) if not any(name in one for name in LEFT_OUT)]
    return [one for one in found if one != "python -m harness listen"]  # it serves until Ctrl-C


@pytest.mark.parametrize(("page", "least"), [("release.md", 9), ("report.md", 3)])
def test_the_commands_of_a_page_run_in_their_order(project, page, least):
    if page == "report.md":
        assert run(project, "pytest suites/") == 0
    asked = runnable(page)
    assert len(asked) >= least
    for command in asked:
        assert run(project, command) == 0, command
    if page == "release.md":
        assert (project.path / "golden" / "my_voice" / "short.json").is_file()
        assert (project.path / ".harness" / "listening" / "page" / "index.html").is_file()
        assert (project.path / ".harness" / "signature.json").is_file()


def test_the_commands_about_files_run_on_what_a_run_exports(project):
    assert run(project, "pytest suites/ --takes 3") == 0
    (project.path / ".harness" / "takes").rename(project.path / "sounds")
    for path, text in files(ROOT / "docs" / "files.md").items():
        (project.path / path).parent.mkdir(exist_ok=True)
        (project.path / path).write_text(text, encoding="utf-8")
    outcomes = {command: run(project, command) for command in runnable("files.md")}
    assert len(outcomes) == 6
    few = "pytest suites/ --backend directory --model FOLDER"
    assert outcomes.pop(few) == outcomes.pop(f"{few} --sample-rate 16000") == 4  # takes that nobody asked for
    assert outcomes.pop(f"{few} --takes 3") in {0, 1}
    assert set(outcomes.values()) == {0}
