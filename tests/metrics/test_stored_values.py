"""Every metric gives the numbers that it gave before, or is another ruler and says so.

The numbers on fixed signals stand in `stored_values.json`, each with the signature of its metric. A number that moved
under one signature is a mistake, or its metric needs a higher version; `python -m tests.metrics.test_stored_values`
writes the numbers anew, and refuses that same case.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import audio, registry, shipped
from harness.audio import Audio
from harness.corpus import load_voices
from harness.metrics.measuring import Measuring
from tests.synthetic import draw, request, take, utterance

STORED = Path(__file__).with_name("stored_values.json")
RELATIVE = 1e-5
TEXT = "قرأ المعلم ثلاث رسائل طويلة في مساء يوم الخميس"
HEARD = "قرأ المعلم ثلاث رسائل في مساء يوم الجمعة"


class Heard:
    """Writes the reference down as it is, and of everything else one text."""

    fingerprint = "stored values"

    def transcribe(self, clips, languages):
        return [VOICES[0].transcript if clip.duration_s == REFERENCE.duration_s else HEARD for clip in clips]


class Levels:
    """Hears a clip's spectrum as its voice: no model whose weights or kernels could move a number."""

    fingerprint = "stored values"

    def embed(self, clips):
        spectra = [np.abs(np.fft.rfft(clip.samples, 4096))[:64] for clip in clips]
        return np.stack([(one / np.linalg.norm(one)).astype(np.float32) for one in spectra])


class Duration:
    fingerprint = "stored values"

    def predict(self, sound):
        return 1 + min(sound.duration_s, 4.0)


VOICES = load_voices(shipped.VOICES)[:3]
REFERENCE = audio.load(VOICES[0].path)


def signals():
    """Speech of two people, speech spoilt in several ways, and what is no speech."""
    clips = [audio.resample(audio.load(voice.path), 24_000).samples for voice in VOICES]
    noise = np.random.default_rng(1).normal(0, 0.01, 24_000 * 20).astype(np.float32)
    long = np.concatenate([clips[1], clips[2]])
    gaps = long.copy()
    gaps[30_000:30_400] = 0
    gaps[60_000] = 0.9
    stuttering = clips[1].copy()
    stuttering[50_000:52_400] = stuttering[47_600:50_000]
    echoed = long.copy()
    echoed[960:] += 0.8 * long[:-960]
    hum = 0.02 * np.sin(2 * np.pi * 50 * np.arange(long.size) / 24_000).astype(np.float32) + 0.01
    return {
        "speech": clips[1],
        "two voices": long,
        "noisy": long + noise[: long.size],
        "clipped": np.clip(4 * clips[2], -0.3, 0.3),
        "gaps and a click": gaps,
        "hum and offset": long + hum,
        "repeated": np.concatenate([clips[1], clips[1]]),
        "leak": np.concatenate([clips[2], clips[0]]),
        "far too long": np.concatenate([clips[1], clips[2], clips[1], clips[2]]),
        "stuttering": stuttering,
        "heard twice": 0.5 * echoed,
        "buzz": draw("##.####..####").samples,
    }


def measure():
    """Values by signal and metric."""
    voice = VOICES[0]
    spoken = utterance(TEXT, language="ar", reference_id=voice.id, pair="p", suite="diacritized")
    other = replace(spoken, id="other", text=TEXT.replace("مساء", "مَسَاءً"))
    takes = []
    for samples in signals().values():
        asked = replace(request(), utterance=spoken, reference=voice)
        takes.append(take(Audio(samples, 24_000), asked=asked))
    partner = take(Audio(signals()["noisy"], 24_000), asked=replace(takes[0].request, utterance=other))
    measuring = Measuring(
        references=VOICES,
        company=lambda: [partner],
        encoder=Levels(),
        recognizer=Heard(),
        second_recognizer=Heard(),
        predictor=Duration(),
    )
    found = measuring.measure(takes, registry.metrics())
    return {
        name: {
            signal: None if np.isnan(one[name].value) else float(f"{one[name].value:.8g}")
            for signal, one in zip(signals(), found, strict=True)
        }
        for name in registry.metrics()
    }


def same(one, other):
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=RELATIVE, abs=1e-6)


@pytest.fixture(scope="module")
def measured():
    return measure()


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(registry.metrics()))
def test_a_metric_gives_the_numbers_it_gave_before(name, measured, stored):
    assert name in stored, "a new metric: python -m tests.metrics.test_stored_values"
    moved = [signal for signal, value in measured[name].items() if not same(value, stored[name]["values"][signal])]
    if stored[name]["signature"] == registry.metrics()[name].metric.signature:
        assert not moved, f"{name} gives other numbers on {moved}: raise its version, or undo the change"
    else:
        pytest.fail(f"{name} is signed anew: if that is meant, python -m tests.metrics.test_stored_values")


@pytest.mark.slow
def test_the_signals_move_every_metric(measured):
    still = {name for name, values in measured.items() if len(set(values.values()) - {None}) < 2}
    assert still <= {
        "readable",
        "nonfinite_samples",
        "sample_rate",
        "downmix_loss",
        "finished",
        "pair_reading",
        "rate_ratio",
        "copied_seed",
        "background_margin",
        "foreign_voice",
        "edge_noise",
    } | {
        name for name in measured if name.endswith(("cer", "wer", "floor", "lost_words", "_llr", "letters", "support"))
    }


def write():
    """Keep the numbers of today; refuses a number that moved without its metric being another."""
    before = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    after = {}
    for name, values in measure().items():
        signature, old = registry.metrics()[name].metric.signature, before.get(name)
        if old and old["signature"] == signature:
            kept = [signal for signal in values if signal in old["values"]]
            moved = [signal for signal in kept if not same(values[signal], old["values"][signal])]
            if moved:
                raise SystemExit(f"{name} gives other numbers on {moved} under one signature: raise its version first")
        after[name] = {"signature": signature, "values": values}
    STORED.write_text(json.dumps(after, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
