import subprocess
import sys

import espeakng_loader
import numpy as np
import pytest

from harness import espeak
from harness.errors import BackendError
from harness.espeak import OWN_PITCH, PITCH_STEP, espeak_process, speak, speakable, speaks


def test_equal_arguments_give_equal_samples_in_fresh_processes():
    once, again = (speak("مَرْحَبًا بِكُمْ", "ar", "f2", 150) for _ in range(2))
    np.testing.assert_array_equal(once.samples, again.samples)
    assert once.sample_rate_hz == 22_050


def test_a_higher_rate_is_faster():
    slow, fast = (speak("صباح الخير يا أصدقاء", "ar", "m3", rate) for rate in (90, 250))
    assert fast.duration_s < 0.7 * slow.duration_s


def test_a_pitch_is_as_much_higher_as_its_steps_say():
    import pyworld

    def f0_hz(pitch):
        said = speak("The children walked to the large garden", "en", "m3", 175, pitch)
        f0, _ = pyworld.dio(said.samples.astype(np.float64), said.sample_rate_hz)
        return float(np.median(f0[f0 > 0.0]))

    own = f0_hz(OWN_PITCH)
    for pitch in (30, 70, 90):
        assert np.log(f0_hz(pitch) / own) == pytest.approx(PITCH_STEP * (pitch - OWN_PITCH), abs=0.05)


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


def test_a_process_that_was_ended_or_has_another_owner_is_replaced(monkeypatch):
    said = speak("نعم", "ar", "", 150)
    process = espeak._CHILD._process
    process.kill()
    process.wait()
    np.testing.assert_array_equal(speak("نعم", "ar", "", 150).samples, said.samples)
    other = espeak._CHILD._process
    assert other is not process
    monkeypatch.setattr(espeak._CHILD, "_asked_by", 0)  # as in a fork of this process
    np.testing.assert_array_equal(speak("نعم", "ar", "", 150).samples, said.samples)
    assert espeak._CHILD._process is not other
    other.wait()  # nobody else holds its pipe


def test_one_that_does_not_answer_in_time_is_ended_with_what_it_forked(monkeypatch):
    monkeypatch.setattr(espeak, "DEADLINE_S", 0.05)
    with pytest.raises(BackendError, match=r"gave no answer in voice 'ar' within 0\.05 s"):
        speak("واحد اثنان ثلاثة " * 20_000, "ar", "", 80)
    monkeypatch.undo()
    assert speak("نعم", "ar", "", 150).duration_s > 0.2


def test_an_interrupted_answer_is_not_read_by_the_next_one(monkeypatch):
    said = speak("نعم", "ar", "", 150)

    def interrupted(process, request):
        process.stdin.write(request)
        process.stdin.flush()
        process.stdout.read(8)
        raise KeyboardInterrupt

    monkeypatch.setattr(espeak, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        speak("واحد اثنان ثلاثة", "ar", "", 150)
    monkeypatch.undo()
    np.testing.assert_array_equal(speak("نعم", "ar", "", 150).samples, said.samples)


def requests(*texts):
    return b"".join(b"150 50 2 %d\nar%s" % (len(text), text) for text in texts)


@pytest.mark.parametrize(
    ("taken_away", "answers"),
    [("", 2), ("del os.fork", 1), ("os.fork = lambda fork=os.fork: fork() or os.abort()", 2)],
    ids=["fork", "no fork", "crash"],
)
def test_the_process_answers_each_request_and_one_alone_where_it_cannot_fork(taken_away, answers):
    paths = [espeak_process.__file__, espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    run = f"sys.argv = {paths!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    code = "\n".join(["import os, runpy, sys", taken_away, run])
    done = subprocess.run([sys.executable, "-c", code], input=requests(b"a b", b"c"), capture_output=True, check=True)
    found, rest = [], done.stdout
    while rest:
        size = int.from_bytes(rest[4:8], "little")
        found.append((int.from_bytes(rest[:4], "little"), rest[8 : 8 + size]))
        rest = rest[8 + size :]
    assert len(found) == answers
    for rate_hz, said in found:
        if "abort" in taken_away:
            assert (rate_hz, said) == (0, b"it was ended by signal 6")
        else:
            assert rate_hz == 22_050
            assert len(said) > 1000


def test_which_languages_it_speaks():
    assert [language for language in ("ar", "ar-EG", "en", "zh", "xx") if speaks(language)] == [
        "ar",
        "ar-EG",
        "en",
        "zh",
    ]


def test_an_espeak_that_does_not_run_says_so_and_not_that_it_has_no_voice(monkeypatch):
    def missing(_):
        raise OSError("no such file")

    speaks.cache_clear()
    monkeypatch.setattr(espeak._Child, "_begun", missing)
    with pytest.raises(BackendError, match="did not run: no such file"):
        speaks("ar")
