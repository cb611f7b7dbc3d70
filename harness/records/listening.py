"""What a blind listening session asks, and what a listener answered.

Conventions
    A Session is kept beside the run and is the key: it says which of A and B was which, so it never travels with the
    page. A Ratings file is what the page writes: numbers of trials and letters only. Both name the session by `id`.
"""

from enum import StrEnum
from typing import ClassVar

from harness.records.schema import Document, Record

SESSION_NAME = "session.json"
RATINGS_FOLDER = "ratings"


class Kind(StrEnum):
    """What a trial is for."""

    PAIR = "pair"
    """The accepted release's take and the new take of one utterance."""
    REPEAT = "repeat"
    """A pair again, sides changed: does the listener answer the same?"""
    CHECK = "check"
    """The reference and the same reference without its treble (BS.1534's low anchor): does the listener hear?"""


class Role(StrEnum):
    """What stood behind a letter."""

    ACCEPTED = "accepted"
    NEW = "new"
    REFERENCE = "reference"
    ANCHOR = "anchor"


class Choice(StrEnum):
    """A listener's answer."""

    A = "a"
    B = "b"
    SAME = "same"


class Trial(Record, frozen=True):
    """One question: two sounds in an order that only this record tells."""

    number: int
    kind: Kind
    suite: str
    utterance: str
    seed: int
    speaker: str
    a: Role
    b: Role
    repeats: int | None = None
    """Number of the trial that this one repeats."""

    def role(self, choice: Choice) -> Role | None:
        """What was chosen; None for no difference."""
        return {Choice.A: self.a, Choice.B: self.b, Choice.SAME: None}[choice]


class Session(Document, frozen=True, kw_only=True):
    """The trials of one session and their key."""

    SCHEMA: ClassVar[int] = 1

    id: str
    run: str
    """sha256 of the run's record that the takes belong to."""
    trials: tuple[Trial, ...]


class Rating(Record, frozen=True):
    """The answer to one trial."""

    trial: int
    choice: Choice
    plays: int
    """How often a sound of this trial was started."""


class Ratings(Document, frozen=True, kw_only=True):
    """All answers of one listener in one session."""

    SCHEMA: ClassVar[int] = 1

    session: str
    listener: str
    ratings: tuple[Rating, ...]
    note: str = ""
