"""What goes wrong with a run itself, and how it ends: never a PASS that was not earned, nor another run's verdict."""

import signal
import subprocess
import sys
import time

import pytest

from harness.baseline.acceptance import read_run
from tests.test_plugin import GOOD, LONG, OPTIONS, SUITE, judge, project

__all__ = ["project"]

pytestmark = pytest.mark.slow


def out_of(folder):
    return folder.path / ".harness"


def test_a_worker_that_is_killed_takes_no_verdict_along(project):
    dying = SUITE + (
        "    import os, signal, pathlib\n"
        "    first = pathlib.Path('died')\n"
        "    if not first.exists():\n"
        "        first.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = project(GOOD, GOOD, GOOD, GOOD, suite=dying)
    ended = judge(folder, "-n", "2")
    run = read_run(out_of(folder))
    assert run.planned == 4
    assert run.verdict != "PASS"
    assert ended.ret == 3


def test_workers_of_which_none_could_plan_end_as_a_harness_error(project):
    folder = project(GOOD)
    folder.makeconftest(
        'pytest_plugins = ["harness.plugin"]\n'
        "import harness.plugin.collection as collection\n"
        "def pytest_configure(config):\n"
        "    if hasattr(config, 'workerinput'):\n"
        "        config.pluginmanager.unregister(collection)\n"
    )
    ended = judge(folder, "-n", "1")
    assert ended.ret == 3
    run = read_run(out_of(folder))
    assert (run.verdict, run.planned) == ("INCONCLUSIVE", 0)
    assert "no process could say which takes" in run.harness_errors["the plan"]


def test_a_mistyped_command_and_an_empty_selection_touch_nothing(project):
    folder = project(GOOD)
    judge(folder)
    kept = {path: path.read_bytes() for path in out_of(folder).rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert judge(folder, "--gates", "strict").ret == 4
    assert judge(folder, "-k", "nothing").ret == 5
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_run_that_is_killed_leaves_nothing_of_an_earlier_pass(project):
    folder = project(GOOD, GOOD)
    assert judge(folder).ret == 0
    suite = folder.path / "suites" / "test_short.py"
    suite.write_text(SUITE + "    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    assert folder.runpytest_subprocess(*OPTIONS).ret == -9
    out = out_of(folder)
    assert read_run(out).verdict == "INCONCLUSIVE"
    assert "PASS</span></h1>" not in (out / "report" / "index.html").read_text(encoding="utf-8")
    assert not (out / "junit.xml").exists()
    assert read_run(out / "previous").verdict == "PASS"


def test_a_second_run_on_one_folder_is_refused_while_the_first_goes_on(project):
    waiting = SUITE + (
        "    import pathlib, time\n"
        "    first = not pathlib.Path('begun').exists()\n"
        "    pathlib.Path('begun').touch()\n"
        "    while first and not pathlib.Path('enough').exists():\n"
        "        time.sleep(0.05)\n"
    )
    folder = project(GOOD, suite=waiting)
    command = [sys.executable, "-m", "pytest", *OPTIONS]
    first = subprocess.Popen(command, cwd=folder.path, stdout=subprocess.PIPE, text=True)
    try:
        while not (folder.path / "begun").exists() and first.poll() is None:
            time.sleep(0.05)
        second = judge(folder)
        other = judge(folder, "--out", "other")
        assert first.poll() is None
    finally:
        (folder.path / "enough").touch()
        first.communicate(timeout=60)
    assert second.ret == 4
    second.stderr.fnmatch_lines(["*another run writes into .harness*"])
    assert (first.returncode, other.ret) == (0, 0)
    assert read_run(out_of(folder)).outcomes == read_run(folder.path / "other").outcomes


@pytest.mark.parametrize("what", ["the report", "the history"])
def test_a_broken_ruler_ends_with_3_and_says_which_part_of_it_broke(project, monkeypatch, what):
    def full(*_):
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(
        *{
            "the report": ("harness.report.page.write_folder", full),
            "the history": ("harness.baseline.history.append", full),
        }[what]
    )
    ended = judge(project(GOOD))
    assert ended.ret == 3
    assert "INTERNALERROR" not in ended.stdout.str() + ended.stderr.str()
    ended.stdout.fnmatch_lines([f"HARNESS ERROR  {what}: *No space left on device*", "VERDICT       INCONCLUSIVE"])


def test_a_broken_report_is_said_on_the_page_and_in_the_record(project, monkeypatch):
    def broken(*_):
        raise ValueError("the page is <torn>")

    folder = project(GOOD)
    monkeypatch.setattr("harness.report.page.write_folder", broken)
    assert judge(folder).ret == 3
    out = out_of(folder)
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert "ValueError: the page is &lt;torn&gt;" in page
    assert (read_run(out).exit_code, read_run(out).verdict) == (3, "INCONCLUSIVE")


def test_ctrl_c_while_the_report_is_drawn_leaves_no_pass_anywhere(project, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    folder = project(GOOD)
    monkeypatch.setattr("harness.report.summary.markdown", Once(interrupted))
    assert judge(folder).ret == 2
    run = read_run(out_of(folder))
    assert (run.verdict, run.exit_code) == ("INCONCLUSIVE", 2)
    page = (out_of(folder) / "report" / "index.html").read_text(encoding="utf-8")
    assert "May it go out? INCONCLUSIVE" in page


class Once:
    """Does something the second time that it is called, once; else what was there before."""

    def __init__(self, what):
        from harness.report.summary import markdown

        self._what, self._before, self._calls = what, markdown, 0

    def __call__(self, *arguments):
        self._calls += 1
        return self._what() if self._calls == 2 else self._before(*arguments)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_while_it_judges_ends_with_2(project, how):
    waiting = SUITE + "    import pathlib, time\n    pathlib.Path('begun').touch()\n    time.sleep(30)\n"
    folder = project(GOOD, suite=waiting)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *OPTIONS],
        cwd=folder.path,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),
    )
    while not (folder.path / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode == 2
    run = read_run(out_of(folder))
    assert (run.verdict, run.exit_code) == ("INCONCLUSIVE", 2)
    assert "interrupted" in run.incomplete


PLUGINS = {
    "--reruns": "pytest_rerunfailures",
    "--count": "pytest_repeat",
    "--randomly-seed": "pytest_randomly",
    "--timeout": "pytest_timeout",
}
SHUFFLED = """
import random
import numpy

def pytest_collection_modifyitems(items):
    random.Random(5).shuffle(items)

def pytest_runtest_setup():
    random.seed(5)
    numpy.random.seed(5)
"""


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--reruns", "2"),
        ("--count", "2"),
        ("--count", "2", "--repeat-scope", "session"),
        ("--randomly-seed", "5"),
        ("-p", "shuffled"),  # what pytest-randomly does, which would shuffle the tests of this project too
        ("--timeout", "60"),
        ("--reruns", "2", "--count", "2", "--timeout", "60", "-n", "2"),
        ("-n", "2", "--dist", "each"),
    ],
    ids=" ".join,
)
def test_a_verdict_is_counted_once_however_often_and_in_whatever_order_its_tests_ran(project, options):
    """One take passes, one breaks a gate, and of one there is no sound: each verdict is that of the take and gate."""
    for option in options:
        if option in PLUGINS:
            pytest.importorskip(PLUGINS[option])
    folder = project(GOOD, LONG, None)
    (folder.path / "shuffled.py").write_text(SHUFFLED)
    folder.syspathinsert()
    ended = judge(folder, *options)
    assert ended.ret == 1
    run = read_run(out_of(folder))
    assert run.outcomes == {"FAIL": 1, "INCONCLUSIVE": 5, "PASS": 9}
    assert (run.planned, run.judged, run.verdict) == (3, 3, "FAIL")
    assert (run.failed_otherwise, run.harness_errors) == ({}, {})
    summary = (out_of(folder) / "summary.md").read_text(encoding="utf-8")
    assert "3 planned = 3 judged + 0 refused" in summary
