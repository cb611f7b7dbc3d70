"""The run as Markdown, for the summary page of a CI job."""

from html import escape
from pathlib import Path

from harness.records.gate import OF_GATES
from harness.records.run_record import RunRecord
from harness.report import assurance
from harness.report.causes import causes
from harness.report.comparison import comparisons
from harness.report.overview import by_suite, survey, unconditioned

MOST_SHOWN = 20


def markdown(run: RunRecord, out: Path) -> str:
    """Verdict, what blocks it, suites; texts of the corpus are escaped."""
    outcomes = [str(outcome) for outcome in OF_GATES]
    lines = [f"## May it go out? {run.verdict}", ""]
    lines += [f"**{_cell(caveat)}**\n" for caveat in run.caveats]
    if run.incomplete:
        lines += [f"**Incomplete:** {_cell(run.incomplete)}", ""]
    lines += [f"Takes: {run.counts}", ""]
    if run.about.note:
        lines += [f"> {_cell(run.about.note)}", ""]
    lines += [f"**{_cell(doubt)}**\n" for doubt in run.about.doubts]
    if run.takes:
        lines += [f"| suite | takes | {' | '.join(outcomes)} |", f"|---{'|---:' * (len(outcomes) + 1)}|"]
        for suite, counts in by_suite(run).items():
            lines += [f"| {_cell(suite)} | {counts['takes']} | {' | '.join(str(counts[name]) for name in outcomes)} |"]
        lines += [""]
    found = causes(run)
    if found:
        lines += [
            "### What blocks it",
            "",
            "| verdict | takes | cause | observed | where | hear |",
            "|---|---:|---|---|---|---|",
        ]
        for cause in found[:MOST_SHOWN]:
            hear = cause.hear.key if cause.hear else ""
            cells = (cause.outcome, len(cause.takes) or "", cause.title, cause.observed, cause.where, hear)
            lines += [f"| {' | '.join(map(_cell, cells))} |"]
        if len(found) > MOST_SHOWN:
            lines += ["", f"and {len(found) - MOST_SHOWN} more in the report"]
        lines += [""]
    lines += [
        f"- {len(takes)} takes made without their reference: {_cell(why)}" for why, takes in unconditioned(run).items()
    ]
    lines += _compared(run)
    lines += [f"- {_cell(line)}" for line in assurance.lines(run)]
    lines += [f"- harness error: {_cell(test)}: {_cell(how)}" for test, how in run.harness_errors.items()]
    heard = sum(bool(one.take.against) for one in survey(run).seen)
    what = f"Listen to the {heard} takes in question" if heard else "Listen to any take"
    lines += ["", f"{what} in `{out.name}/report/index.html` of the uploaded report.", ""]
    return "\n".join(lines)


def _compared(run: RunRecord) -> list[str]:
    """What stands against the release beside the accepted one, and what could not be asked."""
    shown = comparisons(run.comparisons, run.not_compared)
    lines = [f"- {outcome}, not compared: {_cell(reason)}" for outcome, reason in shown.not_made]
    if shown.against:
        head = ("verdict", "of", "metric", "accepted → now", "change", "interval", "margin", "changed most")
        lines += ["", "### Worse than the accepted release, or not shown otherwise", ""]
        lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for row in shown.against[:MOST_SHOWN]:
            worst = ", ".join(f"{one.utterance} {one.change}" for one in row.worst[:1])
            cells = (row.outcome, row.about, row.metric, row.levels, row.change, row.interval, row.margin, worst)
            lines += [f"| {' | '.join(map(_cell, cells))} |"]
    if len(shown.against) > MOST_SHOWN:
        lines += ["", f"and {len(shown.against) - MOST_SHOWN} more in the report"]
    return [*lines, ""] if lines else []


def _cell(text: object) -> str:
    """A text that neither ends a table cell nor is read as HTML or Markdown."""
    flat = " ".join(escape(str(text)).split())
    for sign in "\\`*_[]|":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
