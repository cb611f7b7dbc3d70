"""The run as Markdown, for the summary page of a CI job."""

from html import escape
from pathlib import Path

from harness.records.gate import Outcome
from harness.report.comparison import comparisons
from harness.report.manifest import AGAINST, Manifest, label

MOST_SHOWN = 20


def markdown(manifest: Manifest, out: Path) -> str:
    """Verdict, what blocks it, suites; texts of the corpus are escaped."""
    outcomes = [str(outcome) for outcome in Outcome]
    lines = [f"## May it go out? {manifest.verdict}", ""]
    if manifest.incomplete:
        lines += [f"**Incomplete:** {_cell(manifest.incomplete)}", ""]
    lines += [f"Takes: {manifest.counts}", ""]
    if manifest.about.get("note"):
        lines += [f"> {_cell(manifest.about['note'])}", ""]
    if manifest.takes:
        lines += [f"| suite | takes | {' | '.join(outcomes)} |", f"|---{'|---:' * (len(outcomes) + 1)}|"]
        for suite, counts in manifest.by_suite().items():
            lines += [f"| {_cell(suite)} | {counts['takes']} | {' | '.join(str(counts[name]) for name in outcomes)} |"]
        lines += [""]
    blocking = manifest.blocking()
    if blocking:
        lines += ["### What blocks it", "", "| verdict | take | gate | observed | why |", "|---|---|---|---|---|"]
        for found, verdict in blocking[:MOST_SHOWN]:
            cells = (verdict["outcome"], label(found), verdict["gate"], verdict["observed"], verdict["why"])
            lines += [f"| {' | '.join(map(_cell, cells))} |"]
        if len(blocking) > MOST_SHOWN:
            lines += ["", f"and {len(blocking) - MOST_SHOWN} more in the report"]
        lines += [""]
    lines += [
        f"- {len(takes)} takes made without their reference: {_cell(why)}"
        for why, takes in manifest.unconditioned.items()
    ]
    lines += _compared(manifest)
    others = [("failed", manifest.failed_otherwise), ("harness error", manifest.harness_errors)]
    lines += [f"- {kind}: {_cell(test)}: {_cell(how)}" for kind, tests in others for test, how in tests.items()]
    lines += [
        f"- not judged: {_cell(name)}, seed {seed}: {_cell(why)}"
        for (name, seed), why in sorted(manifest.refused.items())[:MOST_SHOWN]
    ]
    heard = sum(
        any(verdict["outcome"] in AGAINST for verdict in found["verdicts"]) for found in manifest.takes.values()
    )
    lines += [
        "",
        f"Listen to the {heard} takes in question in `{out.name}/report/index.html` of the uploaded report.",
        "",
    ]
    return "\n".join(lines)


def _compared(manifest: Manifest) -> list[str]:
    """What stands against the release beside the accepted one, and what could not be asked."""
    found = comparisons(manifest.comparisons)
    lines = [f"- {outcome}, not compared: {_cell(reason)}" for outcome, reason in found.not_made]
    if found.against:
        head = ("verdict", "of", "metric", "accepted → now", "change", "interval", "margin", "changed most")
        lines += ["", "### Worse than the accepted release, or not shown otherwise", ""]
        lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for row in found.against[:MOST_SHOWN]:
            worst = ", ".join(f"{one.utterance} {one.change}" for one in row.worst[:1])
            cells = (row.outcome, row.about, row.metric, row.levels, row.change, row.interval, row.margin, worst)
            lines += [f"| {' | '.join(map(_cell, cells))} |"]
    if len(found.against) > MOST_SHOWN:
        lines += ["", f"and {len(found.against) - MOST_SHOWN} more in the report"]
    return [*lines, ""] if lines else []


def _cell(text: object) -> str:
    """A text that neither ends a table cell nor is read as HTML or Markdown."""
    flat = " ".join(escape(str(text)).split())
    for sign in "\\`*_[]|":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
