"""What was asked against the accepted release, arranged for drawing: what speaks against the new one comes first.

Conventions: a change is oriented, positive is better; a relative one is shown in percent.
Where neither more nor less is better it may not drift either way. Levels are means over the takes that are compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.gate import Outcome
from harness.report.manifest import AGAINST, Entry, anchor

_ORDER = (*AGAINST, Outcome.PASS)
_SHARES = ("of all", "of the accepted value")


@dataclass(frozen=True, slots=True)
class Worst:
    """An utterance that changed most."""

    utterance: str
    change: str
    anchor: str
    """Of its take on the page; empty where that has none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question and its answer."""

    outcome: str
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

    rows: tuple[Row, ...]
    """The worst outcome first, then the largest change for its margin."""
    not_made: tuple[tuple[str, str], ...]
    """Outcome and reason of what could not be compared."""

    @property
    def against(self) -> tuple[Row, ...]:
        """What stands against the release."""
        return tuple(row for row in self.rows if row.blocks)

    @property
    def not_made_against(self) -> tuple[str, ...]:
        """Why something that had to be compared was not; that stands against the release too."""
        return tuple(reason for outcome, reason in self.not_made if outcome in AGAINST)


def comparisons(found: Sequence[Entry], takes: Sequence[Entry] = ()) -> Comparisons:
    """Arrange the comparisons of a run.

    Args:
        found: As the manifest holds them.
        takes: What the worst utterances are linked to.
    """
    anchors = {take["utterance"]: anchor(take) for take in sorted(takes, key=lambda take: -take["seed"])}
    asked = sorted((one for one in found if one["metric"]), key=_badness)
    not_made = [one for one in found if not one["metric"] or one["outcome"] == Outcome.REFUSED]
    reasons = dict.fromkeys((one["outcome"], _reason(one)) for one in not_made)
    shown = tuple(_row(one, anchors) for one in asked if one["outcome"] in _ORDER)
    return Comparisons(shown, tuple(reasons))


def _reason(one: Entry) -> str:
    return str(one["reason"]) if one["metric"] else f"{one['stratum']}: {one['reason']}"


def _badness(one: Entry) -> tuple[int, float]:
    outcome = _ORDER.index(one["outcome"]) if one["outcome"] in _ORDER else len(_ORDER)
    return outcome, -abs(one["delta"] or 0.0) / one["limit"]


def _row(one: Entry, anchors: Mapping[str, str]) -> Row:
    lost, unit = one["kind"] == "lost", one["unit"]
    low, high = (_change(one[end], unit, not lost) for end in ("low", "high"))
    accepted, now = one.get("accepted"), one.get("now")
    return Row(
        outcome=one["outcome"],
        about="all suites" if lost else one["stratum"],
        metric=f"utterances lost in {one['metric']}" if lost else one["metric"],
        levels="" if accepted is None or now is None else f"{accepted:.3g} → {now:.3g}",
        change=f"{_change(one['delta'], unit, not lost)}{'' if unit in _SHARES else f' {unit}'}",
        interval=f"{low} to {high}",
        margin=f"{100 * one['limit']:.2g} %" if unit in _SHARES else f"{one['limit']:.3g}",
        detectable=_change(one["detectable"], unit, signed=False),
        worst=tuple(
            Worst(worst["utterance"], _change(worst["change"], one["change_unit"]), anchors.get(worst["utterance"], ""))
            for worst in one["worst"]
        ),
        reason=one["reason"],
        why=one["why"],
    )


def _change(value: float | None, unit: str, signed: bool = True) -> str:
    """A change in its unit; a share in percent.

    >>> _change(-0.3696, "of the accepted value"), _change(0.0123, "cosine"), _change(None, "s")
    ('-37.0 %', '+0.0123', '?')
    """
    if value is None:
        return "?"
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.1f} %" if unit in _SHARES else f"{value:{sign}.3g}"
