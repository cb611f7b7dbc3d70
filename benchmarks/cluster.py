"""The whole gate on a Ray cluster of two nodes, whole and with an actor and a node killed meanwhile, beside one alone.

    python -m benchmarks.cluster [--folder FOLDER]

Both nodes are on this machine, a core each (`ray.cluster_utils.Cluster`). Compared are the verdict, every verdict of a
gate on a take, and every byte of every take. What was finished when something was killed must not be made again: its
file stays the one that it was.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from harness.records import schema
from harness.records.gate import Outcome
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeKey

ROOT = Path(__file__).resolve().parents[1]
KILL_ACTOR_AT, LOSE_NODE_AT = 10, 30
"""Takes that are finished by then."""
PATIENCE = {"RAY_raylet_start_wait_time_s": "600", "RAY_agent_register_timeout_ms": "600000"}
"""Of Ray with its own nodes: a busy machine is no broken one."""


class Gate:
    """One gate of the shipped suites with the embedded voice."""

    def __init__(self, out: Path, *options: str) -> None:
        self.out = out
        command = [sys.executable, "-m", "pytest", "suites/", "-q", "-p", "no:cacheprovider", "--out", str(out)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
        self._log = out.with_suffix(".log").open("wb")
        self._begun = time.monotonic()
        self.child = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=self._log, stderr=-2)

    def finished(self) -> dict[Path, tuple[int, int]]:
        """The takes that are whole on disk, each with its file's number and time."""
        stats = {path: path.with_suffix(".wav").stat() for path in self.out.glob("store/takes/*/*.json")}
        return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}

    def wait_for(self, takes: int) -> dict[Path, tuple[int, int]]:
        """Wait until so many takes are finished."""
        while self.child.poll() is None and len(found := self.finished()) < takes:
            time.sleep(0.1)
        return found

    def end(self) -> tuple[RunRecord, float]:
        """Wait for its end; the record and how long it took."""
        self.child.wait()
        return schema.read(self.out / "run.json", RunRecord, "see the log"), time.monotonic() - self._begun


def told(run: RunRecord) -> dict[TakeKey, tuple[str, dict[str, Outcome]]]:
    """The hash of each take's file, and what each gate said of it."""
    return {take.key: (take.audio, {one.gate.name: one.outcome for one in take.verdicts}) for take in run.takes}


def kill_an_actor() -> bool:
    """Kill one process that speaks, by the title that Ray gives it."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().startswith(b"ray::Actor"):
                os.kill(int(path.parent.name), signal.SIGKILL)
                return True
    return False


def line(name: str, run: RunRecord, alone: RunRecord, wall_s: float, again: int) -> str:
    """What came of a run, beside the one alone."""
    ours, theirs = told(run), told(alone)
    equal = sum(ours[key][0] == theirs[key][0] for key in ours.keys() & theirs.keys())
    same = sum(ours[key][1] == theirs[key][1] for key in ours.keys() & theirs.keys())
    return (
        f"{name}: verdict {run.verdict} (alone {alone.verdict}), {run.counts}; of {len(theirs)} takes {equal} equal in "
        f"every byte, {same} with the same verdict of every gate; finished takes made again: {again}; {wall_s:.0f} s"
    )


def main() -> None:
    """Run the gate alone, on the cluster, and on the cluster while it breaks; print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to work; a new temporary folder if none is given")
    folder = parser.parse_args().folder or Path(mkdtemp(prefix="cluster-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = str(ROOT)  # of the nodes, whose actors open the same system
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    from ray.cluster_utils import Cluster as Nodes

    alone, wall_s = Gate(folder / "alone").end()
    print(line("alone", alone, alone, wall_s, 0), flush=True)
    for name in ("cluster", "breaking"):
        nodes: Any = Nodes(initialize_head=True, head_node_args={"num_cpus": 1})
        second = nodes.add_node(num_cpus=1)
        gate, before = Gate(folder / name, "--cluster", nodes.address), dict[Path, tuple[int, int]]()
        if name == "breaking":
            before |= gate.wait_for(KILL_ACTOR_AT)
            killed = kill_an_actor()
            before |= gate.wait_for(LOSE_NODE_AT)
            nodes.remove_node(second)
            print(f"killed an actor: {killed}; lost a node with {len(before)} takes finished", flush=True)
        run, wall_s = gate.end()
        after = gate.finished()
        again = sum(after.get(path) != stat for path, stat in before.items())
        print(line(name, run, alone, wall_s, again), flush=True)
        nodes.shutdown()


if __name__ == "__main__":
    main()
