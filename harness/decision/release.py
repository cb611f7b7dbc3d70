"""May it go out, after the one that is out? The answers of all questions about two releases, look by look.

Every selected suite is one stratum, every voice over all suites another, and the utterances that were lost a question
of their own; the error rate holds over all of them together. `harness.run.comparison` asks for the takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

from harness.decision import regression
from harness.decision.panels import Measured, layout, panel, unmeasured
from harness.decision.policy import Margin, Policy
from harness.decision.rates import holm
from harness.decision.regression import Layout, Panel, compare, levels
from harness.records.comparison import Change, Comparison, Question, Stratum
from harness.records.gate import Outcome

Key = tuple[Stratum, str, Question]
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
        """As `regression` names them."""
        return tuple(f"suite {name}" for name in self.suites) + (WHOLE if self.whole else ())


@dataclass
class Decisions:
    """The answers so far: what is decided stays decided, p-values are the smallest of all looks."""

    asked: Asked
    comparisons: dict[Key, Comparison] = field(default_factory=dict)
    p_values: dict[Key, float] = field(default_factory=dict)

    def look(self, new: Mapping[str, Sequence[Measured]], old: Mapping[str, Sequence[Measured]]) -> None:
        """Take in the takes of both sides by suite; the same utterances on both."""
        rows = layout(new)
        ours, theirs = ([take for kept in side.values() for take in kept] for side in (new, old))
        panels = [panel(side, rows.utterances, self.asked.margins) for side in (ours, theirs)]
        gone = {margin.metric: unmeasured(ours, theirs, margin.metric) for margin in self.asked.margins}
        self.weigh(panels[0], panels[1], rows, gone)

    def weigh(self, new: Panel, old: Panel, rows: Layout, gone: Mapping[str, Mapping[str, str]]) -> None:
        """Answer every question about two panels that is not decided yet.

        Args:
            new: The release that is judged, with all its takes up to this look.
            old: The accepted one.
            rows: What the rows of both are.
            gone: By metric, the utterances of which the release has no number any more, with the reason.
        """
        asked, margins = self.asked, {margin.metric: margin for margin in self.asked.margins}
        compared = compare(new, old, rows, asked.margins, asked.strata, asked.policy, asked.looks)
        answers = {(_stratum(answer.stratum), answer.metric, _question(answer.kind)): answer for answer in compared}
        for key, answer in answers.items():
            self.p_values[key] = min(answer.p_value, self.p_values.get(key, 1.0))
        adjusted = dict(zip(answers, holm([self.p_values[key] for key in answers], len(answers)), strict=True))
        member = {
            name: {Stratum("suite", suite), Stratum("voice", speaker), Stratum("all")}
            for name, suite, speaker in zip(rows.utterances, rows.suites, rows.speakers, strict=True)
        }
        of_strata = rows.strata(asked.strata)
        for key, answer in answers.items():
            if key in self.comparisons and self.comparisons[key].outcome in (Outcome.PASS, Outcome.FAIL):
                continue
            here = {name: why for name, why in gone.get(answer.metric, {}).items() if key[0] in member[name]}
            of_both = (
                levels(answer.metric, new, old, of_strata[answer.stratum])
                if answer.stratum in of_strata
                else (nan, nan)
            )
            self.comparisons[key] = judge_change(
                answer, margins[answer.metric], asked.policy, adjusted[key], here, of_both
            )

    @property
    def failed(self) -> bool:
        """Whether something was shown worse."""
        return any(comparison.outcome == Outcome.FAIL for comparison in self.comparisons.values())

    def open(self) -> set[Stratum]:
        """Strata that are undecided."""
        return {key[0] for key, found in self.comparisons.items() if found.outcome == Outcome.INCONCLUSIVE}


def judge_change(
    answer: regression.Comparison,
    margin: Margin,
    policy: Policy,
    adjusted_p: float,
    unmeasured: Mapping[str, str],
    of_both: tuple[float, float] = (nan, nan),
) -> Comparison:
    """The verdict on one question about the accepted release.

    PASS: shown not worse than the margin. FAIL: shown worse, or no longer measurable. INCONCLUSIVE: neither.

    Args:
        answer: The question and its answer in numbers, on the scale of the changes.
        margin: What may be lost.
        policy: The error rates.
        adjusted_p: The p-value after correction over all questions of the run.
        unmeasured: Utterances of which there is no number any more, with the reason.
        of_both: The means of the accepted release and of this one.
    """
    mean = answer.kind == "mean"
    at_least, at_most = margin.bounds if mean else (-float("inf"), policy.lost_share)
    low, high = sorted(margin.told(end) if mean else -end for end in (answer.low, answer.high))
    if unmeasured:
        gone = "; ".join(f"{name}: {why}" for name, why in list(unmeasured.items())[:3])
        outcome, reason = Outcome.FAIL, f"{len(unmeasured)} can no longer be measured: {gone}"
    elif not answer.clusters:
        outcome, reason = Outcome.REFUSED, f"neither side has a {margin.metric} of any utterance"
    elif low > at_least and high < at_most:  # false for NaN
        outcome, reason = Outcome.PASS, ""
    elif adjusted_p <= policy.alpha:
        outcome, reason = Outcome.FAIL, f"shown worse, p = {adjusted_p:.2g} over the whole run"
    else:
        outcome, reason = Outcome.INCONCLUSIVE, f"neither shown worse nor shown not worse; {answer.way_out}"
    return Comparison(
        outcome=outcome,
        stratum=_stratum(answer.stratum),
        metric=margin.metric,
        question=_question(answer.kind),
        unit=margin.unit,
        relative=margin.relative,
        change=_number(margin.told(answer.delta) if mean else -answer.delta),
        low=_number(low),
        high=_number(high),
        confidence=1 - 2 * policy.doubt,
        accepted=_number(of_both[0]),
        now=_number(of_both[1]),
        margin=margin.margin if mean else policy.lost_share,
        at_least=_number(at_least),
        at_most=_number(at_most),
        lost_from=margin.lost,
        p_value=adjusted_p,
        utterances=answer.clusters,
        changed_most=tuple(
            Change(name, margin.told(change)) for name, change in answer.worst if isfinite(margin.told(change))
        ),
        detectable=_number(margin.told(answer.detectable) if mean else answer.detectable),
        more_takes=answer.more_takes if outcome == Outcome.INCONCLUSIVE else None,
        reason=reason,
        why=margin.why,
    )


def _stratum(name: str) -> Stratum:
    """As `regression` names it."""
    kind, _, rest = name.partition(" ")
    return Stratum("suite", rest) if kind == "suite" else Stratum("voice", rest) if kind == "voice" else Stratum("all")


def _question(kind: str) -> Question:
    return "mean" if kind == "mean" else "lost"


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if isfinite(value) else None
