"""A run as a whole: `OUT/run.json`. Everything that a person sees of a run is drawn from it."""

from typing import ClassVar

import msgspec

from harness.records.comparison import Comparison, NotCompared
from harness.records.gate import Outcome
from harness.records.schema import Document, Record
from harness.records.take_record import TakeKey, TakeRecord

NAME = "run.json"
HOW_TO_RUN = "run pytest suites/ again"


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
    by_sentence: bool = False
    """Whether long texts were generated sentence by sentence."""
    commit: str = ""


class NotJudged(Record, frozen=True):
    """A take that was planned and not judged."""

    take: TakeKey
    why: str


class RunRecord(Document, frozen=True, kw_only=True):
    """What was planned, what was judged, what each gate said, and the verdict."""

    SCHEMA: ClassVar[int] = 2

    verdict: Outcome
    """May it go out?"""
    exit_code: int
    incomplete: str = ""
    """Why this is not the whole run; empty where it is."""
    begun: str = ""
    ended: str = ""
    """Date and time in UTC; empty while the run goes on, and for ever where it was killed."""
    about: About
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
    takes: tuple[TakeRecord, ...] = ()

    @property
    def counts(self) -> str:
        """The denominator in words."""
        return f"{self.planned} planned = {self.judged} judged + {len(self.not_judged)} refused"
