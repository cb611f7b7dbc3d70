"""A run arranged for a reader: what stands against it first, the worst of that on top, equal reasons told once."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite, isinf
from pathlib import Path
from sys import intern
from typing import Self

from msgspec import structs

from harness.records.comparison import Comparison
from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.measurement import Measurement
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord
from harness.records.takes_on_disk import TakesOnDisk

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_HEAVY = ("text", "transcript", "digest", "question", "audio", "reference_audio", "accepted_audio", "accepted_sha256")
NAMED = 3
"""Takes that are named of many."""
_NOTHING: dict[str, Measurement] = {}  # one for all: a run may have ten thousand takes
_WORST_FIRST = (*AGAINST, Outcome.EXCUSED, Outcome.WARN, Outcome.PASS, Outcome.REFUSED)


def properties(take: TakeRecord) -> list[tuple[str, object]]:
    """The measurements and verdicts of a test, as JUnit writes them: name and value."""
    measured = [
        (name, f"{one.value} {one.metric.unit}" if not one.why_not else f"not measured: {one.why_not}")
        for name, one in take.measurements.items()
    ]
    judged = [(f"gate:{one.gate.name}", f"{one.outcome} ({one.gate})") for one in take.verdicts]
    return [*measured, *judged, ("listen", take.listen)]


def anchor(take: TakeRecord) -> str:
    """The name of a take in links: letters, digits, - and _."""
    return re.sub(r"[^\w-]+", "_", f"{take.suite}-{take.utterance}-seed{take.seed}")


def four_lines(take: TakeRecord, verdict: Verdict, out: Path) -> str:
    """A verdict that is not PASS, as it stands in the terminal, the test failure and the report."""
    return (
        f"{verdict.outcome}  {verdict.gate} in suite {take.suite!r}\n"
        f"  observed  {verdict.observed} ({take.key})\n"
        f"  why       {verdict.gate.why}\n"
        f"  listen    {listen_to(take, out)}"
    )


def lines_of_comparison(comparison: Comparison, takes: Sequence[TakeRecord], out: Path) -> str:
    """A comparison that is not PASS, with the take of the utterance that changed most."""
    worst = comparison.changed_most[0].utterance if comparison.changed_most else ""
    heard = [take for take in takes if take.utterance == worst]
    last = max(heard, key=lambda take: take.seed, default=None)
    return (
        f"{comparison.outcome}  {comparison} in {comparison.stratum}\n"
        f"  observed  {comparison.observed}{f' ({last.key})' if last else ''}\n"
        f"  why       {comparison.why}\n"
        f"  listen    {listen_to(last, out) if last else 'no audio'}"
    )


def listen_to(take: TakeRecord, out: Path) -> str:
    """Where the take can be heard, as a user may type it."""
    return str(out / take.listen) if take.listen else "no audio"


def excess(verdict: Verdict) -> float:
    """How far outside its limit a verdict lies, 0 to 1, as a share of the limit; 1 where nothing could be measured.

    It only orders what a reviewer sees first.
    """
    if not verdict.stands_against:
        return 0.0
    if not isfinite(verdict.distance):
        return 1.0
    limits = [abs(limit) for limit in (verdict.gate.at_least, verdict.gate.at_most) if limit and not isinf(limit)]
    return min(1.0, max(0.0, -verdict.distance) / min(limits)) if limits else 1.0


def nearest(take: TakeRecord) -> Verdict | None:
    """The passed verdict that came nearest to its limit, as a share of it; None where none has a distance."""
    passed = [one for one in take.verdicts if one.outcome == Outcome.PASS and isfinite(one.distance)]
    return min((one for one in passed if _closeness(one) > 0), key=_closeness, default=None)


def _closeness(verdict: Verdict) -> float:
    """Distance to the nearer limit as a share of it; 0 for what is counted or is yes or no, where none is near."""
    limits = [abs(limit) for limit in (verdict.gate.at_least, verdict.gate.at_most) if limit and not isinf(limit)]
    whole = verdict.gate.unit in ("yes", "samples", "Hz") or not limits
    return 0.0 if whole else verdict.distance / min(limits)


def closest_first(run: RunRecord) -> Sequence[TakeRecord]:
    """Takes that pass, the one nearest to a limit first; each is read as it is asked for."""
    return chosen(run, [one.place for one in survey(run).closest_first])


def beside(run: RunRecord) -> dict[tuple[Outcome, str], list[TakeRecord]]:
    """Takes that broke a gate without blocking the release, by outcome and gate: excused ones first, then warnings."""
    groups: dict[tuple[Outcome, str], list[TakeRecord]] = {}
    for one in survey(run).seen:
        for verdict in one.take.verdicts:
            if verdict.outcome in (Outcome.EXCUSED, Outcome.WARN):
                groups.setdefault((verdict.outcome, verdict.gate.name), []).append(one.take)
    return dict(sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))))


def badness(take: TakeRecord) -> tuple[int, int, float]:
    """Sorts takes worst last: failing verdicts, inconclusive verdicts, how far outside all together."""
    outcomes = Counter(verdict.outcome for verdict in take.verdicts)
    return outcomes[Outcome.FAIL], outcomes[Outcome.INCONCLUSIVE], sum(map(excess, take.verdicts))


def worst_outcome(take: TakeRecord) -> Outcome:
    """The outcome that a take is listed under: the worst of its verdicts."""
    return min((verdict.outcome for verdict in take.verdicts), key=_WORST_FIRST.index, default=Outcome.REFUSED)


def worst_first(run: RunRecord) -> Sequence[TakeRecord]:
    """Every take: what blocks the release first, the worst of it on top; each is read as it is asked for."""
    return chosen(run, [one.place for one in survey(run).worst_first])


def chosen(run: RunRecord, places: Sequence[int]) -> Sequence[TakeRecord]:
    """Some takes of a run, in another order, which stay on disk where they are."""
    takes = run.takes
    return takes.chosen(places) if isinstance(takes, TakesOnDisk) else [takes[place] for place in places]


def unconditioned(run: RunRecord) -> dict[str, list[str]]:
    """Takes that were made without their reference, by reason."""
    by_reason: dict[str, list[str]] = {}
    for one in survey(run).seen:
        if one.take.unconditioned:
            reason = f"reference {one.take.reference} {one.take.unconditioned}"
            by_reason.setdefault(reason, []).append(str(one.take.key))
    return by_reason


def refused_gates(run: RunRecord) -> dict[str, tuple[int, list[str], list[str]]]:
    """Why gates were refused: by reason how many takes, the first of them, and the names of the gates; most first."""
    ordered = sorted(survey(run).refused.values(), key=lambda group: -group.count)
    return {group.reason: (group.count, group.takes, list(group.gates)) for group in ordered}


def without_numbers(reason: str) -> str:
    """A reason as others may have it too, whatever was measured."""
    return _NUMBER.sub("0", reason)


def by_suite(run: RunRecord) -> dict[str, Counter[str]]:
    """How many verdicts of each kind each suite has, by name; `takes` counts its takes."""
    return dict(sorted(survey(run).suites.items()))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a take leaves."""

    place: int
    """Among the takes of the run."""
    take: TakeRecord
    """Who it is, and the verdicts that a reviewer hears about; without texts and measurements."""
    closeness: float | None
    """To the nearest limit, where it passes and one is near."""

    @property
    def badness(self) -> tuple[int, int, float]:
        """Of the take: what passed and what was refused says nothing there."""
        return badness(self.take)


@dataclass(slots=True)
class _Refused:
    """Gates that were refused for one reason, its numbers aside."""

    first: str
    count: int = 0
    """Of takes ..."""
    takes: list[str] = field(default_factory=list)
    """... and the first of them by name."""
    last: str = ""
    gates: dict[str, None] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)
    """The hashes of the reasons, which differ in their numbers."""
    spans: list[tuple[str, str]] = field(default_factory=list)
    """The least and the most of each number."""

    def add(self, reason: str, take: str, gate: str) -> None:
        """One more verdict."""
        self.gates[gate] = None
        if self.last != take:
            self.count, self.last = self.count + 1, take
            self.takes += [take] if self.count <= NAMED else []
        if (known := hash(reason)) not in self.others:
            self.others.add(known)
            numbers = _NUMBER.findall(reason)
            pairs = zip(self.spans, numbers, strict=True) if self.spans else (((one, one), one) for one in numbers)
            self.spans = [(min(low, one, key=float), max(high, one, key=float)) for (low, high), one in pairs]

    @property
    def reason(self) -> str:
        """Its reasons as one."""
        if sum(low != high for low, high in self.spans) > 1:
            return f"{self.first} (and {len(self.others) - 1} like it)"
        shown = iter(low if low == high else f"{low} to {high}" for low, high in self.spans)
        return _NUMBER.sub(lambda _: next(shown), self.first)


@dataclass(slots=True)
class Survey:
    """What a report has to know of all takes before it draws some of them, from one look at each."""

    seen: list[Seen] = field(default_factory=list)
    suites: dict[str, Counter[str]] = field(default_factory=dict)
    refused: dict[str, _Refused] = field(default_factory=dict)
    """By reason without its numbers."""

    @classmethod
    def of(cls, takes: Iterable[TakeRecord]) -> Self:
        """Look at each take once."""
        made = cls()
        for place, take in enumerate(takes):
            made._add(place, take)
        return made

    def _add(self, place: int, take: TakeRecord) -> None:
        of_suite = self.suites.setdefault(take.suite, Counter())
        of_suite.update(verdict.outcome.value for verdict in take.verdicts)
        of_suite["takes"] += 1
        key = str(take.key)
        for verdict in take.verdicts:
            if verdict.outcome == Outcome.REFUSED:
                group = self.refused.setdefault(without_numbers(verdict.reason), _Refused(verdict.reason))
                group.add(verdict.reason, key, verdict.gate.name)
        near = None if take.against else nearest(take)
        told = tuple(one for one in take.verdicts if one.outcome not in (Outcome.PASS, Outcome.REFUSED))
        light = structs.replace(
            take,
            **dict.fromkeys(_HEAVY, ""),
            suite=intern(take.suite),
            language=intern(take.language),
            elapsed_s=0.0,
            measurements=_NOTHING,
            verdicts=told,
        )
        self.seen.append(Seen(place, light, _closeness(near) if near else None))

    @property
    def worst_first(self) -> list[Seen]:
        """Every take: what blocks the release first, the worst of it on top."""
        in_order = sorted(self.seen, key=lambda one: one.take.key)
        return sorted(in_order, key=lambda one: one.badness, reverse=True)

    @property
    def closest_first(self) -> list[Seen]:
        """Those that pass and are near a limit, the nearest first."""
        near = [one for one in self.seen if one.closeness is not None]
        return sorted(near, key=lambda one: (one.closeness, one.take.key))


def survey(run: RunRecord) -> Survey:
    """One look at each take of a run; takes that lie on disk are looked at once, however often this is asked."""
    takes = run.takes
    if not isinstance(takes, TakesOnDisk):
        return Survey.of(takes)
    if not isinstance(takes.looked_at, Survey):
        takes.looked_at = Survey.of(takes)
    return takes.looked_at
