"""Spellings that sound alike are one word, and no other word becomes one of them."""

import pytest

from harness.text.spellings import ABBREVIATIONS, american, with_unwritten_vowel


@pytest.mark.parametrize(
    ("usual", "as_heard"),
    [
        ("هذا", "هاذا"),
        ("ولكنه", "ولاكنه"),
        ("فبذلك", "فبذالك"),
        ("عبدالرحمن", "عبدالرحمان"),
        ("لله", None),
        ("هذر", None),
    ],
)
def test_a_vowel_that_is_heard_and_not_written_is_written_behind_any_proclitic(usual, as_heard):
    assert with_unwritten_vowel(usual) == ([as_heard] if as_heard else [])


@pytest.mark.parametrize(
    ("british", "spelt"),
    [
        ("colour", "color"), ("favourite", "favorite"), ("organised", "organized"), ("analyse", "analyze"),
        ("centre", "center"), ("travelled", "traveled"), ("dialogue", "dialog"), ("defence", "defense"),
        ("grey", "gray"), ("greyish", "grayish"),
    ],
)  # fmt: skip
def test_a_british_spelling_becomes_the_american_one(british, spelt):
    assert american(british) == spelt


@pytest.mark.parametrize("word", ["our", "four", "hour", "is", "his", "wise", "tree", "well", "all", "great", "here"])
def test_a_word_that_only_ends_alike_stays_as_it_is(word):
    assert american(word) == word


def test_an_american_spelling_stays_as_it_is():
    for british in ("colour", "organise", "theatre", "labelled", "catalogue", "offence"):
        assert american(american(british)) == american(british)


def test_every_short_form_has_a_long_one_and_none_is_empty():
    for forms in ABBREVIATIONS.values():
        assert all(long and all(word for word in long) for short in forms.values() for long in short)
    assert ("missus",) in ABBREVIATIONS["en"]["mrs"]
    assert ("miles", "per", "hour") in ABBREVIATIONS["en"]["mph"]
