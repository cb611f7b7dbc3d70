"""A system of the team's own: hums for one and a half times as long as a reader would need."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.audio import Audio
from harness.backends import BackendOptions
from harness.take import Provenance, Request, Stop, Take

RATE_HZ = 24_000


class Hum:
    """Every text is one note, higher with every number."""

    name = "hum"
    sample_rate_hz = RATE_HZ
    frame_rate_hz = 25.0
    note = "A hum, to show how a system is added."
    reads = ()
    identity = "hum r1"

    def __init__(self, options: BackendOptions) -> None:
        pass

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        provenance = Provenance(self.name, self.name, self.identity)
        for request in requests:
            seconds = 1.5 * request.utterance.reading_time_s
            turns = np.arange(int(seconds * RATE_HZ)) * (100 + 7 * request.utterance.number) / RATE_HZ
            sound = Audio((0.1 * np.sin(2 * np.pi * turns)).astype(np.float32), RATE_HZ)
            yield Take(request, sound, Stop.EOS, provenance, frames=int(seconds * self.frame_rate_hz))

    def close(self) -> None:
        """Nothing is held."""
