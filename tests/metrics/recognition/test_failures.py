"""A recogniser that fails is told from a take that fails."""

import random

import pytest

from harness.metrics.recognition.failures import loop, rounds, without_boilerplate

SAID = "ذهب الولد إلى المدرسة في الصباح الباكر ثم عاد إلى البيت بعد الظهر"


@pytest.mark.parametrize("seed", range(25))
def test_a_loop_is_known(seed):
    chance = random.Random(seed)
    words = SAID.split()
    phrase = " ".join(chance.sample(words, chance.randint(1, 4)))
    text = " ".join([*words[: chance.randrange(6)], *[phrase] * chance.randint(25, 60)])
    assert "goes round" in loop(text, chance.uniform(2, 6))


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        (SAID, 4.0),
        ("لا لا لا لا تلمس", 2.0),
        ("no no no no no", 1.5),
        (" ".join([SAID] * 6), 30.0),  # a take that does say it six times takes its time
        ("", 0.0),
    ],
)
def test_what_people_say_is_no_loop(text, duration_s):
    assert loop(text, duration_s) == ""


def test_rounds_are_counted():
    assert rounds("a b a b a b c") == (3, "a b")
    assert rounds("one two three")[0] == 1


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        ("اشتركوا في القناة", "ar"),
        ("شكراً على المشاهدة.", "ar"),
        ("ترجمة نانسي قنقر", "ar"),
        ("Thanks for watching!", "en"),
        ("Subtitles by the Amara.org community", "en"),
    ],
)
def test_phrases_of_videos_are_told_from_what_was_said(phrase, language):
    said = SAID if language == "ar" else "the cat sat down"
    for heard in (f"{said} {phrase}", f"{phrase} {said}", f"{said} {phrase} {phrase}"):
        text, dropped = without_boilerplate(heard, [said], language)
        assert text == said
        assert phrase in dropped
    assert without_boilerplate(f"{said} {phrase}", [f"{said} {phrase}"], language) == (f"{said} {phrase}", "")
