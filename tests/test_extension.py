"""What a team adds in its own suites folder, `extension/ours`: each thing is one commit, and nothing else changes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.records import schema
from harness.records.run_record import RunRecord

OURS = Path(__file__).resolve().parent / "extension" / "ours"


def judge(out, *options):
    command = [sys.executable, "-m", "pytest", str(OURS), "--out", str(out), "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=OURS.parents[2], capture_output=True, text=True, check=False)
    record = out / "run.json"
    assert record.is_file(), done.stdout + done.stderr
    found = json.loads(record.read_text(encoding="utf-8"))
    outcomes = {
        (take.utterance, verdict.gate.name): verdict.outcome
        for take in schema.read(record, RunRecord, "run again").takes
        for verdict in take.verdicts
    }
    return found, outcomes


@pytest.mark.slow
def test_the_folder_is_judged_as_it_is(tmp_path):
    found, outcomes = judge(tmp_path / "out", "-k", "greetings-001 and reader")
    assert (found["planned"], found["judged"]) == (1, 1)
    assert outcomes["greetings-001", "duration_ratio"] == "PASS"
