import numpy as np
import pytest

from harness.backends.embedded.synthesis import speak, speakable
from harness.errors import BackendError


def test_equal_arguments_give_equal_samples_in_fresh_processes():
    once, again = (speak("مَرْحَبًا بِكُمْ", "ar", "f2", 150) for _ in range(2))
    np.testing.assert_array_equal(once.samples, again.samples)
    assert once.sample_rate_hz == 22_050


def test_a_higher_rate_is_faster():
    slow, fast = (speak("صباح الخير يا أصدقاء", "ar", "m3", rate) for rate in (90, 250))
    assert fast.duration_s < 0.7 * slow.duration_s


@pytest.mark.parametrize("text", ["علم", "عَلَّمَ", "iPhone 15", "٢٠٢٤", "نعم ... لا", "Straße", "a\u200f b\x00"])
def test_whatever_a_corpus_holds_is_spoken(text):
    assert speak(text, "ar", "", 150).duration_s > 0.2


@pytest.mark.parametrize("text", ["", " ", "\u200f", "ـ"])
def test_a_text_without_anything_to_say_is_refused(text):
    with pytest.raises(BackendError, match="made no sound"):
        speak(text, "ar", "", 150)


def test_a_language_that_nobody_speaks_is_refused_in_one_line():
    with pytest.raises(BackendError, match="failed in voice 'xx'") as caught:
        speak("hello", "xx", "", 150)
    assert "\n" not in str(caught.value)


def test_marks_reach_espeak_in_the_order_that_it_expects():
    assert speakable("عَلَّمَ") == "عَلَّمَ".replace("\u064e\u0651", "\u0651\u064e")
    assert speak("عَلَّمَ", "ar", "", 150).samples.size != speak("عَلِمَ", "ar", "", 150).samples.size


def test_invisible_characters_and_tatweel_are_not_spoken():
    assert speakable("مرحـــبا\u200f\u202b يا\u200cعالم") == "مرحبا ياعالم"
