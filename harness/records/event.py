"""What happens in a run, event by event: the lines of `OUT/run.jsonl`."""

import sys
import zlib
from typing import Any, ClassVar, Literal, Self

import msgspec

from harness.errors import RecordError
from harness.records.comparison import Comparison, NotCompared
from harness.records.packed import Names, PackedTake
from harness.records.run_record import About
from harness.records.schema import BEFORE_SCHEMAS, Record, encode
from harness.records.schema import decode as decode_record
from harness.records.take_record import TakeKey, TakeRecord

NAME = "run.jsonl"


class Event(Record, frozen=True, tag_field="event"):
    """Something that happened."""


class Begun(Event, frozen=True, tag="begun"):
    """The first event of every run."""

    SCHEMA: ClassVar[int] = 6

    at: str
    """UTC."""
    schema: int
    run: str = ""
    """Names the run, the same in all its processes."""


class Described(Event, frozen=True, tag="described"):
    """What is judged, and with what."""

    about: About
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    """How the run was asked for."""


class Whole(Event, frozen=True, tag="whole", kw_only=True):
    """What the whole release is, of which the command may have selected a part."""

    takes: dict[str, int]
    """How many there are, by suite."""
    gates: dict[str, tuple[str, ...]]
    """Names of the gates, by suite."""
    left_out: str = ""
    """What the command left out by itself, in words."""
    may_be_partial: bool = True
    """Whether a part that passes ends with exit 0."""


class Planned(Event, frozen=True, tag="planned"):
    """Which takes each test needs."""

    takes: dict[str, tuple[TakeKey, ...]]
    deselected: int = 0
    """How many tests of takes the command left out."""
    same: dict[str, str] = msgspec.field(default_factory=dict)
    """Tests that need the takes of another one, which is told."""


class Named(Event, frozen=True, tag="named"):
    """What names stand for in what follows."""

    names: Names


class Found(Event, frozen=True, tag="found"):
    """What was measured and judged of a take; several of one take add up."""

    suite: str
    utterance: str
    seed: int
    like: str
    """The name of an example, whose bytes are where the deflated ones may refer to."""
    packed: bytes
    """The take as JSON, deflated: `run.json` has it again to be read."""
    hangs_on: str = ""
    """The hash of all that its numbers hang on; empty where nobody takes them over."""

    @classmethod
    def of(cls, take: PackedTake, like: str, example: bytes, hangs_on: str = "") -> Self:
        """The event of a take."""
        deflate = zlib.compressobj(zdict=example)
        packed = deflate.compress(encode(take)) + deflate.flush()
        return cls(take.suite, take.utterance, take.seed, like, packed, hangs_on)

    @property
    def key(self) -> TakeKey:
        """Which take it is about."""
        return TakeKey(self.suite, self.utterance, self.seed)

    def take(self, example: bytes, where: str, remedy: str) -> PackedTake:
        """The take.

        Args:
            example: What `like` names.
            where: The file.
            remedy: What to do where it cannot be used.

        Raises:
            RecordError: It is damaged.
        """
        try:
            inflate = zlib.decompressobj(zdict=example)
            data = inflate.decompress(self.packed)
            if not inflate.eof:
                raise zlib.error("it is cut off")
            found = decode_record(data, PackedTake, where, remedy)
        except zlib.error as error:
            raise RecordError(f"{where} is damaged ({error}): {remedy}") from error
        if found.key != self.key:
            raise RecordError(f"{where} is damaged ({self.key} holds {found.key}): {remedy}")
        return found


class Answered(Event, frozen=True, tag="answered"):
    """A test came back with verdicts on its takes, and with what it found beside."""

    test: str
    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()


class Judged(Record, frozen=True):
    """What a test found out; in the journal its takes are events of their own."""

    test: str
    takes: tuple[TakeRecord, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()


class Unjudged(Event, frozen=True, tag="unjudged"):
    """A test that ended without a verdict to explain it."""

    test: str
    kind: Literal["failed", "harness error", "skipped"]
    how: str


class Ended(Event, frozen=True, tag="ended"):
    """The last event of every run that was not killed."""

    at: str
    """UTC."""
    exit_status: int


class Findings(Record, frozen=True):
    """What a test found out, on its way from the process that ran it to the one that writes the journal."""

    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    verdicts: int = 0
    """How many on its takes, which stand in the journal."""
    against: int = 0
    """How many of them stand against the release."""
    is_of_test: bool = False
    """Whether a failure is what the test says, and not that it could not be carried out."""

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            self.comparisons + other.comparisons,
            self.not_compared + other.not_compared,
            self.verdicts + other.verdicts,
            self.against + other.against,
            self.is_of_test or other.is_of_test,
        )

    @property
    def is_explained(self) -> bool:
        """Whether a verdict says why the test failed."""
        compared: tuple[Comparison | NotCompared, ...] = (*self.comparisons, *self.not_compared)
        return bool(self.against) or any(one.stands_against for one in compared)

    @property
    def has_verdicts(self) -> bool:
        """Whether anything was asked."""
        return bool(self.comparisons or self.not_compared or self.verdicts)


AnyEvent = Begun | Described | Whole | Planned | Named | Found | Answered | Unjudged | Ended


def decode(line: bytes, where: str, remedy: str) -> AnyEvent:
    """One event of a journal.

    Raises:
        RecordError: It is damaged, or of another schema.
    """
    try:
        event: AnyEvent = msgspec.json.decode(line, type=AnyEvent)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if is_older(line):
            raise RecordError(_other_schema(where, BEFORE_SCHEMAS, remedy)) from error
        raise RecordError(f"{where} is damaged ({error}): {remedy}") from error
    if isinstance(event, Begun) and event.schema != Begun.SCHEMA:
        raise RecordError(_other_schema(where, event.schema, remedy))
    return event


class _Whose(msgspec.Struct):
    suite: str
    utterance: str
    seed: int
    hangs_on: str = ""


NAMED, FOUND = b'{"event":"named"', b'{"event":"found"'
"""How the lines of two kinds of events begin."""


def key_of(line: bytes) -> TakeKey:
    """Of which take an event of the kind `Found` is, without reading the rest of it.

    Raises:
        RecordError: It is none.
    """
    of = _whose(line)
    return TakeKey(sys.intern(of.suite), of.utterance, of.seed)


def hangs_on(line: bytes) -> str:
    """On what the numbers of an event of the kind `Found` hang; empty where that was not said.

    Raises:
        RecordError: It is none.
    """
    return _whose(line).hangs_on


def _whose(line: bytes) -> _Whose:
    try:
        return msgspec.json.decode(line, type=_Whose)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RecordError(f"this is not what was found of a take: {line[:80]!r}") from error


def _other_schema(where: str, found: int, remedy: str) -> str:
    return f"{where} has schema {found}, this version of the harness reads schema {Begun.SCHEMA}: {remedy}"


def is_older(line: bytes) -> bool:
    """Whether it is the first event of a journal of another schema."""
    try:
        found = msgspec.json.decode(line, type=dict[str, str | int])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return set(found) == {"begun"} or (found.get("event") == "begun" and found.get("schema") != Begun.SCHEMA)
