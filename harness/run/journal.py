"""What happened in a run, event by event, on disk as it happens: `OUT/run.jsonl`.

The process that sees every test end writes it; what is planned comes from the first xdist worker. Whatever kills the
run, what had been judged by then is on disk, and `python -m harness report OUT` draws it.
"""

import os
import shutil
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from threading import Lock
from uuid import uuid4

from filelock import FileLock, Timeout

from harness.baseline import history
from harness.errors import RecordError, UsageError
from harness.records import event as events
from harness.records.event import Answered, AnyEvent, Begun, Ended, Found, Judged, Named
from harness.records.history import NAME as HISTORY
from harness.records.packed import Glossary
from harness.records.run_record import HOW_TO_RUN, RunRecord
from harness.records.run_record import NAME as RUN
from harness.records.schema import line
from harness.records.take_record import TakeKey, TakeRecord, together
from harness.records.takes_on_disk import Lines
from harness.run.replay import Replay

PREVIOUS = "previous"
"""Where what the run before came to is set aside."""
SET_ASIDE = (events.NAME, RUN, "summary.md", "report.html", "report", "junit.xml")

RECENT = 256
"""Takes that are remembered after they were read: tests ask for one again and again."""


class Journal:
    """The journal of the run in one output folder."""

    def __init__(self, out: Path, run: str = "") -> None:
        self.out = out
        self.run = run or uuid4().hex
        """Names the run; processes that give the same name write one journal."""
        self._path = out / events.NAME
        self._is_mine = False
        self._glossary = Glossary()
        self._places: dict[TakeKey, list[int]] = {}
        """Where in the file something was found of a take."""
        self._read_to = 0
        self._recent: dict[TakeKey, TakeRecord] = {}
        self._writing = Lock()
        self._owner = FileLock(out / "run.lock")

    def claim(self) -> None:
        """Own the output folder until `release`, or until this process ends.

        Raises:
            UsageError: Another run writes there.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        try:
            self._owner.acquire(blocking=False)
        except Timeout as error:
            raise UsageError(
                f"another run writes into {self.out}: wait until it has ended, or give this one its own --out"
            ) from error

    def release(self) -> None:
        """Let others have the output folder."""
        self._owner.release(force=True)

    @property
    def previous(self) -> Path:
        """The journal of the run before, where there was one."""
        return self.out / PREVIOUS / events.NAME

    @property
    def is_mine(self) -> bool:
        """Whether the journal that lies there is that of this run."""
        if not self._is_mine:
            try:
                with self._path.open("rb") as file:
                    first = events.decode(file.readline().rstrip(b"\n"), str(self._path), HOW_TO_RUN)
                self._is_mine = isinstance(first, Begun) and first.run == self.run
            except (OSError, RecordError):
                return False
        return self._is_mine

    def begin(self) -> None:
        """Start anew, once for all processes of the run: what the run before came to is set aside.

        A run that is killed must not leave another one's PASS behind.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with FileLock(self.out / "journal.lock"):
            if self.is_mine:
                return
            if killed := self._was_killed():
                history.mark_killed(self.out / HISTORY, killed)
            there = [self.out / name for name in SET_ASIDE if (self.out / name).exists()]
            if there:
                shutil.rmtree(self.out / PREVIOUS, ignore_errors=True)
                (self.out / PREVIOUS).mkdir()
            for path in there:
                path.replace(self.out / PREVIOUS / path.name)
            _sweep(self.out)
            self.add(Begun(now(), Begun.SCHEMA, self.run))

    def _was_killed(self) -> str:
        """When the run began whose journal lies there and which never ended; empty where there is none."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            first = file.readline()
            file.seek(max(0, self._path.stat().st_size - 4096))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
        found: list[AnyEvent | None] = []
        for text in (first.rstrip(b"\n"), last):
            try:
                found.append(events.decode(text, str(self._path), HOW_TO_RUN))
            except RecordError:  # it was cut off in the middle of a line, or is of another version
                found.append(None)
        begun, ended = found
        return begun.at if isinstance(begun, Begun) and not isinstance(ended, Ended) else ""

    def add(self, event: AnyEvent | Judged) -> None:
        """Append one event, in a single write, so that several processes may do so at once."""
        if isinstance(event, Judged):
            for take in event.takes:
                self.note(take)
            event = Answered(event.test, event.comparisons, event.not_compared)
        self._append(line(event))

    def note(self, take: TakeRecord, hangs_on: str = "") -> None:
        """Append what was found of a take, after what its names stand for."""
        with self._writing:
            packed = self._glossary.pack(take)
            found = Found.of(packed, *self._glossary.example(packed), hangs_on)
            names = self._glossary.untold()
            told = b"" if names.is_empty else line(Named(names))
            self._append(told + line(found))

    def _append(self, data: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)

    def noted(self, key: TakeKey) -> TakeRecord | None:
        """All that was found of a take, by any process; None where nobody noted anything."""
        with self._writing:
            self._catch_up()
            places = self._places.get(key)
            if places is None:
                return None
            if key not in self._recent:
                if len(self._recent) >= RECENT:
                    self._recent.pop(next(iter(self._recent)))
                lines = Lines(self._path)
                self._recent[key] = reduce(together, (self._at(lines, place) for place in places))
            return self._recent[key]

    def _catch_up(self) -> None:
        """See what was noted since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            for text in file:
                if not text.endswith(b"\n"):
                    break  # somebody is writing it
                if text.startswith(events.NAMED):
                    self._learn(events.decode(text.rstrip(b"\n"), str(self._path), HOW_TO_RUN))
                elif text.startswith(events.FOUND):
                    key = events.key_of(text)
                    self._places.setdefault(key, []).append(self._read_to)
                    self._recent.pop(key, None)
                self._read_to += len(text)

    def _learn(self, event: AnyEvent) -> None:
        if isinstance(event, Named):
            self._glossary.learn(event.names)

    def _at(self, lines: Lines, place: int) -> TakeRecord:
        """What was found of a take in one line."""
        event = events.decode(lines.at(place).rstrip(b"\n"), str(self._path), HOW_TO_RUN)
        assert isinstance(event, Found)
        return self._unpacked(event)

    def _unpacked(self, event: Found) -> TakeRecord:
        example = self._glossary.example_of(event.like)
        return self._glossary.unpack(event.take(example, str(self._path), HOW_TO_RUN))

    def replay(self) -> Replay:
        """The run so far; an event that cannot be read makes it incomplete. Its takes stay on disk.

        Raises:
            UsageError: There is no journal here, or another version of the harness wrote it.
        """
        if not self._path.exists():
            raise UsageError(f"{self._path} is missing: give the folder that a run was told with --out")
        with self._writing:  # who asks for one take from now on has it read anew
            self._places.clear()
            self._recent.clear()
            self._read_to = 0
        lines = Lines(self._path)
        replay = Replay(reread=lambda place: self._at(lines, place))
        place = 0
        for number, text in enumerate(lines.file, 1):
            try:
                event = events.decode(text.rstrip(b"\n"), f"{self._path} line {number}", HOW_TO_RUN)
                self._learn(event)
                if isinstance(event, Found):
                    self._unpacked(event)
                replay.take_in(event, place)
            except RecordError:
                if events.is_older(text):
                    raise
                replay.unreadable += 1
            place += len(text)
        return replay

    def record(self) -> RunRecord:
        """The run so far, as a record.

        Raises:
            UsageError: As `replay`.
        """
        return self.replay().record()


def _sweep(out: Path) -> None:
    """Take away what processes that were killed had half written."""
    for path in out.rglob(".*.part"):
        owner = path.name.split(".")[-2]
        if not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            path.unlink(missing_ok=True)


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
