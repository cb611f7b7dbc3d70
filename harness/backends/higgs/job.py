"""One request on its way to a take, chunk by chunk."""

from dataclasses import dataclass, field
from functools import cached_property

from harness.audio import Audio
from harness.cloning.conversation import AudioContent
from harness.cloning.reference import ReferenceFeatures
from harness.cloning.termination import DelayedStream
from harness.take import Request, Stop


@dataclass
class Job:
    """One request on its way to a take."""

    request: Request
    features: ReferenceFeatures | None = None
    """The reference; None where the take is made without one."""
    unconditioned: str = ""
    error: str = ""
    parts: list[Audio] = field(default_factory=list)
    streams: list[DelayedStream] = field(default_factory=list)
    codes: list[AudioContent] = field(default_factory=list)
    elapsed_s: float = 0.0
    details: dict[str, float | str] = field(default_factory=dict)

    @cached_property
    def speech(self) -> AudioContent | None:
        """The reference as it stands in the conversation."""
        return AudioContent(self.features.codec_audio) if self.features is not None else None

    @property
    def stopped_by(self) -> Stop:
        """Why the last chunk ended."""
        return (self.streams[-1].stopped_by if self.streams else None) or Stop.UNKNOWN

    def wants(self, number: int) -> bool:
        """Whether the chunk of this number is to be spoken: a chunk that was cut ends the take."""
        if self.error or number >= len(self.request.chunks):
            return False
        return number == 0 or self.stopped_by in {Stop.EOS, Stop.SILENCE}
