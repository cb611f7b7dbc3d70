import tomllib

import numpy as np
import pytest

from harness import cli
from harness.errors import UsageError
from harness.gates import load_profile
from harness.power.calibration import Bracket, calibrate, rows
from harness.power.rates import Rate
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


@pytest.fixture
def voices(tmp_path):
    return [
        write_voice(tmp_path, name, draw("#" * 80, pitch_hz=hz))
        for name, hz in (("low", 100), ("mid", 200), ("top", 300))
    ]


def test_voices_that_are_apart_get_a_limit_between_same_and_different(voices):
    short, long = calibrate(voices, ByPitch())
    assert (short.from_s, long.from_s) == (2.0, 4.0)
    assert short.same.size == 6  # two crops of 3 s in each of three clips of 8 s
    assert short.different.size == 12
    assert short.different.max() < short.limit <= short.same.min()
    assert short.equal_error[1] == 0
    assert (short.false_reject, short.false_accept) == (Rate(0, 6), Rate(0, 12))
    assert short.nearest_errors == Rate(0, 6)


def test_overlapping_scores_are_counted_as_they_are():
    bracket = Bracket(2.0, np.linspace(0.6, 1.0, 101), np.linspace(0.3, 0.7, 101), Rate(3, 101))
    threshold, error = bracket.equal_error
    assert threshold == pytest.approx(0.65, abs=0.01)
    assert error == pytest.approx(0.125, abs=0.02)
    assert bracket.limit == pytest.approx(0.60)
    assert bracket.false_accept.count == 26


def test_the_rows_are_gates_that_can_be_read(voices, tmp_path):
    text = rows(calibrate(voices, ByPitch()), "3 clips of 3 speakers", one_recording=True)
    assert "optimistic" in text
    assert tomllib.loads(text)["profile"]["calibrated"]["gate"][0]["false_reject"] == 0
    (tmp_path / "gates.toml").write_text(text)
    assert [gate.name for gate in load_profile("calibrated", "", tmp_path / "gates.toml").gates] == [
        "speaker_similarity",
        "nearest_reference",
    ]


def test_one_speaker_alone_cannot_be_calibrated(voices):
    with pytest.raises(UsageError, match="1 speaker in 1 clips"):
        calibrate(voices[:1], ByPitch())


def test_clips_that_are_too_short_are_told_how_long_they_must_be(tmp_path):
    short = [write_voice(tmp_path, name, draw("#" * 30)) for name in ("one", "two")]
    with pytest.raises(UsageError, match="record at least 5 s of each voice"):
        calibrate(short, ByPitch())


@pytest.mark.slow
def test_the_command_writes_rows_for_the_shipped_voices(tmp_path, capsys):
    from harness.corpus import SHIPPED

    out = tmp_path / "rows.toml"
    assert cli.main(["calibrate", "--voices", str(SHIPPED / "voices"), "--out", str(out)]) == 0
    gates = load_profile("calibrated", "", out).gates
    assert 0.5 < gates[0].at_least_from[0][1] < 0.95
    assert "equal error" in capsys.readouterr().out
