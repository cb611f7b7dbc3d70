"""Whisper: silent edges cut, the language told, one encoder pass for the transcript and every score."""

import numpy as np
import pytest

from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics.recognition.whisper import EDGE_S, Draft, Whisper, without_silent_edges
from tests.recognisers import noise, tiny_whisper
from tests.synthetic import RATE_HZ, draw

CLIPS = [noise(2, seed=0), noise(3.3, seed=1)]


@pytest.mark.parametrize("picture", [".......####..##.........", "####..##", "#......#"])
def test_only_the_silent_edges_are_cut_and_a_little_of_them_stays(picture):
    whole = draw(picture)
    found = without_silent_edges(whole).samples
    speech = round(len(picture.strip(".")) * 0.1 * RATE_HZ)
    edges = [len(picture) - len(picture.lstrip(".")), len(picture) - len(picture.rstrip("."))]
    kept = sum(min(EDGE_S, 0.1 * cells) for cells in edges) * RATE_HZ
    assert found.size == pytest.approx(speech + kept, abs=0.05 * RATE_HZ)
    first = int(np.flatnonzero(found)[0]) - int(np.flatnonzero(whole.samples)[0])
    assert np.array_equal(found, whole.samples[-first : -first + found.size])


def test_what_is_cut_once_is_not_cut_again():
    once = without_silent_edges(draw("......####......"))
    assert without_silent_edges(once).samples.size == once.samples.size


@pytest.mark.parametrize("silent", [np.zeros(0, np.float32), np.zeros(RATE_HZ, np.float32)])
def test_silence_becomes_empty_at_its_own_rate(silent):
    found = without_silent_edges(Audio(silent, RATE_HZ))
    assert found.samples.size == 0
    assert found.sample_rate_hz == RATE_HZ


@pytest.mark.slow
def test_whisper_is_told_the_language_and_refuses_one_it_does_not_know(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    assert recognizer.transcribe(CLIPS[:1], ["ar"]) != recognizer.transcribe(CLIPS[:1], ["en"])
    assert recognizer.transcribe(CLIPS[:1], ["arb"]) == recognizer.transcribe(CLIPS[:1], ["ar-EG"])
    for unknown in ("xx", ""):
        with pytest.raises(UsageError, match="ISO 639-1"):
            recognizer.transcribe(CLIPS[:1], [unknown])


@pytest.mark.slow
def test_one_encoder_pass_serves_the_transcript_and_every_score(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    recognizer.transcribe(CLIPS[:2], ["ar", "ar"])
    recognizer.log_likelihoods(CLIPS[:2], ["ar", "ar"], [["سلام", "دار"], ["سلام"]])
    assert recognizer.encoder_passes == 2


@pytest.mark.slow
def test_words_are_expected_as_silence_has_them(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    silence = Audio(np.zeros(6 * RATE_HZ, np.float32), RATE_HZ)
    one, other = recognizer.word_priors(["ar", "ar"], ["سلام دار", "دار"])
    (scores,) = recognizer.log_likelihoods([silence], ["ar"], [["سلام دار", "دار"]])
    assert [len(one), len(other)] == [2, 1]
    assert [sum(one), sum(other)] == pytest.approx([sum(score.words) for score in scores], abs=1e-3)
    assert recognizer.word_priors(["ar"], ["دار"]) == [other]


@pytest.mark.parametrize(
    ("said", "means", "taken"),
    [
        (["thank you"], [-0.2], 0),
        (["no " * 60, "thank you"], [-0.1, -0.5], 1),
        (["thenk ju", "no " * 60, "thank you"], [-1.5, -0.1, -0.4], 2),
        (["no " * 60, "yes " * 60, "so " * 60], [-0.3, -0.2, -0.1], 2),
        (["thenk ju", "dank je", "tank"], [-1.5, -1.2, -1.8], 1),
    ],
)
def test_a_doubtful_transcript_is_decoded_again_and_the_likeliest_that_is_no_loop_is_taken(said, means, taken):
    class Scripted(Whisper):
        def __init__(self):
            self.batches = []

        def _generated(self, states, code, durations_s, attempt=0):
            self.batches.append(list(states))
            return [Draft(said[attempt], means[attempt]) if one else Draft("well heard", -0.1) for one in states]

    one = Scripted()
    assert one._heard([0, 1, 0, 1], "en", [2.0, 2.0, 2.0, 2.0]) == ["well heard", said[taken]] * 2
    assert one.batches == [[0, 1, 0, 1]] + [[1, 1]] * (len(said) - 1)


@pytest.mark.slow
def test_later_attempts_are_by_chance_the_same_each_time_and_in_any_company(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    one, other = (recognizer._encode(noise(2, seed).samples) for seed in (0, 1))

    def texts(states, attempt):
        return [draft.text for draft in recognizer._generated(states, "ar", [2.0] * len(states), attempt)]

    alone = [texts([one], attempt)[0] for attempt in (0, 1, 2)]
    assert len(set(alone)) == 3
    assert [texts([other, one], attempt)[1] for attempt in (0, 1, 2)] == alone


@pytest.mark.slow
def test_a_short_clip_is_not_heard_for_longer_beside_a_long_one(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path, positions=448)))
    state = recognizer._encode(noise(2).samples)
    (alone,) = recognizer._generated([state], "ar", [0.5])
    beside, _ = recognizer._generated([state, state], "ar", [0.5, 8.0])
    assert alone.text == beside.text


@pytest.mark.slow
def test_silence_is_heard_as_nothing(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    silent = Audio(np.zeros(32_000, np.float32), 16_000)
    assert recognizer.transcribe([silent, CLIPS[0]], ["ar", "ar"])[0] == ""


@pytest.mark.slow
def test_a_clip_longer_than_a_window_is_not_scored(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    with pytest.raises(ValueError, match="at most 30 s"):
        recognizer.log_likelihoods([noise(31)], ["ar"], [["سلام"]])


@pytest.mark.slow
def test_a_language_is_checked_without_the_weights(tmp_path):
    recognizer = Whisper(str(tiny_whisper(tmp_path)))
    recognizer.check_language("ar-EG")
    with pytest.raises(UsageError, match="ISO 639-1"):
        recognizer.check_language("xx")
    assert recognizer.loads == 0
