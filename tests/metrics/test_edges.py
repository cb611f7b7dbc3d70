import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load
from harness.metrics import edges
from harness.metrics.control_speech import said
from harness.metrics.silence import Silences
from tests.synthetic import draw, request, take

RATE = 24_000
SPEECH = load(shipped.VOICES / "omar.flac")


def changed(samples):
    return Audio(np.asarray(samples, np.float32), RATE)


def of(metric, sound):
    return metric(sound, Silences.of(sound)).value


def nobody(text, language, voices=2):
    """In place of the control: nobody says the text."""
    return ()


def lost(sound, text="", control=nobody):
    return edges.lost_beginning(sound, Silences.of(sound), take(sound, asked=request(text)), control)


def test_a_voice_comes_out_of_silence_and_a_cut_one_does_not():
    whole = draw("..####..###..")
    assert of(edges.beginning_level, whole) < -60
    assert of(edges.beginning_level, changed(whole.samples[6000:])) > -5


def test_a_recordings_own_noise_is_no_lost_beginning():
    noise = np.random.default_rng(0).standard_normal(SPEECH.samples.size) * 0.003
    noisy = changed(SPEECH.samples + noise)
    assert of(edges.beginning_level, noisy) < -30


def test_a_first_word_that_lost_its_beginning_is_told_from_a_whole_one():
    loud = int(np.flatnonzero(np.abs(SPEECH.samples) > 0.3 * np.abs(SPEECH.samples).max())[0])
    assert lost(SPEECH).value < -2
    assert lost(changed(SPEECH.samples[loud:])).value > 3


def test_a_rumble_below_any_voice_is_no_lost_beginning():
    times = np.arange(SPEECH.samples.size) / SPEECH.sample_rate_hz
    loud = 0.2 * np.cos(2 * np.pi * 15 * times) * np.exp(-times / 0.05)
    assert lost(changed(SPEECH.samples + loud)).value < -1


def test_where_the_sound_leaves_doubt_the_text_says_whether_the_beginning_is_lost():
    text = (shipped.VOICES / "omar.txt").read_text(encoding="utf-8")
    first = int(np.flatnonzero(np.abs(SPEECH.samples) > 0.02)[0])
    whole = changed(SPEECH.samples[first - 240 :])
    cut = changed(SPEECH.samples[first + 5880 :])  # into a closed sound
    alone, asked = ([lost(sound, text, control).value for sound in (whole, cut)] for control in (nobody, said))
    assert asked[0] < alone[0] < 0
    assert alone[1] < 1.5 < 4 < asked[1]
    assert lost(cut, text, said).components["later"] == 0.25


def test_only_the_first_words_are_said_and_only_where_there_is_doubt():
    asked = []

    def control(text, language, voices=2):
        asked.append((text, language, voices))
        return ()

    lost(SPEECH, "one two three", control)
    assert asked == []  # it comes out of silence
    loud = int(np.flatnonzero(np.abs(SPEECH.samples) > 0.3 * np.abs(SPEECH.samples).max())[0])
    lost(changed(SPEECH.samples[loud - 480 :]), "one two three four five six seven eight nine ten", control)
    assert asked == [("one two three four five six seven eight", "ar", 1)]


def test_a_finished_voice_has_faded():
    assert of(edges.ending_level, draw("####..")) < -60
    assert of(edges.ending_level, draw("####")) > -3


@pytest.mark.parametrize("place", [0, -1])
def test_a_jump_at_the_edge_is_a_share_of_the_peak(place):
    samples = draw("..####..").samples.copy()
    samples[place] = 0.5 * np.abs(samples).max()
    found = edges.edge_sample(changed(samples))
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert found.spans[0][0] == (0.0 if place == 0 else 0.8)


@pytest.mark.parametrize(("picture", "seconds"), [("..###...", 0.3), ("...###.", 0.3), ("###", 0.0)])
def test_the_longer_of_both_edges_counts(picture, seconds):
    assert edges.edge_silence(Silences.of(draw(picture))).value == pytest.approx(seconds, abs=0.03)


def test_hiss_after_the_speech_is_heard_beside_it():
    quiet = draw("####........")
    samples = quiet.samples.copy()
    samples[9600:] += 0.003 * np.random.default_rng(0).standard_normal(samples.size - 9600).astype(np.float32)
    level = edges.edge_noise(Silences.of(changed(samples))).value
    assert -40 < level < -27
    assert edges.edge_noise(Silences.of(quiet)).value < -100


def test_speech_up_to_the_edges_leaves_nothing_beside_it():
    assert not edges.edge_noise(Silences.of(draw("####"))).applicable


def test_a_bump_of_dc_is_a_thump_and_a_voice_is_none():
    bump = np.exp(-np.arange(SPEECH.samples.size) / 2400)
    assert of(edges.thump, SPEECH) < 0.5
    assert of(edges.thump, changed(SPEECH.samples + 0.7 * bump)) > 3
