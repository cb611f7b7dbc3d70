"""Runs killed by `kill -9` at a random moment and resumed: do they end as a run that nobody killed?

    python -m benchmarks.kills [--runs 50] [--workers 0] [--seed 0] [--texts 6] [--whole-gate] [--drawn S]

A small release of the demonstration voice is judged once whole, by gates that need no model or by all. Then it is begun
again and again, each time in a new folder, its first process is killed at a random moment between its start and its
end, and the same command is given once more. Held against the whole run: run.json, the page and every WAV, times aside;
that no take which was on disk was generated again, and none twice in one run; that no process of the killed run is
there 20 s later; that no half-written file is left. A run that had noted its end before it was killed is an earlier
run of its folder: the next command is held against a second run beside a whole one, whose page lists both. One line for
each kill, exit status 1 where anything differs.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np

from harness import shipped
from harness.audio import Audio
from harness.backends import BackendOptions, embedded
from harness.backends.embedded import FRAME_SAMPLES, EmbeddedBackend
from harness.errors import RecordError
from harness.records import event
from harness.take import Provenance, Request, Stop, Take

LOG, MARK, DRAWN = "HARNESS_KILLS_LOG", "HARNESS_KILLS_RUN", "HARNESS_KILLS_DRAWN"
ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 20.0
"""For the processes of a killed run to end."""
LONGEST_S = 600.0
LOOKS_S = 0.01
"""Between two looks at whether it is time to kill."""
MOST_MISSED = 5
_TIMES = re.compile(
    r'"(begun|ended|elapsed_s|sha256)":("[^"]*"|[\d.e-]+)'
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( UTC|Z)?"
    r"|(?<=generated in</dt><dd>)[\d.]+"
    r'|(?<=data-run=")\w+'  # the hash of the record, times included
)
GATES = """
[[profile.documented.gate]]
metric = "{}"
unit = "{}"
{}
why = "a sound take holds it"
"""
MODEL_FREE = (
    ("readable", "yes", "at_least = 1"),
    ("finished", "yes", "at_least = 1"),
    ("length", "s", "at_most = 30"),
    ("duration_ratio", "ratio", "at_most = 3"),
    ("silence_ratio", "ratio", "at_most = 0.6"),
    ("copied_take", "ratio", "at_most = 0.5"),
)
MARGIN = """
[[margin]]
metric = "duration_ratio"
unit = "ratio"
margin = 0.1
lost = 0.3
why = "heard"
"""
CRITERIA = "def test_rest(require, other_metrics):\n    require(*other_metrics)\n"


class Watched(EmbeddedBackend):
    """The demonstration voice, noting each take that it gives: one line of the file that LOG names."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        for take in super().generate(requests):
            log = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(log, f"{take.request.digest}\n".encode())
            os.close(log)
            yield take


class Drawn(Watched):
    """The same, in processes of its own as ever, with drawn sounds in place of speech: a tenth of the work."""

    def __init__(self, options: BackendOptions) -> None:
        super().__init__(options)
        embedded.speak, embedded.conversion_of = drawn, unmeasured


def unmeasured(reference: Path, language: str) -> tuple[str, None]:
    """No way to a voice: noise has none."""
    return language, None


def drawn(request: Request, words_per_minute: float, provenance: Provenance, conversion: object) -> Take:
    """Three seconds of noise that comes and goes, another for every request."""
    seconds = float(os.environ[DRAWN])
    time.sleep(seconds)
    rng, frames = np.random.default_rng(request.entropy), 75
    samples = (
        0.1 * rng.standard_normal(frames * FRAME_SAMPLES) * (1.2 + np.sin(np.linspace(0, 60, frames * FRAME_SAMPLES)))
    )
    sound = Audio(samples.astype(np.float32), EmbeddedBackend.sample_rate_hz)
    return Take(request, sound, Stop.EOS, provenance, frames=frames, elapsed_s=seconds)


@dataclass
class Release:
    """The release that is judged, and the command for it."""

    folder: Path
    workers: int
    texts: int
    whole_gate: bool = False
    drawn_s: float = 0.0
    """Seconds that a drawn sound takes to make; 0 for speech."""
    mark: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        corpus = self.folder / "corpus"
        corpus.mkdir(parents=True)
        (self.folder / "gates.toml").write_text("".join(GATES.format(*row) for row in MODEL_FREE) + MARGIN)
        (self.folder / "criteria.py").write_text(CRITERIA)
        rows = (shipped.CORPUS / "short.toml").read_text(encoding="utf-8").split("[[utterance]]")
        (corpus / "short.toml").write_text("[[utterance]]".join(rows[: self.texts + 1]), encoding="utf-8")

    def begin(self, out: Path) -> "subprocess.Popen[bytes]":
        """Start a run into a folder."""
        suites = ["shipped", "--corpus", str(self.folder / "corpus")] if self.whole_gate else [str(self.folder)]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--suites", *suites]
        command += [
            "--backend",
            f"benchmarks.kills:{'Drawn' if self.drawn_s else 'Watched'}",
            "--voices",
            str(shipped.VOICES),
        ]
        command += ["--golden", str(self.folder / "golden"), "--out", str(out)]
        if self.workers:
            command += ["-n", str(self.workers)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {LOG: str(out.with_suffix(".log")), MARK: self.mark, DRAWN: str(self.drawn_s)}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def alive(self) -> list[int]:
        """Processes that belong to a run of this release."""
        needle, found = f"{MARK}={self.mark}".encode(), []
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                try:
                    if needle in (process / "environ").read_bytes().split(b"\0"):
                        found.append(int(process.name))
                except OSError:  # it has just ended, or is nobody's of ours
                    continue
        return found

    def left(self) -> list[int]:
        """Processes that do not end by themselves in time; ends them."""
        until = time.monotonic() + PATIENCE_S
        while (alive := self.alive()) and time.monotonic() < until:
            time.sleep(0.1)
        for left in alive:
            os.kill(left, signal.SIGKILL)
        return alive


@dataclass(frozen=True)
class Ended:
    """What a run left in its folder."""

    record: str
    page: str
    sounds: dict[str, bytes]

    @classmethod
    def read(cls, out: Path) -> "Ended":
        """Read it, times taken out."""
        record = json.loads((out / "run.json").read_text(encoding="utf-8"))
        record["settings"].pop("golden", None)
        page = (out / "report" / "index.html").read_text(encoding="utf-8")
        told = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        sounds = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.wav")}
        return cls(_TIMES.sub("", told), _TIMES.sub("", page), sounds)

    def differences(self, other: "Ended") -> list[str]:
        """What of another run is not as here."""
        found = [what for what in ("record", "page") if getattr(self, what) != getattr(other, what)]
        names = self.sounds.keys() | other.sounds.keys()
        return found + sorted(name for name in names if self.sounds.get(name) != other.sounds.get(name))


def generated(out: Path) -> list[str]:
    """The takes that the voice gave in a folder, by their requests, in order; one given twice stands there twice."""
    path = out.with_suffix(".log")
    return path.read_text().split() if path.exists() else []


def clear(out: Path) -> None:
    """Take a run and its log away, so that the next one begins anew."""
    shutil.rmtree(out)
    out.with_suffix(".log").unlink(missing_ok=True)


def _stored(out: Path) -> set[str]:
    return {path.stem for path in (out / "store" / "takes").rglob("*.json") if path.with_suffix(".wav").exists()}


def _finish(process: "subprocess.Popen[bytes]") -> None:
    if process.wait(LONGEST_S) not in (0, 1):
        raise RuntimeError(f"a run that nobody killed ended with {process.returncode}")


def _had_ended(out: Path) -> bool:
    """Whether the run in a folder had noted its end: then all that it leaves was written before."""
    lines = (out / event.NAME).read_bytes().splitlines() if (out / event.NAME).exists() else []
    try:
        return bool(lines) and isinstance(event.decode(lines[-1], event.NAME, "none"), event.Ended)
    except RecordError:  # it was killed in the middle of a line
        return False


@dataclass
class Whole:
    """The release as nobody interrupts it: once, and once more beside what the first run left."""

    once: Ended
    twice: Ended
    takes: int
    lasted_s: float
    """How long a run goes on."""

    @classmethod
    def of(cls, release: Release, out: Path) -> "Whole":
        """Run it twice in a folder, which is left as the second run leaves it."""
        began = time.monotonic()
        _finish(release.begin(out))
        lasted, once, takes = time.monotonic() - began, Ended.read(out), len(generated(out))
        _finish(release.begin(out))
        if len(generated(out)) > takes:
            raise RuntimeError("a second run generated takes that were on disk")
        return cls(once, Ended.read(out), takes, lasted)


Moment = Callable[[float], bool]
"""Whether a run is killed now, asked again and again with how many seconds have passed since it began."""


def _at(share: float, whole: Whole) -> Moment:
    """The moment when a share of a run's time has passed."""
    return lambda passed: passed >= share * whole.lasted_s


def _killed_at(release: Release, whole: Whole, out: Path, moment: Moment) -> float:
    """Kill a run at a moment; after how many seconds that was."""
    for _ in range(MOST_MISSED):
        began = time.monotonic()
        process = release.begin(out)
        while process.poll() is None:
            if moment(time.monotonic() - began):
                process.send_signal(signal.SIGKILL)
                process.wait()
                return time.monotonic() - began
            time.sleep(LOOKS_S)
        # It ended before that moment, as a run on a machine that is less busy does: sooner, and anew.
        whole.lasted_s = time.monotonic() - began
        clear(out)
    raise RuntimeError(f"the moment to kill never came in {MOST_MISSED} runs")


def killed(release: Release, whole: Whole, out: Path, moment: Moment) -> list[str]:
    """What is wrong after a run was killed at a moment and resumed; nothing where all is well."""
    after_s = _killed_at(release, whole, out, moment)
    wrong = [f"process {left} is still there" for left in release.left()]
    before, on_disk, expected = generated(out), _stored(out), whole.twice if _had_ended(out) else whole.once
    _finish(release.begin(out))
    again = generated(out)[len(before) :]
    wrong += [f"{name[:8]} generated although it was on disk" for name in again if name in on_disk]
    wrong += [
        f"{name[:8]} generated {n} times in a run"
        for run in (before, again)
        for name, n in Counter(run).items()
        if n > 1
    ]
    wrong += [f"{path.name} is left" for path in out.rglob("*.part")]
    wrong += [f"process {left} of the resumed run is there" for left in release.left()]
    wrong += [f"{name} is not that of the whole run" for name in expected.differences(Ended.read(out))]
    print(
        f"killed after {after_s:5.1f} s{', ended' * (expected is whole.twice)}: {len(on_disk)} takes on disk, "
        f"{len(again)} generated on resuming: {'; '.join(wrong) or 'equal'}",
        flush=True,
    )
    return wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Kill as often as asked for; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="how often")
    parser.add_argument("--workers", type=int, default=0, help="as -n of pytest-xdist")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--texts", type=int, default=6, help="of the release")
    parser.add_argument("--whole-gate", action="store_true", help="judge by every shipped gate")
    parser.add_argument(
        "--drawn", type=float, default=0.0, metavar="S", help="drawn sounds, each made in so many seconds, for speech"
    )
    parser.add_argument("--keep", type=Path, help="folder for the runs that went wrong")
    asked = parser.parse_args(argv)
    moments, bad = random.Random(asked.seed), 0
    with TemporaryDirectory() as work:
        release = Release(Path(work) / "release", asked.workers, asked.texts, asked.whole_gate, asked.drawn)
        out = Path(work) / "out"  # the same for all: a record quotes the command, which names its folder
        whole = Whole.of(release, out)
        print(f"whole: {whole.lasted_s:.1f} s, {whole.takes} takes, -n {asked.workers}", flush=True)
        for number in range(asked.runs):
            clear(out)
            wrong = killed(release, whole, out, _at(moments.random(), whole))
            bad += bool(wrong)
            if wrong and asked.keep:
                shutil.copytree(out, asked.keep / str(number), dirs_exist_ok=True)
                for name in ("once", "twice"):
                    (asked.keep / f"{name}.txt").write_text(getattr(whole, name).record, encoding="utf-8")
                    (asked.keep / f"{name}.html").write_text(getattr(whole, name).page, encoding="utf-8")
    print(f"{asked.runs} kills, -n {asked.workers}: {asked.runs - bad} as the whole run, {bad} not")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
