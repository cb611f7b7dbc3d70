"""Checkpoints: found, named, and refused where a file is not what it should be.

Conventions: a checkpoint is a folder in the hub's layout, or a hub id with a revision. Its name for provenance is the
sha256 over every file that can shape a take, so that a checkpoint changed anywhere is another one. Reading 12 GB takes
half a minute, so a file's hash is kept in the user's cache under its path, size, inode and times; a file of the hub's
cache is called by its sha256 already. Weights are read from safetensors only, and code that comes with a checkpoint is
never run.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from harness import audio
from harness.errors import UsageError

HUB_ID = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(?P<folder>(/\w[\w.-]*)*)")
FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
PROCESSOR = "processor_config.json"
CODEC_NAME = "audio_tokenizer_name_or_path"
SHA256_BLOB = re.compile(r"[0-9a-f]{64}")
REMEMBERED_BYTES = 50_000_000
"""Files from this size on have their hash remembered; smaller ones are read as quickly."""
LARGEST_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself
CODECS = dict.fromkeys(
    ("bosonai/higgs-audio-v2-generation-3B-base", "bosonai/higgs-tts-2-3b-base"), "bosonai/higgs-audio-v2-tokenizer"
)
"""The codec of the released model under both of its names, where its processor config names none."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder of config and weights on this machine."""

    name: str
    """As the user gave it."""
    folder: Path
    revision: str
    """The hub's commit, or 'local'."""

    @cached_property
    def weights_hash(self) -> str:
        """16 hexadecimal digits; see the conventions above.

        Raises:
            UsageError: A weights file is missing, cut off, or no safetensors.
        """
        weights = sorted(self.folder.glob("*.safetensors"))
        if not weights:
            raise UsageError(
                f"{self.name}: {self.folder} holds no *.safetensors file; weights are read from safetensors only"
            )
        for file in weights:
            _refuse_damaged(file)
        files = sorted({path for pattern in FILES for path in self.folder.glob(pattern)})
        listing = "".join(f"{path.name} {_named(path)}\n" for path in files)
        return audio.content_hash(listing.encode())[:16]

    @property
    def codec(self) -> str:
        """Folder or hub id of the codec that the model's processor config names; empty where it names none."""
        given = str(_processor(self.folder / PROCESSOR).get("audio_tokenizer", {}).get(CODEC_NAME, ""))
        if given and (self.folder / given).is_dir():  # absolute, or inside the model's own repository
            return str(self.folder / given)
        return given if HUB_ID.fullmatch(given) else CODECS.get(self.name, given)


def _processor(path: Path) -> dict[str, dict[str, str]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) and isinstance(config.get("audio_tokenizer", {}), dict) else {}


def _named(file: Path) -> str:
    """The sha256 of a file; of the processor config without the codec's path on the machine that saved it."""
    if file.name == PROCESSOR:
        kept = {name: value for name, value in _processor(file).items() if name != "audio_tokenizer"}
        return audio.content_hash(json.dumps(kept, sort_keys=True).encode())
    target = file.resolve()
    if target.parent.name == "blobs" and SHA256_BLOB.fullmatch(target.name):
        return target.name  # the hub's cache calls large files by their sha256, checked when they were downloaded
    return _sha256(target)


def _sha256(file: Path) -> str:
    """Read, or remembered for a file of the same place, size, inode and times; the last of them no program can set."""
    status = file.stat()
    if status.st_size < REMEMBERED_BYTES:
        return _read(file)
    key = f"{file} {status.st_size} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voice-clone-harness"
    kept = folder / f"sha256-{audio.content_hash(key.encode())[:32]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "sha256.lock"):  # of several workers one reads
            if kept.exists() and SHA256_BLOB.fullmatch(known := kept.read_text(encoding="ascii")):
                return known
            sha256 = _read(file)
            audio.write_atomically(kept, sha256.encode())
            return sha256
    except OSError:  # no home that can be written to
        return _read(file)


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_damaged(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(size, LARGEST_HEADER_BYTES):
            raise UsageError(f"{file} is no safetensors file (its first 8 bytes are no header length): copy it again")
        header = stream.read(length)
    try:
        tensors = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UsageError(f"{file} is no safetensors file (its header cannot be read): copy it again") from error
    if ends and 8 + length + max(ends) > size:
        raise UsageError(f"{file} is cut off at {size} bytes; its header promises more: copy it again")


def find(what: str, given: str, revision: str) -> Checkpoint:
    """The checkpoint that the user named: a folder as it is, a hub id downloaded unless it is on this machine.

    A hub id may go on into the repository, as in OWNER/NAME/FOLDER.

    Raises:
        UsageError: Nothing was named, the folder is not there or has no config, or the hub does not give it.
    """
    flag = f"--{what}"
    if not given:
        raise UsageError(f"the higgs backend needs a {what}: give {flag} FOLDER or {flag} HUB_ID")
    folder = Path(given)
    if folder.is_dir():
        return Checkpoint(given, _with_config(folder, flag, given), revision or "local")
    hub_id = HUB_ID.fullmatch(given)
    if folder.exists() or not hub_id:
        raise UsageError(f"{flag} {given}: is no folder and no hub id (OWNER/NAME): check the path")
    from harness.backends.higgs import hub

    inside = hub_id["folder"].strip("/")
    patterns = [f"{inside}/{pattern}" if inside else pattern for pattern in FILES]
    snapshot = hub.download(flag, hub_id["repository"], revision, patterns)
    return Checkpoint(given, _with_config(snapshot / inside, flag, given), snapshot.name)


def find_codec(model: Checkpoint, given: str, revision: str) -> Checkpoint:
    """The codec that the user named, else the one that the model's processor config names.

    Raises:
        UsageError: As `find`; or nobody names a codec, or the config names one that is not here.
    """
    if given or not model.codec:
        return find("codec", given, revision)
    try:
        return find("codec", model.codec, revision)
    except UsageError as error:
        raise UsageError(
            f"{error} (no --codec was given; {PROCESSOR} of {model.name} names this one): give --codec FOLDER_OR_HUB_ID"
        ) from error


def _with_config(folder: Path, flag: str, given: str) -> Path:
    if not (folder / "config.json").exists():
        inside = sorted(path.parent.name for path in folder.glob("*/config.json")) if folder.is_dir() else []
        hint = f"{flag} {given}/{inside[0]}" if inside else "a folder in the hub's layout"
        raise UsageError(f"{flag} {given}: holds no config.json; {hint} is needed")
    return folder
