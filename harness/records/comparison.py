"""What was asked about the accepted release, and the answer.

Conventions: a change is oriented so that positive is better; where neither more nor less of a metric is better it may
drift neither way. Changes, ends of intervals, limits and margins are in one unit: the metric's, or a share of the
accepted value where the margin is relative. Of lost utterances the numbers are their share of all, and less is better.
A number that is not known is None.
"""

from typing import Literal

from harness.records.gate import AGAINST, Outcome
from harness.records.schema import Record

Question = Literal["mean", "anchor", "lost", "broken"]
"""The average change since the accepted release, or since the first one of its line; the share of utterances that lost
more than a listener forgives; the share of takes that broke a gate."""


class Stratum(Record, frozen=True, order=True):
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
    question: Question
    unit: str
    """The metric's."""
    relative: bool = False
    """Whether a change of this metric is a share of the accepted value."""
    change: float | None = None
    low: float | None = None
    high: float | None = None
    """The ends of the interval of the change ..."""
    confidence: float
    """... which holds it with this chance."""
    accepted: float | None = None
    now: float | None = None
    """The means of both releases, of the takes that are compared."""
    margin: float
    """What may be lost; as gates.toml has it."""
    at_least: float | None = None
    at_most: float | None = None
    """The limits of the interval that follow from it."""
    lost_from: float
    """The worsening from which on an utterance counts as lost."""
    excludes: float | None = None
    """The share of takes which a listener does not forgive, or which break a gate, that is excluded."""
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
        return self.relative or self.question in ("lost", "broken")

    @property
    def unit_of_metric_change(self) -> str:
        """The unit in which the metric of one utterance changes."""
        return "of the accepted value" if self.relative else self.unit

    @property
    def unit_of_change(self) -> str:
        """The unit of `change`, its interval and its limits."""
        return {"lost": "of all", "broken": "of all takes"}.get(self.question, self.unit_of_metric_change)

    @property
    def name(self) -> str:
        """The question in words."""
        if self.question == "broken":
            return "takes that broke a gate"
        if self.question == "mean":
            return f"change of {self.metric}"
        if self.question == "anchor":
            return f"change of {self.metric} since the first release"
        return f"utterances that lost {self.lost_from:g} {self.unit_of_metric_change} of {self.metric}"

    @property
    def limit(self) -> str:
        """The limits with their unit, for people."""
        if self.at_least is None:
            return f"<= {self.at_most:g} {self.unit_of_change}"
        if self.at_most is None:
            return f">= {self.at_least:g} {self.unit_of_change}"
        return f"{self.at_least:g} to {self.at_most:g} {self.unit_of_change}"

    @property
    def observed(self) -> str:
        """The answer in numbers, and what follows; one line."""
        low, high = (f"{end:+.4g}" if end is not None else "?" for end in (self.low, self.high))
        worst = ", ".join(f"{each.utterance} {each.change:+.3g}" for each in self.changed_most)
        of = f"{self.utterances} utterances, worst {worst or 'unknown'}"
        if self.question == "broken":
            of = f"{self.utterances} takes"
        parts = (
            f"{self.change:.4g} {self.unit_of_change}" if self.change is not None else "no number",
            f"{100 * self.confidence:.3g}% interval {low} to {high}, {of}",
            self.reason,
        )
        return "; ".join(part for part in parts if part)

    @property
    def stands_against(self) -> bool:
        """Whether it blocks the release."""
        return self.outcome in AGAINST

    def __str__(self) -> str:
        return f"{self.name} {self.limit}"


class NotCompared(Record, frozen=True):
    """A question about the accepted release that could not be asked, and why."""

    outcome: Outcome
    stratum: Stratum
    reason: str

    @property
    def stands_against(self) -> bool:
        """Whether it blocks the release: a first release has nothing to be compared with, a damaged baseline has."""
        return self.outcome in AGAINST
