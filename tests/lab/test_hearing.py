"""What the gates on the words say, by a recogniser that hears tones."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.corpus import Reference
from harness.decision.gates import load_profile
from harness.lab import hearing
from harness.lab.hearing import FLOOR_CLIPS, Hearing, of_floors
from harness.metrics.measuring import Measuring
from harness.shipped import SuitesFolder
from tests.synthetic import request, take, write_voice
from tests.tones import WORDS, ByTone, spoken

ROW = """
[[profile.documented.gate]]
name = "text_llr by tone"
metric = "text_llr"
unit = "nats"
why = "a word is missing"
at_most = 2.0
languages = ["en"]
recognisers = ["feedfacefeedface"]
"""
TEXT = " ".join(WORDS[:5])


def reference(number, language="ar", transcript="نص"):
    return Reference(f"{language}{number}", Path(), transcript, language, "layla", "")


def test_floors_are_known_by_the_first_references_of_each_language_that_somebody_wrote_down():
    there = [reference(0, transcript=""), *map(reference, range(1, 12)), reference(1), reference(0, "en")]
    floors = of_floors(there)
    assert [one.id for one in floors] == [f"ar{number}" for number in range(1, FLOOR_CLIPS + 1)] + ["en0"]


@pytest.mark.parametrize(("rows", "alarms"), [(ROW, (False, True)), ("", (False, False))])
def test_a_lost_word_is_an_alarm_of_gates_that_were_calibrated_for_the_recogniser_and_of_no_others(
    rows, alarms, tmp_path, monkeypatch
):
    gates = tmp_path / "gates.toml"
    gates.write_text(SuitesFolder().gates.read_text(encoding="utf-8") + rows, encoding="utf-8")
    voice = write_voice(tmp_path, "tones", spoken(WORDS[:4]), " ".join(WORDS[:4]), "en")
    measuring = Measuring(references=(voice,), recognizer=ByTone())
    monkeypatch.setattr(hearing, "load_profile", lambda name, backend: load_profile(name, backend, gates))
    monkeypatch.setattr(hearing, "_measuring", lambda _: measuring)
    asked = request(TEXT, reference=voice)
    asked = replace(asked, utterance=replace(asked.utterance, language="en"))
    hears = Hearing("by tone", (voice,), tmp_path)
    for words, alarm in zip((WORDS[:5], WORDS[1:5]), alarms, strict=True):
        heard = hears.alarms(take(spoken(words), asked=asked), ("documented", "calibrated"))
        assert list(heard) == ["documented", "calibrated"]
        assert [bool(against) for against in heard.values()] == [alarm, alarm]
    assert hears.fingerprint() == "by tone"
