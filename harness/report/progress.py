"""How far a run is: a bar on a terminal, a line every tenth of the way in a log, both with the time left.

Takes are judged while others are made. What is left of that when all are there has lines of its own.
"""

import time
from collections.abc import Callable
from typing import Any, TextIO

from harness.take import Take


class Progress:
    """Shown while it is open; call it after each take with (done, of, take)."""

    def __init__(self, file: TextIO, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console

        self._console = Console(file=file, quiet=quiet)
        self._clock = clock
        self._begun = clock()
        self._bar: Any = None
        self._shown = 0
        self._judged: tuple[float, int, int] | None = None
        self._frames = 0
        self._audio_s = 0.0

    def __call__(self, done: int, of: int, take: Take) -> None:
        """One more take is there."""
        if take.frames and (sound := take.audio):  # without frames no pace is shown, and the sound may be a file
            self._frames += take.frames
            self._audio_s += sound.duration_s
        what = f"{take.request.utterance.id} in the voice {take.request.reference.id}{self._pace()}"
        if self._console.is_terminal:
            self._move(done, of, what)
        elif done == of or done * 10 // of > self._shown:
            self._shown = done * 10 // of
            left = duration((self._clock() - self._begun) / done * (of - done))
            rest = f"about {left} left" if done < of else f"in {duration(self._clock() - self._begun)}"
            self._console.print(f"takes {done}/{of}, {rest}: {what}", highlight=False, markup=False, soft_wrap=True)

    def judged(self, done: int, of: int) -> None:
        """So many takes are judged, and all are made."""
        now = self._clock()
        since, first, shown = self._judged or (now, done, -1)
        tenth = done * 10 // of
        self._judged = since, first, max(shown, tenth)
        if tenth > shown and done < of:
            left = f", about {duration((now - since) / (done - first) * (of - done))} left" if done > first else ""
            self._console.print(f"judged {done}/{of}{left}", highlight=False, soft_wrap=True)

    def taken_over(self, takes: int) -> None:
        """So many takes were judged by the numbers of the run before."""
        if takes:
            said = f"{takes} take{'s' * (takes != 1)} of the same sounds and rulers as before: not measured again"
            self._console.print(said, highlight=False, soft_wrap=True)

    def _pace(self) -> str:
        """Frames a second, and the real-time factor: seconds of work for a second of audio."""
        elapsed_s = self._clock() - self._begun
        if not self._frames or not self._audio_s or not elapsed_s:
            return ""
        return f", {self._frames / elapsed_s:.0f} frames/s, RTF {elapsed_s / self._audio_s:.3f}"

    def _move(self, done: int, of: int, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        if self._bar is None:
            columns = (TextColumn("takes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, TextColumn("{task.description}", markup=False), console=self._console)
            self._bar.start()
            self._bar.add_task(what, total=of)
        self._bar.update(self._bar.task_ids[0], completed=done, description=what)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def duration(seconds: float) -> str:
    """A stretch of time as people say it.

    >>> duration(41), duration(95), duration(4020)
    ('41 s', '1 min 35 s', '1 h 07 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
