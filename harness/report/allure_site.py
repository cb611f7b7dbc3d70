"""Runs the Allure 3 command line over a folder of results. Needs Node; the standalone report needs nothing."""

import shutil
import subprocess
from pathlib import Path

from harness.audio import write_atomically
from harness.errors import UsageError

VERSION = "3.18.0"
CONFIG = Path(__file__).with_name("allurerc.mjs").resolve()

# Allure's page loads third-party analytics, and none of its settings turns that off. This does: the browser refuses
# whatever is not part of the report.
_ONLY_ITSELF = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'none'\">"
)


def generate(results: Path, report: Path) -> Path:
    """Make the report anew; the path of its page. An earlier report is replaced once the new one is there.

    Raises:
        UsageError: There are no results, no Node, Allure fails, or something else lies where the report is to be.
    """
    if not any(results.glob("*-result.json")):
        raise UsageError(f"{results} holds no Allure results: give the folder that --alluredir named")
    if results.resolve().is_relative_to(report.resolve()):
        raise UsageError(f"{report} holds the results themselves: give another folder for the report")
    if not _is_replaceable(report):
        raise UsageError(f"{report} holds something else than a report made by this command: give another folder")
    made = report.with_name(f"{report.name}.new")
    command = [*_allure(), "generate", str(results), "--config", str(CONFIG), "--output", str(made)]
    if made.exists():
        if not _is_replaceable(made):
            raise UsageError(f"{made} is in the way: move it, or give another folder")
        shutil.rmtree(made)  # Allure would put a second report beside the first
    try:
        _written(command, made)
        if report.exists():
            shutil.rmtree(report)
        made.rename(report)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return report / "index.html"


def _is_replaceable(report: Path) -> bool:
    """Whether nothing is lost with a folder: it is empty, or holds a report of ours."""
    if not report.exists():
        return True
    if not report.is_dir():
        return False
    page = report / "index.html"
    ours = page.is_file() and _ONLY_ITSELF in page.read_text(encoding="utf-8", errors="replace")[:4096]
    return ours or not any(report.iterdir())


def _written(command: list[str], made: Path) -> None:
    made.parent.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    page = made / "index.html"
    if ended.returncode or not page.exists():
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise UsageError(f"{' '.join(command[:3])} ended with status {ended.returncode}: {said[-1] if said else ''}")
    text = page.read_text(encoding="utf-8")
    if "<head>" not in text:
        raise UsageError(f"{page} has no <head>: Allure {VERSION} is the version this is made for")
    write_atomically(page, text.replace("<head>", f"<head>{_ONLY_ITSELF}", 1).encode())


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
