"""README.md and docs/*.md as tests read them: what they say, which commands they hold, where they point."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("pytest", "python", "python3", "ray", "pip", "uv", "export", ".", ".ci/run", "npx", "npm", "curl", "git")
_COMMAND = re.compile(rf"(?:{'|'.join(map(re.escape, PROGRAMS))})(?: .*)?")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(
    r"^```(?P<language>\w*)\n(?P<block>.*?)^```$"
    r"|(?<=\n\n)(?P<indented>(?: {4}\S[^\n]*\n)+)"
    r"|`(?P<inline>[^`\n]+(?:\n[^`\n]+)*)`",
    re.MULTILINE | re.DOTALL,
)


def said():
    """All pages as one line, to look for a sentence in."""
    return " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in PAGES)


def blocks(page):
    """What stands apart on a page as it is typed or printed, and what is quoted in a sentence: lists of lines."""
    found = []
    for one in _SHOWN.finditer(page.read_text(encoding="utf-8")):
        if one["inline"]:
            found.append(("inline", [" ".join(one["inline"].split("\n"))]))
        elif not one["language"]:
            found.append(("apart", [line.strip() for line in (one["block"] or one["indented"]).splitlines()]))
    return found


def command_of(line):
    """A line without what is said about it; None where it is no command."""
    command = re.split(r"\s{2,}|\s#\s", line)[0].strip()
    return command if _COMMAND.fullmatch(command) else None


def commands(page):
    """The commands of a page in their order, without what is said about them."""
    return [command for _, lines in blocks(page) for line in lines if (command := command_of(line))]


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
