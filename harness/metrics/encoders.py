"""Which speaker encoder a run hears with: one name, opened once."""

from harness.metrics.speaker import Resemblyzer, SpeakerEncoder
from harness.metrics.xvector import XVector

RESEMBLYZER = "resemblyzer"


def open_encoder(name: str, gpu: bool = False) -> SpeakerEncoder:
    """The default encoder, or the x-vector model of that folder or hub id; its weights load with the first clip."""
    return Resemblyzer(gpu=gpu) if name == RESEMBLYZER else XVector(name, gpu=gpu)
