"""What a reviewer sees: terminal text, a page, Allure attachments, drawn from the record of a run. Decides nothing."""

from pathlib import Path

from harness.audio import write_atomically
from harness.records import schema
from harness.records.run_record import NAME, RunRecord


def write(run: RunRecord, out: Path) -> Path:
    """Write the record of a run and everything that is drawn from it into its output folder; the path of the page."""
    from harness.report import page, summary

    schema.write(out / NAME, run)
    write_atomically(out / "summary.md", summary.markdown(run, out).encode())
    return page.write_folder(run, out)
