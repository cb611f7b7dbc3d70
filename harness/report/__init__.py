"""What a reviewer sees: the manifest of a run, terminal text, a page, Allure attachments. Decides nothing."""

import json
from pathlib import Path

from harness.audio import write_atomically
from harness.report.manifest import Manifest


def write(manifest: Manifest, out: Path) -> Path:
    """Write everything that is drawn from a manifest into its output folder; the path of the page."""
    from harness.report import page, summary

    document = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1) + "\n"
    write_atomically(out / "run.json", document.encode())
    write_atomically(out / "summary.md", summary.markdown(manifest, out).encode())
    return page.write_folder(manifest, out)
