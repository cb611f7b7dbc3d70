"""The run as plain data: what was planned, what was judged, what each gate said. Everything else is drawn from this.

It is the sum of the events in the run's journal, so a run that was killed has a manifest too: of what had been judged
by then, incomplete, and never PASS. The takes it counts are those that the selected tests planned. A take is judged
when each of its planned tests came back with verdicts; otherwise it is refused, with the reason.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from os.path import relpath
from pathlib import Path, PurePath
from typing import Any

import msgspec

from harness.baseline.golden import Sound
from harness.decision.gates import release
from harness.records.gate import Outcome, Verdict
from harness.records.measurement import Measurement
from harness.take import Take

Entry = dict[str, Any]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")

AGAINST = (Outcome.FAIL, Outcome.INCONCLUSIVE)
"""What stands against a release, the worse first."""


def entry(
    take: Take,
    measurements: Mapping[str, Measurement],
    verdicts: Sequence[Verdict],
    listen: Path | None,
    out: Path,
    accepted: Sound | None = None,
) -> Entry:
    """What one test found out about a take, as JSON-able data.

    Args:
        take: What was generated.
        measurements: By metric.
        verdicts: What the gates said.
        listen: Where the take lies under its documented name.
        out: The output folder; paths are relative to it.
        accepted: The accepted release's take of the same utterance and seed.
    """
    request = take.request
    reference = listen.with_name(f"{listen.stem}_ref.wav") if listen else request.reference.path
    return {
        "utterance": request.utterance.id,
        "suite": request.utterance.suite,
        "seed": request.seed,
        "text": request.utterance.text,
        "language": request.utterance.language,
        "reference": request.reference.id,
        "speaker": request.reference.speaker,
        "reference_language": request.reference.language,
        "transcript": request.reference.transcript,
        "digest": request.digest,
        "listen": _relative(listen, out) if listen else "",
        "reference_audio": "" if request.reference.problem else _relative(reference, out),
        "golden_audio": _relative(accepted.path, out) if accepted and accepted.path else "",
        "golden_sha256": accepted.sha256 if accepted else "",
        "unconditioned": take.unconditioned or request.reference.problem,
        "stopped_by": str(take.stopped_by),
        "frames": take.frames,
        "max_frames": request.max_frames,
        "elapsed_s": round(take.elapsed_s, 3),
        "error": take.error,
        "heard": next((found.heard for found in measurements.values() if found.heard), ""),
        "sampling": msgspec.structs.asdict(request.sampling),
        "provenance": msgspec.structs.asdict(take.provenance),
        "measurements": {
            name: {
                "value": _number(found.value),
                "unit": found.metric.unit,
                "version": found.metric.version,
                "applicable": found.applicable,
                "components": dict(found.components),
                "detail": found.detail,
                "why_not": found.why_not,
                "spans": [list(span) for span in found.spans],
            }
            for name, found in measurements.items()
        },
        "verdicts": [
            {
                "outcome": str(verdict.outcome),
                "gate": str(verdict.gate),
                "name": verdict.gate.name,
                "metric": verdict.gate.metric,
                "unit": verdict.gate.unit,
                "value": _number(verdict.measurement.value),
                "at_least": _number(verdict.gate.at_least),
                "at_most": _number(verdict.gate.at_most),
                "margin": _number(verdict.distance),
                "observed": verdict.observed,
                "reason": verdict.reason,
                "why": verdict.gate.why,
                "advisory": verdict.gate.advisory,
            }
            for verdict in verdicts
        ],
    }


def _relative(path: Path, out: Path) -> str:
    return PurePath(relpath(path, out)).as_posix()


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def properties(found: Entry) -> list[tuple[str, object]]:
    """The measurements and verdicts of a test, as JUnit writes them: name and value."""
    measured = [
        (name, f"{one['value']} {one['unit']}" if not one["why_not"] else f"not measured: {one['why_not']}")
        for name, one in found["measurements"].items()
    ]
    judged = [(f"gate:{one['name']}", f"{one['outcome']} ({one['gate']})") for one in found["verdicts"]]
    return [*measured, *judged, ("listen", found["listen"])]


def label(found: Entry) -> str:
    """How a take is called everywhere.

    >>> label({"utterance": "short-007", "seed": 3})
    'short-007, seed 3'
    """
    return f"{found['utterance']}, seed {found['seed']}"


def anchor(found: Entry) -> str:
    """The name of a take in links.

    >>> anchor({"utterance": "short-007", "seed": 3})
    'short-007-seed3'
    """
    return re.sub(r"[^\w-]+", "_", f"{found['utterance']}-seed{found['seed']}")


def four_lines(found: Entry, verdict: Mapping[str, Any], out: Path) -> str:
    """A verdict that is not PASS, as it stands in the terminal, the test failure and the report."""
    return (
        f"{verdict['outcome']}  {verdict['gate']} in suite {found['suite']!r}\n"
        f"  observed  {verdict['observed']} ({label(found)})\n"
        f"  why       {verdict['why']}\n"
        f"  listen    {out / found['listen'] if found['listen'] else 'no audio'}"
    )


def excess(verdict: Mapping[str, Any]) -> float:
    """How far outside its limit a verdict lies, 0 to 1, as a share of the limit; 1 where nothing could be measured.

    It only orders what a reviewer sees first.

    >>> excess({"outcome": "FAIL", "margin": -0.5, "at_least": None, "at_most": 2.0})
    0.25
    """
    if verdict["outcome"] not in AGAINST:
        return 0.0
    margin, limits = verdict.get("margin"), (verdict.get("at_least"), verdict.get("at_most"))
    if margin is None:
        return 1.0
    scale = min((abs(limit) for limit in limits if limit), default=0.0)
    return min(1.0, max(0.0, -margin) / scale) if scale else 1.0


def badness(found: Entry) -> tuple[int, int, float]:
    """Sorts takes worst last: failing verdicts, inconclusive verdicts, how far outside all together."""
    outcomes = Counter(verdict["outcome"] for verdict in found["verdicts"])
    return outcomes[Outcome.FAIL], outcomes[Outcome.INCONCLUSIVE], sum(map(excess, found["verdicts"]))


def worst_outcome(found: Entry) -> str:
    """The outcome that a take is listed under: the worst of its verdicts."""
    outcomes = {verdict["outcome"] for verdict in found["verdicts"]}
    order = (*AGAINST, Outcome.WARN, Outcome.PASS, Outcome.REFUSED)
    return str(next((outcome for outcome in order if outcome in outcomes), Outcome.REFUSED))


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


@dataclass
class Manifest:
    """A run while it is going on, and after."""

    about: Mapping[str, str] = field(default_factory=dict)
    begun: str = ""
    ended: str = ""
    """Date and time in UTC; empty while the run goes on, and for ever where it was killed."""
    exit_status: int | None = None
    unreadable: int = 0
    """Events of the journal that could not be read."""
    planned: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    """Planned takes by test."""
    takes: dict[tuple[str, int], Entry] = field(default_factory=dict)
    """What was found out, by utterance and seed."""
    judging: set[str] = field(default_factory=set)
    """Tests that came back with verdicts."""
    without_verdict: dict[str, str] = field(default_factory=dict)
    """Tests that failed or were skipped before a gate was asked, and how."""
    failed_otherwise: dict[str, str] = field(default_factory=dict)
    """Tests that failed although no gate did, and how."""
    harness_errors: dict[str, str] = field(default_factory=dict)
    """Tests that the harness itself could not carry out, and how."""
    comparisons: list[Entry] = field(default_factory=list)
    """What was asked against the accepted release: the fields of a verdict, and the numbers behind it."""

    def take_in(self, event: Mapping[str, Any]) -> None:
        """Add one event of the journal."""
        self.begun = event.get("begun", self.begun)
        self.ended = event.get("ended", self.ended)
        self.exit_status = event.get("exit_status", self.exit_status)
        self.about = {**self.about, **event.get("about", {})}
        for test, takes in event.get("planned", {}).items():
            self.planned.setdefault(test, set()).update((name, seed) for name, seed in takes)
        for found in event.get("found", ()):
            self._add(event["test"], found)
        for compared in event.get("compared", ()):
            self.judging.add(event["test"])
            if compared not in self.comparisons:
                self.comparisons.append(compared)
        if "how" in event:
            kinds = {"failed": self.failed_otherwise, "harness error": self.harness_errors}
            kinds.get(event["kind"], {})[event["test"]] = event["how"]
            self.without_verdict.setdefault(event["test"], event["how"])

    def _add(self, test: str, found: Entry) -> None:
        self.judging.add(test)
        known = self.takes.setdefault(
            (found["utterance"], found["seed"]), {**found, "verdicts": [], "measurements": {}}
        )
        known["verdicts"] += found["verdicts"]
        known["heard"] = known.get("heard") or found.get("heard", "")
        known["measurements"] |= found["measurements"]

    @property
    def incomplete(self) -> str:
        """Why this is not the whole run; empty where it is."""
        if not self.ended:
            return "the run has not ended: it still goes on, or it was killed"
        if self.exit_status not in {0, 1, 3, 5}:
            return f"the run was interrupted (exit {self.exit_status})"
        if self.unreadable:
            return f"{self.unreadable} events of the run's journal cannot be read"
        return ""

    @property
    def planned_takes(self) -> set[tuple[str, int]]:
        return {take for takes in self.planned.values() for take in takes}

    @property
    def refused(self) -> dict[tuple[str, int], str]:
        """Takes that were planned and not judged, each with a reason."""
        return {
            take: f"{test}: {self.without_verdict.get(test, 'it did not run')}"
            for test, takes in self.planned.items()
            if test not in self.judging
            for take in takes
        }

    @property
    def judged(self) -> int:
        return len(self.planned_takes - set(self.refused))

    @property
    def outcomes(self) -> Counter[str]:
        """How many verdicts there are of each kind."""
        verdicts = [verdict for found in self.takes.values() for verdict in found["verdicts"]]
        return Counter(verdict["outcome"] for verdict in verdicts + self.comparisons)

    @property
    def verdict(self) -> Outcome:
        """May it go out?"""
        outcomes = {Outcome(name) for name in self.outcomes}
        if self.failed_otherwise:
            outcomes.add(Outcome.FAIL)
        if self.harness_errors or self.incomplete:
            outcomes.add(Outcome.INCONCLUSIVE)
        return release(outcomes, planned=len(self.planned_takes), judged=self.judged)

    @property
    def exit_code(self) -> int:
        """What the process says: 0 passes, 1 a quality verdict, 3 the harness itself failed, else pytest's own."""
        status = self.exit_status
        if status is None or status not in {0, 1}:
            return 3 if status is None else status
        if self.harness_errors or self.unreadable:
            return 3
        return 0 if status == 0 and self.verdict == Outcome.PASS else 1

    @property
    def counts(self) -> str:
        """The denominator in words."""
        return f"{len(self.planned_takes)} planned = {self.judged} judged + {len(self.refused)} refused"

    @property
    def unconditioned(self) -> dict[str, list[str]]:
        """Takes that were made without their reference, by reason."""
        found: dict[str, list[str]] = {}
        for key in sorted(self.takes):
            take = self.takes[key]
            if take.get("unconditioned"):
                found.setdefault(f"reference {take['reference']} {take['unconditioned']}", []).append(label(take))
        return found

    def worst_first(self) -> list[Entry]:
        """Every take: what blocks the release first, the worst of it on top."""
        ordered = sorted(self.takes.values(), key=lambda found: (found["suite"], found["utterance"], found["seed"]))
        return sorted(ordered, key=badness, reverse=True)

    def blocking(self) -> list[tuple[Entry, Mapping[str, Any]]]:
        """Every verdict that stands against the release, failures first, the worst take first."""
        found = [
            (take, verdict)
            for take in self.worst_first()
            for verdict in sorted(take["verdicts"], key=excess, reverse=True)
        ]
        return [pair for outcome in AGAINST for pair in found if pair[1]["outcome"] == outcome]

    def not_judged(self) -> dict[str, tuple[list[str], list[str]]]:
        """Why gates were refused: by reason the takes and the names of the gates, the most takes first."""
        found: dict[str, tuple[dict[str, None], dict[str, None], dict[str, None]]] = {}
        for key in sorted(self.takes):
            for verdict in self.takes[key]["verdicts"]:
                if verdict["outcome"] == Outcome.REFUSED:
                    reasons, takes, gates = found.setdefault(_NUMBER.sub("0", verdict["reason"]), ({}, {}, {}))
                    reasons[verdict["reason"]] = takes[label(self.takes[key])] = gates[verdict["name"]] = None
        groups = sorted(found.values(), key=lambda group: -len(group[1]))
        return {_in_one(list(reasons)): (list(takes), list(gates)) for reasons, takes, gates in groups}

    def by_suite(self) -> dict[str, Counter[str]]:
        """How many verdicts of each kind each suite has, by name; `takes` counts its takes."""
        counts: dict[str, Counter[str]] = {}
        for key in sorted(self.takes):
            found = self.takes[key]
            of_suite = counts.setdefault(found["suite"], Counter())
            of_suite.update(verdict["outcome"] for verdict in found["verdicts"])
            of_suite["takes"] += 1
        return dict(sorted(counts.items()))

    def as_json(self) -> dict[str, Any]:
        """The whole of it, in a stable order."""
        return {
            "verdict": str(self.verdict),
            "incomplete": self.incomplete,
            "begun": self.begun,
            "ended": self.ended,
            "about": dict(self.about),
            "planned": len(self.planned_takes),
            "judged": self.judged,
            "refused": [
                {"utterance": name, "seed": seed, "why": why} for (name, seed), why in sorted(self.refused.items())
            ],
            "outcomes": dict(sorted(self.outcomes.items())),
            "failed_otherwise": dict(sorted(self.failed_otherwise.items())),
            "harness_errors": dict(sorted(self.harness_errors.items())),
            "comparisons": self.comparisons,
            "takes": [self.takes[key] for key in sorted(self.takes)],
        }
