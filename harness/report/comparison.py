"""What was asked against the accepted release, arranged for drawing: what speaks against the new one comes first.

Conventions: a change is oriented, positive is better; a relative one is shown in percent.
Where neither more nor less is better it may not drift either way. Levels are means over the takes that are compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.comparison import Comparison, NotCompared
from harness.records.gate import AGAINST, Outcome
from harness.records.take_record import TakeRecord
from harness.report.overview import anchor

_ORDER = (*AGAINST, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Worst:
    """An utterance that changed most."""

    utterance: str
    change: str
    anchor: str
    """Of its take on the page; empty where that has none."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One question and its answer."""

    outcome: Outcome
    about: str
    """Whose takes: of a suite, of a voice, or all."""
    metric: str
    levels: str
    """The accepted release's mean and this one's; empty where the question is about a share."""
    change: str
    interval: str
    margin: str
    detectable: str
    """The smallest worsening that such a run finds four times in five."""
    worst: tuple[Worst, ...]
    reason: str
    why: str

    @property
    def blocks(self) -> bool:
        """Whether it stands against the release."""
        return self.outcome in AGAINST


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All that was asked."""

    rows: tuple[ComparisonRow, ...]
    """The worst outcome first, then the largest change for its margin."""
    not_made: tuple[tuple[Outcome, str], ...]
    """Outcome and reason of what could not be compared."""

    @property
    def against(self) -> tuple[ComparisonRow, ...]:
        """What stands against the release."""
        return tuple(row for row in self.rows if row.blocks)

    @property
    def not_made_against(self) -> tuple[str, ...]:
        """Why something that had to be compared was not; that stands against the release too."""
        return tuple(reason for outcome, reason in self.not_made if outcome in AGAINST)


def comparisons(
    answered: Sequence[Comparison], not_compared: Sequence[NotCompared] = (), takes: Sequence[TakeRecord] = ()
) -> Comparisons:
    """Arrange the comparisons of a run.

    Args:
        answered: What was asked and answered.
        not_compared: What could not be asked.
        takes: What the worst utterances are linked to.
    """
    anchors = {take.utterance: anchor(take) for take in sorted(takes, key=lambda take: -take.seed)}
    asked = sorted((one for one in answered if one.outcome in _ORDER), key=_badness)
    not_made = [(one.outcome, f"{one.stratum}: {one.reason}") for one in not_compared]
    not_made += [(one.outcome, one.reason) for one in answered if one.outcome == Outcome.REFUSED]
    return Comparisons(tuple(_row(one, anchors) for one in asked), tuple(dict.fromkeys(not_made)))


_METRIC = {
    "mean": "{}",
    "anchor": "{} since the first release",
    "lost": "utterances lost in {}",
    "broken": "takes that broke a gate",
}


def _level(value: float | None, is_share: bool) -> str:
    return _change(value, is_share, signed=False)


def _badness(one: Comparison) -> tuple[int, float]:
    return _ORDER.index(one.outcome), -abs(one.change or 0.0) / one.margin


def _row(one: Comparison, anchors: Mapping[str, str]) -> ComparisonRow:
    lost = one.question in ("lost", "broken")
    low, high = (_change(end, one.is_share, not lost) for end in (one.low, one.high))
    known = one.accepted is not None and one.now is not None
    return ComparisonRow(
        outcome=one.outcome,
        about=str(one.stratum),
        metric=_METRIC[one.question].format(one.metric),
        levels=f"{_level(one.accepted, one.is_share and lost)} → {_level(one.now, one.is_share and lost)}"
        if known
        else "",
        change=f"{_change(one.change, one.is_share, not lost)}{'' if one.is_share else f' {one.unit}'}",
        interval=f"{low} to {high}",
        margin=f"{100 * one.margin:.2g} %" if one.is_share else f"{one.margin:.3g}",
        detectable=_change(one.detectable, one.is_share, signed=False),
        worst=tuple(
            Worst(each.utterance, _change(each.change, one.relative), anchors.get(each.utterance, ""))
            for each in one.changed_most
        ),
        reason=one.reason,
        why=one.why,
    )


def _change(value: float | None, is_share: bool, signed: bool = True) -> str:
    """A change in its unit; a share in percent.

    >>> _change(-0.3696, True), _change(0.0123, False), _change(None, False)
    ('-37.0 %', '+0.0123', '?')
    """
    if value is None:
        return "?"
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.1f} %" if is_share else f"{value:{sign}.3g}"
