"""Takes on disk: evidence, cache, and the output folder with the documented names.

    OUT/store/takes/ab/abcd….wav + .json     a take under the digest of its request, the json beside it says all
    OUT/store/voices/FINGERPRINT/ab….npy     a speaker embedding under the hash of its audio
    OUT/store/heard/FINGERPRINT/ab….json     a transcript under the hash of its audio and language
    OUT/takes/SUITE/arabic_generated_007_layla.wav + _ref.wav + .json

A take counts as stored only when its sidecar is there and the audio still has the hash that the sidecar names.
"""

import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from filelock import FileLock

from harness import audio
from harness.audio import Audio
from harness.errors import AudioError
from harness.metrics.intelligibility import Recognizer
from harness.metrics.speaker import Embeddings, SpeakerEncoder
from harness.take import Provenance, Request, Stop, Take


class Store:
    """One output folder; several processes may use it at once."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._takes = out / "store" / "takes"

    def lock(self, request: Request) -> FileLock:
        """Held by the process that generates this request; freed by the system when the process dies."""
        folder = self.out / "store" / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{request.digest}.lock")

    def get(self, request: Request) -> Take | None:
        """The stored take of a request, or None where there is none or its audio is not what was stored."""
        path = self._path(request)
        try:
            sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if audio.content_hash(path.read_bytes()) != sidecar["sha256"]:
                return None
            return Take(
                request=request,
                audio=replace(audio.load(path), downmix_loss_db=sidecar["downmix_loss_db"]),
                stopped_by=Stop(sidecar["stopped_by"]),
                provenance=Provenance(**sidecar["provenance"]),
                frames=sidecar["frames"],
                elapsed_s=sidecar["elapsed_s"],
                unconditioned=sidecar["unconditioned"],
                details=sidecar["details"],
                path=path,
            )
        except (OSError, ValueError, KeyError, TypeError, AudioError):
            return None  # half written or damaged: generated again

    def sidecar(self, digest: str) -> dict[str, Any] | None:
        """What is noted beside the audio of a request; None where there is none or the audio is not what was stored."""
        path = self.path(digest)
        try:
            noted: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            return noted if audio.content_hash(path.read_bytes()) == noted["sha256"] else None
        except (OSError, ValueError, KeyError):
            return None

    def put(self, take: Take, batch: Sequence[Request] = ()) -> Take:
        """Keep a take; the one given back is what is on disk, so that what is judged is what can be listened to.

        A take without audio is not kept: the next run asks again.
        """
        if take.audio is None:
            return take
        path = self._path(take.request)
        data = audio.encode_wav(take.audio)
        audio.write_atomically(path, data)
        sidecar = _sidecar(take, batch) | {"sha256": audio.content_hash(data)}
        audio.write_atomically(path.with_suffix(".json"), _json(sidecar))
        stored = self.get(take.request)
        assert stored is not None, f"{path} cannot be read back"
        return stored

    def export(self, take: Take) -> Path | None:
        """Put a stored take, its sidecar and its reference under the documented names; the path of the take.

        The reference is a copy of the file as given, times included; another kind of sound file becomes a WAV. What
        another run left under a name is kept beside it, with a piece of its hash in its own name.
        """
        if take.path is None:
            return None
        utterance, reference = take.request.utterance, take.request.reference
        folder = self.out / "takes" / utterance.suite / (f"seed-{take.request.seed}" if take.request.seed else "")
        speaker = re.sub(r"[^\w-]+", "_", reference.id)
        path = folder / f"arabic_generated_{utterance.number:03d}_{speaker}.wav"
        _put(take.path.read_bytes(), path)
        _put(take.path.with_suffix(".json").read_bytes(), path.with_suffix(".json"))
        if not reference.problem:
            copy = path.with_name(f"{path.stem}_ref.wav")
            is_wav = reference.path.suffix.lower() == ".wav"
            _put(reference.path.read_bytes() if is_wav else audio.encode_wav(audio.load(reference.path)), copy)
            given = reference.path.stat()
            os.utime(copy, ns=(given.st_atime_ns, given.st_mtime_ns))
        return path

    def path(self, digest: str) -> Path:
        """Where the take of a request lies, if it does."""
        return self._takes / digest[:2] / f"{digest}.wav"

    def _path(self, request: Request) -> Path:
        return self.path(request.digest)


class RememberedEncoder:
    """A speaker encoder that looks on disk first; the embedding of a clip is kept under the hash of its samples."""

    def __init__(self, encoder: SpeakerEncoder, out: Path) -> None:
        self._encoder = encoder
        self._folder = out / "store" / "voices" / audio.content_hash(encoder.fingerprint.encode())[:16]

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def embed(self, clips: Sequence[Audio]) -> Embeddings:
        paths = [self._path(clip) for clip in clips]
        unknown = {path: clip for path, clip in zip(paths, clips, strict=True) if not path.exists()}
        if unknown:
            for path, row in zip(unknown, self._encoder.embed(list(unknown.values())), strict=True):
                buffer = io.BytesIO()
                np.save(buffer, row)
                audio.write_atomically(path, buffer.getvalue())
        return np.stack([np.load(path) for path in paths])

    def _path(self, clip: Audio) -> Path:
        name = _clip_hash(clip)
        return self._folder / name[:2] / f"{name}.npy"


class RememberedRecognizer:
    """A recogniser that looks on disk first; what failed is not kept and is tried again by the next run."""

    def __init__(self, recognizer: Recognizer, out: Path) -> None:
        self._recognizer = recognizer
        self._folder = out / "store" / "heard" / audio.content_hash(recognizer.fingerprint.encode())[:16]

    @property
    def fingerprint(self) -> str:
        return self._recognizer.fingerprint

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        asked = list(zip(clips, languages, strict=True))
        paths = [self._path(clip, language) for clip, language in asked]
        unknown = {path: pair for path, pair in zip(paths, asked, strict=True) if _remembered(path) is None}
        if unknown:
            texts = self._recognizer.transcribe(
                [clip for clip, _ in unknown.values()], [at for _, at in unknown.values()]
            )
            for path, text in zip(unknown, texts, strict=True):
                audio.write_atomically(path, _json({"text": text}))
        remembered = (_remembered(path) for path in paths)
        return [text for text in remembered if text is not None]

    def _path(self, clip: Audio, language: str) -> Path:
        name = _clip_hash(clip)
        return self._folder / name[:2] / f"{name}-{re.sub(r'[^A-Za-z-]', '_', language)}.json"


def _remembered(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["text"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never heard, or half written


def _clip_hash(clip: Audio) -> str:
    return audio.content_hash(clip.samples.tobytes() + str(clip.sample_rate_hz).encode())


def _put(data: bytes, path: Path) -> None:
    """Write a file whole or not at all; another one of that name is moved aside first."""
    if path.exists():
        there = path.read_bytes()
        if there == data:
            return
        path.replace(path.with_name(f"{path.stem}.{audio.content_hash(there)[:8]}{path.suffix}"))
    audio.write_atomically(path, data)


def _json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sidecar(take: Take, batch: Sequence[Request]) -> dict[str, Any]:
    request = take.request
    assert take.audio is not None
    return {
        "digest": request.digest,
        "utterance": asdict(request.utterance),
        "reference": {
            "id": request.reference.id,
            "sha256": request.reference.sha256,
            "transcript": request.reference.transcript,
            "language": request.reference.language,
        },
        "chunks": [asdict(chunk) for chunk in request.chunks],
        "sampling": msgspec.structs.asdict(request.sampling),
        "seed": request.seed,
        "system": request.system,
        "sample_rate_hz": take.audio.sample_rate_hz,
        "downmix_loss_db": take.audio.downmix_loss_db,
        "stopped_by": take.stopped_by,
        "frames": take.frames,
        "elapsed_s": round(take.elapsed_s, 3),
        "unconditioned": take.unconditioned,
        "details": dict(take.details),
        "provenance": msgspec.structs.asdict(take.provenance),
        "batch": [other.digest for other in batch],
    }
