"""What the gate costs as the number of takes grows: processor, memory, disk, cores, and the time to open its page.

    python -m benchmarks.scale growth --takes 1000 10000 [--page] [--folder FOLDER]
    python -m benchmarks.scale shipped              the shipped takes: cold, and again
    python -m benchmarks.scale workers --takes 1000     one process beside two, on takes that are there
    python -m benchmarks.scale overlap --takes 200      a system of half a second a take: the gate beside its generation

The takes are those of the demonstration voice, each many times with a small change of speed and level, given to the
directory backend; the rows of their corpus are generated. Every gate is a process of its own, whose processor time and
largest memory the system counts, those of its workers included. `--page` opens each report in headless Chromium.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from harness import audio, shipped
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.directory import DirectoryBackend
from harness.corpus import Utterance, load_corpus
from harness.decision.gates import load_profile
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Request, Take

BASES = ("short", "diacritized")
MOST_SPEED, MOST_GAIN_DB = 0.02, 1.0
RECORD_BYTES = 20_000
"""What may be kept of a take beside its sound."""
SLOW_S = 0.5


@dataclass(frozen=True)
class Cost:
    """What a gate cost."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of its largest process."""
    status: int

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s, {self.cpu_s:.1f} s of CPU, peak {self.peak_mb:.0f} MB (exit {self.status})"


@dataclass(frozen=True)
class Judged:
    """What judging so many takes cost, and what it left."""

    takes: int
    cost: Cost
    sound_bytes: int
    out_bytes: int
    page_bytes: int
    page_s: tuple[float, float] | None
    """Until the page is open: on the wall, and of the processor."""

    @property
    def cpu_s(self) -> float:
        """Of a take."""
        return self.cost.cpu_s / self.takes

    @property
    def record_bytes(self) -> float:
        """Beside the sound and the page, a take."""
        return (self.out_bytes - self.sound_bytes - self.page_bytes) / self.takes

    def __str__(self) -> str:
        page = ", open in {:.1f} s ({:.1f} s of CPU)".format(*self.page_s) if self.page_s is not None else ""
        return (
            f"{self.takes:>6} takes: {self.cost}; a take {self.cpu_s:.3f} s of CPU, "
            f"{self.sound_bytes / self.takes / 1e3:.0f} kB of sound and {self.record_bytes / 1e3:.1f} kB beside it; "
            f"page {self.page_bytes / 1e6:.1f} MB{page}"
        )


def bases(folder: Path) -> list[tuple[Utterance, Audio]]:
    """Takes of the demonstration voice, made where they are not there yet."""
    run = Run(Settings("embedded", BackendOptions(), load_profile("documented", "embedded"), folder / "bases"))
    rows = [row for suite in BASES for row in load_corpus(suite)]
    requests = [run.request(row, 0) for row in rows]
    run.generate(requests)
    found = [(row, run.take(request).audio) for row, request in zip(rows, requests, strict=True)]
    run.close()
    return [(row, sound) for row, sound in found if sound is not None]


def write_input(folder: Path, takes: int, made: list[tuple[Utterance, Audio]]) -> None:
    """Write the sounds of so many takes, their manifest, and the corpus that asks for them."""
    import soxr

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "sounds").mkdir(parents=True)
    (folder / "corpus").mkdir()
    rng = np.random.default_rng(takes)
    rows, manifest = [], ["utterance,file,stopped_by"]
    for number in range(1, takes + 1):
        row, sound = made[number % len(made)]
        speed, gain_db = rng.uniform(-MOST_SPEED, MOST_SPEED), rng.uniform(-MOST_GAIN_DB, MOST_GAIN_DB)
        samples = soxr.resample(sound.samples, sound.sample_rate_hz * (1 + speed), sound.sample_rate_hz)
        samples = np.clip(samples * 10 ** (gain_db / 20), -1, 1).astype(np.float32)
        name = f"scale-{number:05d}"
        (folder / "sounds" / f"{name}.wav").write_bytes(audio.encode_wav(Audio(samples, sound.sample_rate_hz)))
        manifest.append(f"{name},{name}.wav,eos")
        keys = {"id": name, "text": row.text, "language": row.language, "reference": row.reference_id}
        rows.append("[[utterance]]\n" + "".join(f"{key} = {json.dumps(one)}\n" for key, one in keys.items()))
    (folder / "sounds" / "manifest.csv").write_text("\n".join(manifest) + "\n", encoding="utf-8")
    (folder / "corpus" / "scale.toml").write_text("\n".join(rows), encoding="utf-8")


def given(folder: Path) -> list[str]:
    """The options of a gate on the takes that were written into a folder."""
    sounds = str(folder / "sounds")
    return ["--suites", "shipped", "--corpus", str(folder / "corpus"), "--backend", "directory", "--model", sounds]


def gate(out: Path, *options: str) -> Cost:
    """Run a gate in a process of its own; what it says lies beside its output folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--out", str(out), *options]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".txt").open("wb") as output:
        begun = time.monotonic()
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(child, 0)
        wall_s = time.monotonic() - begun
    cpu_s = usage.ru_utime + usage.ru_stime
    return Cost(wall_s, cpu_s, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))


def judge(folder: Path, takes: int, options: list[str], page: bool) -> Judged:
    """Judge what was written into a folder."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    cost = gate(out, *given(folder), *options)
    sounds, everything = sizes(out)
    drawn = sum(path.stat().st_size for path in (out / "report").rglob("*") if path.is_file())
    opened = open_page(out / "report" / "index.html") if page else None
    return Judged(takes, cost, sounds, everything, drawn, opened)


def sizes(out: Path) -> tuple[int, int]:
    """Bytes of the takes' sounds and of everything in a folder; a file of two names counts once."""
    stats = {path: path.stat() for path in out.rglob("*") if path.is_file()}
    files = {(stat.st_dev, stat.st_ino): stat.st_size for stat in stats.values()}
    kept = {
        (stat.st_dev, stat.st_ino): stat.st_size
        for path, stat in stats.items()
        if path.suffix == ".wav" and path.is_relative_to(out / "store" / "takes")
    }
    return sum(kept.values()), sum(files.values())


def open_page(page: Path) -> tuple[float, float]:
    """Seconds until Chromium has laid out a page and can answer, and of its processor meanwhile."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options) as driver:
        driver.get("about:blank")
        driver.execute_cdp_cmd("Performance.enable", {})
        begun = time.monotonic()
        driver.get(page.resolve().as_uri())
        driver.execute_script("return document.body.offsetHeight")
        wall_s = time.monotonic() - begun
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return wall_s, float(next(one["value"] for one in metrics if one["name"] == "ThreadTime"))


def growth(folder: Path, takes: list[int], options: list[str], page: bool) -> None:
    """A line for each number of takes, and how the last grew from the first."""
    made, every = bases(folder), list[Judged]()
    for number in takes:
        write_input(folder / str(number), number, made)
        every.append(judge(folder / str(number), number, options, page))
        print(every[-1], flush=True)
    first, last = every[0], every[-1]
    if last.takes > first.takes:
        print(
            f"from {first.takes} to {last.takes} takes: CPU a take x {last.cpu_s / first.cpu_s:.2f}, peak memory x "
            f"{last.cost.peak_mb / first.cost.peak_mb:.2f}; beside the sound {last.record_bytes / 1e3:.1f} kB a take "
            f"(at most {RECORD_BYTES / 1e3:g} kB)"
        )


def shipped_takes(folder: Path) -> None:
    """The shipped suites with the demonstration voice: from nothing, and again."""
    out = folder / "shipped"
    shutil.rmtree(out, ignore_errors=True)
    for name, options in (("cold", ()), ("again", ()), ("again, two workers", ("-n", "2"))):
        print(f"shipped takes, {name}: {gate(out, 'suites/', *options)}", flush=True)


def workers(folder: Path, takes: int) -> None:
    """One process beside two, on takes that are there and not judged, and on takes that were judged before."""
    at = folder / f"workers-{takes}"
    write_input(at, takes, bases(folder))
    gate(at / "out", *given(at))
    for what in ("embeddings kept", "nothing kept but the takes"):
        costs = []
        for options in ((), ("-n", "2")):
            if what.startswith("nothing"):
                shutil.rmtree(at / "out" / "store" / "derived")
            costs.append(gate(at / "out", *given(at), *options))
            print(f"{takes} takes, {what}, {' '.join(options) or 'one process'}: {costs[-1]}", flush=True)
        alone, two = costs
        print(f"two workers: {two.wall_s / alone.wall_s:.2f} of the time, {two.cpu_s / alone.cpu_s:.2f} of the CPU")


class Slow(DirectoryBackend):
    """Gives takes that are there, each after half a second."""

    name = "slow"

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:  # type: ignore[override]
        """One after another."""
        for take in super().generate(requests):
            time.sleep(SLOW_S)
            yield take


def overlap(folder: Path, takes: int) -> None:
    """A gate on a system that takes half a second a take, beside that system alone."""
    at = folder / f"overlap-{takes}"
    write_input(at, takes, bases(folder))
    settings = Settings(
        "benchmarks.scale:Slow",
        BackendOptions(model=str(at / "sounds")),
        load_profile("documented", "slow"),
        at / "alone",
    )
    shutil.rmtree(at / "alone", ignore_errors=True)
    run = Run(settings)
    requests = [run.request(row, 0) for row in load_corpus("scale", at / "corpus")]
    begun = time.monotonic()
    run.generate(requests)
    alone_s = time.monotonic() - begun
    run.close()
    options = given(at)
    options[options.index("directory")] = "benchmarks.scale:Slow"
    cost = gate(at / "out", *options)
    print(
        f"{takes} takes of {SLOW_S:g} s: generated in {alone_s:.1f} s; the gate {cost}: {cost.wall_s / alone_s:.2f} x"
    )


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("growth", "shipped", "workers", "overlap"))
    parser.add_argument("--takes", type=int, nargs="+", default=[1_000])
    parser.add_argument("--folder", type=Path, help="where to work; a new temporary folder if none is given")
    parser.add_argument("--page", action="store_true", help="open each page in Chromium")
    known, options = parser.parse_known_args()
    folder = known.folder or Path(mkdtemp(prefix="scale-"))
    print(f"in {folder}, references from {shipped.VOICES.name}", flush=True)
    if known.what == "growth":
        growth(folder, known.takes, options, known.page)
    elif known.what == "shipped":
        shipped_takes(folder)
    elif known.what == "workers":
        workers(folder, known.takes[0])
    else:
        overlap(folder, known.takes[0])


if __name__ == "__main__":
    main()
