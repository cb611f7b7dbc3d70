"""The accepted release beside a run, in numbers: what `python -m harness diff` shows."""

import numpy as np

from harness.baseline import golden
from harness.baseline.acceptance import Finished, Terms
from harness.decision import panels
from harness.decision.regression import takes_of
from harness.decision.release import Asked, Decisions
from harness.errors import GoldenError

MOST_WORST = 12


def difference(run: Finished, suite: str, terms: Terms) -> list[str]:
    """The accepted release beside a run, metric by metric and then utterance by utterance, worst first.

    Raises:
        GoldenError: Nothing was accepted, or the two cannot be compared.
    """
    old = golden.read(terms.folder, run.about.backend, suite)
    if old is None:
        raise GoldenError(f"no release was accepted in suite {suite!r}: {golden.how_to_accept(suite)}")
    takes = run.takes(suite)
    prints = [golden.fingerprint(run.about, take.provenance) for take in takes if take.audio]
    if complaints := golden.mismatches(suite, takes, prints, old, terms.margins):
        raise GoldenError("\n".join(complaints))
    count = len({take.seed for take in takes})
    same = old.accepted.system == run.about.system
    decisions = Decisions(Asked((suite,), False, terms.policy, terms.margins, (count,)), same)
    decisions.look({suite: takes}, {suite: old.takes})
    rows = panels.layout({suite: takes}).utterances
    sides = [panels.panel(old.takes, rows, terms.margins), panels.panel(takes, rows, terms.margins)]
    lines = [
        f"{suite}: accepted by {old.accepted.by} on {old.accepted.on}: {old.accepted.system}",
        f"{'':<{len(suite)}}  this run: {run.about.system}",
        f"{'metric':<20}{'accepted':>10}{'now':>10}{'change':>10}  {'interval':<24}{'margin':>8}  answer",
    ]
    for one in decisions.comparisons.values():
        interval = f"{_shown(one.low, '+.3g')} to {_shown(one.high, '+.3g')}"
        lines.append(
            f"{one.metric:<20}{_shown(one.accepted, '.4g'):>10}{_shown(one.now, '.4g'):>10}"
            f"{_shown(one.change, '+.3g'):>10}  {interval:<24}{one.margin:>8g}  {one.outcome}"
        )
    changed = []
    for margin in {one.metric: one for one in terms.margins}.values():
        each = takes_of(margin, sides[1], sides[0], same).changes[0]
        worse = -np.abs(each) if margin.better == "neither" else each
        found = [
            at for at in range(len(rows)) if worse[at] < 0 and f"{margin.displayed(each[at]):.3g}" not in ("0", "-0")
        ]
        changed += [(worse[at] / margin.lost, rows[at], margin, margin.displayed(each[at])) for at in found]
    oriented = "changes are oriented: positive is better; a relative one is a share of the accepted value."
    lines.append(f"{oriented} {'Worst first:' if changed else 'None is for the worse.'}")
    for size, name, margin, change in sorted(changed, key=lambda row: row[0])[:MOST_WORST]:
        lost = "  lost" if size < -1 else ""
        lines.append(f"  {name:<20}{margin.metric:<20}{change:+.3g} {margin.unit_of_change}{lost}")
    return lines


def _shown(value: float | None, how: str) -> str:
    return "?" if value is None else format(value, how)
