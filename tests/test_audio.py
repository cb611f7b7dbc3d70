import io
import os

import numpy as np
import pytest

from harness import audio
from harness.audio import Audio, encode_wav, load
from harness.errors import AudioError
from tests.synthetic import draw


def test_what_is_written_is_what_is_read(tmp_path):
    sound = draw("#.#")
    (tmp_path / "a.wav").write_bytes(audio.encode_wav(sound))
    again = audio.load(tmp_path / "a.wav")
    assert again.sample_rate_hz == 24_000
    np.testing.assert_allclose(again.samples, sound.samples, atol=2**-15)


def test_the_same_samples_give_the_same_bytes():
    assert audio.encode_wav(draw("##")) == audio.encode_wav(draw("##"))


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, 1.5])
def test_defects_that_pcm_would_hide_survive_the_file(tmp_path, spoilt):
    samples = draw("#").samples.copy()
    samples[100] = spoilt
    (tmp_path / "a.wav").write_bytes(audio.encode_wav(Audio(samples, 24_000)))
    np.testing.assert_array_equal(audio.load(tmp_path / "a.wav").samples, samples)
    assert audio.encode_wav(Audio(samples, 24_000)) == audio.encode_wav(Audio(samples.copy(), 24_000))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize(
    ("subtype", "suffix"),
    [("PCM_U8", "wav"), ("PCM_24", "wav"), ("FLOAT", "wav"), ("DOUBLE", "wav"), ("PCM_16", "flac")],
)
def test_any_rate_and_bit_depth_is_read(tmp_path, rate, subtype, suffix):
    import soundfile

    sound = draw("##", rate_hz=rate)
    soundfile.write(tmp_path / f"a.{suffix}", sound.samples, rate, subtype=subtype)
    again = audio.load(tmp_path / f"a.{suffix}")
    assert again.sample_rate_hz == rate
    np.testing.assert_allclose(again.samples, sound.samples, atol=0.01)


def test_a_long_mp3_is_read_without_seams(tmp_path, monkeypatch):
    import soundfile

    monkeypatch.setattr(audio, "BLOCK_FRAMES", 1 << 14)
    path = tmp_path / "a.mp3"
    soundfile.write(path, draw("#" * 30).samples, 24_000)
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(audio.load(path).samples, whole, atol=1e-6)


def test_stereo_is_averaged(tmp_path):
    import soundfile

    left = draw("##").samples
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), 24_000, subtype="FLOAT")
    np.testing.assert_allclose(audio.load(tmp_path / "a.wav").samples, left / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is missing"),
        (b"", "empty file of 0 bytes"),
        (b"RIFF", "not a sound file"),
        (b"hello" * 99, "not a sound"),
    ],
)
def test_an_unreadable_file_is_one_clear_line(tmp_path, content, complaint):
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=complaint) as caught:
        audio.load(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_sound_file(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(AudioError, match="is a folder; a sound file is needed"):
        audio.load(tmp_path / "a.wav")


def test_a_header_without_samples_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(audio.encode_wav(Audio(np.zeros(0, np.float32), 24_000)))
    with pytest.raises(AudioError, match="0 samples"):
        audio.load(tmp_path / "a.wav")


@pytest.mark.parametrize("samples", [np.zeros((2, 2), np.float32), np.zeros(2, np.float64), np.zeros(2, np.int16)])
def test_audio_is_mono_float32_or_nothing(samples):
    with pytest.raises(AudioError, match="float32"):
        Audio(samples, 24_000)


def test_resampling_keeps_the_duration_and_the_level():
    sound = draw("#" * 10)
    other = audio.resample(sound, 16_000)
    assert other.duration_s == pytest.approx(sound.duration_s, abs=0.001)
    assert audio.rms_dbfs(other.samples) == pytest.approx(audio.rms_dbfs(sound.samples), abs=0.3)


def test_levels_have_a_frame_for_each_20_ms_and_one_for_the_rest():
    sound = Audio(np.full(24_000 // 10 + 1, 0.1, np.float32), 24_000)
    np.testing.assert_allclose(audio.frame_levels_dbfs(sound), [-20.0] * 6, atol=1e-4)


def test_levels_of_nothing_are_refused():
    with pytest.raises(AudioError, match="0 samples"):
        audio.frame_levels_dbfs(Audio(np.zeros(0, np.float32), 24_000))


def test_samples_that_are_not_numbers_become_zeros():
    sound = Audio(np.array([0.5, np.nan, np.inf, -np.inf], np.float32), 24_000)
    np.testing.assert_array_equal(audio.finite(sound).samples, np.array([0.5, 0, 0, 0], np.float32))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b.json"
    audio.write_atomically(path, b"old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        audio.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_sound_of_16_bits_is_kept_as_it_is_however_often(tmp_path):
    every = np.arange(-32768, 32768).astype(np.float32) / 32768
    path = tmp_path / "a.wav"
    path.write_bytes(audio.encode_wav(Audio(every, 24_000)))
    again = audio.load(path)
    np.testing.assert_array_equal(again.samples, every)
    assert audio.encode_wav(again) == path.read_bytes()


def encoded(sound, **how):
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound.samples, sound.sample_rate_hz, **how)
    return buffer.getvalue()


SOUND = Audio((0.1 * np.sin(np.arange(48_000) / 20)).astype(np.float32), 24_000)
WHOLE = encode_wav(SOUND)
LONG = Audio(np.random.default_rng(0).normal(0, 0.1, 240_000).astype(np.float32), 24_000)
OGG = encoded(LONG, format="OGG", subtype="VORBIS")
FLAC = encoded(SOUND, format="FLAC")


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("a.wav", WHOLE[: len(WHOLE) // 2], "is cut off: its header says 96,000 bytes of sound, 47,978 are there"),
        ("a.wav", WHOLE[:-2], "is cut off: its header says 96,000 bytes of sound, 95,998 are there"),
        ("a.ogg", OGG[: len(OGG) // 2], "is cut off: its last page"),
        ("a.ogg", OGG[:-1], "is cut off: its last page is not whole"),
        ("a.flac", FLAC[: len(FLAC) // 2], "cut off|libsndfile"),
        ("a.wav", WHOLE[:24] + (10_000_000).to_bytes(4, "little") + WHOLE[28:], "labelled with 10,000,000 Hz"),
        ("a.wav", WHOLE[:24] + (2**31 - 1).to_bytes(4, "little") + WHOLE[28:], "labelled with 2,147,483,647 Hz"),
        ("a.wav", WHOLE[:24] + (20).to_bytes(4, "little") + WHOLE[28:], "labelled with 20 Hz; sound has 4,000"),
    ],
)
def test_a_header_is_believed_no_further_than_the_file_bears_it_out(tmp_path, name, data, complaint):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AudioError, match=complaint):
        load(path)


@pytest.mark.parametrize("size", [2**32 - 1, 2**31 - 1, 2**31 - 1 - 36, 2**32 - 1 - 36])
def test_a_length_that_its_writer_did_not_know_is_no_cut(tmp_path, size):
    path = tmp_path / "streamed.wav"
    path.write_bytes(WHOLE[:40] + size.to_bytes(4, "little") + WHOLE[44:])
    np.testing.assert_array_equal(load(path).samples, load_bytes(tmp_path, WHOLE).samples)


def load_bytes(tmp_path, data, name="whole.wav"):
    (tmp_path / name).write_bytes(data)
    return load(tmp_path / name)


@pytest.mark.parametrize(("name", "data"), [("a.wav", WHOLE), ("a.flac", FLAC), ("a.ogg", OGG)])
def test_a_whole_file_is_read_to_its_end(tmp_path, name, data):
    assert load_bytes(tmp_path, data, name).samples.size == (LONG if data is OGG else SOUND).samples.size


def test_a_flac_that_says_it_is_endless_costs_no_memory(tmp_path):
    # The 36 bits of STREAMINFO that count the samples.
    lying = bytearray(FLAC)
    lying[21] |= 0x0F
    lying[22:26] = b"\xff" * 4
    with pytest.raises(AudioError, match=r"cut off|libsndfile"):
        load_bytes(tmp_path, bytes(lying), "endless.flac")


def test_a_file_that_is_longer_than_anybody_speaks_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.audio.MOST_VALUES", 24_000)
    with pytest.raises(AudioError, match=r"holds more than 1 s of sound; that is the most that is read"):
        load_bytes(tmp_path, WHOLE)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="is a pipe or device; a sound file is needed"):
        load(tmp_path / "pipe.wav")  # without the check it waits for ever
    with pytest.raises(AudioError, match="is a folder; a sound file is needed"):
        load(tmp_path)
