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
    cer, wer, …_above_floor, second_…                        are they the right words (`intelligibility`)
    pair_contrast, pair_reading                              are the diacritics spoken (`diacritics`)
    speech_quality                                           does it sound natural (`quality`)
"""

from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from harness.records.measurement import Measurement, Metric

if TYPE_CHECKING:
    from harness.take import Take


def known_metrics() -> dict[str, Metric]:
    """Every metric there is, by name."""
    from harness.metrics import (
        artifacts,
        diacritics,
        duration,
        intelligibility,
        pitch,
        quality,
        silence,
        speaker,
        structure,
    )

    return metrics_of(artifacts, duration, pitch, silence, structure, speaker, intelligibility, diacritics, quality)


def metrics_of(*rooms: ModuleType) -> dict[str, Metric]:
    """The metrics that are measured in some modules of this package, by name."""
    found = (value for room in rooms for value in vars(room).values() if isinstance(value, Metric))
    return {metric.name: metric for metric in found}


_ADVISORY = {
    "duration_ratio": ("letters_duration_ratio", "speaking_rate"),
    "cer_above_floor": ("cer",),
    "wer_above_floor": ("wer",),
    "second_cer_above_floor": ("second_cer",),
    "second_wer_above_floor": ("second_wer",),
}


def advisory(metrics: Iterable[str]) -> list[str]:
    """Metrics that no gate need judge, and that a reviewer should see beside those named."""
    return [beside for name in metrics for beside in _ADVISORY.get(name, ())]


def measure_waveform(take: "Take", reading_time: str = "words") -> dict[str, Measurement]:
    """Every measurement that needs no model, in one pass over the audio, by metric name.

    A metric that raises is missing with what it said; it takes no other metric with it.

    Args:
        take: With audio or without.
        reading_time: Which of `harness.text.READING_TIMES` the duration ratio is measured by.
    """
    from harness.metrics import waveform

    return {
        metric.name: guarded(metric, partial(waveform.measure, metric, take, reading_time))
        for table in (waveform.OF_ANY_TAKE, waveform.OF_ANY_SOUND, waveform.OF_SPEECH)
        for metric in table
    }


def guarded(metric: Metric, measure: Callable[[], Measurement]) -> Measurement:
    """A measurement, missing with what was said where measuring it raises; it takes no other metric with it."""
    return guarded_group([metric], lambda: {metric.name: measure()})[metric.name]


def guarded_group(metrics: Iterable[Metric], measure: Callable[[], dict[str, Measurement]]) -> dict[str, Measurement]:
    """Measurements that are made together, by name; all missing where making them raises."""
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - whatever it is, the take is not judged by these metrics, and says so
        return {metric.name: metric.missing(f"the metric raised {type(error).__name__}: {error}") for metric in metrics}
