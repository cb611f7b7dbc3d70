"""Is it equally loud throughout?

Conventions: levels in dB; frames of 20 ms, those within 40 dB of the loud ones (95th percentile), in their order;
pauses take no part. Smoothed means averaged over 100 ms.

Metrics: `level_range`, `level_fall`, `level_rise`, `fading`.
"""

import numpy as np
from numpy.typing import NDArray

from harness.audio import FRAME_S
from harness.metrics.declaration import Finding, NotApplicable, analysis, measured, metric
from harness.metrics.silence import SPEECH_PERCENTILE, Silences

RANGE_DB = 40.0
PARTS = 3
LEAST_PART_S = 0.5  # of sounding frames: a shorter stretch is a word, and words differ
SMOOTHED_FRAMES = 5
SYLLABLE_PERCENTILE = 80.0  # of a half: its loud syllables, whichever faint ones it holds beside them

# Speech ends with the last frame above the room: what the last 0.3 s hold, 22 to 55 dB below the loud frames. Most of
# 0.1 s must lie above it: a breath or a click after the speech does not.
ROOM_FRAMES, ABOVE_ROOM_DB, ROOM_DB = 15, 10.0, (-55.0, -22.0)
BEGIN_RANGE_DB = 30.0
TWELFTHS, LAST = 12, 3  # of the speech, a syllable each: the last quarter
LEAST_SPEECH_S = 1.5


@analysis()
def smooth_levels(pauses: Silences) -> NDArray[np.float64]:
    """Smoothed level of each frame in dB relative to the loud frames, shape (frames,)."""
    relative = pauses.levels_dbfs - float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    power = np.convolve(10 ** (relative / 10), np.ones(SMOOTHED_FRAMES) / SMOOTHED_FRAMES, "same")
    return np.asarray(10 * np.log10(power[: relative.size] + 1e-10))


@metric("level_range", unit="dB", better="lower")
def level_range(pauses: Silences) -> Finding:
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


@metric("level_fall", unit="dB", better="lower")
def level_fall(smooth_levels: NDArray[np.float64], pauses: Silences) -> Finding:
    """How much fainter the loud syllables (80th percentile) of the second half of the speech are than of the first."""
    return _of_halves(smooth_levels, pauses, 1)


@metric("level_rise", unit="dB", better="lower")
def level_rise(smooth_levels: NDArray[np.float64], pauses: Silences) -> Finding:
    """How much louder the loud syllables of the second half are: a voice falls towards its end, and hardly rises."""
    return _of_halves(smooth_levels, pauses, -1)


def _of_halves(smooth_levels: NDArray[np.float64], pauses: Silences, sign: int) -> Finding:
    levels = pauses.levels_dbfs
    at = np.flatnonzero(levels > np.percentile(levels, SPEECH_PERCENTILE) - RANGE_DB)
    if at.size * FRAME_S < LEAST_SPEECH_S:
        raise NotApplicable(f"{at.size * FRAME_S:.2f} s of sound; its halves are compared from {LEAST_SPEECH_S:g} s on")
    middle = at.size // 2
    first, second = (
        float(np.percentile(smooth_levels[half], SYLLABLE_PERCENTILE)) for half in (at[:middle], at[middle:])
    )
    span = (float(at[middle] * FRAME_S), float((at[-1] + 1) * FRAME_S))
    return measured(sign * (first - second), spans=(span,))


@metric("fading", unit="dB", better="lower", version=3)
def fading(smooth_levels: NDArray[np.float64], pauses: Silences) -> Finding:
    """How far below the loud frames the peaks of the last three twelfths of the speech lie, on average: a fade-out.

    A voice that falls towards its end is faint in the last of them; one that fades, in each. Blind where less than
    0.15 s follow the speech: what has faded is then taken for the room.
    """
    relative = pauses.levels_dbfs - float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    room = float(np.clip(np.median(relative[-ROOM_FRAMES:]) + ABOVE_ROOM_DB, *ROOM_DB))
    above = np.convolve(relative > room, np.ones(SMOOTHED_FRAMES), "same")[: relative.size] > SMOOTHED_FRAMES / 2
    begin = int(np.flatnonzero(relative > -BEGIN_RANGE_DB)[0])
    end = int(np.flatnonzero(above)[-1]) + 1 if above.any() else begin
    if (end - begin) * FRAME_S < LEAST_SPEECH_S:
        raise NotApplicable(
            f"{(end - begin) * FRAME_S:.2f} s of speech; its end is compared from {LEAST_SPEECH_S:g} s on"
        )
    parts = np.linspace(begin, end, TWELFTHS + 1).round().astype(int)[-LAST - 1 :]
    peaks = np.maximum.reduceat(smooth_levels[:end], parts[:-1])
    return measured(
        -float(peaks.mean()),
        " / ".join(f"{peak:.1f}" for peak in peaks) + " dB",
        spans=((float(parts[0]) * FRAME_S, end * FRAME_S),),
    )
