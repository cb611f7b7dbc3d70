"""Audio that somebody already generated, judged as it is.

The folder either holds a manifest, `manifest.csv` or `manifest.jsonl`, with the columns `utterance` and `file` and
optionally `seed`, `stopped_by` (eos, silence, budget, timeout) and `frames`; or files called `UTTERANCE.wav` or
`UTTERANCE_seedN.wav` (any kind that libsndfile reads). A name without a seed is seed 0.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import audio
from harness.backends import HIGGS_FRAME_RATE_HZ, HIGGS_SAMPLE_RATE_HZ, BackendOptions, existing_folder
from harness.corpus import SOUND_FILES
from harness.errors import AudioError, UsageError
from harness.take import Provenance, Request, Stop, Take

Key = tuple[str, int]
"""Utterance id and seed."""

_COLUMNS = ("utterance", "file", "seed", "stopped_by", "frames")


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    stopped_by: Stop = Stop.UNKNOWN
    frames: int | None = None


class DirectoryBackend:
    """Gives back files; an utterance without a file is a take with an error."""

    name = "directory"
    note = ""
    reads = ("--model", "--sample-rate", "--frame-rate")

    def __init__(self, options: BackendOptions) -> None:
        self.sample_rate_hz = options.sample_rate_hz or HIGGS_SAMPLE_RATE_HZ
        self.frame_rate_hz = options.frame_rate_hz or HIGGS_FRAME_RATE_HZ
        self._folder = existing_folder(options.model, "the directory backend")
        self._entries: dict[Key, _Entry] = _from_manifest(self._folder) or dict(_from_names(self._folder))

    @property
    def identity(self) -> str:
        """Changes whenever a file does."""
        listing = [
            (*key, str(entry.path), entry.stopped_by, entry.frames, _hash(entry.path))
            for key, entry in self._entries.items()
        ]
        return "directory " + audio.content_hash(json.dumps(listing).encode())

    def generate(self, requests: Sequence[Request]) -> list[Take]:
        return [self._take(request) for request in requests]

    def close(self) -> None:
        """Nothing is held."""

    def _take(self, request: Request) -> Take:
        provenance = Provenance(self.name, str(self._folder), revision=self.identity)
        wanted = request.utterance.id
        entry = self._entries.get((wanted, request.seed))
        if entry is None:
            error = f"no audio for {wanted!r} seed {request.seed} in {self._folder}: add it or its manifest row"
            return Take(request, None, Stop.UNKNOWN, provenance, error=error)
        try:
            sound = audio.load(entry.path)
        except AudioError as error:
            return Take(request, None, entry.stopped_by, provenance, error=str(error))
        return Take(request, sound, entry.stopped_by, provenance, frames=entry.frames)


def _hash(path: Path) -> str:
    return audio.content_hash(path.read_bytes()) if path.is_file() else "missing"


def _from_names(folder: Path) -> Iterator[tuple[Key, _Entry]]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SOUND_FILES:
            name, mark, seed = path.stem.rpartition("_seed")
            seeded = bool(mark) and seed.isdecimal()
            yield (name if seeded else path.stem, int(seed) if seeded else 0), _Entry(path)


def _from_manifest(folder: Path) -> dict[Key, _Entry]:
    table, lines = folder / "manifest.csv", folder / "manifest.jsonl"
    if table.exists():
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows: list[tuple[str, Mapping[str, object]]] = [
                (f"{table} line {number}", row) for number, row in enumerate(csv.DictReader(stream), 2)
            ]
    elif lines.exists():
        rows = [
            (f"{lines} line {number}", _json_row(f"{lines} line {number}", line))
            for number, line in enumerate(lines.read_text(encoding="utf-8").splitlines(), 1)
            if line.strip()
        ]
    else:
        return {}
    entries: dict[Key, _Entry] = {}
    for where, row in rows:
        key, entry = _entry(folder, where, row)
        if key in entries:
            raise UsageError(f"{where}: utterance {key[0]!r} seed {key[1]} is listed twice: keep one row")
        entries[key] = entry
    return entries


def _json_row(where: str, line: str) -> Mapping[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where} is not JSON: {error}") from error
    if not isinstance(row, Mapping):
        raise UsageError(f"{where} is {row!r}; an object with utterance and file is needed")
    return row


def _entry(folder: Path, where: str, row: Mapping[str, object]) -> tuple[Key, _Entry]:
    fields = {name: str(row.get(name) or "").strip() for name in _COLUMNS}
    for name in ("utterance", "file"):
        if not fields[name]:
            raise UsageError(f"{where}: column {name!r} is empty; each row needs an utterance id and a file")
    for name in ("seed", "frames"):
        if fields[name] and not fields[name].isdecimal():
            raise UsageError(f"{where}: column {name!r} is {fields[name]!r}; a whole number is needed")
    if fields["stopped_by"] not in {"", *Stop}:
        raise UsageError(
            f"{where}: column 'stopped_by' is {fields['stopped_by']!r}; one of {', '.join(Stop)} is needed"
        )
    entry = _Entry(
        path=folder / fields["file"],
        stopped_by=Stop(fields["stopped_by"] or Stop.UNKNOWN),
        frames=int(fields["frames"]) if fields["frames"] else None,
    )
    return (fields["utterance"], int(fields["seed"] or 0)), entry
