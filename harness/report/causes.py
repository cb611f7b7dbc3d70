"""Why a run did not pass, one cause a line: what fails together, where, and the worst take of it.

Conventions
    A cause is a gate with all takes that it speaks against; gates that speak against the very same takes are one cause.
    INCONCLUSIVE verdicts are told apart by their reason, with its numbers left out. Comparisons with the accepted
    release are one cause for each metric and question, whatever the suite or voice. FAIL comes before INCONCLUSIVE, and
    the cause with most takes before those with fewer.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.comparison import Comparison
from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord
from harness.report.overview import excess, survey, without_numbers

MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands against the release."""

    outcome: Outcome
    title: str
    """The gates, or the question about the accepted release."""
    observed: str
    why: str
    where: str
    """Which voices and suites, with how many of their takes; empty where it is true of the whole run."""
    takes: tuple[TakeRecord, ...] = ()
    """Worst first; none where it is about no take."""
    hear: TakeRecord | None = None
    """The take in which it is heard best."""

    @property
    def count(self) -> str:
        """How many takes, in words."""
        return f"{len(self.takes)} take{'s' * (len(self.takes) != 1)}" if self.takes else ""

    @property
    def line(self) -> str:
        """The cause in one line of plain text."""
        head = ": ".join(part for part in (self.count, self.title) if part)
        return "; ".join(part for part in (head, self.observed, self.where) if part)


def causes(run: RunRecord) -> list[Cause]:
    """Everything that stands against a run, grouped, the worst first."""
    found = [*_of_takes(run), *_of_comparisons(run)]
    found += [
        Cause(one.outcome, "not compared with the accepted release", one.reason, "", str(one.stratum))
        for one in run.not_compared
        if one.stands_against
    ]
    found += [Cause(Outcome.INCONCLUSIVE, "required and missing", line, "", "") for line in run.unmet]
    found += [Cause(Outcome.FAIL, test, how, "", "") for test, how in run.failed_otherwise.items()]
    for why, keys in _by_reason((str(one.take), one.why) for one in run.not_judged).items():
        title = f"{len(keys)} take{'s' * (len(keys) != 1)} not judged"
        found.append(Cause(Outcome.INCONCLUSIVE, title, why, "", _some(keys)))
    return sorted(found, key=lambda cause: (AGAINST.index(cause.outcome), -len(cause.takes)))


def _of_takes(run: RunRecord) -> list[Cause]:
    seen = survey(run)
    order = {one.take.key: rank for rank, one in enumerate(seen.worst_first)}
    by_gate: dict[tuple[Outcome, str, str], list[tuple[TakeRecord, Verdict]]] = {}
    for one in seen.seen:
        for verdict in one.take.against:
            reason = without_numbers(verdict.observed) if verdict.outcome == Outcome.INCONCLUSIVE else ""
            by_gate.setdefault((verdict.outcome, verdict.gate.name, reason), []).append((one.take, verdict))
    together: dict[tuple[Outcome, frozenset[object]], list[list[tuple[TakeRecord, Verdict]]]] = {}
    for (outcome, _, _), pairs in by_gate.items():
        together.setdefault((outcome, frozenset(take.key for take, _ in pairs)), []).append(pairs)
    found = []
    for (outcome, _), groups in together.items():
        groups.sort(key=lambda pairs: -sum(excess(verdict) for _, verdict in pairs))
        takes = tuple(sorted((take for take, _ in groups[0]), key=lambda take: order[take.key]))
        gates = list(dict.fromkeys(pairs[0][1].gate.name for pairs in groups))
        found.append(
            Cause(
                outcome=outcome,
                title=", ".join(gates),
                observed=_observed(groups[0]),
                why=groups[0][0][1].gate.why,
                where=_where(takes, run),
                takes=takes,
                hear=takes[0],
            )
        )
    return found


def _observed(pairs: Sequence[tuple[TakeRecord, Verdict]]) -> str:
    """What was measured, from the least to the most, beside the limit."""
    verdicts = [verdict for _, verdict in pairs]
    gate = verdicts[0].gate
    if any(verdict.measurement.why_not for verdict in verdicts):
        return verdicts[0].observed
    values = sorted(verdict.measurement.value for verdict in verdicts)
    low, high = f"{values[0]:.4g}", f"{values[-1]:.4g}"
    span = low if low == high else f"{low} to {high}"
    limits = {verdict.gate.limit for verdict in verdicts}
    return f"{span}, limit {gate.limit}" if len(limits) == 1 else f"{span} {gate.unit}"


def _where(takes: Sequence[TakeRecord], run: RunRecord) -> str:
    """Which voices and which suites, with how many of their takes each."""
    if len(takes) == len(run.takes) > 1:
        return "every take"
    parts = []
    for what in ("speaker", "suite"):
        of_all = Counter(getattr(one.take, what) for one in survey(run).seen)
        here = Counter(getattr(take, what) for take in takes)
        if len(of_all) > 1:
            most = [f"{name} {count} of {of_all[name]}" for name, count in here.most_common(MOST_PLACES)]
            more = f" and {len(here) - MOST_PLACES} more" if len(here) > MOST_PLACES else ""
            parts.append(f"{'voice' if what == 'speaker' else what} {', '.join(most)}{more}")
    return "; ".join(parts)


def _of_comparisons(run: RunRecord) -> list[Cause]:
    groups: dict[tuple[Outcome, str, str], list[Comparison]] = {}
    for one in run.comparisons:
        if one.stands_against:
            groups.setdefault((one.outcome, one.metric, one.question), []).append(one)
    found = []
    for (outcome, _, _), members in groups.items():
        worst = min(members, key=lambda one: one.change if one.change is not None else 0.0)
        strata = [str(one.stratum) for one in members]
        title = "worse than the accepted release" if outcome == Outcome.FAIL else "not shown as good as accepted"
        changed = worst.changed_most[0].utterance if worst.changed_most else ""
        spoken = (one.take for one in survey(run).seen if one.take.utterance == changed)
        hear = max(spoken, key=lambda take: take.seed, default=None)
        found.append(Cause(outcome, f"{worst.name}: {title}", worst.observed, worst.why, _some(strata), hear=hear))
    return found


def _by_reason(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, tuple[str, list[str]]] = {}
    for name, why in pairs:
        how = why.rpartition("]: ")[2]  # without the test, which names the take once more
        groups.setdefault(without_numbers(how), (how, []))[1].append(name)
    return dict(groups.values())


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_PLACES
    return ", ".join(names[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
