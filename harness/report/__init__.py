"""What a reviewer sees: terminal text, a page, Allure attachments, drawn from the record of a run. Decides nothing."""

from pathlib import Path

from harness.audio import write_atomically
from harness.records import schema
from harness.records.run_record import NAME, RunRecord


def write(run: RunRecord, out: Path) -> Path:
    """Write the record of a run and everything that is drawn from it into its output folder; the path of the page."""
    from harness.report import page, summary

    written = page.write_folder(run, out)
    write_atomically(out / "summary.md", summary.markdown(run, out).encode())
    schema.write(out / NAME, run)
    return written


def write_without_page(run: RunRecord, out: Path) -> None:
    """Write the record of a run of which the page cannot be drawn, with a page that says so."""
    from html import escape

    from harness.report import page, summary

    schema.write(out / NAME, run)
    errors = "".join(f"<li>{escape(test)}: {escape(how)}</li>" for test, how in run.harness_errors.items())
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{run.verdict}</title></head><body>'
        f"<h1>May it go out? {run.verdict}</h1><h2>The harness itself failed</h2><ul>{errors}</ul></body></html>"
    )
    write_atomically(out / page.FOLDER / "index.html", text.encode())
    write_atomically(out / "summary.md", summary.markdown(run, out).encode())
