"""What happened in a run, event by event, on disk as it happens: `OUT/run.jsonl`.

The process that sees every test end writes it; what is planned comes from the first xdist worker. Whatever kills the
run, what had been judged by then is on disk, and `python -m harness report OUT` draws it.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RecordError, UsageError
from harness.records import event as events
from harness.records.event import AnyEvent, Begun
from harness.records.run_record import HOW_TO_RUN, RunRecord
from harness.records.run_record import NAME as RUN
from harness.records.schema import line
from harness.run.replay import Replay

REPORTS = (RUN, "summary.md", "report.html", "report/index.html")
"""What says what a run came to."""


class Journal:
    """The journal of the run in one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._path = out / events.NAME
        self.open = False
        """Whether this process has begun the run that is being written."""

    def begin(self) -> None:
        """Start anew: what an earlier run left in this folder is forgotten."""
        self.out.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self.add(Begun(now(), Begun.SCHEMA))
        self.open = True

    def forget_reports(self) -> None:
        """Take away what an earlier run came to: a run that is killed must not leave another one's PASS behind."""
        for name in REPORTS:
            (self.out / name).unlink(missing_ok=True)

    def add(self, event: AnyEvent) -> None:
        """Append one event, in a single write, so that several processes may do so at once."""
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line(event))
        finally:
            os.close(handle)

    def replay(self) -> Replay:
        """The run so far; an event that cannot be read makes it incomplete.

        Raises:
            UsageError: There is no journal here, or another version of the harness wrote it.
        """
        if not self._path.exists():
            raise UsageError(f"{self._path} is missing: give the folder that a run was told with --out")
        replay = Replay()
        for number, text in enumerate(self._path.read_bytes().removesuffix(b"\n").split(b"\n"), 1):
            try:
                event = events.decode(text, f"{self._path} line {number}", HOW_TO_RUN)
            except RecordError:
                if events.is_older(text):
                    raise
                replay.unreadable += 1
                continue
            replay.take_in(event)
        return replay

    def record(self) -> RunRecord:
        """The run so far, as a record.

        Raises:
            UsageError: As `replay`.
        """
        return self.replay().record()


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
