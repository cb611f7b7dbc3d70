"""Clips that are longer than a recogniser hears at once: cut at pauses, and the transcripts put together by place.

Conventions: a window is cut in the longest pause of its last 10 s, and nothing is heard twice. Where those 10 s hold no
pause, the next window begins 5 s earlier, and words at the end of one transcript and the beginning of the next that
are the same are one. Words that are the same elsewhere were said twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.text.scoring import ALEF, HAMZA_ON_ALEF, said, slots

WINDOW_S = 30.0
OVERLAP_S = 5.0
SEARCHED_S = 10.0  # before the end of a window, for a pause to cut in
FRAME_S = 0.02
PAUSE_S = 0.16
PAUSE_BELOW_SPEECH_DB = 35.0
MOST_OVERLAP_WORDS = 25  # that anybody says in 5 s
LEAST_COMMON_WORDS = 2  # one word alone is in both by chance too often
MOST_STRAY_WORDS = 2  # pieces of words at the edges of windows, before or after what both heard

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a clip."""

    samples: Samples
    overlaps: bool = False
    """Whether it begins with sound that the window before it holds too."""


def windows(samples: Samples, rate_hz: int) -> list[Window]:
    """The whole of a clip in order; each window at most 30 s."""
    longest, overlap = round(WINDOW_S * rate_hz), round(OVERLAP_S * rate_hz)
    found: list[Window] = []
    start, overlaps = 0, False
    while samples.size - start > longest:
        cut = _pause(samples[start : start + longest], rate_hz)
        end = start + (cut or longest)
        found.append(Window(samples[start:end], overlaps))
        start, overlaps = (end, False) if cut else (end - overlap, True)
    return [*found, Window(samples[start:], overlaps)]


def _pause(samples: Samples, rate_hz: int) -> int:
    """The middle of the longest pause near the end of a window; 0 where there is none."""
    hop = round(FRAME_S * rate_hz)
    frames = samples[: samples.size // hop * hop].reshape(-1, hop).astype(np.float64)
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    quiet = level_db < np.percentile(level_db, 95) - PAUSE_BELOW_SPEECH_DB
    first = max(0, quiet.size - round(SEARCHED_S / FRAME_S))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet[first:], [0]])))
    runs = [(int(end - begin), int(begin + end) // 2) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    longest, middle = max(runs, default=(0, 0))
    return (first + middle) * hop if longest * FRAME_S >= PAUSE_S else 0


def joined(parts: Sequence[str], overlaps: Sequence[bool] | None = None) -> str:
    """The transcript of a whole clip from those of its windows.

    Args:
        parts: In order.
        overlaps: Of each, whether it begins with what the one before it ends with; without it all but the first do.

    >>> joined(["we went home and then sle", "and then slept well"])
    'we went home and then slept well'
    >>> joined(["one two", "three four"])
    'one two three four'
    """
    whole: list[str] = []
    for number, part in enumerate(parts):
        new = part.split()
        may = bool(number) if overlaps is None else overlaps[number]
        end, begin = _common(whole[-MOST_OVERLAP_WORDS:], new[:MOST_OVERLAP_WORDS]) if may else (0, 0)
        whole = whole[: len(whole) - end] + new[begin:]
    return " ".join(whole)


def _common(tail: Sequence[str], head: Sequence[str]) -> tuple[int, int]:
    """How many words to leave out at the end of one text and at the beginning of the next."""
    one, two = [_key(word) for word in tail], [_key(word) for word in head]
    for size in range(min(len(one), len(two)), LEAST_COMMON_WORDS - 1, -1):
        for stray in range(min(MOST_STRAY_WORDS, len(one) - size) + 1):
            end = len(one) - stray
            for begin in range(min(MOST_STRAY_WORDS, len(two) - size) + 1):
                if one[end - size : end] == two[begin : begin + size]:
                    return stray, begin + size
    return 0, 0


def _key(word: str) -> str:
    """A word as it sounds, so that a full stop at a window's end does not hide that two words are one."""
    return " ".join(said(slot) for slot in slots(word)).replace(HAMZA_ON_ALEF, ALEF)
