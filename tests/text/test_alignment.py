"""Alignment counts what there is to count, and agrees with an independent tool where that one can follow."""

import math
import random

import pytest

from harness.text.alignment import align


def plain(text):
    return [((word,),) for word in text.split()]


def test_components_and_pairs_are_told_apart():
    found = align(plain("a b c d e f"), plain("a x c e f g"))
    assert (found.substitutions, found.deletions, found.insertions) == (1, 1, 1)
    assert found.target_length == 6
    assert found.pairs[0] == ("a", "a")
    assert found.pairs[-1] == (None, "g")


def test_a_rate_may_exceed_one_and_is_no_number_for_no_target():
    assert align(plain("a"), plain("x y z")).rate == 3.0
    assert math.isnan(align([], plain("x")).rate)


def test_the_best_of_several_forms_is_taken_on_either_side():
    slot = (("three", "hundred"), ("threehundred",))
    assert align([slot], plain("threehundred")).errors == 0
    assert align(plain("three hundred"), [slot]).errors == 0
    assert align([slot], [slot]).errors == 0
    assert align([slot], plain("three")).errors == 1


def test_alternatives_do_not_leak_into_their_neighbours():
    one = (("a",), ("b",))
    assert align([one, one], plain("a b a")).errors == 1


def test_it_counts_as_jiwer_counts():
    jiwer = pytest.importorskip("jiwer")
    chance = random.Random(3)
    for _ in range(200):
        target = " ".join(chance.choices("abcde", k=chance.randint(1, 12)))
        heard = " ".join(chance.choices("abcde", k=chance.randint(1, 12)))
        assert align(plain(target), plain(heard)).rate == pytest.approx(jiwer.wer(target, heard))
