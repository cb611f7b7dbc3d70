"""Does it say as many syllables as the text has? A slow reader takes three times as long as a fast one for them.

Conventions
    A syllable is a crest of loudness between 250 and 2500 Hz, where vowels are: smoothed over 90 ms, within 25 dB of
    the loud frames (95th percentile), 1.5 dB above the valleys on both sides. Fast speech runs some of them together.

Metrics: `syllable_share`.

Source: after de Jong and Wempe (2009), who count crests of loudness above a dip; deviations: a band of vowels, and no
look at the pitch. How many there are a letter is measured on people: see `A_LETTER`.
"""

import numpy as np
from numpy.typing import NDArray

from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.duration import has_known_letters
from harness.metrics.silence import SPEECH_PERCENTILE
from harness.metrics.spectrum import HOP_S, Spectrum
from harness.text import spoken_letters

BAND_HZ = (250.0, 2500.0)
SMOOTHED_FRAMES = 9
RANGE_DB, DIP_DB = 25.0, 1.5
# Counted in people and clones, medians of 248 Arabic sentences and 155 English ones of 20 letters and more; the
# standard deviation of the logarithm is 0.16 and 0.12, of the seconds of speech a letter 0.17 and 0.16.
A_LETTER = (0.54, 0.29)
EDGE_LETTERS, EDGE_SYLLABLES = 2.0, 0.5  # a text of few letters rounds to whole syllables


@analysis()
def syllables(spectrum: Spectrum) -> NDArray[np.float64]:
    """Where the syllables are, in seconds, shape (syllables,)."""
    first, last = np.searchsorted(spectrum.hz, BAND_HZ)
    window = np.hanning(SMOOTHED_FRAMES + 2)[1:-1]
    power = np.convolve(spectrum.power[:, first:last].sum(axis=1), window / window.sum(), "same")
    levels = 10 * np.log10(np.maximum(power, 1e-10))
    crests = _crests(levels, float(np.percentile(levels, SPEECH_PERCENTILE)) - RANGE_DB)
    return np.asarray(crests * HOP_S, np.float64)


def _crests(levels: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """Frames of the crests above a level that stand `DIP_DB` out of the valleys on both sides."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(levels))) != 0) + 1
    found: list[int] = []
    top, valley, rising = 0, float(levels[0]), True
    for frame in (*turns.tolist(), levels.size - 1):
        level = float(levels[frame])
        if rising and level > levels[top]:
            top = frame
        elif rising and level < levels[top] - DIP_DB:
            if levels[top] > max(least, valley + DIP_DB):
                found.append(top)
            valley, rising = level, False
        elif not rising and level < valley:
            valley = level
        elif not rising and level > valley + DIP_DB:
            top, rising = frame, True
    return np.asarray(found, np.int64)


@metric("syllable_share", unit="ratio", better="neither")
def syllable_share(syllables: NDArray[np.float64], text: str) -> Finding:
    """Syllables heard over those that a text of so many letters has: half the text is missing at 0.5, said twice at 2.

    Unlike the seconds that it takes, it hardly hangs on the reader's tempo.
    """
    arabic, others = spoken_letters(text)
    if not arabic + others:
        raise Missing("the text holds no words")
    if not has_known_letters(text):
        raise NotApplicable("nobody counted the syllables of this script")
    a_letter = (arabic * A_LETTER[0] + others * A_LETTER[1]) / (arabic + others)
    expected = (arabic + others + EDGE_LETTERS) * a_letter
    return measured(
        (syllables.size + EDGE_SYLLABLES) / expected, syllables=syllables.size, expected=expected - EDGE_SYLLABLES
    )
