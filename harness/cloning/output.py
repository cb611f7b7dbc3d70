"""Chunks of one text, spoken one after the other, made into one sound."""

from collections.abc import Sequence

import numpy as np

from harness.audio import Audio
from harness.errors import AudioError

EDGE_S = 0.005  # fade at each side of a join: shorter than a sound of speech, longer than a click


UNHEARD = 0.001  # of full scale, -60 dBFS: an edge that stays below it cannot click and is left as it is


def joined(parts: Sequence[Audio]) -> Audio:
    """The parts in order, faded to zero and back at each join so that none clicks; nothing is cut or overlapped.

    An edge that nobody hears is not faded, so that parts which end quietly are joined sample by sample.

    Raises:
        AudioError: No parts, or parts of different rates.
    """
    rates = {part.sample_rate_hz for part in parts}
    if len(rates) != 1:
        raise AudioError(f"parts have the rates {sorted(rates)} Hz; at least one part and one rate are needed")
    (rate,) = rates
    if len(parts) == 1:
        return parts[0]
    samples = []
    for number, part in enumerate(parts):
        sound = part.samples.copy()
        width = min(round(EDGE_S * rate), sound.size // 2)
        rise = (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, width, dtype=np.float32))).astype(np.float32)
        first, last = sound[:width], sound[sound.size - width :]
        if number > 0 and np.abs(first).max(initial=0.0) >= UNHEARD:
            first *= rise
        if number < len(parts) - 1 and np.abs(last).max(initial=0.0) >= UNHEARD:
            last *= rise[::-1]
        samples.append(sound)
    return Audio(np.concatenate(samples), rate)
