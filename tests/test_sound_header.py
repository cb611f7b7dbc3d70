"""A header that says more than is there; `tests/test_audio.py` plays the rest through `load`."""

import pytest

from harness.audio import encode_wav
from harness.sound_header import missing_from
from tests.synthetic import draw


@pytest.mark.parametrize("chunk", [b"", b"LIST\x04\x00\x00\x00INFO", b"odd!\x03\x00\x00\x00abc\x00"])
def test_the_sound_is_found_behind_other_chunks(tmp_path, chunk):
    whole, path = encode_wav(draw("#")), tmp_path / "a.wav"
    path.write_bytes(whole[:36] + chunk + whole[36:])
    assert missing_from(path, "WAV", 2400, 2400) == ""
    path.write_bytes((whole[:36] + chunk + whole[36:])[:-10])
    assert missing_from(path, "WAV", 2400, 2395) == "its header says 4,800 bytes of sound, 4,790 are there"


def test_what_is_no_riff_or_has_no_sound_says_nothing(tmp_path):
    path = tmp_path / "a.wav"
    for data in (b"RF64", b"RIFF\x00\x00\x00\x00WAVE", b""):
        path.write_bytes(data)
        assert missing_from(path, "WAV", 0, 0) == ""


def test_other_kinds_are_counted_in_frames(tmp_path):
    assert missing_from(tmp_path, "FLAC", 100, 99) == "its header says 100 frames, 99 are there"
    assert missing_from(tmp_path, "FLAC", 100, 100) == missing_from(tmp_path, "MP3", 100, 99) == ""
    assert missing_from(tmp_path, "FLAC", 2**60, 99) == ""
