"""Is it sound at all, and as it is labelled?

Conventions: counts of samples, rates in Hz, levels in dBFS.

Metrics: `readable`, `nonfinite_samples`, `sample_rate`, `speech_level`.
"""

import numpy as np

from harness.audio import SILENT_DBFS, Audio
from harness.metrics import Measurement, Metric
from harness.metrics.silence import Pauses
from harness.take import Take

READABLE = Metric("readable", unit="yes", better="higher")
NONFINITE_SAMPLES = Metric("nonfinite_samples", unit="samples", better="lower")
SAMPLE_RATE = Metric("sample_rate", unit="Hz", better="neither")
SPEECH_LEVEL = Metric("speech_level", unit="dBFS", better="higher")


def readable(take: Take) -> Measurement:
    """1 where the take has audio, 0 with the reason where it has none."""
    return READABLE.measured(float(take.audio is not None), detail=take.error)


def nonfinite_samples(audio: Audio) -> Measurement:
    """How many samples are NaN or infinite. The other metrics read such samples as zeros."""
    bad = np.flatnonzero(~np.isfinite(audio.samples))
    detail = f"the first at {bad[0] / audio.sample_rate_hz:.3f} s" if bad.size else ""
    return NONFINITE_SAMPLES.measured(bad.size, detail, samples=audio.samples.size)


def sample_rate(audio: Audio) -> Measurement:
    """The rate that the file is labelled with, in Hz; whether the label is true is `speaker.rate_ratio`."""
    return SAMPLE_RATE.measured(audio.sample_rate_hz)


def speech_level(pauses: Pauses) -> Measurement:
    """RMS level in dBFS over the frames that are not silent; `SILENT_DBFS` where all are.

    >>> tone = np.sin(np.arange(24_000) / 24_000 * 2 * np.pi * 200).astype(np.float32)
    >>> round(speech_level(Pauses.of(Audio(0.1 * tone, 24_000))).value, 1)
    -23.0
    """
    loud = pauses.levels_dbfs[~pauses.silent]
    level = 10 * np.log10(np.mean(10 ** (loud / 10))) if loud.size else SILENT_DBFS
    return SPEECH_LEVEL.measured(level, speech_s=pauses.speech_s)
