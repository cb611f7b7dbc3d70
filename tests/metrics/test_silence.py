import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audio import Audio
from harness.metrics.silence import Silences, longest_silence, silence_ratio
from tests.synthetic import draw

pictures = st.text("#.", min_size=1, max_size=40)


@given(pictures)
def test_silence_ratio_is_the_share_of_silence_that_was_drawn(picture):
    assert silence_ratio(Silences.of(draw(picture))).value == pytest.approx(picture.count(".") / len(picture), abs=1e-9)


@given(pictures)
def test_spans_are_where_silence_was_drawn(picture):
    drawn = []
    for number, mark in enumerate(picture):
        if mark == "." and (number == 0 or picture[number - 1] == "#"):
            drawn.append([number / 10, number / 10])
        if mark == ".":
            drawn[-1][1] = (number + 1) / 10
    np.testing.assert_allclose(np.array(Silences.of(draw(picture)).spans).reshape(-1), np.array(drawn).reshape(-1))


@given(st.text("#.", min_size=1, max_size=20).filter(lambda picture: "#" in picture), st.floats(-30, 10))
def test_gain_does_not_change_what_is_silent(picture, gain_db):
    sound = draw(picture)
    louder = Audio((sound.samples * 10 ** (gain_db / 20)).astype(np.float32), sound.sample_rate_hz)
    assert silence_ratio(Silences.of(louder)).value == silence_ratio(Silences.of(sound)).value


def test_one_click_does_not_move_the_floor():
    sound = draw("####...###")
    clicked = sound.samples.copy()
    clicked[100] = 1.0
    assert silence_ratio(Silences.of(Audio(clicked, 24_000))).value == silence_ratio(Silences.of(sound)).value


def test_a_room_fifty_decibels_down_is_silence():
    sound = draw("#####.....")
    room = np.random.default_rng(0).normal(0, 10 ** (-70 / 20), sound.samples.size)
    assert silence_ratio(Silences.of(Audio((sound.samples + room).astype(np.float32), 24_000))).value == 0.5


def test_zeros_are_silent_from_end_to_end():
    found = longest_silence(Silences.of(draw("." * 30)))
    assert found.value == pytest.approx(3.0)
    assert found.components["leading_s"] == found.components["trailing_s"] == pytest.approx(3.0)


def test_the_longest_silence_is_found_wherever_it_is():
    found = longest_silence(Silences.of(draw(".##...#..")))
    assert found.value == pytest.approx(0.3)
    assert found.components == pytest.approx({"leading_s": 0.1, "inner_s": 0.3, "trailing_s": 0.2})
    assert found.detail == "from 0.30 s to 0.60 s"


def test_speech_without_a_pause_has_no_silence():
    assert longest_silence(Silences.of(draw("####"))).value == 0.0


@pytest.mark.slow
def test_librosa_agrees_on_drawn_pauses():
    import librosa

    sound = draw("##..####...##....#")
    speech = librosa.effects.split(sound.samples, top_db=40, frame_length=480, hop_length=240)
    theirs = 1 - sum(int(end) - int(start) for start, end in speech) / sound.samples.size
    assert silence_ratio(Silences.of(sound)).value == pytest.approx(theirs, abs=0.02)
