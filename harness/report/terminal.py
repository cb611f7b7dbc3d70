"""What a run says in the terminal, 80 columns wide, readable without colour and in a CI log."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord
from harness.report import assurance
from harness.report.overview import (
    blocking,
    by_suite,
    lines_of_comparison,
    listen_to,
    refused_gates,
    unconditioned,
    worst_first,
)

MOST_SHOWN = 12
WORST_SHOWN = 3
WIDTH = 80


def summary(run: RunRecord, out: Path, page: Path) -> Iterator[str]:
    """Lines of the summary block, without line ends.

    Args:
        run: The run.
        out: Its output folder, as the user may type it.
        page: Where the report is.
    """
    about, pairs = run.about, blocking(run)
    if about.note:
        yield from wrap(about.note, WIDTH)
        yield ""
    worst = [take for take in worst_first(run) if take.against]
    if worst:
        yield f"worst of {len(worst)} takes that block it; listen to"
        for take in worst[:WORST_SHOWN]:
            yield from _worst(take, [verdict for other, verdict in pairs if other is take], out)
        yield ""
    yield from _compared(run, out)
    for one in run.not_judged[:MOST_SHOWN]:
        yield from _wrapped(f"REFUSED  {one.take}: {one.why}")
    if len(run.not_judged) > MOST_SHOWN:
        yield f"… and {len(run.not_judged) - MOST_SHOWN} more in the report"
    for test, how in run.failed_otherwise.items():
        yield from _wrapped(f"FAIL  {test}: {how}")
    by_reason: dict[str, list[str]] = {}
    for test, how in run.harness_errors.items():
        by_reason.setdefault(how, []).append(test)
    for how, tests in by_reason.items():
        named = tests[0] if len(tests) == 1 else f"{len(tests)} tests, the first {tests[0]}"
        yield from _wrapped(f"HARNESS ERROR  {named}: {how}")
    for why, takes in unconditioned(run).items():
        yield from _wrapped(f"{len(takes)} takes made without their reference: {why}")
    yield from _refused_gates(run)
    yield from _suites(run)
    if run.incomplete:
        yield from _wrapped(f"INCOMPLETE    {run.incomplete}")
    for caveat in run.caveats:
        yield from _wrapped(f"scope         {caveat}")
    for number, line in enumerate(assurance.lines(run)):
        yield from _wrapped(f"{'' if number else 'how sure':<14}{line}", " " * 16)
    yield f"takes         {run.counts}"
    yield f"backend       {about.backend}, gates {about.gates!r}"
    yield f"report        {page}"
    yield f"VERDICT       {run.verdict}"


def _compared(run: RunRecord, out: Path) -> Iterator[str]:
    """What stands against the release beside the accepted one, and what could not be asked."""
    against = [one for outcome in AGAINST for one in run.comparisons if one.outcome == outcome]
    for one in against[:WORST_SHOWN]:
        for line in lines_of_comparison(one, run.takes, out).splitlines():
            yield from _wrapped(line, "            ")
        yield ""
    if len(against) > WORST_SHOWN:
        yield f"… and {len(against) - WORST_SHOWN} more comparisons in run.json"
    for stands_against, name in ((True, "INCONCLUSIVE, not compared"), (False, "not compared")):
        reasons = [one.reason for one in run.not_compared if one.stands_against == stands_against]
        reasons += [one.reason for one in run.comparisons if one.outcome == Outcome.REFUSED and not stands_against]
        for reason in dict.fromkeys(reasons):
            yield from _wrapped(f"{name}: {reason}", "  ")


def _worst(take: TakeRecord, against: list[Verdict], out: Path) -> Iterator[str]:
    """A take and what stands against it."""
    yield f"  {take.key}  {listen_to(take, out)}"
    for verdict in against:
        yield from _wrapped(f"    {verdict.outcome}  {verdict.gate}: {verdict.observed}", "          ")


def _refused_gates(run: RunRecord) -> Iterator[str]:
    """Refused gates, all takes with one reason together."""
    by_reason = refused_gates(run)
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


def _suites(run: RunRecord) -> Iterator[str]:
    for suite, counts in by_suite(run).items():
        shown = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        yield f"{suite:<14}{counts['takes']} take{'s' * (counts['takes'] != 1)}: {shown}"


def _wrapped(line: str, indent: str = "  ") -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
