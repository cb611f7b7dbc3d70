"""Right words have no errors, wrong ones do, and what could not be heard is never passed."""

from dataclasses import replace

import numpy as np
import pytest

from harness.audio import Audio
from harness.corpus import load_corpus, suites_of
from harness.decision.gates import judge, load_profile
from harness.metrics import intelligibility, metrics_of
from harness.metrics.intelligibility import Floor, Heard, LostWords, floor_of, hear, lost_words
from harness.metrics.measuring import Measuring
from harness.records.gate import Outcome
from harness.text.scoring import compare
from tests.recognisers import Told
from tests.synthetic import draw, request, take, write_voice

TEXT = "واحد اثنان ثلاثة أربعة خمسة"
VOICE_SAMPLES = 20 * 2400
FIRST = [name for name in metrics_of(intelligibility) if not name.startswith("second_")]
SECOND = [f"second_{name}" for name in FIRST]


def measure_intelligibility(takes, told, names=FIRST):
    return Measuring(recognizer=told, second_recognizer=told).measure(takes, names)


def asked(tmp_path, text=TEXT, language="ar"):
    voice = write_voice(tmp_path / "voices", "layla", draw("#" * 20), transcript="مرحبا يا صديقي العزيز")
    return request(text, reference=replace(voice, language=language))


def measured(tmp_path, heard, at_floor="مرحبا يا صديقي العزيز", language="ar", names=FIRST, text=TEXT):
    spoken = take(asked=asked(tmp_path, text, language))
    told = Told({VOICE_SAMPLES: at_floor, spoken.audio.samples.size: heard})
    (found,) = measure_intelligibility([spoken], told, names)
    return found


def outcomes(found):
    gates = load_profile("documented", "").of("short", ["cer_above_floor", "wer_above_floor"])
    return [verdict.outcome for verdict in judge(gates, found, {})]


def test_the_right_words_have_no_errors(tmp_path):
    found = measured(tmp_path, "وَاحِد، اثنان: ٣ اربعة 5!")
    assert (found["cer"].value, found["wer"].value) == (0, 0)
    assert outcomes(found) == [Outcome.PASS, Outcome.PASS]


def test_wrong_words_fail_and_are_told_apart(tmp_path):
    found = measured(tmp_path, "واحد ثلاثة أربعة سبعة خمسة خمسة")
    assert found["wer"].components["deletions"] == 1
    assert found["wer"].components["insertions"] == 2
    assert found["wer"].components["target"] == 5
    assert found["wer"].value == pytest.approx(0.6)
    assert "heard: واحد ثلاثة" in found["wer"].detail
    assert {one.heard for one in found.values()} == {"واحد ثلاثة أربعة سبعة خمسة خمسة"}
    assert outcomes(found) == [Outcome.FAIL, Outcome.FAIL]


def test_silence_is_all_deletions(tmp_path):
    found = measured(tmp_path, "")
    assert found["cer"].value == 1.0
    assert found["cer"].components["deletions"] == found["cer"].components["target"]


def test_the_floor_is_what_the_recogniser_misses_on_the_human_voice(tmp_path):
    found = measured(tmp_path, "واحد اثنان ثلاثة أربعة", at_floor="مرحبا يا صديق العزيز")
    missed = 1 / len("مرحبا يا صديقي العزيز".replace(" ", ""))
    assert found["cer_above_floor"].components["floor"] == pytest.approx(missed)
    assert found["cer_above_floor"].value == pytest.approx(found["cer"].value - missed)


def test_without_a_reference_in_the_language_of_the_text_there_is_no_floor_and_no_verdict(tmp_path):
    found = measured(tmp_path, TEXT, at_floor="nothing of it", language="de")
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert "no reference is spoken in 'ar'" in found["cer_above_floor"].why_not


def test_a_cross_lingual_take_has_the_floor_of_its_own_language(tmp_path):
    spoken = take(asked=asked(tmp_path, language="en"))
    others = [
        write_voice(tmp_path / "voices", name, draw("#" * size), transcript="مرحبا يا صديقي العزيز")
        for name, size in (("omar", 22), ("salma", 24))
    ]
    told = Told(
        {
            VOICE_SAMPLES: "x",
            22 * 2400: "مرحبا يا صديق العزيز",
            24 * 2400: "مرحبا يا صديقي العزيز",
            spoken.audio.samples.size: TEXT,
        }
    )
    (found,) = Measuring(references=others, recognizer=told).measure([spoken], ["cer_above_floor"])
    assert found["cer_above_floor"].components["floor"] == pytest.approx(1 / 36)


def test_a_recogniser_that_mishears_the_human_judges_nobody(tmp_path):
    found = measured(tmp_path, TEXT, at_floor="شيء آخر تماما")
    assert found["cer"].value == 0
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert "at most 30%" in found["cer_above_floor"].why_not


def test_without_a_recogniser_nothing_is_judged_and_nothing_passes():
    (found,) = Measuring().measure([take()], FIRST + SECOND)
    assert outcomes(found) == [Outcome.REFUSED, Outcome.REFUSED]
    assert found["cer"].why_not == "no speech recogniser was given (--asr)"
    assert found["second_cer"].why_not == "no speech recogniser was given (--asr-2)"


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ValueError("no such language"), KeyError("x")])
def test_a_recogniser_that_raises_is_inconclusive(tmp_path, error):
    found = measured(tmp_path, error)
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert type(error).__name__ in found["cer"].why_not


def test_a_recogniser_that_raises_on_the_reference_is_inconclusive(tmp_path):
    found = measured(tmp_path, TEXT, at_floor=RuntimeError("broken"))
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]


def test_a_reference_that_cannot_be_read_is_inconclusive(tmp_path):
    spoken = take(asked=asked(tmp_path))
    spoken.request.reference.path.write_bytes(b"no sound")
    (found,) = measure_intelligibility([spoken], Told({spoken.audio.samples.size: TEXT}))
    assert found["cer"].value == 0
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]


def test_a_recogniser_that_loses_a_transcript_is_inconclusive(tmp_path):
    class Lossy(Told):
        def transcribe(self, clips, languages):
            return []

    (found,) = measure_intelligibility([take(asked=asked(tmp_path))], Lossy({}))
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]


def test_one_bad_clip_costs_the_others_nothing(tmp_path):
    one = take(draw("#" * 10), asked=asked(tmp_path))
    bad = take(draw("#" * 11), asked=one.request)
    missing = take(error="timed out", asked=one.request)
    told = Told({VOICE_SAMPLES: "مرحبا يا صديقي العزيز", 24_000: TEXT, 26_400: RuntimeError("bad clip")})
    good, broken, absent = measure_intelligibility([one, bad, missing], told)
    assert outcomes(good) == [Outcome.PASS, Outcome.PASS]
    assert outcomes(broken) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert outcomes(absent) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert "timed out" in absent["cer"].why_not


def test_every_kind_of_bad_take_has_a_measurement_and_none_passes(tmp_path):
    silent = Audio(np.zeros(24_000, np.float32), 24_000)
    broken = Audio(np.full(30_000, np.nan, np.float32), 24_000)
    told = Told({VOICE_SAMPLES: "مرحبا يا صديقي العزيز", 24_000: "", 30_000: ""})
    takes = [take(sound, asked=asked(tmp_path)) for sound in (silent, broken)] + [take(error="truncated header")]
    for found in measure_intelligibility(takes, told):
        assert set(found) == set(FIRST)
        assert Outcome.PASS not in outcomes(found)


def test_the_recogniser_never_sees_what_is_no_number(tmp_path):
    class Careful(Told):
        def transcribe(self, clips, languages):
            assert all(np.isfinite(clip.samples).all() for clip in clips)
            return super().transcribe(clips, languages)

    broken = Audio(np.full(30_000, np.inf, np.float32), 24_000)
    assert hear([broken], ["ar"], Careful({30_000: "x"})) == [Heard("x")]


def test_what_the_corpus_says_is_spoken_is_what_is_compared(tmp_path):
    plain = request("عيادة د. سعاد")
    told = replace(plain, utterance=replace(plain.utterance, spoken="عيادة الدكتورة سعاد"))
    told = replace(told, reference=asked(tmp_path).reference)
    recognizer = Told({VOICE_SAMPLES: "مرحبا يا صديقي العزيز", 62_400: "عيادة الدكتورة سعاد"})
    (found,) = measure_intelligibility([take(asked=told)], recognizer)
    assert found["wer"].value == 0


def test_the_second_opinion_has_metrics_of_its_own(tmp_path):
    found = measured(tmp_path, TEXT, names=SECOND)
    assert set(found) == {
        "second_cer",
        "second_wer",
        "second_cer_above_floor",
        "second_wer_above_floor",
        "second_lost_words",
    }


def test_a_runaway_is_scored_to_its_end(tmp_path):
    found = measured(tmp_path, " ".join([TEXT] * 12))
    assert found["wer"].components["insertions"] == 55
    assert found["wer"].value == 11.0


def test_a_floor_is_that_of_all_references_of_its_language_together():
    voices = [
        replace(request().reference, language="en", transcript=text) for text in ("I have 12 cats", "one two three")
    ]
    assert floor_of(voices, [Heard("i have twelve cats"), Heard("one two three")], "en") == Floor(0, 0)
    assert floor_of(voices, [Heard("i have 12 hats"), Heard("", "out of memory")], "en").wer == 0.25
    assert "out of memory" in floor_of(voices[:1], [Heard("", "out of memory")], "en").error
    assert "goes round" in floor_of(voices[:1], [Heard("i have " * 60)], "en").error


def test_lost_words_are_not_judged_by_a_recogniser_that_mishears_people(tmp_path):
    found = measured(tmp_path, TEXT, at_floor="شيء آخر تماما")
    assert "at most 30%" in found["lost_words"].why_not


@pytest.mark.parametrize("number", range(25))
def test_a_loop_of_the_recogniser_is_not_blamed_on_the_take(tmp_path, number):
    word = ["ميجة", "خدا", "نئة", "شكرا", "كيف"][number % 5]
    found = measured(tmp_path, " ".join([*TEXT.split()[: number % 4], *[word] * (20 + number)]))
    assert {one.why_not[:34] for one in found.values()} == {"the recogniser failed: it goes rou"}
    assert outcomes(found) == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]


@pytest.mark.parametrize("phrase", ["اشتركوا في القناة", "ترجمة نانسي قنقر", "شكرا على المشاهدة", "موسيقى"])
@pytest.mark.parametrize("times", [1, 2])
def test_phrases_of_videos_over_the_silent_tail_are_not_blamed_on_the_take(tmp_path, phrase, times):
    found = measured(tmp_path, " ".join([TEXT, *[phrase] * times]))
    assert outcomes(found) == [Outcome.PASS, Outcome.PASS]
    assert phrase in found["cer"].detail


def test_the_best_of_several_readings_counts(tmp_path):
    plain = request("عندي 3 كتب")
    told = replace(plain, utterance=replace(plain.utterance, spoken=("عندي ثلاثة كتب", "عندي كتب ثلاثة")))
    told = replace(told, reference=asked(tmp_path).reference)
    spoken = take(asked=told)
    for heard in ("عندي ثلاثة كتب", "عندي كتب ثلاثة"):
        recognizer = Told({VOICE_SAMPLES: "مرحبا يا صديقي العزيز", spoken.audio.samples.size: heard})
        (found,) = measure_intelligibility([spoken], recognizer)
        assert found["wer"].value == 0


EVERY_ROW = [row for suite in suites_of() for row in load_corpus(suite) if len(row.readings[0].split()) > 1]


def test_the_last_word_is_missed_in_texts_of_any_length():
    lost = []
    for row in EVERY_ROW:
        text = row.readings[0]
        assert lost_words(compare(text, text, row.language)).count == 0, row.id
        lost.append(bool(lost_words(compare(text, text.rsplit(maxsplit=1)[0], row.language)).end))
    assert len(lost) > 60
    assert sum(lost) / len(lost) >= 0.95


def test_the_first_word_is_missed_in_texts_of_any_length():
    lost = []
    for row in EVERY_ROW:
        text = row.readings[0]
        lost.append(bool(lost_words(compare(text, text.split(maxsplit=1)[1], row.language)).beginning))
    assert sum(lost) / len(lost) >= 0.95


NUMBERS = "one two three four five"


def test_a_word_that_was_misheard_is_not_lost():
    for heard in ("one two three four live", "one two three fourfive", "one too three four five six"):
        assert lost_words(compare(NUMBERS, heard, "en")).count == 0, heard


@pytest.mark.parametrize(
    ("heard", "lost"),
    [
        ("one too three", LostWords(end=("four", "five"))),
        ("two three four five", LostWords(beginning=("one",))),
        ("one two four five", LostWords(middle=("three",))),
        ("one two three four happy", LostWords(end=("five",))),
        ("", LostWords(end=("one", "two", "three", "four", "five"))),
    ],
)
def test_words_are_lost_at_the_beginning_in_the_middle_and_at_the_end(heard, lost):
    assert lost_words(compare(NUMBERS, heard, "en")) == lost


def test_a_lost_last_word_shows_though_the_one_before_it_is_misheard():
    assert lost_words(compare("the cat sat down", "the cat sad", "en")).end == ("down",)


def test_a_lost_negation_shows():
    assert lost_words(compare("من فضلك لا تفتح الباب", "من فضلك تفتح الباب")).middle == ("لا",)


def test_a_take_that_loses_its_last_word_fails_whatever_its_error_rate(tmp_path):
    text = " ".join(["واحد اثنان ثلاثة أربعة خمسة"] * 6)
    found = measured(tmp_path, text.rsplit(maxsplit=1)[0], text=text)
    assert outcomes(found) == [Outcome.PASS, Outcome.PASS]
    gates = load_profile("documented", "").of("short", ["lost_words"])
    assert [verdict.outcome for verdict in judge(gates, found, {})] == [Outcome.FAIL]
    assert found["lost_words"].detail == "not heard at the end: خمسه"
