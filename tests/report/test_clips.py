"""What travels: without loss where it can, small and labelled where it must, each sound once."""

import io

import numpy as np
import pytest

from harness import audio
from harness.audio import Audio
from harness.report.clips import Recording, Recordings
from tests.synthetic import draw

soundfile = pytest.importorskip("soundfile")


def write(path, sound):
    path.write_bytes(audio.encode_wav(sound))
    return path


def test_the_evidence_has_the_very_samples_of_the_file(tmp_path):
    path = write(tmp_path / "take.wav", draw("##..##"))
    clip = Recording.of(path).evidence
    assert (clip.suffix, clip.lossy, clip.mime) == (".flac", False, "audio/flac")
    obtained, rate = soundfile.read(io.BytesIO(clip.data), dtype="int16")
    expected, expected_rate = soundfile.read(path, dtype="int16")
    assert rate == expected_rate
    np.testing.assert_array_equal(obtained, expected)


@pytest.mark.parametrize("value", [np.nan, 1.5])
def test_a_defect_that_flac_cannot_hold_travels_as_it_is(tmp_path, value):
    sound = draw("#####")
    sound.samples[100] = value
    path = write(tmp_path / "take.wav", sound)
    clip = Recording.of(path).evidence
    assert (clip.suffix, clip.data) == (".wav", path.read_bytes())


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 96_000, 7_350])
def test_a_preview_is_as_long_as_the_sound_and_a_fraction_of_its_size(tmp_path, rate):
    path = write(tmp_path / "take.wav", draw("#" * 40, rate_hz=rate))
    clip = Recording.of(path).preview
    assert clip.lossy
    assert len(clip.data) < path.stat().st_size / 2
    assert soundfile.info(io.BytesIO(clip.data)).duration == pytest.approx(4.0, abs=0.2)


def test_equal_files_are_one_recording_whatever_they_are_called(tmp_path):
    first, second = (write(tmp_path / name, draw("#" * 10)) for name in ("a.wav", "b.wav"))
    shelf = Recordings([first, second])
    assert shelf[first] is shelf[second]


def test_a_file_that_cannot_be_played_says_why(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF....")
    shelf = Recordings([tmp_path / "bad.wav", tmp_path / "gone.wav"])
    assert "is not a sound file" in shelf.missing[tmp_path / "bad.wav"]
    assert "is missing" in shelf.missing[tmp_path / "gone.wav"]


def test_where_space_is_short_the_first_groups_stay_lossless_and_no_group_is_mixed(tmp_path):
    rng = np.random.default_rng(0)
    paths = [
        write(tmp_path / f"{n}.wav", Audio((0.1 * rng.standard_normal(48_000)).astype(np.float32), 24_000))
        for n in range(6)
    ]
    groups = [paths[0:2], paths[2:4], paths[4:6]]
    shelf = Recordings(paths)
    size = len(shelf[paths[0]].evidence.data)
    assert shelf.encode(groups, most_bytes=10 * size) == [True, True, True]
    assert shelf.encode(groups, most_bytes=round(2.9 * size)) == [True, False, False]
    assert shelf.encode(groups, most_bytes=0) == [False, False, False]


def test_levels_tell_a_soft_recording_from_a_loud_one(tmp_path):
    loud, soft = (
        Recording.of(write(tmp_path / f"{level}.wav", draw("#" * 10, level=level))).level_dbfs for level in (0.2, 0.02)
    )
    assert loud - soft == pytest.approx(20, abs=0.1)
