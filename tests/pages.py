"""README.md and docs/*.md as tests read them: what they say, which commands they hold, where they point."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("pytest", "python -m harness", "python3 run.py", "python -m benchmarks", "ray", "pip")
_COMMAND = re.compile(rf"(?:{'|'.join(map(re.escape, PROGRAMS))})(?:[ .].*)?")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def said():
    """All pages as one line, to look for a sentence in."""
    return " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in PAGES)


def commands(page):
    """The commands of a page in their order, without what is said about them."""
    text = page.read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        shown = [line.strip()] if line.startswith("    ") or _COMMAND.fullmatch(line) else _INLINE.findall(line)
        for one in shown:
            command = re.split(r"\s{2,}|\s#\s", one.strip())[0]
            if _COMMAND.fullmatch(command):
                found.append(command)
    return found


def links(page):
    """Where a page points to in the repository: the file and the heading, each as it is written."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [tuple((one + "#").split("#")[:2]) for one in found if "://" not in one]


def headings(page):
    """What can be pointed to in a page."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def files(page):
    """The files that a page shows whole: code blocks that begin with a comment that is a path."""
    blocks = re.findall(r"^```\w+\n# (\S+/\S+\.\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return dict(blocks)
