"""What may have been spoken in place of a target: one change at a time, in the recogniser's own spelling."""

from harness.text.hypotheses import Change, hypotheses


def texts(found, change):
    return {one.text for one in found.changed if one.change is change}


def test_every_word_may_be_missing_twice_or_exchanged():
    found = hypotheses(["one two three"], "one two three", "en")
    assert found.words == ("one", "two", "three")
    assert texts(found, Change.MISSING) == {"two three", "one three", "one two", "one"}
    assert texts(found, Change.REPEATED) == {"one one two three", "one two two three", "one two three three"}
    assert texts(found, Change.EXCHANGED) == {"two one three", "one three two"}
    assert texts(found, Change.HEARD) == set()


def test_words_that_were_heard_right_stand_in_the_spelling_of_the_recogniser():
    found = hypotheses(["إِنْ شَاءَ اللهُ 12 مَرَّةً"], "انشاء الله اثنا عشر مره", "ar")
    assert found.spellings[0] == "انشاء الله اثنا عشر مره"
    assert "إن شاء الله 12 مرة" in found.spellings
    assert texts(found, Change.HEARD) == set()


def test_what_was_heard_otherwise_is_put_in_the_place_of_the_target():
    found = hypotheses(["the cat sat down"], "the bat sat", "en")
    assert texts(found, Change.HEARD) == {"the bat sat down", "the cat sat"}
    lost = {one.text: one.lost_letters for one in found.changed}
    assert lost["the cat sat"] == 4
    assert lost["the bat sat down"] == 0
    assert lost["the cat cat sat down"] == -3


def test_what_was_heard_beyond_the_target_is_kept_too():
    assert "one two three" in texts(hypotheses(["one three"], "one two three", "en"), Change.HEARD)
    assert "one two three" in texts(hypotheses(["one two"], "one two three", "en"), Change.HEARD)


def test_the_reading_that_was_heard_is_the_one_compared():
    found = hypotheses(["one two", "two one"], "two one", "en")
    assert found.words == ("two", "one")


def test_nothing_heard_leaves_the_target_whole():
    found = hypotheses(["one two"], "", "en")
    assert found.words == ("one", "two")
    assert "" in found.texts
    assert set(found.spellings) == {"one two"}


def test_capitals_apostrophes_and_punctuation_stand_as_the_recogniser_wrote_them():
    found = hypotheses(["he said i'll come now"], "He said, I'll come now.", "en")
    assert found.words == ("He", "said,", "I'll", "come", "now.")
    assert found.spellings[0] == found.heard[0] == "He said, I'll come now."
    assert "Said, I'll come now." in texts(found, Change.MISSING)
    assert "He said, I'll come." in texts(found, Change.MISSING)
    assert "He said said, I'll come now." in texts(found, Change.REPEATED)
    assert "He said, come I'll now." in texts(found, Change.EXCHANGED)
    assert "Said he, I'll come now." in texts(found, Change.EXCHANGED)


def test_a_word_that_was_heard_otherwise_has_the_punctuation_of_what_stands_in_its_place():
    assert hypotheses(["down came the rain"], "Drown came the train.", "en").spellings[0] == "Down came the rain."
    assert hypotheses(["the cat sat down"], "The cat sat.", "en").spellings[0] == "The cat sat down."
    assert hypotheses(["it works quoth al"], "It works. What's all?", "en").spellings[0] == "It works. Quoth al?"


def test_scripts_without_capitals_keep_their_plain_words():
    found = hypotheses(["إِنْ شَاءَ اللهُ."], "انشاء، الله.", "ar")
    assert found.words == ("انشاء", "الله")
    assert found.heard == ("انشاء، الله.", "انشاء الله")
