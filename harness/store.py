"""Takes on disk: evidence, cache, and the output folder with the documented names.

    OUT/store/takes/ab/abcd….wav + .json     a take under the digest of its request, the json beside it says all
    OUT/store/derived/ab/abcd…               what a model said of a clip, under the hash of the model and the clip
    OUT/takes/SUITE/arabic_generated_007_layla.wav + _ref.wav + .json   (its language: german_generated_…)

A take counts as stored only when its sidecar is there and the audio still has the hash that the sidecar names.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from filelock import FileLock

from harness import audio
from harness.audio import Audio
from harness.errors import RecordError
from harness.records.schema import encode, read, write
from harness.records.sidecar import Sidecar, SidecarReference
from harness.take import Provenance, Request, Take

_NOTHING = MappingProxyType[str, float | str]({})


class Store:
    """One output folder; several processes may use it at once."""

    def __init__(self, out: Path) -> None:
        self.out = out
        """The output folder."""
        self._takes = out / "store" / "takes"
        self._references: dict[Path, Path] = {}
        """Where the reference of a path is kept, once in this folder for all its takes."""
        self._provenances: dict[bytes, Provenance] = {}

    def lock(self, request: Request) -> FileLock:
        """Held by the process that generates this request; freed by the system when the process dies."""
        folder = self.out / "store" / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{request.digest}.lock")

    def get(self, request: Request) -> Take | None:
        """The stored take of a request, or None where there is none or it is not what was stored."""
        sidecar = self.sidecar(request.digest)
        if sidecar is None:
            return None
        made = sidecar.provenance
        shared = self._provenances.setdefault(encode(made), made)  # all takes of a run have one or two
        return TakeOnDisk.of(request, sidecar, self, shared)

    def sidecar(self, digest: str) -> Sidecar | None:
        """What is noted beside the audio of a request.

        None where there is none, where it was changed or is another take's, or the audio is not what was stored: such a
        take is generated again.
        """
        path = self.path(digest)
        try:
            noted = read(path.with_suffix(".json"), Sidecar, "it is generated again")
            intact = noted.digest == digest and audio.content_hash(path.read_bytes()) == noted.audio
        except (OSError, RecordError):
            return None
        return noted if intact else None

    def put(self, take: Take, batch: Sequence[Request] = ()) -> Take:
        """Keep a take; the one given back is what is on disk, so that what is judged is what can be listened to.

        A take without audio is not kept: the next run asks again.
        """
        if take.audio is None:
            return take
        path = self._path(take.request)
        data = audio.encode_wav(take.audio)
        audio.write_atomically(path, data)
        write(path.with_suffix(".json"), _sidecar(take, batch, audio.content_hash(data)))
        stored = self.get(take.request)
        assert stored is not None, f"{path} cannot be read back"
        return stored

    def export(self, take: Take) -> Path | None:
        """Put a stored take, its sidecar and its reference under the documented names; the path of the take.

        They are hard links where the file system has them. The reference is a copy of the file as given, times
        included; another kind of sound file becomes a WAV. What another run left under a name is kept beside it, with a
        piece of its hash in its own name.
        """
        if take.path is None:
            return None
        utterance, reference = take.request.utterance, take.request.reference
        folder = self.out / "takes" / utterance.suite / (f"seed-{take.request.seed}" if take.request.seed else "")
        speaker = re.sub(r"[^\w-]+", "_", reference.id)
        path = folder / f"{language_name(utterance.language)}_generated_{utterance.number:03d}_{speaker}.wav"
        _put(take.path, path)
        _put(take.path.with_suffix(".json"), path.with_suffix(".json"))
        if not reference.problem:
            if reference.path not in self._references:
                self._references[reference.path] = self._kept(reference.path)
            _put(self._references[reference.path], path.with_name(f"{path.stem}_ref.wav"))
        return path

    def _kept(self, path: Path) -> Path:
        """The copy of a reference that its takes share."""
        is_wav = path.suffix.lower() == ".wav"
        data = path.read_bytes() if is_wav else audio.encode_wav(audio.load(path))
        given = path.stat()
        copy = self.out / "store" / "references" / f"{audio.content_hash(data)}-{given.st_mtime_ns}.wav"
        if not (copy.is_file() and copy.read_bytes() == data):
            audio.write_atomically(copy, data)
            os.utime(copy, ns=(given.st_atime_ns, given.st_mtime_ns))
        return copy

    def path(self, digest: str) -> Path:
        """Where the take of a request lies, if it does."""
        return self._takes / digest[:2] / f"{digest}.wav"

    def _path(self, request: Request) -> Path:
        return self.path(request.digest)


_LANGUAGES = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fa": "persian",
    "fr": "french",
    "he": "hebrew",
    "hi": "hindi",
    "id": "indonesian",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
    "ur": "urdu",
    "zh": "chinese",
}


def language_name(code: str) -> str:
    """What a language is called in the names of files: its English name, or its code where that is not known.

    >>> language_name("ar"), language_name("de-AT"), language_name("swh")
    ('arabic', 'german', 'swh')
    """
    base = re.sub(r"[^a-z]", "", re.split(r"[-_]", code.lower())[0])
    return _LANGUAGES.get(base, base) or "speech"


class TakeOnDisk(Take):
    """A stored take whose sound is read whenever it is asked for, and not held; there may be a million of them."""

    __slots__ = (
        "_downmix_loss_db",
        "_store",
        "details",
        "elapsed_s",
        "frames",
        "provenance",
        "request",
        "sha256",
        "stopped_by",
        "unconditioned",
    )

    def __new__(cls, *fields: Any, **named: Any) -> Take:  # type: ignore[misc]
        """What `dataclasses.replace` makes of it: a take that is on no disk."""
        return Take(*fields, **named)

    @classmethod
    def of(cls, request: Request, sidecar: Sidecar, store: Store, provenance: Provenance) -> Self:
        """The take that a sidecar tells of."""
        take = object.__new__(cls)
        known = {
            "_downmix_loss_db": sidecar.downmix_loss_db,
            "_store": store,
            "details": sidecar.details or _NOTHING,
            "elapsed_s": sidecar.elapsed_s,
            "frames": sidecar.frames,
            "provenance": provenance,
            "request": request,
            "sha256": sidecar.audio,
            "stopped_by": sidecar.stopped_by,
            "unconditioned": sidecar.unconditioned,
        }
        for name, value in known.items():
            object.__setattr__(take, name, value)
        return take

    @property
    def path(self) -> Path:
        """Where its sound lies."""
        store: Store = object.__getattribute__(self, "_store")
        return store.path(self.request.digest)

    @property
    def has_sound(self) -> bool:
        """Always: what was stored has its sound."""
        return True

    def __getattr__(self, name: str) -> Audio:
        # Only for what is not there: of a take's fields that is the sound.
        if name != "audio":
            raise AttributeError(name)
        sound = audio.load(self.path)
        return replace(sound, downmix_loss_db=object.__getattribute__(self, "_downmix_loss_db"))


class DerivedValues:
    """Values that took long and can be made again: embeddings, transcripts. What is damaged is not believed.

    A file begins with the hash of its key and its data together, so that a changed, cut or exchanged file is no value.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / "store" / "derived"

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None where nothing was, or where it is damaged."""
        try:
            whole = self._path(key).read_bytes()
        except OSError:
            return None
        seal, data = whole[:64], whole[65:]
        return data if seal == _seal(key, data) else None

    def put(self, key: str, data: bytes) -> None:
        """Keep a value, whole or not at all."""
        audio.write_atomically(self._path(key), _seal(key, data) + b"\n" + data)

    def _path(self, key: str) -> Path:
        name = audio.content_hash(key.encode())
        return self._folder / name[:2] / name


def _seal(key: str, data: bytes) -> bytes:
    return audio.content_hash(key.encode() + b"\0" + data).encode()


def _put(kept: Path, path: Path) -> None:
    """Have a kept file under another name too, whole or not at all; another one of that name is moved aside first."""
    if path.exists():
        if path.samefile(kept):
            return
        there = path.read_bytes()
        if there == kept.read_bytes():
            return
        path.replace(path.with_name(f"{path.stem}.{audio.content_hash(there)[:8]}{path.suffix}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(kept, path)
    except FileExistsError:
        return  # another process of this run was faster
    except OSError:
        given = kept.stat()  # a file system without hard links
        audio.write_atomically(path, kept.read_bytes())
        os.utime(path, ns=(given.st_atime_ns, given.st_mtime_ns))


def _sidecar(take: Take, batch: Sequence[Request], sha256: str) -> Sidecar:
    request = take.request
    reference = request.reference
    assert take.audio is not None
    return Sidecar(
        digest=request.digest,
        audio=sha256,
        utterance=request.utterance,
        reference=SidecarReference(reference.id, reference.sha256, reference.transcript, reference.language),
        chunks=request.chunks,
        sampling=None if take.provenance.elsewhere else request.sampling,
        seed=request.seed,
        system=request.system,
        sample_rate_hz=take.audio.sample_rate_hz,
        downmix_loss_db=take.audio.downmix_loss_db,
        stopped_by=take.stopped_by,
        frames=take.frames,
        elapsed_s=round(take.elapsed_s, 3),
        unconditioned=take.unconditioned,
        details=dict(take.details),
        provenance=take.provenance,
        batch=() if take.provenance.elsewhere else tuple(other.digest for other in batch),
    )
