"""The ruler: what can be measured on a take. No limits here; `harness.decision.gates` has those.

Conventions
    A Measurement is one number with its unit, the components it was made of, and the version of its metric. What
    cannot be measured has the value NaN and says why in `why_not`; it is never left out.

Metrics
    readable, nonfinite_samples, sample_rate, speech_level   is it sound at all (`artifacts`)
    downmix_loss, dc_offset, clipping, clicks, dropouts,
    steady_tone, noise_level, bandwidth                      does it hold what no voice makes (`artifacts`)
    pitch_spread, voiced_share                               does it sing like a voice (`pitch`)
    length, duration_ratio, speaking_rate, finished          is it as long as it should be (`duration`)
    silence_ratio, longest_silence                           how much of it is silent (`silence`)
    ending_level, inner_gap, held_sound, repeated_speech, reference_leak,
    extra_speech, tempo_ratio, pace_change                   is it spoken once, to its end, and no more (`structure`)
    speaker_similarity, nearest_reference, rate_ratio,
    voice_drift                                              is it the right voice throughout (`speaker`)
    level_range, level_fall, level_rise, fading              is it equally loud throughout (`loudness`)
    beginning_level, lost_beginning, edge_…, thump           does it begin and end as a voice does (`edges`)
    stutter, echo, seams                                     is it of one piece (`repeats`, `artifacts`)
    spoken_share, syllable_share                             is all of the text there (`duration`, `syllables`)
    cer, wer, …_above_floor, second_…                        are they the right words (`intelligibility`)
    pair_contrast, pair_reading                              are the diacritics spoken (`diacritics`)
    speech_quality                                           does it sound natural (`quality`)
"""

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from harness import registry
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.records.measurement import Measurement, Metric

if TYPE_CHECKING:
    from harness.take import Take

__all__ = [
    "Finding",
    "Missing",
    "NotApplicable",
    "analysis",
    "known_metrics",
    "measure_waveform",
    "measured",
    "metric",
    "metrics_of",
    "shown_beside",
]


def known_metrics() -> dict[str, Metric]:
    """What every metric there is means, by name."""
    return {name: one.metric for name, one in registry.metrics().items()}


def metrics_of(*modules: ModuleType) -> list[str]:
    """The names of the metrics that some modules declare."""
    own = {module.__name__ for module in modules}
    return [name for name, one in registry.metrics().items() if one.__module__ in own]


def shown_beside(names: Iterable[str]) -> list[str]:
    """Metrics that no gate need judge, and that a reviewer should see beside those named."""
    return [one.metric.name for name in names for one in registry.metrics().values() if name in one.beside]


def measure_waveform(take: "Take", reading_time: str = "words") -> dict[str, Measurement]:
    """Every measurement that needs no model, by metric name.

    Args:
        take: With audio or without.
        reading_time: By what name of `harness.text.reading_time` the duration ratio is measured by.
    """
    from harness.metrics.measuring import Measuring

    return Measuring(reading_time=reading_time).measure([take])[0]
