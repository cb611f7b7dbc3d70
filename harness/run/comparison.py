"""A run's takes beside the accepted release's, suite by suite; makes the takes that the comparison needs.

With `--takes auto` further takes are made of the suites that are undecided, at the looks that the policy names, until
nothing is open or something has failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import relpath
from pathlib import Path

from harness.baseline import golden
from harness.corpus import Utterance
from harness.decision.release import Asked, Decisions
from harness.records.baseline import Baseline
from harness.records.comparison import Comparison, NotCompared, Stratum
from harness.records.gate import Outcome
from harness.records.run_record import About
from harness.records.take_record import TakeRecord
from harness.run.plan import Run
from harness.take import Request

ALL = Stratum("all")


@dataclass(frozen=True, slots=True)
class Compared:
    """A release compared: its takes by suite, what was answered, and what could not be asked."""

    takes: dict[str, list[TakeRecord]]
    comparisons: tuple[Comparison, ...]
    not_compared: tuple[NotCompared, ...]


def compare_release(run: Run, corpus: Mapping[str, Sequence[Utterance]], asked: Asked, about: About) -> Compared:
    """Compare a run with the accepted release.

    Args:
        run: The run; its first seed is the first of each utterance.
        corpus: The utterances by suite; those of `asked.suites`, and all there are where `asked.whole`.
        asked: The questions.
        about: The description of the run, with the fingerprints of its scorers.
    """
    folder, backend = run.settings.golden, run.backend.name
    first, planned = run.settings.first_seed, asked.looks[0]
    compared = {margin.metric for margin in asked.margins}
    old = {suite: golden.read(folder, backend, suite) for suite in corpus}
    takes: dict[str, list[TakeRecord]] = {suite: [] for suite in corpus}
    decisions, refused = Decisions(asked), list[NotCompared]()
    comparable: dict[str, Baseline] = {}
    undecided = set(corpus)
    for number, look in enumerate(asked.looks):
        begun = asked.looks[number - 1] if number else 0
        seeds = range(first + begun, first + look)
        wanted = {suite: [run.request(row, seed) for row in corpus[suite] for seed in seeds] for suite in undecided}
        run.generate(request for requests in wanted.values() for request in requests)
        for suite, requests in wanted.items():
            takes[suite] += [_noted(run, request, compared, judged=look > planned) for request in requests]
        if not number:
            refused = _not_comparable(takes, old, asked, folder / backend, about)
            kept_out = {one.stratum.name for one in refused}
            comparable = {
                suite: baseline for suite, baseline in old.items() if baseline is not None and suite not in kept_out
            }
        if comparable:
            decisions.asked = replace(
                asked,
                suites=tuple(name for name in asked.suites if name in comparable),
                whole=asked.whole and not refused,
            )
            decisions.look(
                {suite: takes[suite] for suite in comparable},
                {suite: baseline.takes for suite, baseline in comparable.items()},
            )
        still = decisions.open()
        by_suite = all(stratum.kind == "suite" for stratum in still)
        undecided = {suite for suite in comparable if not by_suite or Stratum("suite", suite) in still}
        if decisions.failed or not still:
            break
    return Compared(takes, tuple(decisions.comparisons.values()), _not_compared(refused, asked))


def _noted(run: Run, request: Request, compared: set[str], judged: bool) -> TakeRecord:
    """What is noted of a take; one that only the comparison asked for is judged by every gate here."""
    take = run.take(request)
    suite = request.utterance.suite
    metrics = dict.fromkeys(gate.metric for gate in run.profile.gates if gate.is_for(suite))
    return run.noted(take, run.measurements(take, compared), run.judge(take, tuple(metrics)) if judged else ())


def _not_comparable(
    takes: Mapping[str, Sequence[TakeRecord]],
    old: Mapping[str, Baseline | None],
    asked: Asked,
    folder: Path,
    about: About,
) -> list[NotCompared]:
    """Suites that cannot be compared, and why. A first release has nothing to be compared with; a lost file has."""
    refused = []
    for suite, baseline in old.items():
        if baseline is None:
            first = not any(folder.glob("*.json"))
            outcome = Outcome.REFUSED if first else Outcome.INCONCLUSIVE
            why = f"{relpath(folder / suite)}.json is missing, no release was accepted: {golden.how_to_accept(suite)}"
            refused.append(NotCompared(outcome, Stratum("suite", suite), why))
            continue
        prints = [golden.fingerprint(about, take.provenance) for take in takes[suite] if take.audio]
        complaints = golden.mismatches(suite, takes[suite], prints, baseline, asked.margins)
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
