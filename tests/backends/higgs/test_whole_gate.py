"""The real command on the tiny checkpoint: the whole gate runs to its end and fails for the right reasons."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import harness
from harness import shipped
from harness.backends import BackendOptions
from harness.baseline.acceptance import read_run
from harness.corpus import load_corpus
from harness.decision.gates import load_profile
from harness.run.plan import Run
from harness.run.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(harness.__file__).parent.parent
LONGEST_S = 240.0
WATCH = """
import harness.backends.higgs as higgs
backends = []
real = higgs.HiggsBackend.__init__
def opened(self, options):
    real(self, options)
    backends.append(self)
higgs.HiggsBackend.__init__ = opened
def pytest_unconfigure(config):
    print("LOADS", [backend.loads for backend in backends])
"""


def command(tiny, out, *more):
    model, codec = str(tiny / "model"), str(tiny / "codec")
    arguments = ["-m", "pytest", "-p", "watch", "suites/", "-q", "-p", "no:cacheprovider", "--backend", "higgs"]
    return [sys.executable, *arguments, "--model", model, "--codec", codec, "--out", str(out), *more]


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "watch.py").write_text(WATCH)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTHONPATH": str(tmp_path), "HF_HUB_OFFLINE": "1"}


def run(tiny, environment, out, *more):
    return subprocess.run(
        command(tiny, out, *more), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )


def cpu_of_children_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_whole_gate_ends_by_itself_and_fails_for_the_right_reasons(tiny, environment, tmp_path):
    before = cpu_of_children_s()
    done = run(tiny, environment, tmp_path / "out")
    used = cpu_of_children_s() - before
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-3000:] + done.stderr
    assert "LOADS [1]" in done.stdout
    # CPU seconds: a machine that is busy with other things must not fail this.
    assert used < LONGEST_S
    found = read_run(tmp_path / "out")

    # Everything planned came to a verdict, and nothing failed in another way than by one.
    assert found.planned == found.judged + len(found.not_judged) > 60
    assert f"takes         {found.planned} planned = {found.judged} judged + 0 refused" in done.stdout
    assert (found.not_judged, found.failed_otherwise, found.verdict) == ((), {}, "FAIL")
    assert " error" not in done.stdout.splitlines()[-2]
    assert [take.error for take in found.takes if take.error] == []

    # What a random model cannot get wrong passes everywhere; what it cannot get right passes nowhere.
    outcomes = {}
    for take in found.takes:
        for verdict in take.verdicts:
            outcomes.setdefault(verdict.gate.name, Counter())[verdict.outcome] += 1
    takes = found.planned
    for sound in ("readable", "sample_rate", "nonfinite_samples"):
        assert outcomes[sound] == {"PASS": takes}, sound
    for voice in ("speaker_similarity", "nearest_reference"):
        assert outcomes[voice]["PASS"] == outcomes[voice]["REFUSED"] == 0, (voice, outcomes[voice])

    # Some takes ended by themselves and some were cut, and the gate knows which.
    stops = Counter(take.stopped_by for take in found.takes)
    assert set(stops) == {"eos", "budget"}
    for take in found.takes:
        (finished,) = [verdict for verdict in take.verdicts if verdict.gate.name == "finished"]
        allowed = {"PASS", "REFUSED"} if take.stopped_by == "eos" else {"FAIL", "REFUSED"}
        assert finished.outcome in allowed, take.utterance
    assert outcomes["finished"]["PASS"] > 5
    assert outcomes["finished"]["FAIL"] > 5
    assert outcomes["duration_ratio"]["FAIL"] > 5


def sounds(out):
    return {path.name: path.read_bytes() for path in (out / "store" / "takes").rglob("*.wav")}


def spoken(tiny, out, dtype, *parts):
    """The sounds in a folder after some runs, one for each part of the texts, each with a model of its own."""
    model, codec = str(tiny / "model"), str(tiny / "codec")
    options = BackendOptions(model=model, codec=codec, dtype=dtype, batch_size=4)
    for rows in parts:
        run = Run(Settings("higgs", options, load_profile("documented", "higgs"), out, batch_size=4))
        run.generate([run.request(row, 0) for row in rows])
        run.close()
    return sounds(out)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_take_is_the_same_whole_resumed_selected_and_shared_between_workers(tiny, environment, tmp_path, dtype):
    rows = load_corpus("short")[:9]
    expected = spoken(tiny, tmp_path / "whole", dtype, rows)
    assert len(expected) == 9
    # Three of them first, then the others; the batches are now quite others.
    few = [rows[number] for number in (1, 4, 8)]
    selected = spoken(tiny, tmp_path / "resumed", dtype, few)
    assert len(selected) == 3
    assert selected.items() <= expected.items()
    assert spoken(tiny, tmp_path / "resumed", dtype, rows) == expected
    if dtype == "float32":
        chosen = ("-k", "short-00 and finished", "--batch-size", "4", "-n", "2")
        done = run(tiny, environment, tmp_path / "shared", *chosen)
        assert "9 planned = 9 judged + 0 refused" in done.stdout, done.stdout[-2000:] + done.stderr
    else:
        spoken(tiny, tmp_path / "shared", dtype, rows[::2], rows[1::2])
    assert sounds(tmp_path / "shared") == expected


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminated"])
def test_an_interrupted_run_keeps_what_was_finished_and_the_next_one_goes_on(tiny, environment, tmp_path, how):
    out = tmp_path / "out"
    few = ("-k", "short-00 and finished", "--batch-size", "1")
    process = subprocess.Popen(
        command(tiny, out, *few),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),  # a shell's background jobs are born deaf to Ctrl-C
    )
    takes = out / "store" / "takes"
    deadline = time.monotonic() + 300
    while len(list(takes.rglob("*.json"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(how)
    said, _ = process.communicate(timeout=120)
    kept = {path.name: path.read_bytes() for path in takes.rglob("*.json")}
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said[-2000:]
    assert 2 <= len(kept) < 9
    done = run(tiny, environment, out, *few)
    assert "9 planned = 9 judged + 0 refused" in done.stdout, done.stdout[-2000:]
    again = {path.name: path.read_bytes() for path in takes.rglob("*.json")}
    assert len(again) == 9
    assert {name: again[name] for name in kept} == kept


def test_under_the_fallback_a_corrupt_voice_costs_its_similarity_and_not_the_run(tiny, environment, tmp_path):
    voices = tmp_path / "voices"
    voices.mkdir()
    for name in ("layla", "omar"):
        for kind in ("flac", "txt", "lang"):
            shutil.copy(shipped.VOICES / f"{name}.{kind}", voices)
    (voices / "omar.flac").write_bytes(b"no sound at all")
    chosen = ("--voices", str(voices), "-k", "short-00 and (voice or readable or clean)")
    strict = run(tiny, environment, tmp_path / "strict", *chosen)
    assert strict.returncode == pytest.ExitCode.USAGE_ERROR
    assert "omar.flac" in strict.stderr + strict.stdout
    done = run(tiny, environment, tmp_path / "out", *chosen, "--reference-fallback")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-2000:] + done.stderr
    found = read_run(tmp_path / "out")
    assert (found.planned, found.judged, found.failed_otherwise) == (9, 9, {})
    lost = [take for take in found.takes if take.reference == "omar"]
    assert 0 < len(lost) < 9
    for take in lost:
        outcomes = {verdict.gate.name: verdict for verdict in take.verdicts}
        assert take.error == ""
        assert outcomes["readable"].outcome == "PASS"
        assert outcomes["speaker_similarity"].outcome == "INCONCLUSIVE"
        assert "generated without its reference" in outcomes["speaker_similarity"].observed


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--model", "./nowhere"), "ERROR: --model ./nowhere: is no folder and no hub id"),
        (("--sampling", "greedy"), "ERROR: greedy decoding with a repetition window is not deterministic"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_4(tiny, environment, tmp_path, options, complaint):
    done = run(tiny, environment, tmp_path / "out", *options)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert complaint in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
