"""An advisory score: nobody is passed by it who was not heard, and a predictor's failure is one take's."""

import numpy as np
import pytest

from harness import audio, shipped
from harness.audio import Audio
from harness.corpus import load_voices
from harness.errors import UsageError
from harness.metrics.declaration import NotApplicable
from harness.metrics.measuring import Measuring
from harness.metrics.quality import DistillMos, open_predictor
from tests.synthetic import draw, take

SILENT = Audio(np.zeros(24_000, np.float32), 24_000)


class Fixed:
    fingerprint = "fixed"

    def predict(self, sound):
        if sound.duration_s > 5:
            raise RuntimeError("too long")
        return 3.5


def measure(takes, **made):
    return [found["speech_quality"] for found in Measuring(**made).measure(takes, ["speech_quality"])]


def of(one, predictor):
    return measure([one], predictor=predictor)[0]


def test_without_a_predictor_nothing_is_judged():
    (found,) = measure([take()])
    assert not found.applicable
    assert "--speech-quality" in found.why_not
    with pytest.raises(NotApplicable):
        open_predictor("off")


def test_what_cannot_be_heard_has_no_score():
    assert of(take(error="timed out"), Fixed()).why_not == "no audio: timed out"
    assert of(take(SILENT), Fixed()).why_not == "no speech was found"


def test_a_predictor_that_raises_costs_one_take_its_score():
    found = measure([take(), take(draw("#" * 60)), take()], predictor=Fixed())
    assert [one.value for one in found[::2]] == [3.5, 3.5]
    assert found[1].why_not == "the metric raised RuntimeError: too long"


def test_an_unknown_predictor_and_a_missing_package_are_usage_errors(monkeypatch):
    with pytest.raises(
        UsageError, match="--speech-quality is 'nisqa'; one of off, distillmos, or module:Class is needed"
    ):
        open_predictor("nisqa")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install"):
        open_predictor("distillmos")


@pytest.mark.slow
def test_noise_lowers_the_score_and_the_model_is_loaded_once():
    model = DistillMos()
    clip = audio.resample(audio.load(load_voices(shipped.VOICES)[0].path), 24_000)
    noise = np.random.default_rng(0).standard_normal(clip.samples.size).astype(np.float32)
    noisy = Audio(clip.samples + 0.3 * np.float32(clip.samples.std()) * noise, clip.sample_rate_hz)
    clean, spoilt, again = model.predict(clip), model.predict(noisy), model.predict(clip)
    assert 1 <= spoilt < clean <= 5
    assert again == clean
    assert model.loads == 1
    assert model.fingerprint.startswith("distillmos 0.9")
