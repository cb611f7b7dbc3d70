"""May it go out, after the one that is out? A run's takes beside the accepted release's, suite by suite.

Every selected suite is one stratum, every voice over all suites another, and the utterances that were lost a question
of their own; the error rate holds over all of them together. With `--takes auto` further takes are made of the suites
that are undecided, at the looks that the policy names, until nothing is open or something has failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, nan
from os.path import relpath
from pathlib import Path

from harness.baseline import golden
from harness.baseline.golden import Baseline, Record
from harness.corpus import Utterance
from harness.decision.gates import judge_change
from harness.decision.policy import Margin, Policy
from harness.decision.rates import holm
from harness.decision.regression import Comparison, Layout, Panel, compare, levels
from harness.records.gate import Outcome, Verdict
from harness.report.manifest import Entry, entry
from harness.run.plan import Run
from harness.take import Request

Key = tuple[str, str, str]
WHOLE = ("voices", "lost")
"""Questions that need every suite."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared, with what, and how surely."""

    suites: tuple[str, ...]
    """Suites that are strata of their own."""
    whole: bool
    """Whether voices and lost utterances are asked about, over all suites that are given."""
    policy: Policy
    margins: tuple[Margin, ...]
    looks: tuple[int, ...]
    """One number of takes, or with `--takes auto` the rising numbers after which one looks."""

    @property
    def strata(self) -> tuple[str, ...]:
        return tuple(f"suite {name}" for name in self.suites) + (WHOLE if self.whole else ())


@dataclass
class Decisions:
    """The answers so far: what is decided stays decided, p-values are the smallest of all looks."""

    asked: Asked
    verdicts: dict[Key, tuple[Comparison, Verdict]] = field(default_factory=dict)
    p_values: dict[Key, float] = field(default_factory=dict)
    levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """By stratum and metric, the accepted level and the new one at the last look."""

    def look(self, new: Mapping[str, Sequence[Record]], old: Mapping[str, Sequence[Record]]) -> None:
        """Take in the records of both sides by suite; the same utterances on both."""
        rows = golden.layout(new)
        ours, theirs = ([one for kept in side.values() for one in kept] for side in (new, old))
        panels = [golden.panel(side, rows.utterances, self.asked.margins) for side in (ours, theirs)]
        gone = {margin.metric: golden.unmeasured(ours, theirs, margin.metric) for margin in self.asked.margins}
        self.weigh(panels[0], panels[1], rows, gone)
        for stratum, of_rows in rows.strata(self.asked.strata).items():
            for margin in self.asked.margins:
                self.levels[stratum, margin.metric] = levels(margin.metric, panels[0], panels[1], of_rows)

    def weigh(self, new: Panel, old: Panel, rows: Layout, gone: Mapping[str, Mapping[str, str]]) -> None:
        """Answer every question about two panels that is not decided yet.

        Args:
            new: The release that is judged, with all its takes up to this look.
            old: The accepted one.
            rows: What the rows of both are.
            gone: By metric, the utterances of which the release has no number any more, with the reason.
        """
        asked, margins = self.asked, {margin.metric: margin for margin in self.asked.margins}
        answers = compare(new, old, rows, asked.margins, asked.strata, asked.policy, asked.looks)
        found = {(one.stratum, one.metric, one.kind): one for one in answers}
        for key, one in found.items():
            self.p_values[key] = min(one.p_value, self.p_values.get(key, 1.0))
        adjusted = dict(zip(found, holm([self.p_values[key] for key in found], len(found)), strict=True))
        member = {
            name: {f"suite {suite}", f"voice {speaker}", "all"}
            for name, suite, speaker in zip(rows.utterances, rows.suites, rows.speakers, strict=True)
        }
        for key, one in found.items():
            if key in self.verdicts and self.verdicts[key][1].outcome in (Outcome.PASS, Outcome.FAIL):
                continue
            lacking = gone.get(one.metric, {})
            here = {name: why for name, why in lacking.items() if one.stratum in member[name]}
            verdict = judge_change(one, margins[one.metric], asked.policy, adjusted[key], here)
            self.verdicts[key] = (one, verdict)

    @property
    def failed(self) -> bool:
        return any(verdict.outcome == Outcome.FAIL for _, verdict in self.verdicts.values())

    def open(self) -> set[str]:
        """Strata that are undecided."""
        return {key[0] for key, (_, verdict) in self.verdicts.items() if verdict.outcome == Outcome.INCONCLUSIVE}


@dataclass
class Judged:
    """A release judged: its takes and its comparisons, as the manifest holds them."""

    takes: dict[str, list[Entry]]
    """By suite."""
    comparisons: list[Entry]


def judge_release(
    run: Run, corpus: Mapping[str, Sequence[Utterance]], asked: Asked, about: Mapping[str, str]
) -> Judged:
    """Compare a run with the accepted release; makes the takes that are missing.

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
    takes: dict[str, list[Entry]] = {suite: [] for suite in corpus}
    decisions, refusals = Decisions(asked), dict[str, tuple[Outcome, str]]()
    undecided = set(corpus)
    for number, look in enumerate(asked.looks):
        begun = asked.looks[number - 1] if number else 0
        seeds = range(first + begun, first + look)
        wanted = {suite: [run.request(row, seed) for row in corpus[suite] for seed in seeds] for suite in undecided}
        run.generate(request for requests in wanted.values() for request in requests)
        for suite, requests in wanted.items():
            takes[suite] += [_noted(run, request, compared, gates=look > planned) for request in requests]
        records = {
            suite: [Record.of(found, run.store.sidecar(found["digest"])) for found in takes[suite]] for suite in corpus
        }
        if not number:
            refusals = _refusals(run, records, takes, old, asked, folder / backend, about)
        comparable = [suite for suite in corpus if suite not in refusals]
        if comparable:
            now = replace(
                asked,
                suites=tuple(name for name in asked.suites if name in comparable),
                whole=asked.whole and not refusals,
            )
            decisions.asked = now
            decisions.look(
                {suite: records[suite] for suite in comparable},
                {suite: old[suite].records for suite in comparable},  # type: ignore[union-attr]
            )
        still = decisions.open()
        undecided = {suite for suite in comparable if f"suite {suite}" in still or not still <= _suites(corpus)}
        if decisions.failed or not still:
            break
    return Judged(takes, _answers(decisions, refusals, asked, takes, old, run))


def _suites(corpus: Mapping[str, object]) -> set[str]:
    return {f"suite {name}" for name in corpus}


def _noted(run: Run, request: Request, compared: set[str], gates: bool) -> Entry:
    """What is noted of a take; one that only the comparison asked for is judged by every gate here."""
    take = run.take(request)
    measured = run.measurements(take, compared)
    suite = request.utterance.suite
    metrics = {gate.metric: None for gate in run.profile.gates if gate.is_for(suite)}
    verdicts = run.judge(take, tuple(metrics)) if gates else []
    return entry(take, measured, verdicts, run.store.export(take), run.settings.out, run.accepted(request))


def _refusals(
    run: Run,
    records: Mapping[str, Sequence[Record]],
    takes: Mapping[str, Sequence[Entry]],
    old: Mapping[str, Baseline | None],
    asked: Asked,
    folder: Path,
    about: Mapping[str, str],
) -> dict[str, tuple[Outcome, str]]:
    """Suites that cannot be compared, and why. A first release has nothing to be compared with; a lost file has."""
    found = {}
    for suite, baseline in old.items():
        if baseline is None:
            first = not any(folder.glob("*.json"))
            found[suite] = (
                Outcome.REFUSED if first else Outcome.INCONCLUSIVE,
                f"{relpath(folder / suite)}.json is missing, no release was accepted: {golden.how_to_accept(suite)}",
            )
            continue
        sidecars = (run.store.sidecar(one["digest"]) for one in takes[suite])
        prints = [golden.fingerprint(about, one["provenance"]) for one in sidecars if one is not None]
        complaints = golden.mismatches(suite, records[suite], prints, baseline, asked.margins)
        if complaints:
            more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
            found[suite] = (Outcome.INCONCLUSIVE, complaints[0] + more)
    return found


def _answers(
    decisions: Decisions,
    refusals: Mapping[str, tuple[Outcome, str]],
    asked: Asked,
    takes: Mapping[str, Sequence[Entry]],
    old: Mapping[str, Baseline | None],
    run: Run,
) -> list[Entry]:
    heard = {(one["utterance"]): one for kept in takes.values() for one in kept}
    answers = [
        as_entry(one, verdict, margin, decisions.levels.get((one.stratum, one.metric), (nan, nan)), heard)
        for one, verdict in decisions.verdicts.values()
        for margin in asked.margins
        if margin.metric == one.metric
    ]
    for suite, (outcome, why) in refusals.items():
        if suite in asked.suites:
            answers.append(_refused(suite, outcome, why))
    if asked.whole and refusals:
        outcomes = {outcome for outcome, _ in refusals.values()}
        outcome = Outcome.INCONCLUSIVE if Outcome.INCONCLUSIVE in outcomes else Outcome.REFUSED
        answers.append(
            _refused("all", outcome, f"not comparable: {', '.join(refusals)}; {next(iter(refusals.values()))[1]}")
        )
    return answers


def _refused(suite: str, outcome: Outcome, why: str) -> Entry:
    return {
        "outcome": str(outcome),
        "gate": "no worse than the accepted release",
        "name": "no worse than the accepted release",
        "suite": suite,
        "stratum": suite if suite == "all" else f"suite {suite}",
        "metric": "",
        "observed": why,
        "reason": why,
        "why": "what ships next must not be worse than what is shipped",
        "utterance": "every utterance",
        "seed": "any",
        "listen": "",
    }


def as_entry(
    one: Comparison, verdict: Verdict, margin: Margin, of_both: tuple[float, float], heard: Mapping[str, Entry]
) -> Entry:
    """A comparison as the manifest holds it: the fields of a verdict, and the numbers behind it."""
    worst = one.worst[0][0] if one.worst else ""
    take = heard.get(worst, {})
    return {
        "outcome": str(verdict.outcome),
        "gate": str(verdict.gate),
        "name": verdict.gate.name,
        "observed": verdict.observed,
        "reason": verdict.reason,
        "why": verdict.gate.why,
        "suite": one.stratum.removeprefix("suite "),
        "stratum": one.stratum,
        "metric": one.metric,
        "kind": one.kind,
        "unit": verdict.gate.unit,
        "delta": _number(verdict.measurement.value),
        "low": _number(verdict.measurement.components["low"]),
        "high": _number(verdict.measurement.components["high"]),
        "accepted": _number(of_both[0]),
        "now": _number(of_both[1]),
        "margin": margin.margin,
        "limit": verdict.gate.at_most if one.kind == "lost" else margin.margin,
        "change_unit": margin.unit_of_change,
        "p_value": verdict.measurement.components["p_value"],
        "utterances": one.clusters,
        "worst": [{"utterance": name, "change": margin.told(change)} for name, change in one.worst],
        "detectable": _number(margin.told(one.detectable) if one.kind == "mean" else one.detectable),
        "more_takes": one.more_takes if verdict.outcome == Outcome.INCONCLUSIVE else None,
        "utterance": worst,
        "seed": take.get("seed", ""),
        "listen": take.get("listen", ""),
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if isfinite(value) else None
