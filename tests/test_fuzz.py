"""A short part of benchmarks/fuzz.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import fuzz


@pytest.mark.slow
def test_malformed_files_are_refused_by_an_error_of_ours():
    # In a process of its own: what other tests took before is not the readers' memory.
    command = [sys.executable, "-m", "benchmarks.fuzz", "--inputs", "500", "--seed", "7"]
    done = subprocess.run(
        command, cwd=Path(fuzz.__file__).parent.parent, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout
    assert "500 malformed inputs, 0 findings" in done.stdout
    assert sum(int(count) for count in re.findall(r"(\d+)  \S+ refused", done.stdout)) > 250


def test_every_valid_file_is_read(tmp_path):
    for kind in fuzz.kinds(tmp_path):
        path = tmp_path / kind.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(kind.valid)
        assert kind.read(tmp_path)
        path.unlink()
