"""A served model beside the same voice in this process: how much sooner, and whether it is judged the same.

    python -m benchmarks.served_model              one take at a time and eight at a time
    python -m benchmarks.served_model --takes      the shipped 70 takes in each of the four dialects, sample by sample
    python -m benchmarks.served_model --gate       the whole gate on them, `pytest suites/`
    python -m benchmarks.served_model --gate --dialect chat --out FOLDER

Without `--gate` a stand-in server that needs half a second a take is asked for the shipped 70 takes one at a time and
eight at a time, through the whole of a run's generation: plan, locks, store. The proof before the first take counts.

With `--takes` or `--gate` the embedded voice stands behind a real HTTP server in a process of its own. The gate judges
it over each dialect and in this process: the verdicts of both runs, sample by sample their takes, gate by gate their
verdicts. What gates.toml lets the embedded voice off by name, it lets off here under the server's name too.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness import audio, shipped
from harness.backends import BackendOptions
from harness.backends.speech_server.dialects import DIALECTS
from harness.corpus import load_corpus, suites_of
from harness.decision.gates import load_profile
from harness.records import schema
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeKey
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Take
from tests.stand_in import running

SECONDS = 0.5
LEAST_TIMES = 3.0
LONG_S = 600.0
"""For a take: whether it is the same is asked here, and the machine may be busy."""
ROOT = Path(__file__).resolve().parents[1]
UNKNOWN = {"finished"}
"""A speech endpoint does not say why a take ended; chat does."""


def seconds(url: str, at_once: int, out: Path) -> tuple[float, int]:
    """Wall-clock seconds of all takes, and how many there are."""
    options = BackendOptions(model=url, concurrency=at_once)
    run = Run(Settings("speech_server", options, load_profile("documented", "speech_server"), out))
    requests = [run.request(row, 0) for suite in suites_of(shipped.CORPUS) for row in load_corpus(suite)]
    began = time.monotonic()
    run.generate(requests)
    elapsed = time.monotonic() - began
    broken = [take.error for take in map(run.take, requests) if take.error]
    assert not broken, broken[0]
    return elapsed, len(requests)


def gate(out: Path, *options: str) -> RunRecord:
    """The record of the whole gate."""
    command = [sys.executable, "-m", "pytest", "suites/", "-q", "-p", "no:cacheprovider", "--out", str(out), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (out / "run.json").exists(), done.stdout + done.stderr
    return schema.read(out / "run.json", RunRecord, "run again")


def verdicts(run: RunRecord) -> dict[tuple[TakeKey, str], str]:
    """By take and gate."""
    return {(take.key, verdict.gate.name): verdict.outcome for take in run.takes for verdict in take.verdicts}


def beside(own: RunRecord, served: RunRecord, folders: tuple[Path, Path], dialect: str) -> tuple[str, bool]:
    """Both runs in a line, and whether they are the same."""
    sounds = [{one.key: one.listen for one in run.takes} for run in (own, served)]
    equal = sum(
        np.array_equal(*(audio.load(folder / side[key]).samples for folder, side in zip(folders, sounds, strict=True)))
        for key in sounds[0].keys() & sounds[1].keys()
    )
    ours, theirs = verdicts(own), verdicts(served)
    apart = Counter(
        f"{name} {outcome} -> {theirs.get((key, name), 'not asked')}"
        for (key, name), outcome in ours.items()
        if theirs.get((key, name)) != outcome
    )
    known = set() if dialect == "chat" else UNKNOWN
    same = own.verdict == served.verdict and equal == len(sounds[0]) == len(sounds[1])
    same = same and {line.split()[0] for line in apart} <= known and ours.keys() == theirs.keys()
    told = ", ".join(f"{line} ({count})" for line, count in apart.items()) or "none"
    answer = "the same" if same else "NOT THE SAME"
    return (
        f"{dialect:<12} verdict {served.verdict} (itself {own.verdict}); {equal} of {len(sounds[0])} takes "
        f"equal in every sample; {len(ours)} verdicts of gates, other ones: {told}; {answer}"
    ), same


def whole_gate(dialects: list[str], out: Path) -> bool:
    """Judge the voice itself and over each dialect; whether all are the same."""
    own = gate(out / "itself", "--backend", "embedded")
    gates = out / "gates.toml"
    rows = shipped.GATES.read_text(encoding="utf-8")
    gates.write_text(rows.replace('backend = "embedded"', 'backend = "speech_server"'), encoding="utf-8")
    all_same = True
    for dialect in dialects:
        with running(dialect, "embedded") as server:
            began = time.monotonic()
            served = gate(
                out / dialect, "--gates-file", str(gates), "--backend", "speech_server", "--model", server.url
            )
        line, same = beside(own, served, (out / "itself", out / dialect), dialect)
        print(f"{line}  {time.monotonic() - began:.0f} s", flush=True)
        all_same &= same
    return all_same


def spoken(backend: str, options: BackendOptions, out: Path) -> dict[tuple[str, str], Take]:
    """The takes of the shipped texts."""
    run = Run(Settings(backend, options, load_profile("documented", backend), out))
    requests = [run.request(row, 0) for suite in suites_of(shipped.CORPUS) for row in load_corpus(suite)]
    run.generate(requests)
    takes = {(one.utterance.suite, one.utterance.id): run.take(one) for one in requests}
    run.close()
    return takes


def takes_alike(dialects: list[str], out: Path) -> bool:
    """Whether every dialect gives the takes that the voice gives in this process."""
    own = spoken("embedded", BackendOptions(), out / "itself")
    all_same = True
    for dialect in dialects:
        with running(dialect, "embedded") as server:
            began = time.monotonic()
            served = spoken("speech_server", BackendOptions(model=server.url, timeout_s=LONG_S), out / dialect)
        broken = [take.error for take in served.values() if take.error]
        equal = sum(
            take.audio is not None and mine.audio is not None and np.array_equal(mine.audio.samples, take.audio.samples)
            for mine, take in ((own[key], take) for key, take in served.items())
        )
        same = equal == len(own) == len(served)
        all_same &= same
        told = f"; {len(broken)} without sound, the first: {broken[0]}" if broken else ""
        print(
            f"{dialect:<12} {equal} of {len(own)} takes equal in every sample{told}; "
            f"{'the same' if same else 'NOT THE SAME'}  {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return all_same


def speed() -> bool:
    """Print both times and their ratio."""
    found = {}
    with running("vllm-omni", "tone", SECONDS) as server, TemporaryDirectory() as folder:
        for at_once in (1, 8):
            out = Path(folder) / str(at_once)
            found[at_once], takes = seconds(server.url, at_once, out)
            print(f"{takes} takes, {at_once} at once: {found[at_once]:.1f} s")
            shutil.rmtree(out)
    times = found[1] / found[8]
    print(
        f"{times:.1f} times as fast; at least {LEAST_TIMES:g} is asked for: {'yes' if times >= LEAST_TIMES else 'NO'}"
    )
    return times >= LEAST_TIMES


def main() -> int:
    """What was asked for; 1 where it does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gate", action="store_true", help="the whole gate over each dialect")
    parser.add_argument("--takes", action="store_true", help="only whether the takes are the same")
    parser.add_argument("--dialect", choices=list(DIALECTS), action="append", help="only this one")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    arguments = parser.parse_args()
    if not arguments.gate and not arguments.takes:
        return 0 if speed() else 1
    asked = whole_gate if arguments.gate else takes_alike
    with TemporaryDirectory() as folder:
        return 0 if asked(arguments.dialect or list(DIALECTS), (arguments.out or Path(folder)).resolve()) else 1


if __name__ == "__main__":
    sys.exit(main())
