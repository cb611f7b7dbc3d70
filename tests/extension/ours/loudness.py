"""A metric of the team's own."""

from harness.audio import Audio
from harness.metrics import Finding, measured, metric


@metric("peak", unit="full scale", better="neither", of="sound")
def peak(sound: Audio) -> Finding:
    """The largest sample, without its sign."""
    return measured(abs(sound.samples).max())
