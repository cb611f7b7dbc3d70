"""Runs the Allure 3 command line over a folder of results. Needs Node; the standalone report needs nothing."""

import shutil
import subprocess
from pathlib import Path

from harness.audio import write_atomically
from harness.errors import UsageError

VERSION = "3.18.0"
CONFIG = Path(__file__).resolve().parents[2] / "allurerc.mjs"

# Allure's page loads third-party analytics, and none of its settings turns that off. This does: the browser refuses
# whatever is not part of the report.
_ONLY_ITSELF = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'none'\">"
)


def generate(results: Path, report: Path) -> Path:
    """Make the report anew; the path of its page.

    Raises:
        UsageError: There are no results, no Node, or Allure fails.
    """
    if not any(results.glob("*-result.json")):
        raise UsageError(f"{results} holds no Allure results: give the folder that --alluredir named")
    command = [*_allure(), "generate", str(results), "--config", str(CONFIG), "--output", str(report)]
    shutil.rmtree(report, ignore_errors=True)  # Allure would put a second report beside the first
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    page = report / "index.html"
    if ended.returncode or not page.exists():
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise UsageError(f"{' '.join(command[:3])} ended with status {ended.returncode}: {said[-1] if said else ''}")
    text = page.read_text(encoding="utf-8")
    if "<head>" not in text:
        raise UsageError(f"{page} has no <head>: Allure {VERSION} is the version this is made for")
    write_atomically(page, text.replace("<head>", f"<head>{_ONLY_ITSELF}", 1).encode())
    return page


def _allure() -> list[str]:
    """The command: an installed Allure 3, or npx, which fetches one."""
    installed = shutil.which("allure")
    if installed:
        said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=False).stdout
        if said.strip().startswith("3."):
            return [installed]
    npx = shutil.which("npx")
    if npx:
        return [npx, "--yes", f"allure@{VERSION}"]
    raise UsageError("neither allure nor npx is on the PATH: install Node 22 or later; OUT/report/ needs neither")
