import io
import struct

import numpy as np
import pytest

from harness import audio
from harness.backends.received import decoded, quoted
from harness.errors import BackendError
from tests.synthetic import draw

SOUND = draw("##")
WAV = audio.encode_wav(SOUND)
AT = WAV.index(b"data") + 4


def with_size(size):
    return WAV[:AT] + struct.pack("<I", size) + WAV[AT + 4 :]


def written(kind, subtype=None):
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, SOUND.samples, 24_000, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize("body", [WAV, written("WAV", "FLOAT"), written("FLAC"), WAV + b"LIST\x04\0\0\0abcd"])
def test_a_whole_file_is_heard_as_it_is(body):
    np.testing.assert_allclose(decoded(body).samples, SOUND.samples, atol=2**-15)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_header_that_was_written_before_its_length_was_known_is_mended(size):
    np.testing.assert_array_equal(decoded(with_size(size)).samples, decoded(WAV).samples)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (with_size(100_000), "the WAV is cut: its header promises 100000 bytes of sound, 9600 came"),
        (with_size(9_000), "goes on 600 bytes beyond the sound that its header promises"),
        (WAV[:AT], "holds no sound"),
        (WAV[: AT + 4], "the WAV is cut: .* 0 came"),
        (with_size(0)[: AT + 4], "holds 0 samples"),
        (WAV[:8] + b"AVI " + WAV[12:], "no WAVE"),
        (b"<html>", "no sound file .*'<html>'"),
        (WAV[:24] + struct.pack("<I", 2**31 - 1) + WAV[28:], "at 2147483647 Hz"),
        (written("FLAC")[:-200], "cut|no sound file"),
    ],
)
def test_what_is_not_whole_is_refused(body, complaint):
    with pytest.raises(BackendError, match=complaint):
        decoded(body)


def test_channels_that_cancel_each_other_are_noted():
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([SOUND.samples, -SOUND.samples], axis=1), 24_000, format="WAV")
    assert decoded(buffer.getvalue()).downmix_loss_db > 60


def test_an_error_shows_one_short_line():
    assert quoted(b"a\n  b" + b"x" * 10_000).count("\n") == 0
    assert len(quoted(b"x" * 10_000)) < 200
