"""Audio that somebody already generated, judged as it is.

The folder either holds a manifest, `manifest.csv` or `manifest.jsonl`, with the columns `utterance` and `file` and
optionally `seed`, `stopped_by` (eos, silence, budget, timeout) and `frames`; or files, also in folders of it, called
`UTTERANCE.wav` or `UTTERANCE_seedN.wav`, or as a run of this harness exports its takes. Any kind that libsndfile reads
will do. A name without a seed is seed 0.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated

from msgspec import Meta

from harness import audio
from harness.backends import HIGGS_FRAME_RATE_HZ, HIGGS_SAMPLE_RATE_HZ, BackendOptions, existing_folder
from harness.corpus import SOUND_FILES
from harness.documents import NotEmpty, read_csv, read_json_lines, typed
from harness.errors import AudioError, UsageError
from harness.take import Provenance, Request, Stop, Take

Key = tuple[str, int]
"""Utterance id and seed."""

OTHER_SOUND_FILES = (".m4a", ".aac", ".wma", ".amr", ".webm", ".mp4", ".caf")
"""Sound that libsndfile does not read; named where it is all there is."""
_EXPORTED = re.compile(r"[a-z]+_generated_([0-9]{1,9})_.+")
_SEEDED = re.compile(r"(.+)_seed([0-9]{1,9})")
_SEED_FOLDER = re.compile(r"seed-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a manifest."""

    utterance: NotEmpty
    file: NotEmpty
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    stopped_by: Stop = Stop.UNKNOWN
    frames: Annotated[int, Meta(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    """Of its file in the folder, or a path of its own: a run may have a million, and a `Path` is large."""
    stopped_by: Stop = Stop.UNKNOWN
    frames: int | None = None


class DirectoryBackend:
    """Gives back files; an utterance without a file is a take with an error."""

    name = "directory"
    note = ""
    reads = ("--model", "--sample-rate", "--frame-rate", "--outside-files")

    def __init__(self, options: BackendOptions) -> None:
        self.sample_rate_hz = options.sample_rate_hz or HIGGS_SAMPLE_RATE_HZ
        self.frame_rate_hz = options.frame_rate_hz or HIGGS_FRAME_RATE_HZ
        self._folder = existing_folder(options.model, "the directory backend")
        files = _Files(self._folder, options.outside_files)
        listed = files.from_manifest()
        self._entries = files.from_names() if listed is None else listed
        self._others = files.others

    @cached_property
    def identity(self) -> str:
        """Changes whenever a file does."""
        listing = [
            (*key, str(self._path(entry)), entry.stopped_by, entry.frames, _hash(self._path(entry)))
            for key, entry in self._entries.items()
        ]
        return "directory " + audio.content_hash(json.dumps(listing).encode())

    def check(self, planned: Sequence[Request]) -> None:
        """Compare what is there with all that the whole release asks for.

        Raises:
            UsageError: No utterance has audio, or files are there that would never be looked at.
        """
        asked = {key for request in planned for key in _keys(request)}
        unread = [key for key in self._entries if key not in asked]
        wanted = list(dict.fromkeys(request.utterance.id for request in planned))
        known = {name for name, _ in asked}
        if not any(name in known for name, _ in self._entries):
            there = _some([name for name, _ in self._entries] or self._others, "nothing that can be read")
            raise UsageError(
                f"0 of {len(wanted)} utterances have audio in {str(self._folder)!r}; found {there}; expected "
                f"{_some(wanted)}: call the files UTTERANCE.wav or UTTERANCE_seedN.wav, or write a manifest.csv"
            )
        if unread:
            strangers = {name for name, _ in unread} - known
            seeds = sorted({seed for name, seed in unread if name not in strangers})
            here, given = (_some([*map(str, some)]) for some in (sorted({one.seed for one in planned}), seeds))
            why = f"seeds {given} are not asked for, seeds {here} are (--takes, --seed)" if seeds else ""
            if strangers:
                why = f"the corpus has no {_some(sorted(strangers))}" + (f", and {why}" if why else "")
            names = [self._path(self._entries[key]).name for key in unread]
            raise UsageError(
                f"{len(unread)} of {len(self._entries)} files in {str(self._folder)!r} would never be looked at "
                f"({_some(names)}): {why}; ask for them, or take them away"
            )

    def generate(self, requests: Sequence[Request]) -> list[Take]:
        return [self._take(request) for request in requests]

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, entry: _Entry) -> Path:
        return self._folder / entry.name

    def _take(self, request: Request) -> Take:
        provenance = Provenance(
            self.name, str(self._folder), revision=self.identity, device="unknown", dtype="unknown", elsewhere=True
        )
        wanted = request.utterance.id
        entry = next((self._entries[key] for key in _keys(request) if key in self._entries), None)
        if entry is None:
            like = [name for name in self._others if wanted in unicodedata.normalize("NFC", name)]
            there = f"; {_some(like)} is no kind of sound that can be read: make it WAV or FLAC" if like else ""
            error = f"no audio for {wanted!r} seed {request.seed} in {self._folder}: add it or its manifest row{there}"
            return Take(request, None, Stop.UNKNOWN, provenance, error=error)
        try:
            sound = audio.load(self._path(entry))
        except AudioError as error:
            return Take(request, None, entry.stopped_by, provenance, error=str(error))
        return Take(request, sound, entry.stopped_by, provenance, frames=entry.frames)


class _Files:
    """The sound files of a folder and of the folders in it, found however their names are written."""

    def __init__(self, folder: Path, outside: bool) -> None:
        self._folder, self._outside = folder, outside
        paths = (path for path in folder.rglob("*") if not path.name.startswith("."))
        there = sorted(path.relative_to(folder).as_posix() for path in paths)
        self._sounds = [name for name in there if _kind(name) in SOUND_FILES and (folder / name).is_file()]
        self.others = [Path(name).name for name in there if _kind(name) in OTHER_SOUND_FILES]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """By path in the folder, and again without regard to case where that names one file."""
        exact = {_plain(name): name for name in self._sounds}
        folded: dict[str, list[str]] = {}
        for name, path in exact.items():
            folded.setdefault(name.casefold(), []).append(path)
        return {name: paths[0] for name, paths in folded.items() if len(paths) == 1} | exact

    def from_manifest(self) -> dict[Key, _Entry] | None:
        """The entries that a manifest lists, or None where there is no manifest."""
        table, lines = self._folder / "manifest.csv", self._folder / "manifest.jsonl"
        rows: Sequence[tuple[str, object]]
        if table.exists():
            rows = read_csv(table, ("utterance", "file"))
        elif lines.exists():
            rows = read_json_lines(lines)
        else:
            return None
        entries: dict[Key, _Entry] = {}
        for where, content in rows:
            given = isinstance(content, Mapping) and {k: v for k, v in content.items() if v not in ("", None)}
            row = typed(_Row, given or content, where, texts=True)
            key = _plain(row.utterance.strip()), row.seed
            if key in entries:
                raise UsageError(f"{where}: utterance {key[0]!r} seed {key[1]} is listed twice: keep one row")
            entries[key] = _Entry(self._file(row.file, where), row.stopped_by, row.frames)
        return entries

    def _file(self, given: str, where: str) -> str:
        name = given.replace("\\", "/")
        if "\0" in name or len(name) > 4096 or any(len(part.encode()) > 255 for part in name.split("/")):
            raise UsageError(f"{where}: field 'file' is {given[:120]!r}; the path of a file is needed")
        path = PurePosixPath(name)
        if (path.is_absolute() or ".." in path.parts) and not self._outside:
            raise UsageError(f"{where}: file {given!r} lies outside the folder: copy it there, or give --outside-files")
        relative = _plain(path.as_posix())
        return self._by_name.get(relative) or self._by_name.get(relative.casefold()) or str(path)

    def from_names(self) -> dict[Key, _Entry]:
        """The entries that the names of the files say."""
        entries: dict[Key, _Entry] = {}
        for name in self._sounds:
            for key in _named(self._folder / name):
                if key in entries:
                    twice = f"{entries[key].name} and {name}"
                    raise UsageError(f"{twice} both are utterance {key[0]!r} seed {key[1]}: keep one of them")
                entries[key] = _Entry(name)
        return entries


def _kind(name: str) -> str:
    return Path(name).suffix.lower()


def _named(path: Path) -> Iterator[Key]:
    """What a file's name says that it is; nothing of the copy of a reference."""
    in_seed = _SEED_FOLDER.fullmatch(path.parent.name)
    seed = int(in_seed[1]) if in_seed else 0
    exported = _EXPORTED.fullmatch(path.stem)
    if exported:
        if not path.stem.endswith("_ref"):
            suite = path.parent.parent.name if in_seed else path.parent.name
            yield _exported_as(suite, int(exported[1])), seed
        return
    seeded = _SEEDED.fullmatch(path.stem)
    if seeded:
        yield _plain(seeded[1]), int(seeded[2])
    else:
        yield _plain(path.stem), seed


def _keys(request: Request) -> tuple[Key, Key]:
    """What the file of a request may be called by."""
    utterance = request.utterance
    return (_plain(utterance.id), request.seed), (_exported_as(utterance.suite, utterance.number), request.seed)


def _exported_as(suite: str, number: int) -> str:
    return f"{suite}/{number}"


def _plain(name: str) -> str:
    """A name however its letters were composed: some file systems take them apart."""
    return unicodedata.normalize("NFC", name)


def _some(names: Sequence[str], nothing: str = "nothing", most: int = 4) -> str:
    shown = ", ".join(name[:60] if name.isprintable() else ascii(name[:60]) for name in names[:most])
    return (f"{shown} …" if len(names) > most else shown) or nothing


def _hash(path: Path) -> str:
    return audio.content_hash(path.read_bytes()) if path.is_file() else "missing"
