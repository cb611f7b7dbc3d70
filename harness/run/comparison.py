"""A run's takes beside the accepted release's, suite by suite; makes the takes that the comparison needs.

With `--takes auto` further takes are made of the suites that are undecided, at the looks that the policy names, until
nothing is open or something has failed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os.path import relpath

import numpy as np
from msgspec import structs

from harness.backends import conditioning
from harness.baseline import golden
from harness.corpus import Utterance
from harness.decision.questions import Broken
from harness.decision.release import Asked, Decisions
from harness.records.baseline import Baseline
from harness.records.comparison import Comparison, NotCompared, Stratum
from harness.records.gate import Gate, Outcome
from harness.records.run_record import About
from harness.records.take_record import TakeRecord
from harness.run.judging import Wanted, key_of
from harness.run.plan import Run
from harness.take import Request

ALL = Stratum("all")
THROUGHOUT, LEAST_THROUGHOUT = 0.5, 2
"""A gate that so large a share of a voice's takes breaks, and no fewer takes, is broken throughout."""

UNHEARD_SEEDS = {
    conditioning.IGNORED: "the system ignores the seed: takes of one seed are no siblings",
    conditioning.WITHOUT_EFFECT: "the seed has no effect: the takes of a text are one take, and count as one",
}
"""What a comparison has to know of a system that does not obey the seed, by what was found out about it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A release compared: its takes by suite, what was answered, and what could not be asked."""

    takes: dict[str, list[TakeRecord]]
    comparisons: tuple[Comparison, ...]
    not_compared: tuple[NotCompared, ...]


def compare_release(
    run: Run,
    corpus: Mapping[str, Sequence[Utterance]],
    asked: Asked,
    about: About,
    commands: golden.Commands = golden.NO_OPTIONS,
) -> Compared:
    """Compare a run with the accepted release.

    Args:
        run: The run; its first seed is the first of each utterance.
        corpus: The utterances by suite; those of `asked.suites`, and all there are where `asked.whole`.
        asked: The questions.
        about: The description of the run, with the fingerprints of its scorers.
        commands: How to make a baseline of such a run.
    """
    folder, backend = run.settings.golden, run.backend.name
    first, planned = run.settings.first_seed, asked.looks[0]
    compared = {margin.metric for margin in asked.margins}
    old = {suite: golden.read(folder, backend, suite) for suite in corpus}
    takes: dict[str, list[TakeRecord]] = {suite: [] for suite in corpus}
    decisions, refused = Decisions(asked), list[NotCompared]()
    comparable: dict[str, Baseline] = {}
    undecided = set(corpus)
    shares = _Shares(run) if asked.policy.broken_share else None
    for number, look in enumerate(asked.looks):
        begun = asked.looks[number - 1] if number else 0
        seeds = range(first + begun, first + look)
        wanted = {suite: [run.request(row, seed) for row in corpus[suite] for seed in seeds] for suite in undecided}
        if look > planned:
            run.carry_out(
                {
                    request: Wanted(gated(run.profile.gates, suite), tuple(sorted(compared)))
                    for suite, requests in wanted.items()
                    for request in requests
                }
            )
        else:
            run.generate(request for requests in wanted.values() for request in requests)
        seeds_are = _seeds_are(run, wanted.values())
        for suite, requests in wanted.items():
            if old[suite] is not None:  # else there is nothing to compare them with
                takes[suite] += [_compared(run, request, compared) for request in requests]
            if shares:
                shares.add(requests)
        if not number:
            refused = _not_comparable(run, takes, old, asked, about, commands)
            kept_out = {one.stratum.name for one in refused}
            comparable = {
                suite: baseline for suite, baseline in old.items() if baseline is not None and suite not in kept_out
            }
        counted = shares.counted(comparable.values()) if shares else None
        if not comparable and counted:
            decisions.count(counted)
        if comparable:
            decisions.asked = replace(
                asked,
                suites=tuple(name for name in asked.suites if name in comparable),
                whole=asked.whole and not refused,
            )
            same = all(one.accepted.system == about.system for one in comparable.values())
            decisions.same_system = same and seeds_are not in UNHEARD_SEEDS
            decisions.caution = UNHEARD_SEEDS.get(seeds_are, "")
            different = (first,) if seeds_are == conditioning.WITHOUT_EFFECT else range(first, first + look)
            decisions.look(
                {suite: [take for take in takes[suite] if take.seed in different] for suite in comparable},
                {suite: baseline.takes for suite, baseline in comparable.items()},
                [one.accepted.anchor for one in comparable.values() if one.accepted.anchor],
                counted,
            )
        if shares:
            decisions.never(shares.throughout)
        still = decisions.open()
        by_suite = all(stratum.kind == "suite" for stratum in still)
        undecided = {suite for suite in comparable or corpus if not by_suite or Stratum("suite", suite) in still}
        if decisions.failed or not still:
            break
    return Compared(takes, tuple(decisions.comparisons.values()), _not_compared(refused, asked))


def _seeds_are(run: Run, requests: Iterable[Sequence[Request]]) -> str:
    """What was found out about the seed before the first take; empty where nobody asked."""
    said = {str(run.take(request).details.get(conditioning.SEED, "")) for each in requests for request in each}
    return next((found for found in UNHEARD_SEEDS if found in said), "")


@dataclass
class _Shares:
    """Takes that broke gates, counted over the run."""

    run: Run
    voices: dict[str, int] = field(default_factory=Counter)
    """Takes by voice."""
    broken: dict[tuple[str, str], int] = field(default_factory=Counter)
    """Takes by voice and gate that broke it."""
    of: int = 0
    takes: int = 0
    """Takes that broke any."""

    def add(self, requests: Sequence[Request]) -> None:
        """Judge takes by every gate of their suite."""
        for request in requests:
            suite, speaker = request.utterance.suite, request.reference.speaker
            verdicts = self.run.found(self.run.take(request), gated(self.run.profile.gates, suite)).verdicts
            names = {verdict.gate.name for verdict in verdicts if verdict.outcome in (Outcome.FAIL, Outcome.EXCUSED)}
            self.of, self.takes = self.of + 1, self.takes + bool(names)
            self.voices[speaker] += 1
            for name in names:
                self.broken[speaker, name] += 1

    def counted(self, old: Iterable[Baseline]) -> Broken:
        """Beside those of the accepted release."""
        kept = [take for baseline in old for take in baseline.takes]
        numbers = (self.takes, self.of, sum(bool(take.broken) for take in kept), len(kept))
        return Broken(*(np.array([float(number)]) for number in numbers))

    @property
    def throughout(self) -> list[str]:
        """Gates that a voice breaks so often that it is no chance failure."""
        return [
            f"{name}: {count} of {self.voices[speaker]} takes of {speaker}"
            for (speaker, name), count in sorted(self.broken.items())
            if count >= THROUGHOUT * self.voices[speaker] and count >= LEAST_THROUGHOUT
        ]


def gated(gates: Iterable[Gate], suite: str) -> tuple[str, ...]:
    """The metrics that a suite's gates are on, each once."""
    return tuple(dict.fromkeys(gate.metric for gate in gates if gate.is_for(suite)))


def _compared(run: Run, request: Request, metrics: set[str]) -> TakeRecord:
    """What the comparison needs to know of a take, which stays in memory."""
    take = run.take(request)
    noted = run.ledger.noted(key_of(take))
    if noted is None or not metrics <= noted.measurements.keys():
        noted = run.noted(take, run.measurements(take, sorted(metrics)), ())
        run.ledger.note(noted)
    kept = {name: found for name, found in noted.measurements.items() if name in metrics}
    return structs.replace(noted, measurements=kept, verdicts=())


def _not_comparable(
    run: Run,
    takes: Mapping[str, Sequence[TakeRecord]],
    old: Mapping[str, Baseline | None],
    asked: Asked,
    about: About,
    commands: golden.Commands,
) -> list[NotCompared]:
    """Suites that cannot be compared, and why. A first release has nothing to be compared with; a lost file has."""
    refused, folder = [], run.settings.golden / run.backend.name
    others = any(one is not None and one.accepted.system != about.system for one in old.values())
    for suite, baseline in old.items():
        if baseline is None:
            first = not any(folder.glob("*.json"))
            outcome = Outcome.REFUSED if first else Outcome.INCONCLUSIVE
            way = golden.how_to_accept(suite, commands)
            why = f"{relpath(folder / suite)}.json is missing, no release was accepted: {way}"
            refused.append(NotCompared(outcome, Stratum("suite", suite), why))
            continue
        prints = [golden.fingerprint(about, take.provenance) for take in takes[suite] if take.audio]
        complaints = golden.replayed(suite, takes[suite], old.values(), about.system)
        if others and not complaints:
            spoken = golden.landmarks_on_disk(takes[suite], run.store.path)
            complaints = golden.nearly_replayed(suite, spoken, old.values(), about.system)
        complaints += golden.mismatches(suite, takes[suite], prints, baseline, asked.margins, commands)
        if complaints:
            more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
            refused.append(NotCompared(Outcome.INCONCLUSIVE, Stratum("suite", suite), complaints[0] + more))
    return refused


def _not_compared(refused: Sequence[NotCompared], asked: Asked) -> tuple[NotCompared, ...]:
    """The suites that were asked about and could not be compared, and with one of them all together."""
    answers = [one for one in refused if one.stratum.name in asked.suites]
    if asked.whole and refused:
        worst = any(one.outcome == Outcome.INCONCLUSIVE for one in refused)
        names = ", ".join(one.stratum.name for one in refused)
        outcome = Outcome.INCONCLUSIVE if worst else Outcome.REFUSED
        answers.append(NotCompared(outcome, ALL, f"not comparable: {names}; {refused[0].reason}"))
    return tuple(answers)
