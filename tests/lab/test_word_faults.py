"""Wrong words in real sound: what is cut, doubled or put elsewhere is just one word, or two."""

from itertools import pairwise

import pytest

from harness.lab.word_faults import FAULTS, Spoken, planted, quietest
from tests.tones import GAP_S, RATE_HZ, WORD_S, ByTone, sentences, spoken


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_changes_the_sound_as_it_says(fault):
    ear = ByTone()
    clips = [
        Spoken(one.speaker, tuple(one.transcript.split()), tuple(ear.word_times([one.sound], [""], [""])[0]), one.sound)
        for one in sentences()
    ]
    for number, sound in planted(clips, fault, 5):
        wanted, heard = list(clips[number].words), ear.words(sound)
        lost = [word for word in wanted if word not in heard]
        if fault == "missing inner word":
            assert len(heard) == len(wanted) - 1
            assert {heard[0], heard[-1]} == {wanted[0], wanted[-1]}
        elif fault in ("missing last word", "two missing last words"):
            assert heard == wanted[: -1 if fault == "missing last word" else -2]
        elif fault == "exchanged words":
            assert heard != wanted
            assert sorted(heard) == sorted(wanted)
        elif fault == "replaced word":
            assert len(heard) == len(wanted)
            assert len(lost) == 1
        elif fault == "repeated word":
            assert len(heard) == len(wanted) + 1
            assert any(one == two for one, two in pairwise(heard))
        else:
            assert len(heard) == len(wanted) + 1
            assert not lost


def test_a_cut_lies_where_it_is_quietest():
    sound = spoken(["abcd", "efgh"])
    assert GAP_S + WORD_S <= quietest(sound, 0.38) / RATE_HZ <= 2 * GAP_S + WORD_S
