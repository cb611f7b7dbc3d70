"""Which metric needs what of a take: the table behind `measure_waveform`.

What several metrics look at (pauses, spectra, prints, pitch) is computed once for the take that is being measured, and
once for its reference. A take without audio is measured by the metrics of `OF_ANY_TAKE` only, one that is silent
throughout by those of `OF_ANY_SOUND` too: silence has no clicks, no leak and no hum, and must not be praised for it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from types import MappingProxyType

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference
from harness.metrics import artifacts, duration, pitch, silence, structure
from harness.metrics.pitch import Pitch
from harness.metrics.silence import Pauses
from harness.metrics.spectrum import Spectrum
from harness.metrics.structure import Prints
from harness.records.measurement import Measurement, Metric
from harness.take import Take


class _Looked:
    """A take as the metrics look at it."""

    def __init__(self, take: Take) -> None:
        assert take.audio is not None
        self.sound = audio.finite(take.audio)
        self.pauses = Pauses.of(self.sound)
        self.spectrum = Spectrum.of(self.sound)
        self.level_dbfs = artifacts.speech_level(self.pauses).value

    @cached_property
    def prints(self) -> Prints:
        return Prints.of(self.spectrum)

    @cached_property
    def pitch(self) -> Pitch:
        return Pitch.of(self.sound)


_last: list[tuple[Take, _Looked]] = []


def measure(metric: Metric, take: Take, reading_time: str = "words") -> Measurement:
    """One measurement of a take; missing, with the reason, where the take holds nothing to measure."""
    if metric in OF_ANY_TAKE:
        return OF_ANY_TAKE[metric](take)
    if take.audio is None:
        return metric.missing(f"no audio: {take.error}")
    if metric == duration.DURATION_RATIO and reading_time != "words":
        return duration.duration_ratio(_looked(take).sound, _text(take), reading_time)
    if metric in OF_ANY_SOUND:
        return OF_ANY_SOUND[metric](take)
    if _looked(take).pauses.silent.all():
        return metric.missing("no speech was found")
    return OF_SPEECH[metric](take)


def _looked(take: Take) -> _Looked:
    """The views of a take; the last one is remembered, because the metrics of one take come in a row."""
    if not _last or _last[0][0] is not take:
        _last[:] = [(take, _Looked(take))]
    return _last[0][1]


def forget() -> None:
    """Look at the next take anew, for whoever measures how long that takes."""
    _last.clear()


@lru_cache(maxsize=64)
def _reference_prints(reference: Reference, sample_rate_hz: int) -> Prints:
    return Prints.of(Spectrum.of(audio.resample(_reference_sound(reference), sample_rate_hz)))


@lru_cache(maxsize=64)
def _reference_pauses(reference: Reference) -> Pauses:
    return Pauses.of(_reference_sound(reference))


def _reference_sound(reference: Reference) -> Audio:
    return audio.finite(audio.load(reference.path))


def _heard(take: Take) -> Audio:
    assert take.audio is not None
    return take.audio


def _text(take: Take) -> str:
    return take.request.utterance.text


def _reference_leak(take: Take) -> Measurement:
    return structure.reference_leak(
        _looked(take).prints, _reference_prints(take.request.reference, _heard(take).sample_rate_hz)
    )


def _tempo_ratio(take: Take) -> Measurement:
    reference = take.request.reference
    return structure.tempo_ratio(_looked(take).pauses, _text(take), _reference_pauses(reference), reference.transcript)


_Table = Mapping[Metric, Callable[[Take], Measurement]]

OF_ANY_TAKE: _Table = MappingProxyType(
    {
        artifacts.READABLE: artifacts.readable,
        duration.FINISHED: duration.finished,
    }
)

OF_ANY_SOUND: _Table = MappingProxyType(
    {
        artifacts.NONFINITE_SAMPLES: lambda take: artifacts.nonfinite_samples(_heard(take)),
        artifacts.SAMPLE_RATE: lambda take: artifacts.sample_rate(_heard(take)),
        artifacts.DOWNMIX_LOSS: lambda take: artifacts.downmix_loss(_heard(take)),
        artifacts.SPEECH_LEVEL: lambda take: artifacts.speech_level(_looked(take).pauses),
        artifacts.DC_OFFSET: lambda take: artifacts.dc_offset(_looked(take).sound),
        duration.LENGTH: lambda take: duration.length(_heard(take)),
        duration.DURATION_RATIO: lambda take: duration.duration_ratio(_heard(take), _text(take)),
        duration.LETTERS_DURATION_RATIO: lambda take: duration.letters_duration_ratio(_looked(take).sound, _text(take)),
        duration.SPEAKING_RATE: lambda take: duration.speaking_rate(_looked(take).pauses.speech_s, _text(take)),
        silence.SILENCE_RATIO: lambda take: silence.silence_ratio(_looked(take).pauses),
        silence.LONGEST_SILENCE: lambda take: silence.longest_silence(_looked(take).pauses),
    }
)

OF_SPEECH: _Table = MappingProxyType(
    {
        artifacts.CLIPPING: lambda take: artifacts.clipping(_looked(take).sound),
        artifacts.CLICKS: lambda take: artifacts.clicks(_looked(take).sound),
        artifacts.DROPOUTS: lambda take: artifacts.dropouts(_looked(take).sound, _looked(take).pauses),
        artifacts.STEADY_TONE: lambda take: artifacts.steady_tone(_looked(take).sound, _looked(take).level_dbfs),
        artifacts.NOISE_LEVEL: lambda take: artifacts.noise_level(_looked(take).spectrum, _looked(take).level_dbfs),
        artifacts.BANDWIDTH: lambda take: artifacts.bandwidth(_looked(take).spectrum),
        pitch.PITCH_SPREAD: lambda take: pitch.pitch_spread(_looked(take).pitch),
        pitch.VOICED_SHARE: lambda take: pitch.voiced_share(_looked(take).pitch),
        structure.ENDING_LEVEL: lambda take: structure.ending_level(_looked(take).sound, _looked(take).pauses),
        structure.INNER_GAP: lambda take: structure.inner_gap(_looked(take).spectrum),
        structure.HELD_SOUND: lambda take: structure.held_sound(_looked(take).spectrum),
        structure.REPEATED_SPEECH: lambda take: structure.repeated_speech(_looked(take).prints),
        structure.REFERENCE_LEAK: _reference_leak,
        structure.EXTRA_SPEECH: lambda take: structure.extra_speech(_looked(take).pauses, _text(take)),
        structure.TEMPO_RATIO: _tempo_ratio,
        structure.PACE_CHANGE: lambda take: structure.pace_change(_looked(take).spectrum),
    }
)
