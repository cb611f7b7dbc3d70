import numpy as np
import pytest

from harness.audio import SILENT_DBFS, Audio, rms_dbfs
from harness.metrics import artifacts, known_metrics, measure_waveform
from harness.metrics.silence import Pauses
from tests.synthetic import draw, take


def test_a_take_is_readable_when_it_has_audio():
    assert artifacts.readable(take()).value == 1
    found = artifacts.readable(take(error="x.wav is missing"))
    assert (found.value, found.detail) == (0, "x.wav is missing")


def test_samples_that_are_not_numbers_are_counted_and_placed():
    samples = draw("##").samples.copy()
    samples[[2400, 2401]] = np.nan, np.inf
    found = artifacts.nonfinite_samples(Audio(samples, 24_000))
    assert (found.value, found.detail) == (2, "the first at 0.100 s")


def test_the_level_is_that_of_the_speech_and_not_of_the_pauses():
    speech = draw("####")
    assert artifacts.speech_level(Pauses.of(draw("##....##"))).value == pytest.approx(rms_dbfs(speech.samples), abs=0.1)
    assert artifacts.speech_level(Pauses.of(draw("...."))).value == SILENT_DBFS


def test_the_label_of_the_file_is_its_rate():
    assert artifacts.sample_rate(draw("#", rate_hz=16_000)).value == 16_000


def test_a_take_without_audio_gets_every_measurement_that_needs_none_with_its_reason():
    found = measure_waveform(take(error="timed out"))
    assert set(found) == set(measure_waveform(take()))
    assert found["readable"].value == 0
    assert all("timed out" in one.why_not for name, one in found.items() if name != "readable")


def test_bad_samples_spoil_one_measurement_only():
    sound = draw("#" * 26)
    samples = sound.samples.copy()
    samples[1000:1010] = np.nan
    spoilt, sound = measure_waveform(take(Audio(samples, 24_000))), measure_waveform(take(sound))
    assert spoilt["nonfinite_samples"].value == 10
    for name in spoilt.keys() - {"nonfinite_samples"}:
        assert spoilt[name].value == pytest.approx(sound[name].value, rel=0.01)


def test_every_metric_has_a_name_of_its_own_and_a_unit():
    assert {"readable", "duration_ratio", "silence_ratio", "speaker_similarity"} <= known_metrics().keys()
    assert all(metric.unit and metric.better in {"higher", "lower", "neither"} for metric in known_metrics().values())
