"""Words as a text writes them, and what becomes of capitals and punctuation when words move."""

import pytest

from harness.text.as_written import as_written, bare, dressed, exchanged, parts, twice, without
from harness.text.scoring import scored_words

WORDS = ["Yes,", "I", "came.", "Then", "Ann's", "cat", "left!"]


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Yes, I'll come — 12 times.", "en", ["Yes,", "I'll", "come", "12", "times."]),
        ("a well-read man", "en", ["a", "well", "read", "man"]),
        ("3 000 men", "en", None),
        ("«نعم»، قال.", "ar", ["نعم", "قال"]),
        ("", "en", []),
    ],
)
def test_words_stand_as_they_are_written_where_each_has_its_own_place(text, language, words):
    mine = scored_words(text, language)
    assert as_written(text, mine, language) == (words or [word.written for word in mine])


def test_punctuation_stands_around_a_word():
    assert [parts(word) for word in ("«don't!»", "50%", "...")] == [
        ("«", "don't", "!»"),
        ("", "50%", ""),
        ("", "", "..."),
    ]
    assert bare("(yes)") == "yes"


def test_a_word_has_the_dress_of_what_was_heard_in_its_place():
    assert dressed(["the", "cat"], ["«A", "bat»,"], True) == ("«The", "cat»,")
    assert dressed(["the"], ["A"], False) == ("the",)
    assert dressed(["end."], [], False) == ("end",)


def test_capitals_and_full_stops_stay_where_sentences_begin_and_end():
    assert without(WORDS, 0, 1) == ["I", "came.", "Then", "Ann's", "cat", "left!"]
    assert without(WORDS, 2, 3) == ["Yes,", "I.", "Then", "Ann's", "cat", "left!"]
    assert without(WORDS, 3, 4)[3] == "Ann's"
    assert without(["Come", "here.", "then", "go."], 2, 4) == ["Come", "here."]
    assert without(["Then", "he", "came."], 0, 1) == ["He", "came."]
    assert without(["one"], 0, 1) == []
    assert twice(WORDS, 0)[:2] == ["Yes", "yes,"]
    assert twice(["I", "came."], 0) == ["I", "I", "came."]
    assert exchanged(WORDS, 1)[1:3] == ["came", "I."]
    assert exchanged(["Then", "he"], 0) == ["He", "then"]
