"""When a generation has finished: pure, frame by frame, and always for a named reason."""

from dataclasses import dataclass

from harness.take import Stop, TokenBudget

SILENT_FRAMES = 50  # the documented silence stop: 2 s at 25 frames a second


@dataclass(slots=True)
class Termination:
    """Follows one generation; the first reason that applies wins, in the order end of speech, silence, budget, time."""

    budget: TokenBudget
    silent_frames: int = SILENT_FRAMES
    timeout_s: float = float("inf")
    frames: int = 0
    silent_run: int = 0

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
        return Stop.TIMEOUT if elapsed_s > self.timeout_s else None
