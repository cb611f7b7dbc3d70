import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load, resample
from harness.metrics import structure
from harness.metrics.silence import Silences
from harness.metrics.spectrum import Spectrum
from harness.metrics.structure import Prints
from tests.synthetic import draw

RATE = 24_000
VOICES = sorted((shipped.VOICES).glob("*.flac"))


def voice(name):
    return resample(load(shipped.VOICES / f"{name}.flac"), RATE)


def cut(sound, start_s, end_s):
    return sound.samples[round(start_s * RATE) : round(end_s * RATE)]


def joined(*parts):
    return Audio(np.concatenate(parts).astype(np.float32), RATE)


def prints(sound):
    return Prints.of(Spectrum.of(sound))


def noise(seconds, level, seed=0):
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


@pytest.mark.parametrize("path", VOICES, ids=lambda path: path.stem)
def test_sound_speech_repeats_nothing_and_holds_nothing_of_another_clip(path):
    sound = prints(resample(load(path), RATE))
    assert structure.repeated_speech(sound).value == 0
    for other in VOICES:
        if other != path:
            assert structure.reference_leak(sound, prints(resample(load(other), RATE))).value == 0


def test_there_are_voices_to_test_on():
    assert len(VOICES) == 8


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_half_a_second_of_the_reference_is_found_where_it_is(gain):
    take, reference = voice("omar"), voice("layla")
    leaked = gain * cut(reference, 1.0, 1.6) + noise(0.6, 0.0005)
    found = structure.reference_leak(prints(joined(cut(take, 0, 2), leaked, cut(take, 2, 5))), prints(reference))
    ((start, end),) = found.spans
    assert 1.9 <= start <= 2.15
    assert 2.45 <= end <= 2.7
    assert found.value == pytest.approx(end - start)


def test_a_loop_of_three_tenths_said_twice_more_is_found():
    sound = voice("emma")
    looped = joined(cut(sound, 0, 2), cut(sound, 1.7, 2), cut(sound, 1.7, 2), cut(sound, 2, 5))
    found = structure.repeated_speech(prints(looped))
    assert found.value >= 0.3
    assert all(start >= 1.7 and end <= 2.9 for start, end in found.spans)


def test_a_phrase_that_comes_back_is_marked_where_it_comes_back():
    sound = voice("james")
    found = structure.repeated_speech(prints(joined(sound.samples, cut(sound, 1, 2))))
    start, end = found.spans[0][0], found.spans[-1][1]
    assert start == pytest.approx(sound.duration_s, abs=0.2)
    assert end == pytest.approx(sound.duration_s + 1, abs=0.35)  # a stretch that runs into silence is cut short


@pytest.mark.slow
def test_a_two_minute_loop_is_scored_in_full():
    sound = cut(voice("james"), 1, 3)
    found = structure.repeated_speech(prints(joined(np.tile(sound, 60))))
    assert found.value > 110


def test_a_sound_shorter_than_a_print_has_no_copies():
    assert structure.repeated_speech(prints(draw("#"))).value == 0
    assert structure.reference_leak(prints(draw("#")), prints(voice("omar"))).value == 0


def test_a_gap_is_as_long_as_it_is_drawn():
    found = structure.inner_gap(Spectrum.of(draw("#####" + "." * 20 + "#####")))
    assert found.value == pytest.approx(2.0, abs=0.05)
    assert found.spans[0] == pytest.approx((0.5, 2.5), abs=0.05)


def test_a_gap_is_found_through_noise():
    sound = draw("#####" + "." * 20 + "#####")
    noisy = Audio((sound.samples + noise(sound.duration_s, 0.003)).astype(np.float32), RATE)
    assert structure.inner_gap(Spectrum.of(noisy)).value == pytest.approx(2.0, abs=0.1)


def test_silence_before_and_after_is_no_gap():
    assert structure.inner_gap(Spectrum.of(draw("....#####...."))).value == 0


def test_a_frozen_sound_is_held():
    sound = voice("greta")
    loudest = np.abs(sound.samples[RATE : 3 * RATE]).argmax() / RATE + 1
    frozen = np.resize(cut(sound, loudest, loudest + 0.04), RATE)
    stuck = joined(cut(sound, 0, loudest), frozen, cut(sound, loudest, 5))
    found = structure.held_sound(Spectrum.of(stuck))
    assert found.value == pytest.approx(1.0, abs=0.2)
    assert found.spans[0][0] == pytest.approx(loudest, abs=0.2)
    assert structure.held_sound(Spectrum.of(sound)).value < 0.3


def test_more_speech_than_the_slowest_reader_needs_is_extra():
    sound = draw("#" * 150)
    found = structure.extra_speech(Silences.of(sound), "x" * 35)
    assert found.value == pytest.approx(15 - 13.5)
    assert found.spans[0] == pytest.approx((13.5, 15.0), abs=0.05)
    assert structure.extra_speech(Silences.of(sound), "x" * 70).value == 0


def test_a_digit_is_spoken_longer_than_a_letter():
    sound = draw("#" * 80)
    assert structure.extra_speech(Silences.of(sound), "1987 1987").value == 0
    assert structure.extra_speech(Silences.of(sound), "abcd abcd").value > 4


def test_a_text_without_words_cannot_be_too_short():
    assert structure.extra_speech(Silences.of(draw("#")), "...").why_not


def test_twice_the_letters_in_the_same_time_is_twice_the_tempo():
    pauses = Silences.of(draw("#" * 30))
    assert structure.tempo_ratio(pauses, "aaaa bbbb cccc", pauses, "aa bb cc").value == pytest.approx(2.0)
    assert not structure.tempo_ratio(pauses, "one two", pauses, "aa bb cc").applicable


def test_a_take_that_doubles_its_pace_is_seen():
    even = "###..." * 20
    assert structure.pace_change(Spectrum.of(draw(even))).value == pytest.approx(1.0, abs=0.15)
    assert not structure.pace_change(Spectrum.of(draw("##.."))).applicable
    quickened = "######.." * 8 + "#." * 40
    assert structure.pace_change(Spectrum.of(draw(quickened))).value > 1.7


def test_a_copy_is_searched_for_no_further_back_than_a_limit(monkeypatch):
    monkeypatch.setattr(structure, "LONGEST_LAG_S", 3.0)
    said = cut(voice("omar"), 1.0, 2.0)
    near = prints(joined(said, cut(voice("layla"), 0, 1), said))
    far = prints(joined(said, cut(voice("layla"), 0, 4), said))
    assert structure.repeated_speech(near).value == pytest.approx(1.0, abs=0.15)
    assert structure.repeated_speech(far).value == 0
    monkeypatch.setattr(structure, "LONGEST_LAG_S", 5.2)
    assert structure.repeated_speech(far).value == pytest.approx(1.0, abs=0.15)
