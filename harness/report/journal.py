"""What happened in a run, event by event, on disk as it happens: `OUT/run.jsonl`, one JSON object a line.

The process that sees every test end writes it; what is planned comes from the first xdist worker. Whatever kills the
run, what had been judged by then is on disk, and `python -m harness report OUT` draws it.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.report.manifest import Manifest

NAME = "run.jsonl"


class Journal:
    """The journal of the run in one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._path = out / NAME
        self.open = False
        """Whether this process has begun the run that is being written."""

    def begin(self) -> None:
        """Start anew: what an earlier run left in this folder is forgotten."""
        self.out.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self.add(begun=now())
        self.open = True

    def forget_reports(self) -> None:
        """Take away what an earlier run came to: a run that is killed must not leave another one's PASS behind."""
        for name in ("run.json", "summary.md", "report.html", "report/index.html"):
            (self.out / name).unlink(missing_ok=True)

    def add(self, **event: Any) -> None:
        """Append one event, in a single write, so that several processes may do so at once."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def manifest(self) -> Manifest:
        """The run so far; an event that cannot be read makes it incomplete.

        Raises:
            UsageError: There is no journal here.
        """
        if not self._path.exists():
            raise UsageError(f"{self._path} is missing: give the folder that a run was told with --out")
        manifest = Manifest()
        for line in self._path.read_bytes().splitlines():
            try:
                manifest.take_in(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                manifest.unreadable += 1
        return manifest


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
