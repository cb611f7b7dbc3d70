"""Clips beyond a window: nothing is lost at a joint, and nothing heard twice stands twice."""

from itertools import pairwise

import numpy as np
import pytest

from harness.metrics.recognition.windows import joined, windows

WORDS = [f"word{number}" for number in range(60)]


def test_windows_cover_the_whole_clip_and_overlap():
    samples = np.arange(120 * 100, dtype=np.float32)
    cut = [window.samples for window in windows(samples, 100)]
    assert set(np.concatenate(cut)) == set(samples)
    assert all(window.size <= 3000 for window in cut)
    assert all(two[0] - one[0] == 2500 for one, two in pairwise(cut))


@pytest.mark.parametrize("seconds", [0.01, 29.99, 30, 30.01, 55, 55.01, 80])
def test_no_sample_is_lost_at_any_length(seconds):
    samples = np.arange(round(seconds * 100), dtype=np.float32)
    cut = [window.samples for window in windows(samples, 100)]
    assert cut[-1][-1] == samples[-1]
    assert min(window.size for window in cut) > 500 or len(cut) == 1


def test_overlapping_transcripts_are_joined_without_loss_or_doubling():
    parts = [" ".join(WORDS[start : start + 30]) for start in (0, 22, 44)]
    assert joined(parts).split() == WORDS


def test_words_cut_at_a_window_edge_are_heard_from_the_other_window():
    one = " ".join([*WORDS[:20], "wor"])
    two = " ".join(["d16", *WORDS[17:40]])
    assert joined([one, two]).split() == WORDS[:40]


def test_punctuation_and_marks_do_not_hide_that_two_words_are_one():
    assert joined(["ذهب الولد إلى المدرسة.", "الى المَدرسة ثم عاد"]) == "ذهب الولد إلى المدرسة. ثم عاد"


def test_what_has_nothing_in_common_is_put_end_to_end():
    assert joined(["a b c", "d e f", ""]) == "a b c d e f"
    assert joined([]) == ""


def test_a_long_loop_is_not_swallowed_by_the_joint():
    part = " ".join(["again"] * 60)
    assert len(joined([part, part, part]).split()) >= 90


def test_words_that_are_said_again_are_not_taken_for_an_overlap():
    one = "in the morning we went to the market and bought bread"
    two = "and in the evening we went to the market again"
    assert joined([one, two]) == f"{one} {two}"


def test_a_clip_is_cut_in_its_pauses_and_nothing_is_heard_twice():
    rate = 1000
    samples = np.random.default_rng(0).normal(0, 0.1, 70 * rate).astype(np.float32)
    for pause_s in (26.0, 51.0):
        samples[round(pause_s * rate) : round((pause_s + 0.4) * rate)] = 0
    cut = windows(samples, rate)
    assert [window.overlaps for window in cut] == [False, False, False]
    assert np.array_equal(np.concatenate([window.samples for window in cut]), samples)
    assert cut[0].samples.size / rate == pytest.approx(26.2, abs=0.05)


def test_what_does_not_overlap_is_never_merged():
    assert joined(["say it again", "say it again"], [False, False]) == "say it again say it again"
