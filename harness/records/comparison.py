"""What was asked about the accepted release, and the answer.

Conventions: a change is oriented so that positive is better; where neither more nor less of a metric is better it may
drift neither way. Changes, ends of intervals and margins are in one unit: the metric's, or a share of the accepted
value where the margin is relative, or a share of all utterances where lost utterances are counted. A number that is not
known is None.
"""

from typing import Literal

from harness.records.gate import AGAINST, Outcome
from harness.records.schema import Record


class Stratum(Record, frozen=True):
    """Whose takes a question is about."""

    kind: Literal["suite", "voice", "all"]
    name: str = ""

    def __str__(self) -> str:
        """As people read it.

        >>> str(Stratum("suite", "short")), str(Stratum("all"))
        ('suite short', 'all suites')
        """
        return "all suites" if self.kind == "all" else f"{self.kind} {self.name}"


class Change(Record, frozen=True):
    """By how much an utterance changed."""

    utterance: str
    change: float


class Comparison(Record, frozen=True, kw_only=True):
    """One question about the accepted release, answered."""

    outcome: Outcome
    stratum: Stratum
    metric: str
    question: Literal["mean", "lost"]
    """The average change, or the share of utterances that lost more than a listener forgives."""
    unit: str
    """The metric's."""
    relative: bool = False
    """Whether a change of this metric is a share of the accepted value."""
    change: float | None = None
    low: float | None = None
    high: float | None = None
    """The ends of the interval of the change."""
    confidence: float | None = None
    """Of the interval."""
    accepted: float | None = None
    now: float | None = None
    """The means of both releases, of the takes that are compared."""
    limit: float
    """The margin: what may be lost at most."""
    lost_from: float
    """The worsening from which on an utterance counts as lost."""
    p_value: float
    """That nothing got worse, after correction over all questions of the run."""
    utterances: int
    changed_most: tuple[Change, ...] = ()
    """Worst first."""
    detectable: float | None = None
    """The smallest worsening that such a run finds four times in five."""
    more_takes: int | None = None
    """Takes of each utterance at which it would be decided."""
    reason: str = ""
    why: str = ""
    """What the margin is for."""

    @property
    def is_share(self) -> bool:
        """Whether the change is a share, and not in the metric's unit."""
        return self.relative or self.question == "lost"

    @property
    def name(self) -> str:
        """The question in words."""
        if self.question == "mean":
            return f"change of {self.metric}"
        unit = "of the accepted value" if self.relative else self.unit
        return f"utterances that lost {self.lost_from:g} {unit} of {self.metric}"

    @property
    def stands_against(self) -> bool:
        """Whether it blocks the release."""
        return self.outcome in AGAINST


class NotCompared(Record, frozen=True):
    """A question about the accepted release that could not be asked, and why."""

    outcome: Outcome
    stratum: Stratum
    reason: str

    @property
    def stands_against(self) -> bool:
        """Whether it blocks the release: a first release has nothing to be compared with, a damaged baseline has."""
        return self.outcome in AGAINST
