"""What is asked of a cloning model, and what comes back.

Conventions: a frame is one codec step over all codebooks. A Request is named by the sha256 of its canonical JSON, so
the same question has the same name in every run and on every machine.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import msgspec

from harness.audio import Audio, content_hash
from harness.corpus import Reference, Utterance
from harness.errors import UsageError


class Stop(StrEnum):
    """Why a generation ended."""

    EOS = "eos"
    SILENCE = "silence"
    BUDGET = "budget"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """How many frames a generation is expected to need and may use at most."""

    expected_frames: int
    max_frames: int
    frame_rate_hz: float

    @property
    def max_s(self) -> float:
        """Seconds of audio that the budget holds."""
        return self.max_frames / self.frame_rate_hz


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the target text that is generated in one go, with the budget for it."""

    text: str
    budget: TokenBudget


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model draws its tokens; the documented settings."""

    temperature: float = 0.3
    top_k: int = 50
    top_p: float = 0.95
    do_sample: bool = True
    use_cache: bool = True
    ras_window: int = 7
    """Columns in which a repeated code is drawn again from the raw logits; 0 for off. The released model's own."""
    ras_repeats: int = 2
    """How often a code must stand in the window already."""

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.top_k >= 1 and 0 < self.top_p <= 1):
            raise UsageError(
                f"sampling: temperature {self.temperature:g}, top-k {self.top_k}, top-p {self.top_p:g}; "
                "more than 0, at least 1, and more than 0 up to 1 are needed"
            )
        if self.ras_window < 0 or self.ras_repeats < 1:
            raise UsageError(
                f"sampling: repetition window {self.ras_window}, repeats {self.ras_repeats}; "
                "at least 0 and 1 are needed"
            )
        if not self.do_sample and self.ras_window:
            raise UsageError(
                "greedy decoding with a repetition window is not deterministic, because the window draws again from "
                "the raw logits: give --ras off with --sampling greedy"
            )


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a take comes from; takes of different provenance are not compared."""

    backend: str
    model: str
    revision: str
    codec_revision: str = ""
    device: str = "cpu"
    dtype: str = "float32"
    attention: str = ""
    cache: str = ""
    """Kind of KV cache: dynamic or static, compiled or not."""
    weights: str = ""
    """Hash of every file of the checkpoint that can shape a take."""
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    elsewhere: bool = False
    """Whether it was made before this run, by a system and with settings that nobody here knows."""


@dataclass(frozen=True)
class Request:
    """One take to be made: an utterance in a voice, with a seed."""

    utterance: Utterance
    reference: Reference
    seed: int
    chunks: tuple[Chunk, ...]
    system: str
    """What makes this system under test itself: the backend's `identity`."""
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def max_frames(self) -> int:
        """Frames that all chunks together may use."""
        return sum(chunk.budget.max_frames for chunk in self.chunks)

    @property
    def entropy(self) -> int:
        """What a backend draws from, 63 bits: equal for an utterance and seed whatever the system, else unrelated.

        The seed alone would give all utterances of a run the same draws; their takes would stray together, and a lucky
        seed would pass for a better model.
        """
        named = f"{self.utterance.id} {self.seed}".encode()
        return int.from_bytes(hashlib.sha256(named).digest()[:8], "big") >> 1

    @property
    def question(self) -> str:
        """Names what is asked whoever answers: 16 digits of the sha256 of text, voice, chunks, sampling and seed."""
        reference, utterance = self.reference, self.utterance
        asked = {
            "id": utterance.id,
            "text": utterance.text,
            "language": utterance.language,
            "chunks": [asdict(chunk) for chunk in self.chunks],
            "reference": {
                "id": reference.id,
                "sha256": reference.sha256,
                "transcript": reference.transcript,
                "language": reference.language,
            },
            "seed": self.seed,
            "sampling": msgspec.structs.asdict(self.sampling),
        }
        return content_hash(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode())[:16]

    @cached_property
    def digest(self) -> str:
        """Name of this request: sha256 of its canonical JSON, 64 hexadecimal digits."""
        question = {
            "system": self.system,
            # Not only its text: audio that somebody already generated is filed under the utterance.
            "utterance": self.utterance.id,
            "language": self.utterance.language,
            "chunks": [asdict(chunk) for chunk in self.chunks],
            "reference": {"sha256": self.reference.sha256, "transcript": self.reference.transcript},
            "seed": self.seed,
            "sampling": msgspec.structs.asdict(self.sampling),
        }
        canonical = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return content_hash(canonical.encode())


@dataclass(frozen=True)
class Take:
    """One generated audio, or the reason why there is none."""

    request: Request
    audio: Audio | None
    stopped_by: Stop
    provenance: Provenance
    frames: int | None = None
    elapsed_s: float = 0.0
    error: str = ""
    unconditioned: str = ""
    """Why the reference had no part in this take, where it had none: such a take is nobody's clone."""
    details: Mapping[str, float | str] = field(default_factory=dict)
    """What else the backend recorded: the row's own seed, columns, speed, peak memory."""
    path: Path | None = None
    """Where the store keeps the audio, once it does ..."""
    sha256: str = ""
    """... and the hash of that file."""

    @property
    def has_sound(self) -> bool:
        """Whether there is audio, known without reading it."""
        return self.audio is not None
