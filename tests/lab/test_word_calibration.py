"""Limits for the words, fitted on clean speech and tried on speech whose words were cut, by one that hears tones."""

import tomllib

import numpy as np
import pytest

from harness import cli
from harness.audio import encode_wav
from harness.decision.gates import load_profile
from harness.errors import UsageError
from harness.lab import word_calibration
from harness.lab.speech import Recording
from harness.lab.word_calibration import OTHER_TEXT, calibrate, limits_of, rejects, rows, tail_limit
from harness.lab.word_faults import FAULTS
from harness.metrics.intelligibility import Floor
from harness.shipped import SuitesFolder
from harness.store import DerivedValues
from tests.tones import ByTone, sentences, spoken


@pytest.fixture(scope="module")
def hearing(tmp_path_factory):
    recognizer, lines = ByTone(), []
    derived = DerivedValues(tmp_path_factory.mktemp("kept"))
    return calibrate(sentences(), recognizer, derived, most=4, say=lines.append), recognizer, derived, lines


def test_one_that_hears_well_finds_every_fault_and_rejects_no_clean_clip(hearing):
    found, *_ = hearing
    assert (found.crossed.count, found.crossed.of, found.unjudged, found.halved_by) == (0, 20, 0, "speaker")
    assert set(found.power) == {*FAULTS, OTHER_TEXT}
    counted = {fault: (rate.count, rate.of) for fault, rate in found.power.items()}
    assert counted == {**dict.fromkeys(FAULTS, (4, 4)), OTHER_TEXT: (20, 20)}


def test_one_that_hears_nothing_finds_no_fault(tmp_path):
    found = calibrate(sentences(), ByTone(deaf=True), DerivedValues(tmp_path), most=4)
    assert max(rate.value for fault, rate in found.power.items() if fault != OTHER_TEXT) < 0.5


def test_every_batch_is_kept_so_that_nothing_is_heard_again(hearing):
    _, recognizer, derived, lines = hearing
    before = recognizer.heard
    again = calibrate(sentences(), recognizer, derived, most=4)
    assert recognizer.heard == before
    assert again.power["added word"].of == 4
    assert "clean speech: 20 of 20 clips heard" in lines


def test_the_rows_are_gates_for_that_recogniser_and_language(hearing, tmp_path):
    found, recognizer, *_ = hearing
    text = rows(found, recognizer, "by tone", "20 clips")
    path = tmp_path / "gates.toml"
    path.write_text(SuitesFolder().gates.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")
    mine = [gate for gate in load_profile("documented", "", path).gates if "feedfacefeedface" in gate.recognisers]
    assert {gate.metric for gate in mine} == set(found.limits)
    assert all(gate.languages == ("en",) and not gate.advisory for gate in mine)
    assert "missing inner word 4 of 4" in text
    assert tomllib.loads(text)["profile"]["documented"]["gate"][0]["false_reject"] == 0.0


def test_a_tail_leaves_the_share_that_it_was_asked_for():
    values = np.random.default_rng(0).exponential(5.0, 20_000)
    assert float((values > tail_limit(values, 0.004)).mean()) == pytest.approx(0.004, abs=0.0015)


def test_a_tail_that_is_shorter_than_an_exponential_is_not_prolonged_and_wrong_labels_do_not_move_it():
    short = np.linspace(0.0, 1.0, 200)
    assert 1.0 < tail_limit(short, 0.004) < 1.05
    mislabelled = np.concatenate([short[:-2], [50.0, 60.0]])
    assert 1.0 < tail_limit(mislabelled, 0.004) < 1.5


def test_no_more_clips_than_may_have_a_wrong_label_lie_beyond_a_limit():
    values = np.concatenate([np.linspace(0.0, 1.0, 193), [50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0]])
    assert (values > tail_limit(values, 0.004)).sum() == 2


def test_error_rates_are_judged_above_the_floor():
    clean = [dict.fromkeys(word_calibration.SHARES, 0.3)] * 20
    found = limits_of(clean, [], Floor(0.2, 0.1))
    assert (found["cer_above_floor"], found["wer_above_floor"], found["missing_words_llr"]) == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_ratio_without_a_tail_asks_for_as_much_as_its_share_does(value):
    found = limits_of([dict.fromkeys(word_calibration.SHARES, value)] * 20, [], Floor(0.0, 0.0))
    assert (found["added_words_llr"], found["replaced_words_llr"], found["text_llr"]) == (5.9, 5.6, 7.7)


def test_few_clips_leave_missing_words_more_room():
    values = [dict.fromkeys(word_calibration.SHARES, 0.1 * number) for number in range(40)]
    few, many = (limits_of(values * times, [], Floor(0.0, 0.0)) for times in (1, 5))
    assert few["missing_words_llr"] > many["missing_words_llr"]
    assert few["replaced_words_llr"] == many["replaced_words_llr"]


def test_what_the_sound_says_for_a_text_has_its_limit_from_the_texts_of_other_clips():
    clean = [dict.fromkeys(word_calibration.SHARES, 0.0) | {"text_support": 1.0}] * 40
    others = [{"text_support": value} for value in np.random.default_rng(0).normal(-0.05, 0.05, 400)]
    limits = limits_of(clean, others, Floor(0.0, 0.0))
    assert 0.05 < limits["text_support"] < 0.2
    assert not rejects(clean[0], limits, Floor(0.0, 0.0))
    assert sum(rejects(one, limits, Floor(0.0, 0.0)) for one in others) == pytest.approx(398, abs=2)
    assert "text_support" not in limits_of(clean, [{}] * 40, Floor(0.0, 0.0))


@pytest.mark.parametrize(
    ("clips", "why"),
    [
        (sentences(10), "10 clips of 3 words"),
        ([*sentences(), Recording("x", "ar", "a b c", spoken(["abcd"]))], "limits hold for one language"),
    ],
)
def test_too_little_speech_and_two_languages_are_refused(clips, why, tmp_path):
    with pytest.raises(UsageError, match=why):
        calibrate(clips, ByTone(), DerivedValues(tmp_path))


def test_the_command_writes_the_rows_and_says_how_far_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(word_calibration, "MOST", 1)
    folder = tmp_path / "speech"
    folder.mkdir()
    lines = ["file,language,speaker,transcript"]
    for number, one in enumerate(sentences()):
        (folder / f"{number}.wav").write_bytes(encode_wav(one.sound))
        lines.append(f"{number}.wav,en,{one.speaker},{one.transcript}")
    lines.append("0.wav,en,nobody,")
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    asked = ["calibrate", "--words", "--speech", str(folder), "--cache", str(tmp_path), "--out", str(tmp_path / "rows")]
    assert cli.main([*asked, "--asr", "tests.tones:ByTone"]) == 0
    shown = capsys.readouterr()
    assert "clean speech: 20 of 20 clips heard" in shown.err
    assert (tmp_path / "rows").read_text(encoding="utf-8") in shown.out
    assert "# 1 clips left out: nobody says what was said in them" in shown.out
    assert "# speech: rejects 0 of 20" in shown.out
    assert cli.main(asked) == 4
