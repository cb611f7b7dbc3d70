"""What holds for the project as a whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.corpus import suites_of
from harness.decision.gates import load_profile
from harness.plugin.suites import required_of
from harness.shipped import SuitesFolder

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "torchaudio", "transformers", "librosa", "resemblyzer", "scipy", "pyworld"}


def in_a_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_collecting_the_suites_imports_nothing_heavy():
    loaded = in_a_fresh_process(
        "import json, sys, pytest\n"
        "status = pytest.main(['suites/', '--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        "print(json.dumps([int(status), sorted(sys.modules)]))"
    )
    assert loaded[0] == 0
    assert not HEAVY & set(loaded[1])


@pytest.mark.parametrize("suite", suites_of())
def test_the_criteria_name_every_metric_that_the_documented_profile_judges(suite):
    judged = {
        profile: {gate.metric for gate in load_profile(profile, "").gates if gate.is_for(suite)}
        for profile in ("documented", "calibrated")
    }
    named = set(required_of(SuitesFolder(), suite))
    assert named == judged["documented"]
    assert named <= judged["calibrated"]  # what only that judges goes through the last criterion


def test_every_module_of_the_package_is_tested_by_a_file_of_its_name():
    # An empty package, a data-free entry point and the child process of the synthesiser have nothing of their own.
    exempt = {"__main__", "espeak_process"}
    # Only pytest calls the plugin's hooks and fixtures: tests/test_plugin.py plays all its rooms through it.
    plugin = ROOT / "harness" / "plugin"
    missing = []
    for path in sorted((ROOT / "harness").rglob("*.py")):
        if path.parent == plugin:
            path = plugin / "__init__.py"
        name = path.parent.name if path.stem == "__init__" else path.stem
        folder = path.parent.parent if path.stem == "__init__" else path.parent
        test = ROOT / "tests" / folder.relative_to(ROOT / "harness") / f"test_{name}.py" if folder != ROOT else None
        if test is not None and name not in exempt and not test.exists() and not (test.parent / name).is_dir():
            missing.append(str(test.relative_to(ROOT)))
    assert missing == []


def test_conftest_is_one_line():
    assert len((ROOT / "conftest.py").read_text().splitlines()) == 1


def test_no_room_is_called_after_nothing():
    assert not {path.stem for path in (ROOT / "harness").rglob("*.py")} & {
        "utils",
        "helpers",
        "common",
        "base",
        "manager",
    }
