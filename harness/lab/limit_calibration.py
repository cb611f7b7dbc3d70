"""How far sound speech reaches towards each limit with a rate of false rejects, by halves of the speakers.

Conventions: a limit is that of one step of a gate, so for so much speech, reference or text, and for one language. The
reach of some takes is their value that lies nearest to it, or farthest beyond. Fitted on one half of the speakers and
counted on the other: the share of a half that lies beyond the reach of the other half is what a limit without any room
would reject of speakers who had no part in it; beyond the limit itself lie those that it rejects. Halves and beds are
those of `harness.lab.beds`. Rates have two-sided 95 % Clopper-Pearson intervals.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from harness.decision.gates import Profile, load_profile
from harness.decision.rates import Rate
from harness.lab import beds, power
from harness.lab.calibration import shown
from harness.records.gate import Gate, Outcome, Verdict

PROFILE = "calibrated"


@dataclass(frozen=True, slots=True)
class Reach:
    """The values of some takes beside one limit, in each half of the speakers."""

    limit: float
    upper: bool
    """Whether what is higher is rejected."""
    halves: tuple[Sequence[float], Sequence[float]]

    def beyond(self, values: Sequence[float], limit: float) -> Rate:
        """Those on the wrong side of a limit."""
        return Rate(sum(value > limit if self.upper else value < limit for value in values), len(values))

    @property
    def reached(self) -> tuple[float, ...]:
        """The value of each half that lies nearest to the limit or farthest beyond; none of no values."""
        return tuple((max if self.upper else min)(half) for half in self.halves if half)

    @property
    def crossed(self) -> Rate:
        """Takes beyond the reach of the half that they are not in; nothing is counted where a half is empty."""
        first, second = self.halves
        if not (first and second):
            return Rate(0, 0)
        of_first, of_second = self.reached
        counted = (self.beyond(first, of_second), self.beyond(second, of_first))
        return Rate(sum(rate.count for rate in counted), sum(rate.of for rate in counted))

    @property
    def rejected(self) -> Rate:
        """Takes beyond the limit."""
        return self.beyond([*self.halves[0], *self.halves[1]], self.limit)


def report(folder: Path) -> Iterator[str]:
    """Lines: each gate of the calibrated profile, its limits, and how far people and clones reach towards them.

    Raises:
        UsageError: There is no manifest, or a column is missing.
    """
    profile = load_profile(PROFILE, "recorded")
    with tempfile.TemporaryDirectory() as work:
        takes = beds.spoken(folder, Path(work))
        judged = list(power.verdicts(takes, profile))
    yield f"{len(takes)} takes of people and clones, profile {PROFILE}, {len(profile.gates)} gates"
    yield from lines(profile, takes, judged)


def lines(profile: Profile, takes: Sequence[beds.Spoken], judged: Iterable[Sequence[Verdict]]) -> Iterator[str]:
    """One line a limit, language and bed, gate by gate."""
    first = {id(one) for one in beds.halves(takes)[0]}
    values: dict[tuple[str, float, float, str, str], tuple[list[float], list[float]]] = {}
    for one, verdicts in zip(takes, judged, strict=True):
        language = one.take.request.utterance.language
        for verdict in verdicts:
            gate, value = verdict.gate, verdict.measurement.value
            if verdict.outcome is not Outcome.REFUSED and isfinite(value):
                key = (gate.name, gate.at_least, gate.at_most, language, beds.bed_of(one))
                values.setdefault(key, ([], []))[id(one) not in first].append(value)
    for gate in profile.gates:
        if gate.false_reject is None:  # of the file or the generation: no speech reaches anywhere
            continue
        mine = {key[1:]: halves for key, halves in values.items() if key[0] == gate.name}
        if mine:
            yield f"{gate.name} ({gate.unit}{', advisory' if gate.advisory else ''})"
            yield from _of_gate(gate, mine)


def _of_gate(
    gate: Gate, values: Mapping[tuple[float, float, str, str], tuple[Sequence[float], Sequence[float]]]
) -> Iterator[str]:
    for (at_least, at_most, language, bed), halves in sorted(values.items()):
        amount = next(
            (
                str(step).partition(" from ")[2]
                for step in gate.steps
                if (step.at_least, step.at_most) == (at_least, at_most)
            ),
            "",
        )
        for limit, upper in ((at_least, False), (at_most, True)):
            if isfinite(limit):
                reach = Reach(limit, upper, halves)
                side = f"{'at most' if upper else 'at least'} {limit:g}{f' from {amount}' if amount else ''}"
                reached = " and ".join(f"{value:.3g}" for value in reach.reached)
                crossed = f"; beyond the other half {shown(reach.crossed)}" if reach.crossed.of else ""
                yield f"  {side}, {language}, {bed}: halves reach {reached}{crossed}; rejected {shown(reach.rejected)}"
