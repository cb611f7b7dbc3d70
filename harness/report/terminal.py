"""What a run says in the terminal, 80 columns wide, readable without colour and in a CI log."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from harness.records.gate import Outcome
from harness.records.run_record import RunRecord
from harness.report import assurance
from harness.report.causes import Cause, causes
from harness.report.overview import beside, by_suite, listen_to, refused_gates, unconditioned

MOST_SHOWN = 12
WIDTH = 80


def summary(run: RunRecord, out: Path, page: Path) -> Iterator[str]:
    """Lines of the summary block, without line ends.

    Args:
        run: The run.
        out: Its output folder, as the user may type it.
        page: Where the report is.
    """
    about = run.about
    if about.note:
        yield from wrap(about.note, WIDTH)
        yield ""
    found = causes(run)
    if found:
        yield f"what blocks it: {len(found)} cause{'s' * (len(found) != 1)}, worst first"
    for cause in found[:MOST_SHOWN]:
        yield from _told(cause, out)
    if len(found) > MOST_SHOWN:
        yield f"  … and {len(found) - MOST_SHOWN} more in the report"
    if found:
        yield ""
    for reason in dict.fromkeys(one.reason for one in run.not_compared if not one.stands_against):
        yield from _wrapped(f"not compared: {reason}", "  ")
    for reason in dict.fromkeys(one.reason for one in run.comparisons if one.outcome == Outcome.REFUSED):
        yield from _wrapped(f"not compared: {reason}", "  ")
    by_reason: dict[str, list[str]] = {}
    for test, how in run.harness_errors.items():
        by_reason.setdefault(how, []).append(test)
    for how, tests in by_reason.items():
        named = tests[0] if len(tests) == 1 else f"{len(tests)} tests, the first {tests[0]}"
        yield from _wrapped(f"HARNESS ERROR  {named}: {how}")
    for why, takes in unconditioned(run).items():
        yield from _wrapped(f"{len(takes)} takes made without their reference: {why}")
    yield from _refused_gates(run)
    for (outcome, gate), over in beside(run).items():
        yield from _wrapped(f"{outcome}  {gate}: {len(over)} take{'s' * (len(over) != 1)}, the first {over[0].key}")
    yield from _suites(run)
    if run.incomplete:
        yield from _wrapped(f"INCOMPLETE    {run.incomplete}")
    for doubt in about.doubts:
        yield from _wrapped(f"doubtful      {doubt}")
    for caveat in run.caveats:
        yield from _wrapped(f"scope         {caveat}")
    for number, line in enumerate(assurance.lines(run)):
        yield from _wrapped(f"{'' if number else 'how sure':<14}{line}", " " * 16)
    yield f"takes         {run.counts}"
    yield f"backend       {about.backend}, gates {about.gates!r}"
    yield f"report        {page}"
    yield f"VERDICT       {run.verdict}"


def _told(cause: Cause, out: Path) -> Iterator[str]:
    """A cause, why it matters, where it is, and what to hear."""
    head = ": ".join(part for part in (cause.count, cause.title) if part)
    yield from _wrapped(f"{cause.outcome}  {head}")
    rows = [("observed", cause.observed), ("where", cause.where), ("why", cause.why)]
    rows += [("listen", f"{listen_to(cause.hear, out)} ({cause.hear.key})")] if cause.hear else []
    for name, text in rows:
        if text:
            yield from _wrapped(f"  {name:<10}{text}", " " * 12)


def _refused_gates(run: RunRecord) -> Iterator[str]:
    """Refused gates, all takes with one reason together."""
    by_reason = refused_gates(run)
    if by_reason:
        yield "not judged, and why:"
    for reason, (count, takes, names) in list(by_reason.items())[:MOST_SHOWN]:
        whose = takes[0] if count == 1 else f"{count} takes"
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
