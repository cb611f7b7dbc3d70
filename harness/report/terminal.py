"""What a run says in the terminal, 80 columns wide, readable without colour and in a CI log."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from harness.records.gate import Outcome
from harness.report.manifest import AGAINST, Entry, Manifest, four_lines, label, worst_outcome

MOST_SHOWN = 12
WORST_SHOWN = 3
WIDTH = 80


def summary(manifest: Manifest, out: Path, page: Path) -> Iterator[str]:
    """Lines of the summary block, without line ends.

    Args:
        manifest: The run.
        out: Its output folder, as the user may type it.
        page: Where the report is.
    """
    about, blocking = manifest.about, manifest.blocking()
    if about.get("note"):
        yield from wrap(about["note"], WIDTH)
        yield ""
    worst = [found for found in manifest.worst_first() if worst_outcome(found) in AGAINST]
    if worst:
        yield f"worst of {len(worst)} takes that block it; listen to"
        for found in worst[:WORST_SHOWN]:
            yield from _worst(found, [verdict for take, verdict in blocking if take is found], out)
        yield ""
    yield from _compared(manifest, out)
    for (utterance, seed), why in sorted(manifest.refused.items())[:MOST_SHOWN]:
        yield from _wrapped(f"REFUSED  {utterance}, seed {seed}: {why}")
    if len(manifest.refused) > MOST_SHOWN:
        yield f"… and {len(manifest.refused) - MOST_SHOWN} more in the report"
    for test, how in sorted(manifest.failed_otherwise.items()):
        yield from _wrapped(f"FAIL  {test}: {how}")
    for test, how in sorted(manifest.harness_errors.items()):
        yield from _wrapped(f"HARNESS ERROR  {test}: {how}")
    for why, takes in manifest.unconditioned.items():
        yield from _wrapped(f"{len(takes)} takes made without their reference: {why}")
    yield from _not_judged(manifest)
    yield from _suites(manifest)
    if manifest.incomplete:
        yield from _wrapped(f"INCOMPLETE    {manifest.incomplete}")
    yield f"takes         {manifest.counts}"
    yield f"backend       {about.get('backend', '')}, gates {about.get('gates', '')!r}"
    yield f"report        {page}"
    yield f"VERDICT       {manifest.verdict}"


def _compared(manifest: Manifest, out: Path) -> Iterator[str]:
    """What stands against the release beside the accepted one, and what could not be asked."""
    against = [one for outcome in AGAINST for one in manifest.comparisons if one["outcome"] == outcome]
    for one in against[:WORST_SHOWN]:
        for line in four_lines(one, one, out).splitlines():
            yield from _wrapped(line, "            ")
        yield ""
    if len(against) > WORST_SHOWN:
        yield f"… and {len(against) - WORST_SHOWN} more comparisons in run.json"
    reasons = dict.fromkeys(one["reason"] for one in manifest.comparisons if one["outcome"] == "REFUSED")
    for reason in reasons:
        yield from _wrapped(f"not compared: {reason}", "  ")


def _worst(found: Entry, against: list[Mapping[str, Any]], out: Path) -> Iterator[str]:
    """A take and what stands against it."""
    yield f"  {label(found)}  {out / found['listen'] if found['listen'] else 'no audio'}"
    for verdict in against:
        yield from _wrapped(f"    {verdict['outcome']}  {verdict['gate']}: {verdict['observed']}", "          ")


def _not_judged(manifest: Manifest) -> Iterator[str]:
    """Refused gates, all takes with one reason together."""
    by_reason = manifest.not_judged()
    if by_reason:
        yield "not judged, and why:"
    for reason, (takes, names) in list(by_reason.items())[:MOST_SHOWN]:
        whose = takes[0] if len(takes) == 1 else f"{len(takes)} takes"
        yield from _wrapped(f"  {whose}: {', '.join(names)}", "    ")
        yield from _wrapped(f"    {reason}", "    ")
    if len(by_reason) > MOST_SHOWN:
        yield f"  … and {len(by_reason) - MOST_SHOWN} more in the report"
    if by_reason:
        yield ""


def _suites(manifest: Manifest) -> Iterator[str]:
    for suite, counts in manifest.by_suite().items():
        shown = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        yield f"{suite:<14}{counts['takes']} take{'s' * (counts['takes'] != 1)}: {shown}"


def _wrapped(line: str, indent: str = "  ") -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
