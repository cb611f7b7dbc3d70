"""When a generation has finished: pure, frame by frame, and always for a named reason.

Conventions: a delay-pattern model gives columns, one code a codebook; codebook c of frame f stands in column f + c,
after one opening column that holds only the stream's begin code. A generation has ended when a column holds nothing but
the stream's end code: T frames come in T + 9 columns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.take import Stop, TokenBudget

SILENCE_STOP_S = 2.0  # the documented silence stop: 50 frames at 25 frames a second

Codes = NDArray[np.int64]


@dataclass(slots=True)
class Termination:
    """Follows one generation; the first reason that applies wins, in the order end of speech, silence, budget, time."""

    budget: TokenBudget
    timeout_s: float = float("inf")
    frames: int = 0
    silent_run: int = 0

    @property
    def silent_frames(self) -> int:
        """Consecutive silent frames that end a generation."""
        return max(1, round(SILENCE_STOP_S * self.budget.frame_rate_hz))

    def step(self, *, silent: bool, last: bool, elapsed_s: float = 0.0) -> Stop | None:
        """Count one frame; the reason to stop after it, or None to go on.

        Args:
            silent: The frame holds no sound.
            last: The model says that this frame ends its speech.
            elapsed_s: Wall-clock seconds since the generation began.
        """
        self.frames += 1
        self.silent_run = self.silent_run + 1 if silent else 0
        if last:
            return Stop.EOS
        if self.silent_run >= self.silent_frames:
            return Stop.SILENCE
        if self.frames >= self.budget.max_frames:
            return Stop.BUDGET
        return self.late(elapsed_s)

    def late(self, elapsed_s: float) -> Stop | None:
        """TIMEOUT where the time is over, whether or not a frame came."""
        return Stop.TIMEOUT if elapsed_s > self.timeout_s else None


@dataclass(slots=True)
class DelayedStream:
    """One row of a batch: takes its columns as they come, and stops it for its own reason.

    A frame is counted one column after its last codebook, when it is known whether the stream closes behind it.
    """

    termination: Termination
    is_silent: Callable[[Codes], bool]
    """Whether a frame, codes of shape (codebooks,), is the codec's silence."""
    codebooks: int = 8
    end_code: int = 1025
    stopped_by: Stop | None = None
    _columns: list[Codes] = field(default_factory=list)

    def push(self, column: Codes, elapsed_s: float = 0.0) -> Stop | None:
        """Take the next column, shape (codebooks,); the reason to stop, or None to go on."""
        assert self.stopped_by is None, "a stream that has stopped takes no more columns"
        self._columns.append(column)
        closed = bool((column == self.end_code).all())
        frame = len(self._columns) - 1 - self.codebooks  # 1 for the first
        if frame >= 1:
            silent = self.is_silent(self._frame(frame))
            self.stopped_by = self.termination.step(silent=silent, last=closed, elapsed_s=elapsed_s)
        else:
            self.stopped_by = Stop.EOS if closed else self.termination.late(elapsed_s)
        return self.stopped_by

    def _frame(self, number: int) -> Codes:
        return np.array([self._columns[number + codebook][codebook] for codebook in range(self.codebooks)])

    @property
    def frames(self) -> int:
        """Whole frames so far."""
        return self.termination.frames

    @property
    def columns(self) -> int:
        """Columns taken so far."""
        return len(self._columns)

    def codes(self) -> Codes:
        """The frames with the delay undone, shape (codebooks, frames)."""
        frames = [self._frame(number) for number in range(1, self.frames + 1)]
        return np.stack(frames, axis=1) if frames else np.zeros((self.codebooks, 0), np.int64)
