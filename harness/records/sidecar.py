"""The file beside a stored take: all that is known about it."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from harness.corpus import Utterance
from harness.records.schema import Record, Sealed, encode, stamped
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

    def pieces(self) -> Iterable[bytes]:
        """The file, one line: there are as many as takes."""
        return (encode(stamped(self)) + b"\n",)

    digest: str
    """Of the request."""
    audio: str
    """sha256 of the sound file."""
    utterance: Utterance
    reference: SidecarReference
    chunks: tuple[Chunk, ...]
    sampling: Sampling | None = None
    """With what it was asked for; None where the take was made elsewhere."""
    seed: int
    system: str
    sample_rate_hz: int
    downmix_loss_db: float = 0.0
    stopped_by: Stop
    frames: Annotated[int, Meta(ge=0)] | None = None
    elapsed_s: Annotated[float, Meta(ge=0)] = 0.0
    unconditioned: str = ""
    details: dict[str, float | str] = msgspec.field(default_factory=dict)
    provenance: Provenance
    batch: tuple[str, ...] = ()
    """Digests of the requests that were generated together with it; none where it was made elsewhere."""
