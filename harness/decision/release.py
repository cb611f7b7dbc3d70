"""May it go out, after the one that is out? The answers of all questions about two releases, look by look.

All texts together are one stratum, every selected suite and every voice another, and the utterances that were lost
and the takes that broke a gate questions of their own; the error rates hold over all of them together. What the answers
mean is told in `harness.decision.questions`; `harness.run.comparison` asks for the takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, nan

import numpy as np
from msgspec.structs import replace as replace_record

from harness.decision import outlook
from harness.decision.change import Flags, Strata, Takes
from harness.decision.panels import Measured, layout, panel, panel_of_anchors, unmeasured
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, PASS, Answer, Broken, Key, Look, Rule
from harness.decision.rates import detectable_share
from harness.decision.regression import Layout, Side, levels, takes_of
from harness.records.baseline import Anchor
from harness.records.comparison import Change, Comparison, Question, Stratum
from harness.records.gate import Outcome

MOST_CHANGED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared, with what, and how surely."""

    suites: tuple[str, ...]
    """Suites that are strata of their own."""
    whole: bool
    """Whether all texts, voices and lost utterances are asked about, over all suites that are given."""
    policy: Policy
    margins: tuple[Margin, ...]
    looks: tuple[int, ...]
    """One number of takes, or with `--takes auto` the rising numbers after which one looks."""


@dataclass
class Decisions:
    """The answers so far: what passed stays passed, p-values are the smallest of all looks."""

    asked: Asked
    same_system: bool = False
    """Whether the release is the very system that was accepted: then takes of one seed are siblings."""
    caution: str = ""
    """What whoever reads the comparison over all texts, or of each suite, has to know of the takes."""
    comparisons: dict[tuple[Stratum, str, Question], Comparison] = field(default_factory=dict)
    looked: int = 0
    _rule: Rule | None = None

    def look(
        self,
        new: Mapping[str, Sequence[Measured]],
        old: Mapping[str, Sequence[Measured]],
        anchors: Sequence[Anchor] = (),
        broken: Broken | None = None,
    ) -> None:
        """Take in the takes of both sides by suite; the same utterances on both.

        Args:
            new: The release that is judged, with all its takes up to this look.
            old: The accepted one.
            anchors: The first releases of the suites' lines, where those are others than the accepted ones.
            broken: Takes that broke a gate, where a share of them is allowed.
        """
        rows = layout(new)
        sides = [[take for kept in side.values() for take in kept] for side in (new, old)]
        panels = [panel(side, rows.utterances, self.asked.margins) for side in sides]
        first = panel_of_anchors(anchors, rows.utterances, self.asked.margins) if anchors else None
        gone = {margin.metric: unmeasured(sides[0], sides[1], margin.metric) for margin in self.asked.margins}
        self.weigh(panels[0], panels[1], rows, gone, first, broken)

    def weigh(
        self,
        new: Side,
        old: Side,
        rows: Layout,
        gone: Mapping[str, Mapping[str, str]],
        anchor: Side | None = None,
        broken: Broken | None = None,
    ) -> None:
        """Answer every question about two panels that is not decided yet.

        Args:
            new: The release that is judged, with all its takes up to this look.
            old: The accepted one.
            rows: What the rows of both are.
            gone: By metric, the utterances of which the release has no number any more, with the reason.
            anchor: The first accepted release of the line.
            broken: Takes that broke a gate, where a share of them is allowed.
        """
        asked = self.asked
        both = {margin.metric: takes_of(margin, new, old, self.same_system) for margin in asked.margins}
        there = tuple(margin for margin in asked.margins if np.isfinite(both[margin.metric].changes).any())
        since = {margin.metric: takes_of(margin, new, anchor, False) for margin in there} if anchor else {}
        since = {metric: takes for metric, takes in since.items() if np.isfinite(takes.changes).any()}
        strata = Strata.of(rows.suites, rows.speakers, asked.suites, asked.whole)
        if self._rule is None:
            self._rule = Rule(there, strata, asked.policy, asked.looks, asked.whole)
        rule = self._rule
        rule.margins = there
        rule.look(Look({margin.metric: both[margin.metric] for margin in there}, since, broken), self.looked)
        for key, answer in rule.answers.items():
            if key[2] == "broken" and broken is not None:
                self._note(key, _of_broken(rule, key, answer, broken, self.looked))
                continue
            margin = next(known for known in there if known.metric == key[1])
            takes = since[key[1]] if key[2] == "anchor" else both[key[1]]
            rows_of = (
                strata.members[strata.names.index(key[0])] if key[2] == "mean" else np.ones(len(rows.utterances), bool)
            )
            lacking = {name: why for name, why in gone.get(key[1], {}).items() if _member(key[0], name, rows)}
            caution = self.caution if key[2] == "mean" and not key[0].startswith("voice ") else ""
            told = _comparison(rule, key, answer, margin, takes, rows_of, rows, self.looked)
            reason = "; ".join(part for part in (told.reason, caution) if part)
            self._note(key, _unmeasured(replace_record(told, reason=reason), lacking))
        for margin in asked.margins:
            if margin not in there:
                have = [bool(np.isfinite(side.values[margin.metric]).any()) for side in (new, old)]
                self._no_number(margin, strata, rows, gone.get(margin.metric, {}), _nothing_to_compare(margin, *have))
        self.looked += 1

    def count(self, broken: Broken) -> None:
        """Judge only how many takes broke a gate: of a release that there is nothing to compare with."""
        nobody = Strata((), np.zeros((0, 0), bool), np.zeros(0, np.intp))
        self._rule = self._rule or Rule((), nobody, self.asked.policy, self.asked.looks, whole=False)
        self._rule.look(Look({}, broken=broken), self.looked)
        for key, answer in self._rule.answers.items():
            self._note(key, _of_broken(self._rule, key, answer, broken, self.looked))
        self.looked += 1

    def never(self, throughout: Sequence[str]) -> None:
        """Fail what is broken so often that no share excuses it; says where."""
        key = Stratum("all"), "", "broken"
        if throughout and key in self.comparisons:
            reason = f"broken throughout, which no share excuses: {'; '.join(throughout[:3])}"
            self.comparisons[key] = replace_record(self.comparisons[key], outcome=Outcome.FAIL, reason=reason)

    def _note(self, key: Key, comparison: Comparison) -> None:
        name = comparison.stratum, key[1], comparison.question
        if name in self.comparisons and self.comparisons[name].outcome in (Outcome.PASS, Outcome.FAIL):
            return
        self.comparisons[name] = comparison

    def _no_number(self, margin: Margin, strata: Strata, rows: Layout, gone: Mapping[str, str], why_not: str) -> None:
        """A metric that no utterance has on both sides: lost where the accepted release had it."""
        kinds: list[tuple[str, Question]] = [(name, "mean") for name in strata.names]
        for name, question in kinds + ([("all", "lost")] if self.asked.whole else []):
            lacking = {utterance: why for utterance, why in gone.items() if _member(name, utterance, rows)}
            blank = Comparison(
                outcome=Outcome.REFUSED,
                stratum=_stratum(name),
                metric=margin.metric,
                question=question,
                unit=margin.unit,
                relative=margin.relative,
                confidence=outlook.confidence(self.asked.policy, self.asked.looks, self.looked),
                margin=margin.margin if question == "mean" else self.asked.policy.lost_share,
                lost_from=margin.lost,
                p_value=1.0,
                utterances=0,
                reason=why_not,
                why=margin.why,
            )
            self._note((name, margin.metric, question), _unmeasured(blank, lacking))

    @property
    def failed(self) -> bool:
        """Whether something was shown worse."""
        return any(comparison.outcome == Outcome.FAIL for comparison in self.comparisons.values())

    def open(self) -> set[Stratum]:
        """Strata that are undecided."""
        return {key[0] for key, comparison in self.comparisons.items() if comparison.outcome == Outcome.INCONCLUSIVE}


def _nothing_to_compare(margin: Margin, new: bool, old: bool) -> str:
    """Why a metric is not compared, by whether either side has a number of it."""
    if new and old:
        return f"no utterance has a {margin.metric} on both sides"
    if new or old:
        return f"{'the accepted release' if new else 'this run'} has no {margin.metric} of any utterance"
    return f"neither side has a {margin.metric} of any utterance"


def _unmeasured(comparison: Comparison, gone: Mapping[str, str]) -> Comparison:
    """What can no longer be measured is lost, whatever the rest says."""
    if not gone:
        return comparison
    named = "; ".join(f"{name}: {why}" for name, why in list(gone.items())[:3])
    return replace_record(comparison, outcome=Outcome.FAIL, reason=f"{len(gone)} can no longer be measured: {named}")


def _comparison(
    rule: Rule, key: Key, answer: Answer, margin: Margin, takes: Takes, members: Flags, rows: Layout, number: int
) -> Comparison:
    """One answer as a record."""
    shares = key[2] == "lost"
    own = replace(margin, margin=answer.margin)
    at_least, at_most = (-inf, answer.margin) if shares else own.bounds
    ends = sorted(-float(end[0]) if shares else margin.displayed(float(end[0])) for end in (answer.low, answer.high))
    of_both = (nan, nan) if shares else levels(margin, takes, np.flatnonzero(members))
    outcome, reason = _outcome(rule, key, answer)
    more = None
    if outcome == Outcome.INCONCLUSIVE and not shares:
        what = outlook.of_mean(answer, takes, members)
        more, reason = what.more_takes, f"{reason}; {what}"
    excludes = outlook.excluded(margin, takes, members)
    if outcome == Outcome.PASS:
        reason = "; ".join(part for part in (reason, f"excludes failures of more than {excludes:.1%} of takes") if part)
    delta = float(answer.delta[0])
    detectable = (
        detectable_share(max(int(answer.count[0]), 1), 0.01, rule.policy.alpha / len(rule.answers))
        if shares
        else margin.displayed(outlook.detectable(answer, rule.policy, rule.looks, len(rule.answers)))
    )
    return Comparison(
        outcome=outcome,
        stratum=_stratum(key[0]),
        metric=margin.metric,
        question=key[2],
        unit=margin.unit,
        relative=margin.relative,
        change=_number(-delta if shares else margin.displayed(delta)),
        low=_number(ends[0]),
        high=_number(ends[1]),
        confidence=outlook.confidence(rule.policy, rule.looks, number),
        accepted=_number(of_both[0]),
        now=_number(of_both[1]),
        margin=answer.margin,
        at_least=_number(at_least),
        at_most=_number(at_most),
        lost_from=margin.lost,
        p_value=float(rule.adjusted[key][0]),
        utterances=int(answer.count[0]),
        changed_most=_changed_most(margin, takes, members, rows),
        detectable=_number(detectable),
        more_takes=more,
        excludes=_number(excludes),
        reason=reason,
        why=margin.why,
    )


def _outcome(rule: Rule, key: Key, answer: Answer) -> tuple[Outcome, str]:
    state, p_value = int(rule.outcomes[key][0]), float(rule.adjusted[key][0])
    worse = p_value <= rule.policy.alpha
    if state == FAIL:
        return Outcome.FAIL, f"shown worse, p = {p_value:.2g} over the whole run"
    if state == PASS:
        return Outcome.PASS, "shown worse, inside the margin" if worse else ""
    if worse and not bool(answer.bad[0]):
        return Outcome.INCONCLUSIVE, "shown worse, and not shown to be inside the margin"
    return Outcome.INCONCLUSIVE, "neither shown worse nor shown not worse"


def _of_broken(rule: Rule, key: Key, answer: Answer, counts: Broken, number: int) -> Comparison:
    """The share of takes that broke a gate, as a record."""
    policy = rule.policy
    hits, of = float(counts.new[0]), float(counts.of_new[0])
    outcome, reason = _outcome(rule, key, answer)
    high = -float(answer.low[0])
    more = None
    if outcome == Outcome.PASS:
        bound = policy.broken_share if high < policy.broken_share else policy.broken_bound
        reason = f"excludes more than {bound:.1%}; {policy.broken_share:.1%} is allowed"
    elif outcome == Outcome.INCONCLUSIVE:
        many = outlook.of_share(hits, of, policy.broken_bound, policy.doubt)
        reason = f"{reason}; " + (f"about {many} takes would decide it" if many else "more takes would not decide it")
        more = None
    accepted = float(counts.old[0] / max(counts.of_old[0], 1.0)) if counts.of_old[0] else nan
    return Comparison(
        outcome=outcome,
        stratum=Stratum("all"),
        metric="",
        question="broken",
        unit="of all takes",
        change=_number(-float(answer.delta[0])),
        low=_number(-float(answer.high[0])),
        high=_number(high),
        confidence=outlook.confidence(policy, rule.looks, number),
        accepted=_number(accepted),
        now=_number(hits / max(of, 1.0)),
        margin=policy.broken_bound,
        at_most=policy.broken_bound,
        lost_from=0.0,
        p_value=float(rule.adjusted[key][0]),
        utterances=int(of),
        more_takes=more,
        excludes=_number(high),
        reason=reason,
        why="a model that breaks down now and then is judged by how often",
    )


def _changed_most(margin: Margin, takes: Takes, members: Flags, rows: Layout) -> tuple[Change, ...]:
    change = takes.changes[0]
    there = np.flatnonzero(members & np.isfinite(change))
    worst = -np.abs(change[there]) if margin.better == "neither" else change[there]
    order = there[np.argsort(worst, kind="stable")[:MOST_CHANGED]]
    changes = (Change(rows.utterances[row], margin.displayed(float(change[row]))) for row in order)
    return tuple(entry for entry in changes if isfinite(entry.change))


def _member(stratum: str, utterance: str, rows: Layout) -> bool:
    at = rows.utterances.index(utterance)
    return stratum in ("all", f"suite {rows.suites[at]}", f"voice {rows.speakers[at]}")


def _stratum(name: str) -> Stratum:
    kind, _, rest = name.partition(" ")
    return Stratum("suite", rest) if kind == "suite" else Stratum("voice", rest) if kind == "voice" else Stratum("all")


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if isfinite(value) else None
