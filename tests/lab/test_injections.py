from dataclasses import replace

import numpy as np
import pytest

from harness.lab import injections
from harness.metrics.edges import ending_level
from harness.metrics.silence import Silences
from tests.synthetic import draw, request, take

TEXT = "one two six ten"  # words of as many letters


def lost(count, picture="..####.####.####.####..", text=TEXT):
    spoilt = injections.lost_words(take(draw(picture), asked=request(text)), count, np.random.default_rng(0), take())
    return spoilt.audio


@pytest.mark.parametrize(("count", "left_s"), [(1, 0.2 + 0.75 * 1.9), (2, 0.2 + 0.5 * 1.9), (3, 0.2 + 0.25 * 1.9)])
def test_lost_words_take_their_share_of_the_speech_with_them(count, left_s):
    assert lost(count).duration_s == pytest.approx(left_s, abs=0.05)


def test_the_first_word_stays():
    assert lost(9).duration_s == lost(3).duration_s
    assert lost(1, text="one").duration_s == pytest.approx(2.1, abs=0.05)


def test_an_early_end_sounds_like_an_end():
    sound = lost(1, "#" * 30)
    assert ending_level(sound, Silences.of(sound)).value < -3
    assert abs(sound.samples[-1]) < 1e-3


def test_a_stretch_of_speech_is_taken_from_where_it_is_loud():
    spoken = take(draw("." * 20 + "#" * 20))
    starts = {injections.spoken_at(spoken, 0.3, np.random.default_rng(seed)) for seed in range(20)}
    assert min(starts) >= 1.6 * 24_000


def test_a_leak_is_of_the_reference(tmp_path):
    from tests.synthetic import write_voice

    voice = write_voice(tmp_path, "layla", draw("#" * 20, pitch_hz=300))
    mine = take(draw("#" * 20), asked=replace(request(), reference=voice))
    leaked = injections.reference_leak(mine, 0.5, np.random.default_rng(0), mine).audio
    assert leaked.duration_s == pytest.approx(2.5)
    spectrum = np.abs(np.fft.rfft(leaked.samples[:12_000]))
    assert spectrum.argmax() * 2 == pytest.approx(300, abs=10)
