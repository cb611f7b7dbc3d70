import tomllib

import numpy as np
import pytest

from harness import audio, cli, shipped
from harness.decision.gates import load_profile
from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.lab import calibration
from harness.lab.calibration import Scores, calibrate, halves, rows
from harness.lab.speech import Recording
from tests.synthetic import draw, write_voice


class ByPitch:
    """Hears the pitch of a buzz as its voice, a little blurred by how long the clip is."""

    fingerprint = "by pitch"

    def embed(self, clips):
        found = []
        for clip in clips:
            power = np.abs(np.fft.rfft(clip.samples))
            angle = np.fft.rfftfreq(clip.samples.size, 1 / clip.sample_rate_hz)[power.argmax()] / 200
            found.append([np.cos(angle), np.sin(angle)])
        return np.array(found, np.float32)


def recording(speaker, hz, language="ar", picture="#" * 80):
    return Recording(speaker, language, "", draw(picture, pitch_hz=hz))


@pytest.fixture
def clips():
    return [recording(name, hz) for name, hz in (("low", 100), ("mid", 200), ("top", 300))]


def test_voices_that_are_apart_get_a_limit_between_same_and_different(clips):
    brackets = calibrate(clips, ByPitch())
    assert [one.from_s for one in brackets] == [2.0, 2.5, 3.0, 4.0]
    for one in brackets:
        assert 0.878 < one.limit <= 1.0  # the cosine of two neighbours, 0.5 rad apart
        assert (one.false_reject.count, one.false_accept["ar"].count, one.nearest_errors.count) == (0, 0, 0)
        assert not one.held_out
    assert brackets[0].false_reject.of == 3 * 7  # crops of 2 s in 8 s, a new one every second
    assert brackets[0].false_accept["ar"].of == 2 * 3 * 7


def test_the_speakers_of_each_language_are_dealt_to_two_halves():
    clips = [recording(name, 100, language) for name, language in zip("abcdefg", ["ar"] * 4 + ["en"] * 3, strict=True)]
    first, second = ({clip.speaker for clip in half} for half in halves(clips))
    assert (first, second) == ({"a", "c", "e", "g"}, {"b", "d", "f"})
    assert halves(clips[:3]) == [clips[:3]]


def scores(lowest):
    same = {"ar": np.linspace(lowest, 0.95, 201)}
    return Scores(same, {"ar": np.linspace(0.2, 0.75, 101)}, Rate(3, 201))


def test_false_rejects_are_counted_on_the_half_that_did_not_set_the_limit(monkeypatch):
    parts = iter([{2.0: scores(0.71)}, {2.0: scores(0.61)}])
    monkeypatch.setattr(calibration, "score", lambda clips, encoder: next(parts))
    (one,) = calibrate([recording(name, 100) for name in "abcd"], ByPitch())
    assert (one.limit, one.of_halves) == (pytest.approx(0.61), pytest.approx((0.71, 0.61)))
    assert one.held_out
    # the first half loses nobody to the lower limit, the second those between 0.61 and 0.71
    assert one.false_reject == Rate(59, 402)
    assert one.false_accept == {"ar": Rate(2 * 26, 202)}
    assert one.nearest_errors == Rate(6, 402)


def test_a_limit_rejects_one_in_two_hundred_of_the_language_that_scores_lowest():
    two = Scores(
        {"ar": np.linspace(0.6, 0.9, 401), "en": np.linspace(0.7, 0.9, 401)},
        {"ar": np.linspace(0.3, 0.7, 101), "en": np.linspace(0.3, 0.5, 101)},
        Rate(0, 0),
    )
    assert two.limit == pytest.approx(0.60)
    assert two.false_reject(two.limit) == Rate(0, 802)
    assert two.equal_error("ar") == (pytest.approx(0.643, abs=0.005), pytest.approx(0.143, abs=0.01))


def test_a_limit_is_no_higher_than_it_needs_to_be():
    apart = Scores({"ar": np.linspace(0.9, 0.95, 401)}, {"ar": np.linspace(0.3, 0.5, 101)}, Rate(0, 0))
    assert apart.limit == pytest.approx(0.9)  # the lowest score that no stranger reaches


def test_the_limits_do_not_fall_with_the_length(monkeypatch):
    monkeypatch.setattr(calibration, "score", lambda clips, encoder: {2.0: scores(0.7), 4.0: scores(0.65)})
    assert [one.limit for one in calibrate([recording(name, 100) for name in "abc"], ByPitch())] == [0.7, 0.7]


def test_strangers_of_another_language_are_no_trial():
    clips = [recording("a", 100), recording("b", 110, "en"), recording("c", 300, "en")]
    (one, *_) = calibrate(clips, ByPitch())
    assert set(one.false_accept) == {"en"}


def test_a_crop_holds_speech_and_not_pauses():
    sound = draw(("#" * 10 + "." * 10) * 4)
    crops = [crop.duration_s for crop, _ in calibration._crops(sound, 2.0)]
    assert crops == pytest.approx([3.0, 3.0, 3.0], abs=0.1)


def test_a_speaker_of_several_clips_is_compared_with_the_others():
    clips = [recording("a", 100), recording("a", 101), recording("b", 300)]
    (one, *_) = calibrate(clips, ByPitch())
    assert one.false_reject.of == 3 * 7  # both clips of a against the other, that of b against its rest
    assert one.nearest_errors == Rate(0, 7 + 7)  # b has no second clip for a's second to be beside


def test_the_rows_are_gates_that_can_be_read(clips, tmp_path):
    text = rows(calibrate(clips, ByPitch()), "3 clips of 3 speakers", one_recording=True)
    assert "optimistic" in text
    assert tomllib.loads(text)["profile"]["calibrated"]["gate"][0]["false_reject"] == 0
    (tmp_path / "gates.toml").write_text(text)
    assert [gate.name for gate in load_profile("calibrated", "", tmp_path / "gates.toml").gates] == [
        "speaker_similarity",
        "nearest_reference",
    ]


def test_one_speaker_alone_cannot_be_calibrated(clips):
    with pytest.raises(UsageError, match="1 speaker in 1 clips"):
        calibrate(clips[:1], ByPitch())


def test_clips_that_are_too_short_are_told_how_long_they_must_be():
    short = [recording(name, 100, picture="#" * 30) for name in ("one", "two")]
    with pytest.raises(UsageError, match="record at least 4 s of speech in each voice"):
        calibrate(short, ByPitch())


def test_the_command_takes_recordings_or_voices_and_not_both(tmp_path, capsys):
    assert cli.main(["calibrate", "--voices", str(tmp_path), "--speech", str(tmp_path)]) == 4
    assert "not allowed with argument --voices" in capsys.readouterr().err
    assert cli.main(["calibrate", "--speech", str(tmp_path)]) == 4
    assert "holds no manifest.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_writes_rows_for_the_shipped_voices(tmp_path, capsys):

    out = tmp_path / "rows.toml"
    assert cli.main(["calibrate", "--voices", str(shipped.VOICES), "--out", str(out)]) == 0
    gates = load_profile("calibrated", "", out).gates
    limits = [step.at_least for step in gates[0].steps]
    assert 0.5 < limits[0] <= limits[-1] < 0.95
    assert "of each half of the speakers" in capsys.readouterr().out


@pytest.mark.slow
def test_recordings_are_calibrated_like_voices(tmp_path, capsys):
    from harness.corpus import load_voices

    voices = load_voices(shipped.VOICES)[:3]
    table = ["file,language,speaker,transcript"]
    for voice in voices:
        write_voice(tmp_path, voice.id, audio.load(voice.path))
        table.append(f"{voice.id}.wav,{voice.language},{voice.id},text")
    (tmp_path / "manifest.csv").write_text("\n".join(table), encoding="utf-8")
    assert cli.main(["calibrate", "--speech", str(tmp_path)]) == 0
    assert "optimistic" in capsys.readouterr().out
