"""A ruler that cannot tell what everybody can is found out before it judges anybody."""

from dataclasses import replace

import numpy as np
import pytest

from harness.metrics import controls, silence
from harness.metrics.measuring import Measuring
from harness.metrics.speaker import Voices
from tests.recognisers import Told
from tests.synthetic import draw, write_voice

RIGHT = "مرحبا يا صديقي العزيز"


class Constant:
    fingerprint = "constant"

    def embed(self, clips):
        return np.tile(np.eye(1, 8, dtype=np.float32), (len(clips), 1))


class Pitched:
    """Hears the highest partial of a clip."""

    fingerprint = "pitched"

    def embed(self, clips):
        rows = [np.abs(np.fft.rfft(clip.samples, 4800))[:64] for clip in clips]
        return np.stack([(row / np.linalg.norm(row)).astype(np.float32) for row in rows])


@pytest.fixture
def voices(tmp_path):
    one = write_voice(tmp_path, "layla", draw("#" * 20, pitch_hz=220.0), transcript=RIGHT)
    other = write_voice(tmp_path, "omar", draw("#" * 21, pitch_hz=105.0), transcript=RIGHT)
    return [one, other]


def broken(voices, metrics, languages=("ar",), **made):
    return controls.broken(Measuring(references=voices, **made), metrics, voices, languages)


def test_an_encoder_that_tells_voices_apart_is_whole(voices):
    assert broken(voices, ["speaker_similarity"], encoder=Pitched()) == []
    assert broken(voices[:1], ["speaker_similarity"], encoder=Pitched()) == []


@pytest.mark.parametrize("many", [1, 2])
def test_an_encoder_that_answers_a_constant_is_broken(voices, many):
    (complaint,) = broken(voices[:many], ["voice_drift"], encoder=Constant())
    assert "constant cannot tell the references apart: with themselves they score 1.000" in complaint


def test_an_encoder_that_nothing_needs_is_not_asked(voices):
    assert broken(voices, ["length", "cer"], encoder=Constant()) == []


def test_a_reference_too_short_to_cut_is_still_told_from_others():
    rows = dict(zip(("a", "b"), np.eye(2, dtype=np.float32), strict=True))
    nothing_known = Voices(rows, {"a": "a", "b": "b"}, {"a": float("nan")})
    assert controls.encoder(nothing_known, Pitched()) == []


@pytest.mark.parametrize("heard", ["", "شيء آخر تماما", RuntimeError("out of memory")])
def test_a_recogniser_that_hears_no_reference_is_broken(voices, heard):
    told = Told({voices[n].path.stat().st_size // 2 - 22: heard for n in (0, 1)})
    (complaint,) = broken(voices, ["cer_above_floor"], recognizer=told)
    assert "the recogniser of --asr (told r1) hears none of the 2 references" in complaint
    assert broken(voices, ["length"], recognizer=told) == []


def test_a_recogniser_that_hears_one_reference_is_whole(voices):
    sizes = [voice.path.stat().st_size // 2 - 22 for voice in voices]
    assert broken(voices, ["second_cer"], second_recognizer=Told({sizes[0]: RIGHT, sizes[1]: ""})) == []


def test_a_recogniser_that_hears_another_language_only_is_whole(voices):
    sizes = [voice.path.stat().st_size // 2 - 22 for voice in voices]
    mixed = [voices[0], replace(voices[1], language="en")]
    assert broken(mixed, ["cer"], recognizer=Told({sizes[0]: "", sizes[1]: RIGHT})) == []
    (complaint,) = broken(mixed, ["cer"], recognizer=Told({}))
    assert "hears none of the 2 references" in complaint


def test_references_in_other_languages_say_nothing_about_a_recogniser(voices):
    assert broken([replace(one, language="de") for one in voices], ["cer"], recognizer=Told({})) == []


def test_where_no_recogniser_was_given_none_is_judged(voices):
    assert broken(voices, ["cer", "second_cer"]) == []


def test_a_silence_that_is_not_silent_is_found(monkeypatch):
    assert controls.sound() == []
    monkeypatch.setattr(silence, "INAUDIBLE_DBFS", -300.0)
    assert controls.sound() == ["digital silence is measured as 0% silent; all of it is"]
