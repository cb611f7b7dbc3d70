"""One sound for many requests is found, trimmed, padded or scaled; takes that are their own share nothing."""

import io
from dataclasses import replace

import numpy as np
import pytest

from harness import audio, shipped
from harness.audio import Audio, encode_wav
from harness.corpus import load_voices
from harness.metrics.copies import landmarks_of
from harness.metrics.measuring import Measuring
from tests.synthetic import request, take, utterance

VOICES = load_voices(shipped.VOICES)
ONE, OTHER = (audio.resample(audio.load(voice.path), 24_000) for voice in VOICES[:2])
NOISE = np.random.default_rng(3).normal(0, 1e-4, ONE.samples.size).astype(np.float32)
COPIES = {
    "the same": ONE.samples,
    "trimmed": ONE.samples[11_111:-5_555],
    "padded": np.pad(ONE.samples, (777, 20_000)),
    "half as loud": ONE.samples * np.float32(0.5),
    "upside down": -ONE.samples,
    "faded in": ONE.samples * np.linspace(0, 1, ONE.samples.size, dtype=np.float32),
    "a little noise": ONE.samples + NOISE,
}


def said(samples, text="واحد اثنان ثلاثة", seed=0, number=1):
    """A take as it is read from disk."""
    import soundfile

    sound = Audio(soundfile.read(io.BytesIO(encode_wav(Audio(samples, 24_000))), dtype="float32")[0], 24_000)
    spoken = utterance(text, id=f"short-{number:03d}", number=number)
    return take(sound, asked=replace(request(), utterance=spoken, seed=seed))


def measure(*takes, **run):
    found = Measuring(company=lambda: takes, **run).measure(takes, ["copied_take", "copied_seed"])
    return [(one["copied_take"], one["copied_seed"]) for one in found]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_under_another_text_is_found_on_both_sides(copy):
    one, other = measure(said(ONE.samples), said(COPIES[copy], "نص آخر تماما", number=2))
    for found, seeds in (one, other):
        assert found.value > 0.5
        assert seeds.value == 0
    assert "is short-002, seed 0" in one[0].detail


def test_a_seed_without_effect_is_found_unless_the_system_says_so():
    takes = said(ONE.samples), said(ONE.samples, seed=1), said(ONE.samples, seed=2)
    assert [(text.value, seed.value) for text, seed in measure(*takes)] == [(0, 1)] * 3
    for _, seed in measure(*takes, deterministic=True):
        assert not seed.applicable
        assert "says that it is deterministic" in seed.why_not


def test_takes_of_their_own_share_nothing():
    (one, _), (other, _) = measure(said(ONE.samples), said(OTHER.samples, "نص آخر تماما", number=2))
    assert one.value == other.value == 0
    assert one.detail == ""


def test_a_take_alone_is_a_take_of_its_own():
    ((text, seed),) = measure(said(ONE.samples))
    assert (text.value, seed.value) == (0, 0)


def test_silence_and_less_than_a_landmark_share_nothing():
    assert landmarks_of(Audio(np.zeros(24_000, np.float32), 24_000)).size == 0
    assert landmarks_of(Audio(np.ones(10, np.float32), 24_000)).size == 0


def test_takes_that_come_later_are_seen_too():
    takes = [said(ONE.samples)]
    measuring = Measuring(company=lambda: takes)
    assert measuring.measure(takes, ["copied_take"])[0]["copied_take"].value == 0
    takes.append(said(ONE.samples, "نص آخر تماما", number=2))
    assert measuring.measure(takes[1:], ["copied_take"])[0]["copied_take"].value == 1


def test_no_two_people_of_the_shipped_references_share_anything():
    sounds = [audio.load(voice.path) for voice in VOICES]
    marks = [landmarks_of(sound) for sound in sounds]
    for number, one in enumerate(marks):
        assert one.size > 20
        for other in marks[:number]:
            assert np.intersect1d(one, other).size <= 0.02 * min(one.size, other.size)
