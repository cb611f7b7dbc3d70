"""What a run found out about one take."""

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path, PurePath
from typing import Annotated

import msgspec
from msgspec import Meta

from harness.records.gate import WORST_FIRST, Verdict
from harness.records.measurement import Measurement
from harness.records.schema import Record
from harness.take import Provenance, Sampling, Stop, Take


class TakeKey(Record, frozen=True, array_like=True, order=True):
    """Which take: an id may stand in two suites, so the suite is part of every key."""

    suite: str
    utterance: str
    seed: int

    def __str__(self) -> str:
        """How a take is called everywhere.

        >>> str(TakeKey("short", "short-007", 3))
        'short-007, seed 3'
        """
        return f"{self.utterance}, seed {self.seed}"


class TakeRecord(Record, frozen=True, kw_only=True):
    """One take: what was asked, where its sounds lie, what was measured and judged.

    Paths are relative to the output folder; an empty one says that there is no such sound.
    """

    suite: str
    utterance: str
    seed: int
    text: str
    language: str
    reference: str
    speaker: str
    reference_language: str = ""
    transcript: str = ""
    """What is said in the reference."""
    digest: str
    """Of the request."""
    listen: str = ""
    reference_audio: str = ""
    accepted_audio: str = ""
    accepted_sha256: str = ""
    """The hash that the accepted release's take of this utterance and seed must have; empty where there is none."""
    unconditioned: str = ""
    """Why the reference had no part in it, where it had none."""
    stopped_by: Stop
    frames: Annotated[int, Meta(ge=0)] | None = None
    max_frames: int
    elapsed_s: Annotated[float, Meta(ge=0)] = 0.0
    error: str = ""
    """Why there is no audio."""
    system: str = ""
    """What makes the system under test itself."""
    question: str = ""
    """Names what was asked, whoever answers."""
    audio: str = ""
    """sha256 of the sound file; empty where there is none."""
    sampling: Sampling | None = None
    """With what it was asked for; None where the take was made elsewhere."""
    provenance: Provenance
    measurements: dict[str, Measurement] = msgspec.field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()

    @classmethod
    def of(
        cls,
        take: Take,
        measurements: Mapping[str, Measurement],
        verdicts: Sequence[Verdict],
        listen: Path | None,
        out: Path,
        accepted_sha256: str = "",
        accepted_audio: Path | None = None,
    ) -> "TakeRecord":
        """What one test found out about a take.

        Args:
            take: What was generated.
            measurements: By metric.
            verdicts: What the gates said.
            listen: Where the take lies under its documented name, its reference beside it.
            out: The output folder.
            accepted_sha256: Hash of the accepted release's take of the same utterance and seed.
            accepted_audio: Where that would lie.
        """
        request = take.request
        beside = listen.with_name(f"{listen.stem}_ref.wav") if listen else request.reference.path
        return cls(
            suite=request.utterance.suite,
            utterance=request.utterance.id,
            seed=request.seed,
            text=request.utterance.text,
            language=request.utterance.language,
            reference=request.reference.id,
            speaker=request.reference.speaker,
            reference_language=request.reference.language,
            transcript=request.reference.transcript,
            digest=request.digest,
            listen=_relative(listen, out),
            reference_audio="" if request.reference.problem else _relative(beside, out),
            accepted_audio=_relative(accepted_audio, out),
            accepted_sha256=accepted_sha256,
            unconditioned=take.unconditioned or request.reference.problem,
            stopped_by=take.stopped_by,
            frames=take.frames,
            max_frames=request.max_frames,
            elapsed_s=round(take.elapsed_s, 3),
            error=take.error,
            system=request.system,
            question=request.question if take.sha256 else "",
            audio=take.sha256,
            sampling=None if take.provenance.elsewhere else request.sampling,
            provenance=take.provenance,
            measurements=dict(measurements),
            verdicts=tuple(verdicts),
        )

    @property
    def key(self) -> TakeKey:
        """Which take it is."""
        return TakeKey(self.suite, self.utterance, self.seed)

    @property
    def heard(self) -> str:
        """What a recogniser wrote; empty where none listened."""
        return next((found.heard for found in self.measurements.values() if found.heard), "")

    @property
    def against(self) -> tuple[Verdict, ...]:
        """The verdicts that block the release."""
        return tuple(verdict for verdict in self.verdicts if verdict.stands_against)


def _relative(path: Path | None, out: Path) -> str:
    return PurePath(relpath(path, out)).as_posix() if path else ""


def together(known: TakeRecord, found: TakeRecord) -> TakeRecord:
    """What was found out about one take, in one record; where a gate spoke twice the worse stands."""
    verdicts = {verdict.gate.name: verdict for verdict in known.verdicts}
    for verdict in found.verdicts:
        verdicts[verdict.gate.name] = _worse(verdicts.get(verdict.gate.name, verdict), verdict)
    return msgspec.structs.replace(
        known, verdicts=tuple(verdicts.values()), measurements=known.measurements | found.measurements
    )


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return min(one, other, key=lambda verdict: WORST_FIRST.index(verdict.outcome))
