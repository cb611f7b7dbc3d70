"""Malformed files of every kind that a person or another program writes: each is refused by an error of ours, soon.

    python -m benchmarks.fuzz [--inputs 10000] [--seed 0]

A valid file is spoilt at random: bytes flipped, cut, doubled, hostile pieces put in, another encoding. Its reader may
accept it or refuse it with an error of `harness.errors`; anything else is a finding, and so is one that takes more than
2 s or 500 MB. Exit status 1 where there is one.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness import audio, shipped
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.directory import DirectoryBackend
from harness.baseline import golden, history
from harness.baseline.acceptance import read_run
from harness.corpus import load_corpus, load_voices
from harness.decision.gates import load_profile
from harness.decision.policy import load_policy
from harness.errors import HarnessError
from harness.records import run_record, schema
from harness.run.journal import Journal
from tests.recorded import RecordedRun

MOST_S, MOST_BYTES = 2.0, 500 * 2**20

HOSTILE = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe4\xc7",
        "\u2028".encode(),
        "\x85".encode(),
        b"\r",
        b"\n\n",
        b'"',
        b"'''",
    ),
    *(b"[" * 3000, b"{" * 3000, b"9" * 5000, b"1e999", b"nan", b"-inf", b"NaN", b"Infinity", b"\\ud800", b"\\u0000"),
    *(b"../../..", b"/etc/passwd", b"a" * 140_000, b",,,,", b";;;", b"\t", b"=", b"null", b"true", b"[]", b"{}", b"-1"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: its name, what a valid one holds, and who reads it (given the folder)."""

    file: str
    valid: bytes
    read: Callable[[Path], object]


def kinds(folder: Path) -> list[Kind]:
    """Every kind of file that is read, with a valid one of each."""
    rng = np.random.default_rng(1)
    sound = audio.encode_wav(Audio((0.1 * rng.standard_normal(36_000)).astype(np.float32), 24_000))
    (folder / "a.wav").write_bytes(sound)
    voices = folder / "voices"
    voices.mkdir()
    (voices / "v.wav").write_bytes(sound)
    (voices / "v.lang").write_text("ar")
    gates = shipped.GATES.read_bytes()
    kept = (shipped.GOLDEN / "embedded" / "short.json").read_bytes()
    recorded = RecordedRun(folder / "recorded")
    recorded.take("short-001")
    recorded.take("short-002", heard="نص")
    run = recorded.end()
    events = (recorded.out / "run.jsonl").read_bytes()
    schema.write(folder / run_record.NAME, run)
    history.append(folder / "releases.jsonl", history.of_run(run))
    nights = (folder / "releases.jsonl").read_bytes() * 2
    table = b"utterance,file,seed,stopped_by,frames\nshort-001,a.wav,0,eos,65\nshort-002,a.wav,1,,\n"
    lines = b'{"utterance": "short-001", "file": "a.wav"}\n{"utterance": "short-002", "file": "a.wav", "seed": 1}\n'

    def directory(at: Path) -> object:
        return DirectoryBackend(BackendOptions(model=str(at))).identity

    return [
        Kind("gates.toml", gates, lambda at: load_profile("documented", "", at / "gates.toml")),
        Kind("margins.toml", gates, lambda at: load_policy(at / "margins.toml")),
        Kind("short.toml", (shipped.CORPUS / "short.toml").read_bytes(), lambda at: load_corpus("short", at)),
        Kind("manifest.csv", table, directory),
        Kind("manifest.jsonl", lines, directory),
        Kind("voices/v.txt", "نص يقال".encode(), lambda at: load_voices(at / "voices")),
        Kind("sound.wav", sound, lambda at: audio.load(at / "sound.wav")),
        Kind("run.jsonl", events, lambda at: Journal(at).record()),
        Kind(run_record.NAME, (folder / run_record.NAME).read_bytes(), lambda at: list(read_run(at).takes)),
        Kind("releases.jsonl", nights, lambda at: history.read(at / "releases.jsonl")),
        Kind("embedded/short.json", kept, lambda at: golden.read(at, "embedded", "short")),
    ]


def spoilt(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to four things wrong with it."""
    for _ in range(rng.integers(1, 5)):
        start, end = sorted(int(place) for place in rng.integers(0, len(content) + 1, 2))
        match int(rng.integers(0, 7)):
            case 0:
                content = content[:start]
            case 1:
                content = content[:start] + HOSTILE[rng.integers(len(HOSTILE))] + content[start:]
            case 2:
                content = content[:start] + HOSTILE[rng.integers(len(HOSTILE))] + content[end:]
            case 3:
                content = content[:start] + content[start : start + 2000] * 2 + content[start:]
            case 4:
                content = content[:start] + rng.bytes(int(rng.integers(1, 9))) + content[start + 8 :]
            case 5:
                content = content.decode("utf-8", "replace").encode("cp1256" if start % 2 else "utf-16", "replace")
            case _:
                content = content[end:] + content[:start]
    return content


def find(inputs: int, seed: int, out: Path) -> tuple[list[str], Counter[str]]:
    """What went wrong, and how many files of each kind were refused or read."""
    rng, found, counts = np.random.default_rng(seed), list[str](), Counter[str]()
    every = kinds(out)
    for number in range(inputs):
        kind = every[number % len(every)]
        path = out / kind.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(spoilt(kind.valid, rng))
        began = time.perf_counter()
        try:
            kind.read(out)
            counts[f"{kind.file} read"] += 1
        except HarnessError as error:
            counts[f"{kind.file} refused"] += 1
            if str(error).count("\n"):
                found.append(f"input {number}, {kind.file}: the message has {str(error).count(chr(10)) + 1} lines")
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            found.append(f"input {number}, {kind.file}: {type(error).__name__}: {str(error)[:200]}")
        took = time.perf_counter() - began
        if took > MOST_S:
            found.append(f"input {number}, {kind.file}: took {took:.1f} s")
        path.unlink()
    used = most_memory_bytes()
    if used > MOST_BYTES:
        found.append(f"{used / 2**20:.0f} MB were used")
    return found, counts


def most_memory_bytes() -> int:
    """The most that this program has held at once; getrusage would count what its parent held when it forked, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def main() -> int:
    """Try as many files as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with TemporaryDirectory() as work:
        found, counts = find(arguments.inputs, arguments.seed, Path(work))
    for name, count in sorted(counts.items()):
        print(f"{count:>7}  {name}")
    for line in found[:50]:
        print(line)
    print(f"{arguments.inputs:,} malformed inputs, {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
