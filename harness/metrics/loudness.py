"""Is it equally loud throughout?

Conventions: levels in dB; frames of 20 ms, those within 40 dB of the loud ones (95th percentile), in their order;
pauses take no part.

Metrics: `level_range`, `fading`.
"""

import numpy as np

from harness.audio import FRAME_S
from harness.metrics.declaration import Finding, NotApplicable, measured, metric
from harness.metrics.silence import SPEECH_PERCENTILE, Pauses

RANGE_DB = 40.0
PARTS = 3
LEAST_PART_S = 0.5  # of sounding frames: a shorter stretch is a word, and words differ

END_RANGE_DB = 30.0
END_SHARE, LEAST_END_S = 0.15, 0.7
LEAST_SPEECH_S = 2.5
SMOOTHED_FRAMES = 3


@metric("level_range", unit="dB", better="lower")
def level_range(pauses: Pauses) -> Finding:
    """How much louder the loudest third of the sounding frames is than the quietest: a level that falls or jumps."""
    levels = pauses.levels_dbfs
    at = np.flatnonzero(levels > np.percentile(levels, SPEECH_PERCENTILE) - RANGE_DB)
    if at.size * FRAME_S < PARTS * LEAST_PART_S:
        raise NotApplicable(
            f"{at.size * FRAME_S:.2f} s of sound; thirds are compared from {PARTS * LEAST_PART_S:g} s on"
        )
    parts = np.array_split(at, PARTS)
    means = [10 * float(np.log10(np.mean(10 ** (levels[part] / 10)))) for part in parts]
    quietest = parts[int(np.argmin(means))]
    span = (float(quietest[0] * FRAME_S), float((quietest[-1] + 1) * FRAME_S))
    return measured(max(means) - min(means), " / ".join(f"{mean:.1f}" for mean in means) + " dBFS", spans=(span,))


@metric("fading", unit="dB", better="lower")
def fading(pauses: Pauses) -> Finding:
    """How far below the loud frames the loudest of the last 15 % of the speech lies (0.7 s at least): a fade-out."""
    levels = pauses.levels_dbfs - float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    sounding = np.flatnonzero(levels > -END_RANGE_DB)
    speech = levels[sounding[0] : sounding[-1] + 1]
    if speech.size * FRAME_S < LEAST_SPEECH_S:
        raise NotApplicable(
            f"{speech.size * FRAME_S:.2f} s of speech; its end is compared from {LEAST_SPEECH_S:g} s on"
        )
    smooth = np.convolve(10 ** (speech / 10), np.ones(SMOOTHED_FRAMES) / SMOOTHED_FRAMES, "valid")
    last = max(round(LEAST_END_S / FRAME_S), round(END_SHARE * smooth.size))
    end = float((sounding[-1] + 1) * FRAME_S)
    return measured(-10 * float(np.log10(smooth[-last:].max())), spans=((end - last * FRAME_S, end),))
