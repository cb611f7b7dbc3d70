"""The package as a team meets it: built, installed into an empty environment elsewhere, begun, extended."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from harness.records import schema
from harness.records.run_record import RunRecord

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow

OURS = ROOT / "tests" / "extension" / "ours"
"""What a team adds: an English corpus, a suite, a metric with its gate, a system."""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an empty environment in which only the wheel was installed; what it needs lies with us."""
    work = tmp_path_factory.mktemp("package")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = [*command, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(work), str(ROOT)]
    subprocess.run(wheel, check=True)
    (built,) = work.glob("*.whl")
    venv.create(work / "venv", with_pip=False)
    own = work / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    into = subprocess.run(
        [str(own), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run([*command, "install", "--quiet", "--no-deps", "--target", into, str(built)], check=True)
    (Path(into) / "what_it_needs.pth").write_text(sysconfig.get_path("purelib"))
    return own


@pytest.fixture
def team(python, tmp_path):
    """Runs a command in a folder that knows nothing of this checkout."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("PYTEST_") and key != "PYTHONPATH"
    }

    def run(*arguments):
        return subprocess.run(
            [str(python), "-m", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return tmp_path, run


def verdict(folder):
    record = json.loads((folder / ".harness" / "run.json").read_text(encoding="utf-8"))
    return record["verdict"], record["planned"], record["judged"]


def test_begin_and_judge_ends_with_a_verdict(team):
    folder, run = team
    assert run("harness", "init").returncode == 0
    judged = run("pytest")
    assert "VERDICT       PASS" in judged.stdout, judged.stdout + judged.stderr
    assert judged.returncode == 0
    assert verdict(folder) == ("PASS", 2, 2)


def test_a_team_s_language_backend_metric_and_suite_need_no_change_of_the_package(team):
    folder, run = team
    assert run("harness", "init", "--name", "gates_of_ours", "--language", "en").returncode == 0
    shutil.copytree(OURS, folder / "gates_of_ours", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    judged = run("pytest", "gates_of_ours/", "--backend", "hum:Hum")
    assert judged.returncode == 1, judged.stdout + judged.stderr  # a hum is nobody's voice
    record = json.loads((folder / ".harness" / "run.json").read_text(encoding="utf-8"))
    assert (record["planned"], record["judged"], record["about"]["backend"]) == (4, 4, "hum")
    outcomes = {
        (take.suite, verdict.gate.name): verdict.outcome
        for take in schema.read(folder / ".harness" / "run.json", RunRecord, "run again").takes
        for verdict in take.verdicts
    }
    assert outcomes["digits", "peak"] == "PASS"
    assert outcomes["digits", "never_hurried"] == "PASS"
    assert ("greetings", "never_hurried") not in outcomes
    assert outcomes["digits", "duration_ratio"] == outcomes["greetings", "duration_ratio"] == "PASS"


def test_the_shipped_suites_run_from_there_too(team):
    _, run = team
    listed = run("pytest", "--suites", "shipped", "--collect-only", "-q")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "test_short.py::test_stops_because_it_has_finished[short-001-seed0]" in listed.stdout


def test_the_package_brings_its_data(python, tmp_path):
    code = "from harness import shipped; print(shipped.GATES.is_file(), shipped.POWER.is_file(), shipped.GATES)"
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(python), "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=alone, cwd=tmp_path).stdout
    assert said.startswith("True True")
    assert str(ROOT) not in said
