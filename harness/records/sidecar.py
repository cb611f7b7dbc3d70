"""The file beside a stored take: all that is known about it."""

from typing import ClassVar

import msgspec

from harness.corpus import Utterance
from harness.records.schema import Record, Sealed
from harness.take import Chunk, Provenance, Sampling, Stop


class SidecarReference(Record, frozen=True):
    """The voice that conditioned the take."""

    id: str
    sha256: str
    transcript: str
    language: str


class Sidecar(Sealed, frozen=True, kw_only=True):
    """A stored take but for its samples."""

    SCHEMA: ClassVar[int] = 2

    digest: str
    """Of the request."""
    audio: str
    """sha256 of the sound file."""
    utterance: Utterance
    reference: SidecarReference
    chunks: tuple[Chunk, ...]
    sampling: Sampling
    seed: int
    system: str
    sample_rate_hz: int
    downmix_loss_db: float = 0.0
    stopped_by: Stop
    frames: int | None = None
    elapsed_s: float = 0.0
    unconditioned: str = ""
    details: dict[str, float | str] = msgspec.field(default_factory=dict)
    provenance: Provenance
    batch: tuple[str, ...] = ()
    """Digests of the requests that were generated together with it."""
