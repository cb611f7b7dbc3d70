"""The ruler: what can be measured on a take. No limits here; `harness.gates` has those.

Conventions
    A Measurement is one number with its unit, the components it was made of, and the version of its metric. What
    cannot be measured has the value NaN and says why in `why_not`; it is never left out.

Metrics
    readable, nonfinite_samples, sample_rate, speech_level   is it sound at all (`artifacts`)
    length, duration_ratio, speaking_rate, finished          is it as long as it should be (`duration`)
    silence_ratio, longest_silence                           how much of it is silent (`silence`)
    speaker_similarity, nearest_reference, rate_ratio        is it the right voice (`speaker`)
    cer, wer, …_above_floor, second_…                        are they the right words (`intelligibility`)
    pair_contrast                                            are the diacritics spoken (`diacritics`)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.take import Take

NOT_MEASURED = float("nan")


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number means."""

    name: str
    unit: str
    better: str
    """'higher', 'lower' or 'neither'."""
    version: int = 1

    def measured(self, value: float, detail: str = "", **components: float) -> "Measurement":
        """A number for this metric; the components are counts, seconds or decibels that it was made of."""
        return Measurement(self, float(value), components, detail)

    def missing(self, why_not: str) -> "Measurement":
        """This metric could not be measured."""
        return Measurement(self, NOT_MEASURED, {}, why_not=why_not)

    def not_applicable(self, why_not: str) -> "Measurement":
        """Nobody could measure this here, whatever the take is like: the question does not arise."""
        return Measurement(self, NOT_MEASURED, {}, why_not=why_not, applicable=False)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number, or the reason why there is none."""

    metric: Metric
    value: float
    components: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""
    """What a reviewer should know beside the number."""
    why_not: str = ""
    applicable: bool = True
    spans: tuple[tuple[float, float], ...] = ()
    """Where in the take a defect lies: (start_s, end_s) of each stretch that a reviewer should hear."""
    heard: str = ""
    """What a recogniser wrote, where the number comes from one."""


def known_metrics() -> dict[str, Metric]:
    """Every metric there is, by name."""
    from harness.metrics import artifacts, diacritics, duration, intelligibility, silence, speaker

    return metrics_of(artifacts, duration, silence, speaker, intelligibility, diacritics)


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

    Args:
        take: With audio or without.
        reading_time: Which of `harness.text.READING_TIMES` the duration ratio is measured by.
    """
    from harness import audio
    from harness.metrics import artifacts, duration, silence

    found = [artifacts.readable(take), duration.finished(take)]
    if take.audio is None:
        absent = (
            artifacts.NONFINITE_SAMPLES,
            artifacts.SAMPLE_RATE,
            artifacts.SPEECH_LEVEL,
            duration.LENGTH,
            duration.DURATION_RATIO,
            duration.LETTERS_DURATION_RATIO,
            duration.SPEAKING_RATE,
            silence.SILENCE_RATIO,
            silence.LONGEST_SILENCE,
        )
        found += [metric.missing(f"no audio: {take.error}") for metric in absent]
    else:
        sound = audio.finite(take.audio)
        pauses = silence.Pauses.of(sound)
        found += [
            artifacts.nonfinite_samples(take.audio),
            artifacts.sample_rate(take.audio),
            artifacts.speech_level(pauses),
            duration.length(sound),
            duration.duration_ratio(sound, take.request.utterance.text, reading_time),
            duration.letters_duration_ratio(sound, take.request.utterance.text),
            duration.speaking_rate(pauses.speech_s, take.request.utterance.text),
            silence.silence_ratio(pauses),
            silence.longest_silence(pauses),
        ]
    return {measurement.metric.name: measurement for measurement in found}
