"""The accepted release in one suite: `golden/BACKEND/SUITE.json`, one take a line, sealed.

What the takes share, such as what a metric means, is told once, as in the record of a run (`harness.records.packed`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from harness.errors import RecordError
from harness.records.measurement import Measurement
from harness.records.packed import Glossary, Names, PackedMeasurement, PackedMeasurements
from harness.records.schema import Document, Record, Sealed, encode, stamped
from harness.take import Sampling


class Fingerprint(Record, frozen=True, kw_only=True):
    """With what and on what takes were made and measured; different ones are not compared."""

    instruments: dict[str, str] = msgspec.field(default_factory=dict)
    """Of the models that measured, by their part."""
    device: str = ""
    dtype: str = ""


class Model(Record, frozen=True):
    """What spoke."""

    model: str
    revision: str
    codec_revision: str = ""


class Predecessor(Record, frozen=True, kw_only=True):
    """A release that was accepted before."""

    by: str
    on: str
    system: str
    override: str = ""
    found_worse: tuple[str, ...] = ()


class Remeasured(Record, frozen=True, kw_only=True):
    """When the takes of a baseline were measured again by other rulers, and who had it done."""

    by: str
    on: str
    """UTC."""


class Anchor(Record, frozen=True, kw_only=True):
    """The first release of a line, of which every later one must not lose too much."""

    by: str
    on: str
    system: str
    values: dict[str, dict[str, tuple[float | None, ...]]]
    """By metric and utterance, of each take; None where there was no number."""


class Accepted(Record, frozen=True, kw_only=True):
    """Who accepted, when, why, and all that shaped the takes."""

    by: str
    on: str
    system: str
    override: str = ""
    """Why it was accepted although it was found worse."""
    found_worse: tuple[str, ...] = ()
    gates: str = ""
    """The profile."""
    rules: dict[str, str] = msgspec.field(default_factory=dict)
    """Hashes of the resolved gates, the margins, the policy, the corpus and the voices."""
    model: Model
    fingerprint: Fingerprint
    sampling: Sampling | None = None
    """With what it was asked for; None where the take was made elsewhere."""
    largest_batch: int = 1
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    before: tuple[Predecessor, ...] = ()
    """The releases before this one, oldest first."""
    anchor: Anchor | None = None
    """The first release that was measured by the same rulers; None where this one is."""
    remeasured: tuple[Remeasured, ...] = ()
    """When its numbers became those of other rulers, oldest first; the history has the numbers before and after."""


class Sketch(Record, frozen=True, kw_only=True):
    """By what the samples of a take are known again, also cut, padded or at another level."""

    of: int
    """How many landmarks the take has (`harness.metrics.copies`) ..."""
    least: str
    """... and the last 32 bits of the least of them, 8 hexadecimal digits each: they hang on the samples alone."""


class _TakeFacts(Record, frozen=True, kw_only=True):
    """What is kept of a take beside its measurements."""

    utterance: str
    seed: int
    speaker: str
    question: str = ""
    """sha256 of text, reference, chunks, sampling and seed; empty where there is no audio."""
    audio: str = ""
    """sha256 of the sound file; empty where there is none."""
    sketch: Sketch | None = None
    """None where there is no audio, or too little to be known again."""
    broken: tuple[str, ...] = ()
    """Gates that it broke, where a share of takes may."""


class BaselineTake(_TakeFacts, frozen=True, kw_only=True):
    """What is kept of a take."""

    measurements: dict[str, Measurement]


class Baseline(Document, frozen=True, kw_only=True):
    """The accepted release in one suite."""

    SCHEMA: ClassVar[int] = 3

    backend: str
    suite: str
    accepted: Accepted
    takes: tuple[BaselineTake, ...]
    sha256: str = ""
    """The seal of the file that it was read from."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of its takes, rising."""
        return tuple(sorted({take.seed for take in self.takes}))

    def pieces(self) -> Iterator[bytes]:
        """The file: every take in a line of its own, so that a change of one shows as one."""
        glossary = Glossary()
        packed = tuple(
            _PackedTake(
                **{name: getattr(take, name) for name in _FACTS}, **glossary.packed(take.measurements)._asdict()
            )
            for take in self.takes
        )
        whole = stamped(
            _PackedBaseline(
                backend=self.backend, suite=self.suite, accepted=self.accepted, names=glossary.names, takes=packed
            )
        )
        yield b'{"schema": %d, "sha256": "%s",\n' % (whole.schema, whole.sha256.encode())
        yield b'"backend": %s, "suite": %s,\n' % (encode(whole.backend), encode(whole.suite))
        yield b'"accepted": %s,\n"names": %s,\n' % (encode(whole.accepted), encode(whole.names))
        yield b'"takes": [\n%s\n]}\n' % b",\n".join(encode(take) for take in whole.takes)

    @classmethod
    def of_file(cls, path: Path, remedy: str) -> Self:
        """What a file holds; raises as `schema.read`."""
        packed = _PackedBaseline.of_file(path, remedy)
        glossary = Glossary()
        try:
            glossary.learn(packed.names)
            takes = tuple(
                BaselineTake(
                    **{name: getattr(take, name) for name in _FACTS},
                    measurements=glossary.unpacked(
                        PackedMeasurements(take.measurements, take.not_applicable, take.lacks)
                    ),
                )
                for take in packed.takes
            )
        except RecordError as error:
            raise RecordError(f"{path} is damaged ({error}): {remedy}") from error
        facts = {name: getattr(packed, name) for name in ("schema", "sha256", "backend", "suite", "accepted")}
        return cls(**facts, takes=takes)


class _PackedTake(_TakeFacts, frozen=True, kw_only=True):
    """A take as it stands in the file (`harness.records.packed`)."""

    measurements: dict[str, PackedMeasurement] = msgspec.field(default_factory=dict)
    not_applicable: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    lacks: str = ""


class _PackedBaseline(Sealed, frozen=True, kw_only=True):
    """The file."""

    SCHEMA: ClassVar[int] = Baseline.SCHEMA

    backend: str
    suite: str
    accepted: Accepted
    names: Names
    """What the takes share."""
    takes: tuple[_PackedTake, ...]


_FACTS = _TakeFacts.__struct_fields__
