"""How the releases went: the lines of `OUT/releases.jsonl`, a line for each run, acceptance and new measuring."""

import msgspec

from harness.errors import RecordError
from harness.records.schema import Record

NAME = "releases.jsonl"


class RunEvent(Record, frozen=True, kw_only=True, tag_field="event", tag="run"):
    """A run: its verdict, and the mean of every metric over the takes of each text, and over the texts."""

    on: str
    """UTC."""
    begun: str = ""
    """When the run began, UTC."""
    verdict: str
    incomplete: str = ""
    system: str = ""
    commit: str = ""
    takes: int
    """That were judged."""
    backend: str = ""
    model: str = ""
    """What spoke, whatever its revision."""
    ruler: str = ""
    """With what its takes were measured."""
    seeds: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    """Suite and utterance of what was spoken."""
    values: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    """By metric, the mean over the takes of each text, null where there was no number; read when they are asked for."""
    means: dict[str, float] = msgspec.field(default_factory=dict)
    """By metric, the mean over the texts."""
    since_first: dict[str, float] = msgspec.field(default_factory=dict)
    """By metric, the change since the first release of the line; positive is better."""
    against: tuple[str, ...] = ()
    """Comparisons that stood against it."""

    def numbers(self, metric: str) -> list[float | None]:
        """The values of one metric: of all together a large run would hold a hundred numbers for each text.

        Raises:
            RecordError: They are no numbers.
        """
        try:
            found: list[float | None] = msgspec.json.decode(self.values[metric], type=list[float | None])
        except msgspec.DecodeError as error:
            raise RecordError(f"{metric} of the run on {self.on} is damaged ({error}): take its line out") from error
        return found


class AcceptedEvent(Record, frozen=True, kw_only=True, tag_field="event", tag="accepted"):
    """A release that was accepted in a suite."""

    on: str
    """UTC."""
    suite: str
    by: str
    override: str = ""
    found_worse: tuple[str, ...] = ()
    system: str = ""


class RemeasuredEvent(Record, frozen=True, kw_only=True, tag_field="event", tag="remeasured"):
    """An accepted release whose kept audio was measured again, because the rulers changed."""

    on: str
    """UTC."""
    suite: str
    by: str
    system: str = ""
    before: dict[str, float] = msgspec.field(default_factory=dict)
    """By metric, the mean over all takes as accepted ..."""
    after: dict[str, float] = msgspec.field(default_factory=dict)
    """... and by the rulers of then."""


HistoryEvent = RunEvent | AcceptedEvent | RemeasuredEvent


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
