"""The run as Markdown, for the summary page of a CI job."""

from html import escape
from pathlib import Path

from harness.records.gate import OF_GATES
from harness.records.run_record import RunRecord
from harness.report import assurance
from harness.report.comparison import comparisons
from harness.report.overview import blocking, by_suite, unconditioned

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
    if run.takes:
        lines += [f"| suite | takes | {' | '.join(outcomes)} |", f"|---{'|---:' * (len(outcomes) + 1)}|"]
        for suite, counts in by_suite(run).items():
            lines += [f"| {_cell(suite)} | {counts['takes']} | {' | '.join(str(counts[name]) for name in outcomes)} |"]
        lines += [""]
    against = blocking(run)
    if against:
        lines += ["### What blocks it", "", "| verdict | take | gate | observed | why |", "|---|---|---|---|---|"]
        for take, verdict in against[:MOST_SHOWN]:
            cells = (verdict.outcome, take.key, verdict.gate, verdict.observed, verdict.gate.why)
            lines += [f"| {' | '.join(map(_cell, cells))} |"]
        if len(against) > MOST_SHOWN:
            lines += ["", f"and {len(against) - MOST_SHOWN} more in the report"]
        lines += [""]
    lines += [
        f"- {len(takes)} takes made without their reference: {_cell(why)}" for why, takes in unconditioned(run).items()
    ]
    lines += _compared(run)
    lines += [f"- {_cell(line)}" for line in assurance.lines(run)]
    others = [("failed", run.failed_otherwise), ("harness error", run.harness_errors)]
    lines += [f"- {kind}: {_cell(test)}: {_cell(how)}" for kind, tests in others for test, how in tests.items()]
    lines += [f"- not judged: {_cell(one.take)}: {_cell(one.why)}" for one in run.not_judged[:MOST_SHOWN]]
    heard = sum(bool(take.against) for take in run.takes)
    lines += [
        "",
        f"Listen to the {heard} takes in question in `{out.name}/report/index.html` of the uploaded report.",
        "",
    ]
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
