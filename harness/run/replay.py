"""The sum of a run's events: what was planned, what was judged, and may it go out.

A run that was killed has a record too: of what had been judged by then, incomplete, and never PASS. The takes it counts
are those that the selected tests planned. A take is judged when each of its planned tests came back with verdicts;
otherwise it is not, with the reason. A verdict counts once for its take and gate, however often a test was repeated;
where repetitions differ the worst stands.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from sys import intern
from typing import Any

from harness.decision.gates import release
from harness.decision.requirements import unmet
from harness.records.comparison import Comparison, NotCompared
from harness.records.event import Answered, AnyEvent, Begun, Described, Ended, Found, Planned, Unjudged, Whole
from harness.records.gate import WORST_FIRST, Outcome
from harness.records.run_record import About, NotJudged, RunRecord, Scope
from harness.records.take_record import TakeKey, TakeRecord, together
from harness.records.takes_on_disk import TakesOnDisk

_COMPLETE = (0, 1, 3, 5)  # exit codes of pytest after which every selected test has come to its end
_KINDS = ("harness error", "failed", "skipped")


@dataclass
class Replay:
    """A run while it is going on, and after."""

    about: About = field(default_factory=About)
    settings: dict[str, Any] = field(default_factory=dict)
    """How the run was asked for."""
    begun: str = ""
    ended: str = ""
    exit_status: int | None = None
    """Of pytest; None while the run goes on, and for ever where it was killed."""
    unreadable: int = 0
    """Events of the journal that could not be read."""
    has_plan: bool = False
    """Whether a process could say which takes its tests need."""
    whole: Whole | None = None
    deselected: int = 0
    planned: dict[str, frozenset[TakeKey]] = field(default_factory=dict)
    """Planned takes by test."""
    reread: Callable[[int], TakeRecord] | None = None
    """Gives what was found of a take at a place of the journal."""
    found: dict[TakeKey, list[int]] = field(default_factory=dict)
    """Where something was found of a take."""
    judging: set[str] = field(default_factory=set)
    """Tests that came back with verdicts."""
    unjudged: dict[str, Unjudged] = field(default_factory=dict)
    """Tests that ended without a verdict to explain it."""
    comparisons: dict[tuple[object, ...], Comparison] = field(default_factory=dict)
    not_compared: list[NotCompared] = field(default_factory=list)

    _tally: "_Tally | None" = None

    def take_in(self, event: AnyEvent, place: int = 0) -> None:
        """Add one event of the journal, and where it stands there."""
        match event:
            case Begun():
                self.begun = event.at
            case Described():
                self.about, self.settings = event.about, event.settings
            case Whole():
                self.whole, self._tally = event, None
            case Planned():
                self.has_plan = True
                self.deselected = max(self.deselected, event.deselected)
                self._plan(event)
            case Found():
                self.found.setdefault(event.key, []).append(place)
                self._tally = None
            case Answered():
                self._answered(event)
            case Unjudged():
                known = self.unjudged.get(event.test, event)
                self.unjudged[event.test] = min(known, event, key=lambda one: _KINDS.index(one.kind))
            case Ended():
                self.ended, self.exit_status = event.at, event.exit_status

    def _plan(self, event: Planned) -> None:
        known_keys: dict[TakeKey, TakeKey] = {}  # several tests are of one take, and each was told anew
        told = {
            test: frozenset(
                known_keys.setdefault(take, TakeKey(intern(take.suite), take.utterance, take.seed)) for take in takes
            )
            for test, takes in event.takes.items()
        }
        for test, takes in (told | {test: told[other] for test, other in event.same.items()}).items():
            known = self.planned.get(test, takes)
            self.planned[test] = takes if known == takes else known | takes

    def _answered(self, event: Answered) -> None:
        self.judging.add(event.test)
        for comparison in event.comparisons:
            key = (comparison.stratum, comparison.metric, comparison.question)
            known_one = self.comparisons.setdefault(key, comparison)
            self.comparisons[key] = min(known_one, comparison, key=lambda one: WORST_FIRST.index(one.outcome))
        self.not_compared += [one for one in event.not_compared if one not in self.not_compared]

    def take(self, key: TakeKey) -> TakeRecord:
        """All that was found of a take."""
        assert self.reread is not None
        return reduce(together, map(self.reread, self.found[key]))

    @property
    def takes(self) -> Sequence[TakeRecord]:
        """Every take of which something was found, in a stable order; read as they are asked for."""
        keys = sorted(self.found)
        return TakesOnDisk(len(keys), lambda place: self.take(keys[place]))

    @property
    def _counted(self) -> "_Tally":
        if self._tally is None:
            whole = self.whole.gates if self.whole else {}
            self._tally = _Tally()
            for take in self.takes:
                self._tally.count(take, whole.get(take.suite, ()))
        return self._tally

    @property
    def incomplete(self) -> str:
        """Why this is not the whole run; empty where it is."""
        if not self.ended:
            return "the run has not ended: it still goes on, or it was killed"
        if self.exit_status not in _COMPLETE:
            return f"the run was interrupted (exit {self.exit_status})"
        if self.unreadable:
            return f"{self.unreadable} events of the run's journal cannot be read"
        return ""

    @property
    def planned_takes(self) -> set[TakeKey]:
        """Every take that a selected test needs."""
        return {take for takes in self.planned.values() for take in takes}

    @property
    def not_judged(self) -> dict[TakeKey, str]:
        """Takes that were planned and not judged, each with a reason."""
        return {
            take: f"{test}: {self.unjudged[test].how if test in self.unjudged else 'it did not run'}"
            for test, takes in self.planned.items()
            if test not in self.judging
            for take in takes
        }

    @property
    def harness_errors(self) -> dict[str, str]:
        """Tests that the harness itself could not carry out, and how."""
        return {test: one.how for test, one in sorted(self.unjudged.items()) if one.kind == "harness error"}

    @property
    def failed_otherwise(self) -> dict[str, str]:
        """Tests that failed although no gate did, and how."""
        return {test: one.how for test, one in sorted(self.unjudged.items()) if one.kind == "failed"}

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many verdicts there are of each kind."""
        counted = self._counted.outcomes.copy()
        counted.update(one.outcome for one in self.comparisons.values())
        counted.update(one.outcome for one in self.not_compared)
        return counted

    @property
    def verdict(self) -> Outcome:
        """May it go out?"""
        outcomes = set(self.outcomes)
        if self.failed_otherwise:
            outcomes.add(Outcome.FAIL)
        if self.harness_errors or self.incomplete:
            outcomes.add(Outcome.INCONCLUSIVE)
        planned = self.planned_takes
        shares = any(one.question == "broken" for one in self.comparisons.values())
        answer = release(outcomes, len(planned), len(planned - set(self.not_judged)), shares)
        if answer == Outcome.PASS and self.unmet:
            return Outcome.INCONCLUSIVE
        return answer if answer != Outcome.PASS or self.scope.is_whole else Outcome.PARTIAL

    @property
    def unmet(self) -> tuple[str, ...]:
        """What the policy requires and the run lacks, with what to give."""
        partial = "" if self.scope.is_whole else str(self.scope)
        return unmet(self.about.rules.require, partial, self.about.instruments, self.takes)

    @property
    def scope(self) -> Scope:
        """How much of the whole release was judged."""
        if self.whole is None:
            return Scope()
        deselected = f"{self.deselected} tests were deselected" if self.deselected else ""
        return Scope(
            takes=len(self.planned_takes),
            of_takes=sum(self.whole.takes.values()),
            gates=len(self._counted.gates),
            of_gates=len({name for names in self.whole.gates.values() for name in names}),
            verdicts=self._counted.judged,
            of_verdicts=sum(count * len(self.whole.gates[suite]) for suite, count in self.whole.takes.items()),
            left_out="; ".join(filter(None, (self.whole.left_out, deselected))),
        )

    @property
    def exit_code(self) -> int:
        """What the process says: 0 passes, 1 a quality verdict, 3 the harness itself failed, else pytest's own."""
        status = self.exit_status
        if status is None or status not in {0, 1}:
            return 3 if status is None else status
        if self.harness_errors or self.unreadable:
            return 3
        if status == 0 and self.verdict == Outcome.PARTIAL:
            return 0 if self.whole is None or self.whole.may_be_partial else 1
        return 0 if status == 0 and self.verdict == Outcome.PASS else 1

    def record(self) -> RunRecord:
        """The whole of it, in a stable order."""
        not_judged = self.not_judged
        return RunRecord(
            verdict=self.verdict,
            exit_code=self.exit_code,
            incomplete=self.incomplete,
            scope=self.scope,
            unmet=self.unmet,
            begun=self.begun,
            ended=self.ended,
            about=self.about,
            settings=self.settings,
            planned=len(self.planned_takes),
            judged=len(self.planned_takes - set(not_judged)),
            not_judged=tuple(NotJudged(take, why) for take, why in sorted(not_judged.items())),
            outcomes={outcome.value: count for outcome, count in sorted(self.outcomes.items())},
            failed_otherwise=self.failed_otherwise,
            harness_errors=self.harness_errors,
            comparisons=tuple(self.comparisons.values()),
            not_compared=tuple(self.not_compared),
            takes=self.takes,
        )


@dataclass
class _Tally:
    """Verdicts, counted."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    gates: set[str] = field(default_factory=set)
    """Names of gates of the whole release that judged a take."""
    judged: int = 0
    """Answers of those on a take."""

    def count(self, take: TakeRecord, whole: Sequence[str]) -> None:
        """Take in the verdicts on a take, of which so many gates make a whole."""
        self.outcomes.update(verdict.outcome for verdict in take.verdicts)
        names = {verdict.gate.asked_as for verdict in take.verdicts}.intersection(whole)
        self.gates |= names
        self.judged += len(names)
