import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load
from harness.metrics import pitch
from harness.metrics.pitch import Pitch
from tests.synthetic import draw

RATE = 24_000


def glide(from_hz, to_hz, seconds=2.0):
    """A buzz that climbs evenly in semitones."""
    hz = np.geomspace(from_hz, to_hz, round(seconds * RATE))
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    return Audio((0.1 * sum(np.sin(n * phase) / n for n in range(1, 12))).astype(np.float32), RATE)


@pytest.mark.parametrize("hz", [80.0, 120.0, 210.0, 330.0])
def test_the_pitch_of_a_buzz_is_the_pitch_it_was_drawn_with(hz):
    found = Pitch.of(draw("#" * 20, pitch_hz=hz))
    assert np.median(found.hz) == pytest.approx(hz, rel=0.01)
    assert pitch.pitch_spread(found).value < 0.1
    assert pitch.voiced_share(found).value > 0.95


def test_a_glide_of_an_octave_spreads_as_a_uniform_distribution_does():
    # the median absolute deviation of an even spread over 12 semitones is 3
    assert pitch.pitch_spread(Pitch.of(glide(100, 200))).value == pytest.approx(3 * 1.4826, rel=0.1)


def test_rumble_below_any_voice_does_not_hide_the_voice():
    voice = glide(100, 140)
    times = np.arange(voice.samples.size) / RATE
    rumble = 1.4 * np.sqrt(np.mean(voice.samples**2)) * np.sin(2 * np.pi * 20 * times)
    found = Pitch.of(Audio((voice.samples + rumble).astype(np.float32), RATE))
    assert pitch.voiced_share(found).value > 0.9
    assert pitch.pitch_spread(found).value == pytest.approx(pitch.pitch_spread(Pitch.of(voice)).value, rel=0.1)


@pytest.mark.parametrize("hz", [50.0, 440.0, 467.6])
def test_no_pitch_lies_outside_the_range(hz):
    found = Pitch.of(draw("#" * 20, pitch_hz=hz)).hz
    assert ((found >= pitch.LOWEST_HZ) & (found <= pitch.HIGHEST_HZ)).all()


def test_noise_has_no_pitch():
    hiss = Audio((0.1 * np.random.default_rng(0).standard_normal(3 * RATE)).astype(np.float32), RATE)
    found = Pitch.of(hiss)
    assert pitch.voiced_share(found).value < 0.05
    assert not pitch.pitch_spread(found).applicable


def test_too_little_sound_for_a_frame_is_not_judged():
    found = Pitch.of(Audio(np.full(100, 0.1, np.float32), RATE))
    assert pitch.voiced_share(found).why_not
    assert not pitch.pitch_spread(found).applicable


def test_the_tracker_agrees_with_world_on_a_voice():
    import pyworld

    sound = load(shipped.VOICES / "omar.flac")
    track, _ = pyworld.dio(sound.samples.astype(np.float64), sound.sample_rate_hz)
    assert np.median(Pitch.of(sound).hz) == pytest.approx(np.median(track[track > 0]), rel=0.05)
