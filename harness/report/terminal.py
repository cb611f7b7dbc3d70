"""The end of a run in the terminal, 80 columns wide, readable without colour and in a CI log."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from harness.gates import Outcome
from harness.report.manifest import Manifest, four_lines, label

MOST_SHOWN = 12
WIDTH = 80


def summary(manifest: Manifest, report: str) -> Iterator[str]:
    """Lines of the summary block, without line ends."""
    planned, judged, refused = len(manifest.planned_takes), manifest.judged, manifest.refused
    about = manifest.about
    if about.get("note"):
        yield from wrap(about["note"], WIDTH)
        yield ""
    blocking = manifest.blocking()
    for found, verdict in blocking[:MOST_SHOWN]:
        yield from four_lines(found, verdict).splitlines()
        yield ""
    if len(blocking) > MOST_SHOWN:
        yield f"… and {len(blocking) - MOST_SHOWN} more in the report"
        yield ""
    for (utterance, seed), why in sorted(refused.items())[:MOST_SHOWN]:
        yield f"REFUSED  {utterance}, seed {seed}: {why}"
    for test, why in sorted(manifest.failed_otherwise.items()):
        yield f"FAIL  {test}: {why}"
    yield from _not_judged(manifest)
    for suite, counts in sorted(_by_suite(manifest).items()):
        shown = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        yield f"{suite:<14}{shown}"
    yield f"takes         {planned} planned = {judged} judged + {len(refused)} refused"
    yield f"backend       {about.get('backend', '')}, gates {about.get('gates', '')!r}"
    yield f"report        {report}"
    yield f"VERDICT       {manifest.verdict}"


def _not_judged(manifest: Manifest) -> Iterator[str]:
    """Refused gates, all takes with one reason together."""
    by_reason: dict[str, tuple[set[str], dict[str, None]]] = {}
    for found, verdict in manifest.not_judged():
        takes, names = by_reason.setdefault(verdict["reason"], (set(), {}))
        takes.add(label(found))
        names[verdict["name"]] = None
    if by_reason:
        yield "not judged, and why:"
    for reason, (takes, names) in by_reason.items():
        whose = takes.copy().pop() if len(takes) == 1 else f"{len(takes)} takes"
        yield f"  {whose}: {', '.join(names)}"
        yield from wrap(reason, WIDTH, initial_indent="    ", subsequent_indent="    ")
    if by_reason:
        yield ""


def _by_suite(manifest: Manifest) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for found in manifest.takes.values():
        counts.setdefault(found["suite"], Counter()).update(verdict["outcome"] for verdict in found["verdicts"])
    return counts
