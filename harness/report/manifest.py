"""The run as plain data: what was planned, what was judged, what each gate said. Everything else is drawn from this.

It is written by the process that sees every test end; the takes it counts are those that the selected tests planned.
A take is judged when each of its planned tests came back with verdicts; otherwise it is refused, with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.gates import Outcome, Verdict, release
from harness.metrics import Measurement
from harness.take import Take

Entry = dict[str, Any]


def entry(
    take: Take, measurements: Mapping[str, Measurement], verdicts: Sequence[Verdict], listen: Path | None
) -> Entry:
    """What one test found out about a take, as JSON-able data."""
    request = take.request
    return {
        "utterance": request.utterance.id,
        "suite": request.utterance.suite,
        "seed": request.seed,
        "text": request.utterance.text,
        "language": request.utterance.language,
        "reference": request.reference.id,
        "speaker": request.reference.speaker,
        "transcript": request.reference.transcript,
        "digest": request.digest,
        "listen": str(listen or ""),
        "reference_audio": str(listen.with_name(f"{listen.stem}_ref.wav") if listen else request.reference.path),
        "stopped_by": str(take.stopped_by),
        "frames": take.frames,
        "max_frames": request.max_frames,
        "error": take.error,
        "measurements": {
            name: {
                "value": found.value if found.value == found.value else None,
                "unit": found.metric.unit,
                "version": found.metric.version,
                "applicable": found.applicable,
                "components": dict(found.components),
                "detail": found.detail,
                "why_not": found.why_not,
            }
            for name, found in measurements.items()
        },
        "verdicts": [
            {
                "outcome": str(verdict.outcome),
                "gate": str(verdict.gate),
                "name": verdict.gate.name,
                "observed": verdict.observed,
                "reason": verdict.reason,
                "why": verdict.gate.why,
            }
            for verdict in verdicts
        ],
    }


def label(found: Entry) -> str:
    """How a take is called everywhere.

    >>> label({"utterance": "short-007", "seed": 3})
    'short-007, seed 3'
    """
    return f"{found['utterance']}, seed {found['seed']}"


def four_lines(found: Entry, verdict: Mapping[str, str]) -> str:
    """A verdict that is not PASS, as it stands in the terminal, the test failure and the report."""
    return (
        f"{verdict['outcome']}  {verdict['gate']} in suite {found['suite']!r}\n"
        f"  observed  {verdict['observed']} ({label(found)})\n"
        f"  why       {verdict['why']}\n"
        f"  listen    {found['listen'] or 'no audio'}"
    )


@dataclass
class Manifest:
    """A run while it is going on, and after."""

    about: Mapping[str, str] = field(default_factory=dict)
    planned: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    """Planned takes by test."""
    takes: dict[tuple[str, int], Entry] = field(default_factory=dict)
    """What was found out, by utterance and seed."""
    ended: set[str] = field(default_factory=set)
    """Tests that came back with verdicts."""
    ended_without_verdict: dict[str, str] = field(default_factory=dict)
    """Tests that failed or were skipped before a gate was asked, and how."""
    failed: set[str] = field(default_factory=set)
    """Those of them that failed."""
    comparisons: list[Entry] = field(default_factory=list)
    """What was asked against the accepted release, each with a verdict's fields; see `release.Judged`."""

    def add(self, test: str, found: Entry) -> None:
        """Take in the verdicts of one test."""
        self.ended.add(test)
        known = self.takes.setdefault(
            (found["utterance"], found["seed"]), {**found, "verdicts": [], "measurements": {}}
        )
        known["verdicts"] += found["verdicts"]
        known["measurements"] |= found["measurements"]

    @property
    def planned_takes(self) -> set[tuple[str, int]]:
        return {take for takes in self.planned.values() for take in takes}

    @property
    def refused(self) -> dict[tuple[str, int], str]:
        """Takes that were planned and not judged, each with a reason."""
        return {
            take: f"{test}: {self.ended_without_verdict.get(test, 'it did not run')}"
            for test, takes in self.planned.items()
            if test not in self.ended
            for take in takes
        }

    @property
    def failed_otherwise(self) -> dict[str, str]:
        """Failed tests that are not about a take, and how they failed."""
        return {test: self.ended_without_verdict[test] for test in self.failed - self.planned.keys()}

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
        if self.failed_otherwise:
            return Outcome.FAIL
        outcomes = (Outcome(name) for name in self.outcomes)
        return release(outcomes, planned=len(self.planned_takes), judged=self.judged)

    def blocking(self) -> list[tuple[Entry, Mapping[str, str]]]:
        """Every verdict that stands against the release, failures first."""
        found = [(take, verdict) for take in self.takes.values() for verdict in take["verdicts"]]
        found += [(compared, compared) for compared in self.comparisons]
        order = [Outcome.FAIL, Outcome.INCONCLUSIVE]
        return [pair for outcome in order for pair in found if pair[1]["outcome"] == outcome]

    def not_judged(self) -> list[tuple[Entry, Mapping[str, str]]]:
        """Every gate that was refused for a take."""
        found = [(take, verdict) for take in self.takes.values() for verdict in take["verdicts"]]
        found += [(compared, compared) for compared in self.comparisons]
        return [pair for pair in found if pair[1]["outcome"] == Outcome.REFUSED]

    def as_json(self) -> dict[str, Any]:
        """The whole of it, in a stable order."""
        return {
            "verdict": str(self.verdict) if self.planned else "none",
            "about": dict(self.about),
            "planned": len(self.planned_takes),
            "judged": self.judged,
            "refused": [
                {"utterance": name, "seed": seed, "why": why} for (name, seed), why in sorted(self.refused.items())
            ],
            "outcomes": dict(sorted(self.outcomes.items())),
            "failed_otherwise": dict(sorted(self.failed_otherwise.items())),
            "comparisons": self.comparisons,
            "takes": [self.takes[key] for key in sorted(self.takes)],
        }
