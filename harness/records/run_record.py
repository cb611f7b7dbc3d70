"""A run as a whole: `OUT/run.json`. Everything that a person sees of a run is drawn from it."""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec
from msgspec import structs

from harness.errors import RecordError
from harness.records.audit import Audit
from harness.records.comparison import Comparison, NotCompared
from harness.records.gate import Outcome
from harness.records.packed import Glossary, Names
from harness.records.rules import Rules
from harness.records.schema import SEAL_KEY, Record, Seal, Sealed, decode, encode, stamped
from harness.records.take_record import TakeKey, TakeRecord
from harness.records.takes_on_disk import takes_in_file

NAME = "run.json"
HOW_TO_RUN = "run pytest suites/ again"
_TAKES = b',"takes":[\n'
_NAMES = b'\n],"names":'


class About(Record, frozen=True, kw_only=True):
    """What was judged, and with what."""

    backend: str = ""
    system: str = ""
    """What makes the system under test itself."""
    note: str = ""
    """What a reviewer must know about it."""
    gates: str = ""
    """The profile."""
    instruments: dict[str, str] = msgspec.field(default_factory=dict)
    """The fingerprints of the models that measured, by their part; one that was not given has none."""
    voices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What is doubtful about the references of the run."""
    by_sentence: bool = False
    """Whether long texts were generated sentence by sentence."""
    commit: str = ""
    rules: Rules = Rules()
    """By what it is judged."""
    sample_rate_hz: int = 0
    frame_rate_hz: int | float = 0
    """At which the system speaks."""
    audit: Audit | None = None
    """How often the gate is wrong, where it was tried on these baselines, margins and gates."""


class NotJudged(Record, frozen=True):
    """A take that was planned and not judged."""

    take: TakeKey
    why: str


class Scope(Record, frozen=True, kw_only=True):
    """How much of the whole release was judged. Nothing is known of a run whose tests lie outside a suites folder."""

    takes: int = 0
    of_takes: int = 0
    gates: int = 0
    """Names of gates of which at least one take was judged ..."""
    of_gates: int = 0
    verdicts: int = 0
    """Answers of a gate on a take ..."""
    of_verdicts: int = 0
    left_out: str = ""
    """What the command left out although nothing of the above shows it."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the release was left out."""
        return not self.left_out and self.takes >= self.of_takes and self.verdicts >= self.of_verdicts

    def __str__(self) -> str:
        gates = f"{self.gates} of {self.of_gates} gates"
        if (self.takes, self.gates) == (self.of_takes, self.of_gates):
            gates += f", {self.verdicts} of {self.of_verdicts} verdicts"
        return f"{self.takes} of {self.of_takes} takes, {gates}" + (f"; {self.left_out}" if self.left_out else "")


class RunRecord(Sealed, frozen=True, kw_only=True):
    """What was planned, what was judged, what each gate said, and the verdict."""

    SCHEMA: ClassVar[int] = 5

    verdict: Outcome
    """May it go out?"""
    exit_code: int
    incomplete: str = ""
    """Why this is not the whole run; empty where it is."""
    scope: Scope = Scope()
    unmet: tuple[str, ...] = ()
    """What the policy requires and the run lacks, with what to give."""
    begun: str = ""
    ended: str = ""
    """Date and time in UTC; empty while the run goes on, and for ever where it was killed."""
    about: About
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    """How it was asked for: `harness.run.plan.Settings`, without the gates and the output folder."""
    planned: int
    """Takes; planned = judged + not judged, always."""
    judged: int
    not_judged: tuple[NotJudged, ...] = ()
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    """How many verdicts there are of each kind, comparisons included."""
    failed_otherwise: dict[str, str] = msgspec.field(default_factory=dict)
    """Tests that failed although no gate did, and how."""
    harness_errors: dict[str, str] = msgspec.field(default_factory=dict)
    """Tests that the harness itself could not carry out, and how."""
    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    takes: Sequence[TakeRecord] = ()
    """In the file each is a line of its own (`harness.records.packed`), and is read when it is asked for."""

    def pieces(self) -> Iterator[bytes]:
        """The file: what is said of the whole, a line a take, what their names stand for, the seal."""
        glossary, seal = Glossary(), Seal()
        head = structs.replace(stamped(structs.replace(self, takes=())), sha256="")
        yield seal.over(encode(head)[:-1] + _TAKES)
        between = b""
        for take in self.takes:
            yield seal.over(between + encode(glossary.pack(take)))
            between = b",\n"
        yield seal.over(_NAMES + encode(glossary.names))
        yield seal.end

    @classmethod
    def of_file(cls, path: Path, remedy: str) -> Self:
        """A record whose takes are read from the file as they are asked for."""
        seal, offsets, at = Seal(), array("Q"), 0
        with path.open("rb") as file:
            first = last = b""
            for number, text in enumerate(file):
                if number == 0:
                    first = text
                    if not text.endswith(_TAKES):
                        break
                elif text.startswith(_NAMES[1:]):
                    last = text
                    break
                elif text != b"\n":
                    offsets.append(at)
                seal.over(text)
                at += len(text)
            if SEAL_KEY not in last:
                # Of another schema, by hand, or cut off: a reader of whole files says which.
                file.seek(0)
                decode(file.read(), cls, str(path), remedy)
                raise RecordError(f"{path} is damaged (it does not end as it should): {remedy}")
        names, _, sealed = last.rpartition(SEAL_KEY)
        seal.over(names)
        head = decode(first.removesuffix(_TAKES) + b"}", cls, str(path), remedy)
        if SEAL_KEY + sealed != seal.end:
            raise RecordError(f"{path} was changed by hand: its content hash is another: {remedy}")
        glossary = Glossary()
        glossary.learn(decode(names.removeprefix(_NAMES[1:]), Names, str(path), remedy))
        return structs.replace(head, takes=takes_in_file(path, offsets, glossary, remedy), sha256=seal.digest)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the verdict does not speak of; belongs beside it wherever it is shown."""
        partial = () if self.scope.is_whole else (f"PARTIAL: {self.scope}",)
        heard = self.about.instruments.get("recognizer", "none") != "none"
        return partial if heard or not self.takes else (*partial, "words not judged: no recogniser was given (--asr)")

    @property
    def counts(self) -> str:
        """The denominator in words."""
        refused = {one.take for one in self.not_judged}
        in_part = sum(take.key in refused for take in self.takes if take.verdicts) if refused else 0
        said = f" ({in_part} of them judged in part)" if in_part else ""
        return f"{self.planned} planned = {self.judged} judged + {len(self.not_judged)} refused{said}"
