"""A run arranged for a reader: what stands against it first, the worst of that on top, equal reasons told once."""

import re
from collections import Counter
from collections.abc import Sequence
from math import isfinite, isinf
from pathlib import Path

from harness.records.comparison import Comparison
from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
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


def closest_first(run: RunRecord) -> list[TakeRecord]:
    """Takes that pass, the one nearest to a limit first."""
    near = [(_closeness(found), take) for take in run.takes if not take.against and (found := nearest(take))]
    return [take for _, take in sorted(near, key=lambda pair: (pair[0], pair[1].key))]


def beside(run: RunRecord) -> dict[tuple[Outcome, str], list[TakeRecord]]:
    """Takes that broke a gate without blocking the release, by outcome and gate: excused ones first, then warnings."""
    groups: dict[tuple[Outcome, str], list[TakeRecord]] = {}
    for take in run.takes:
        for verdict in take.verdicts:
            if verdict.outcome in (Outcome.EXCUSED, Outcome.WARN):
                groups.setdefault((verdict.outcome, verdict.gate.name), []).append(take)
    return dict(sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))))


def badness(take: TakeRecord) -> tuple[int, int, float]:
    """Sorts takes worst last: failing verdicts, inconclusive verdicts, how far outside all together."""
    outcomes = Counter(verdict.outcome for verdict in take.verdicts)
    return outcomes[Outcome.FAIL], outcomes[Outcome.INCONCLUSIVE], sum(map(excess, take.verdicts))


def worst_outcome(take: TakeRecord) -> Outcome:
    """The outcome that a take is listed under: the worst of its verdicts."""
    return min((verdict.outcome for verdict in take.verdicts), key=_WORST_FIRST.index, default=Outcome.REFUSED)


def worst_first(run: RunRecord) -> list[TakeRecord]:
    """Every take: what blocks the release first, the worst of it on top."""
    return sorted(sorted(run.takes, key=lambda take: take.key), key=badness, reverse=True)


def unconditioned(run: RunRecord) -> dict[str, list[str]]:
    """Takes that were made without their reference, by reason."""
    by_reason: dict[str, list[str]] = {}
    for take in run.takes:
        if take.unconditioned:
            reason = f"reference {take.reference} {take.unconditioned}"
            by_reason.setdefault(reason, []).append(str(take.key))
    return by_reason


def refused_gates(run: RunRecord) -> dict[str, tuple[list[str], list[str]]]:
    """Why gates were refused: by reason the takes and the names of the gates, the most takes first."""
    groups: dict[str, tuple[dict[str, None], dict[str, None], dict[str, None]]] = {}
    for take in run.takes:
        for verdict in take.verdicts:
            if verdict.outcome == Outcome.REFUSED:
                reasons, takes, gates = groups.setdefault(without_numbers(verdict.reason), ({}, {}, {}))
                reasons[verdict.reason] = takes[str(take.key)] = gates[verdict.gate.name] = None
    ordered = sorted(groups.values(), key=lambda group: -len(group[1]))
    return {_in_one(list(reasons)): (list(takes), list(gates)) for reasons, takes, gates in ordered}


def without_numbers(reason: str) -> str:
    """A reason as others may have it too, whatever was measured."""
    return _NUMBER.sub("0", reason)


def _in_one(reasons: Sequence[str]) -> str:
    """Reasons that differ in their numbers only, as one.

    >>> _in_one(["5.8 s; 6 s are needed", "3.16 s; 6 s are needed"])
    '3.16 to 5.8 s; 6 s are needed'
    """
    columns = [sorted(set(column), key=float) for column in zip(*map(_NUMBER.findall, reasons), strict=True)]
    if sum(len(column) > 1 for column in columns) > 1:
        return f"{reasons[0]} (and {len(reasons) - 1} like it)"
    shown = iter(column[0] if len(column) == 1 else f"{column[0]} to {column[-1]}" for column in columns)
    return _NUMBER.sub(lambda _: next(shown), reasons[0])


def by_suite(run: RunRecord) -> dict[str, Counter[str]]:
    """How many verdicts of each kind each suite has, by name; `takes` counts its takes."""
    counts: dict[str, Counter[str]] = {}
    for take in run.takes:
        of_suite = counts.setdefault(take.suite, Counter())
        of_suite.update(verdict.outcome.value for verdict in take.verdicts)
        of_suite["takes"] += 1
    return dict(sorted(counts.items()))
