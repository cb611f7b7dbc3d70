"""What happens in a run, event by event: the lines of `OUT/run.jsonl`."""

from typing import Any, ClassVar, Literal

import msgspec

from harness.errors import RecordError
from harness.records.comparison import Comparison, NotCompared
from harness.records.run_record import About
from harness.records.schema import BEFORE_SCHEMAS, Record
from harness.records.take_record import TakeKey, TakeRecord

NAME = "run.jsonl"


class Event(Record, frozen=True, tag_field="event"):
    """Something that happened."""


class Begun(Event, frozen=True, tag="begun"):
    """The first event of every run."""

    SCHEMA: ClassVar[int] = 2

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


class Judged(Event, frozen=True, tag="judged"):
    """What a test found out."""

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

    takes: tuple[TakeRecord, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    is_of_test: bool = False
    """Whether a failure is what the test says, and not that it could not be carried out."""

    @property
    def is_explained(self) -> bool:
        """Whether a verdict says why the test failed."""
        of_takes = any(take.against for take in self.takes)
        compared: tuple[Comparison | NotCompared, ...] = (*self.comparisons, *self.not_compared)
        return of_takes or any(one.stands_against for one in compared)

    @property
    def has_findings(self) -> bool:
        """Whether there is anything to note."""
        return bool(self.takes or self.comparisons or self.not_compared)

    @property
    def has_verdicts(self) -> bool:
        """Whether anything was asked."""
        return bool(self.comparisons or self.not_compared or any(take.verdicts for take in self.takes))


AnyEvent = Begun | Described | Whole | Planned | Judged | Unjudged | Ended


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


def _other_schema(where: str, found: int, remedy: str) -> str:
    return f"{where} has schema {found}, this version of the harness reads schema {Begun.SCHEMA}: {remedy}"


def is_older(line: bytes) -> bool:
    """Whether it is the first event of a journal of another schema."""
    try:
        found = msgspec.json.decode(line, type=dict[str, str | int])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return set(found) == {"begun"} or (found.get("event") == "begun" and found.get("schema") != Begun.SCHEMA)
