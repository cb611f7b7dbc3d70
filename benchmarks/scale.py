"""What the gate costs as the number of takes grows: processor, memory, disk and the time until its page is open.

    python -m benchmarks.scale --takes 1000 10000 [--folder FOLDER] [--page]

The takes are those of the demonstration voice, each many times with a small change of speed and level, given to the
directory backend; the rows of their corpus are generated. Every number of takes is judged by a process of its own,
whose processor time and largest memory the system counts. `--page` opens each report in headless Chromium.
"""

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from harness import audio, shipped
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.corpus import Utterance, load_corpus
from harness.decision.gates import load_profile
from harness.run.plan import Run, Settings

BASES = ("short", "diacritized")
MOST_SPEED, MOST_GAIN_DB = 0.02, 1.0
RECORD_BYTES = 20_000
"""What may be kept of a take beside its sound."""


@dataclass(frozen=True)
class Cost:
    """What judging so many takes cost."""

    takes: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    sound_bytes: int
    out_bytes: int
    page_s: float | None
    status: int

    @property
    def record_bytes(self) -> float:
        """Beside the sound, a take."""
        return (self.out_bytes - self.sound_bytes) / self.takes

    def __str__(self) -> str:
        page = f", page open in {self.page_s:.1f} s" if self.page_s is not None else ""
        return (
            f"{self.takes:>6} takes: {self.cpu_s / self.takes:.3f} s of CPU and {self.wall_s / self.takes:.3f} s of "
            f"wall time a take, peak {self.peak_mb:.0f} MB, {self.out_bytes / 1e6:.0f} MB on disk, of which "
            f"{self.record_bytes / 1e3:.1f} kB a take beside its sound{page} (exit {self.status})"
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


def judge(folder: Path, takes: int, options: list[str], page: bool) -> Cost:
    """Judge what was written into a folder, in a process of its own."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "--suites", "shipped", "--corpus", str(folder / "corpus"), "-q"]
    command += [
        "--backend",
        "directory",
        "--model",
        str(folder / "sounds"),
        "--out",
        str(out),
        "-p",
        "no:cacheprovider",
    ]
    with (folder / "output.txt").open("wb") as output:
        begun = time.monotonic()
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        child = os.posix_spawn(sys.executable, [*command, *options], os.environ, file_actions=actions)
        _, status, usage = os.wait4(child, 0)
        wall_s = time.monotonic() - begun
    sounds, everything = sizes(out)
    opened = open_page(out / "report" / "index.html") if page else None
    cpu_s = usage.ru_utime + usage.ru_stime
    return Cost(
        takes, wall_s, cpu_s, usage.ru_maxrss / 1024, sounds, everything, opened, os.waitstatus_to_exitcode(status)
    )


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


def open_page(page: Path) -> float:
    """Seconds until Chromium has laid out a page and can answer."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options) as driver:
        driver.get("about:blank")
        begun = time.monotonic()
        driver.get(page.resolve().as_uri())
        driver.execute_script("return document.body.offsetHeight")
        return time.monotonic() - begun


def main() -> None:
    """Print one line for each number of takes, and how the last grew from the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--folder", type=Path, help="where to work; a new temporary folder if none is given")
    parser.add_argument("--page", action="store_true", help="open each page in Chromium")
    known, options = parser.parse_known_args()
    folder = known.folder or Path(mkdtemp(prefix="scale-"))
    print(f"in {folder}, references from {shipped.VOICES.name}", flush=True)
    made = bases(folder)
    costs = []
    for takes in known.takes:
        write_input(folder / str(takes), takes, made)
        costs.append(judge(folder / str(takes), takes, options, known.page))
        print(costs[-1], flush=True)
    first, last = costs[0], costs[-1]
    if last.takes > first.takes:
        growth = last.cpu_s / last.takes / (first.cpu_s / first.takes)
        print(
            f"from {first.takes} to {last.takes} takes: CPU a take x {growth:.2f}, peak memory x "
            f"{last.peak_mb / first.peak_mb:.2f}; record beside the sound {last.record_bytes / 1e3:.1f} kB "
            f"(at most {RECORD_BYTES / 1e3:g} kB)"
        )


if __name__ == "__main__":
    main()
