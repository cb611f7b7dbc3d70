"""How the releases went: the lines of `OUT/releases.jsonl`, a line for each run and each acceptance."""

import msgspec

from harness.errors import RecordError
from harness.records.schema import Record

NAME = "releases.jsonl"


class RunEvent(Record, frozen=True, kw_only=True, tag_field="event", tag="run"):
    """A run: its verdict, and the mean of every metric over its takes."""

    on: str
    """UTC."""
    verdict: str
    incomplete: str = ""
    system: str = ""
    commit: str = ""
    takes: int
    """That were judged."""
    means: dict[str, float] = msgspec.field(default_factory=dict)
    against: tuple[str, ...] = ()
    """Comparisons that stood against it."""


class AcceptedEvent(Record, frozen=True, kw_only=True, tag_field="event", tag="accepted"):
    """A release that was accepted in a suite."""

    on: str
    """UTC."""
    suite: str
    by: str
    override: str = ""
    found_worse: tuple[str, ...] = ()
    system: str = ""


HistoryEvent = RunEvent | AcceptedEvent


def decode(line: bytes, where: str) -> HistoryEvent:
    """One line.

    Raises:
        RecordError: It is damaged; names the line.
    """
    try:
        event: HistoryEvent = msgspec.json.decode(line, type=HistoryEvent)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RecordError(f"{where} is damaged ({error}): take it out") from error
    return event
