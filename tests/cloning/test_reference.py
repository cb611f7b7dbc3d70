import struct
from types import SimpleNamespace

import numpy as np
import pytest

from harness.audio import Audio, encode_wav
from harness.cloning import reference
from harness.cloning.reference import ReferenceConfig, whisper_inputs
from harness.errors import AudioError
from tests.synthetic import draw

VOICE = draw("#" * 20)


def write(*arguments, **options):
    import soundfile

    soundfile.write(*arguments, **options)


def test_both_pathways_have_the_rate_they_need(tmp_path):
    (tmp_path / "a.wav").write_bytes(encode_wav(VOICE))
    features = reference.load(tmp_path / "a.wav")
    assert (features.codec_audio.sample_rate_hz, features.codec_audio.duration_s) == (24_000, 2.0)
    assert (features.whisper_audio.sample_rate_hz, features.whisper_audio.duration_s) == (16_000, 2.0)
    assert not features.cut


@pytest.mark.slow  # imports transformers
def test_the_log_mel_features_are_whispers(tmp_path):
    (tmp_path / "a.wav").write_bytes(encode_wav(VOICE))
    features = reference.load(tmp_path / "a.wav")
    assert features.log_mel.shape == (80, 3000)
    assert features.log_mel[:, :200].std() > 2 * features.log_mel[:, 1000:].std()


def test_features_go_only_to_a_model_that_encodes_them():
    features = SimpleNamespace(log_mel=np.zeros((80, 3000), np.float32))
    assert whisper_inputs(SimpleNamespace(), features) == {}
    assert whisper_inputs(SimpleNamespace(encode_whisper_embed=False), features) == {}
    found = whisper_inputs(SimpleNamespace(encode_whisper_embed=True), features)
    assert found["audio_features"].shape == (1, 80, 3000)


@pytest.mark.parametrize(
    ("suffix", "rate", "channels", "subtype"),
    [
        (".wav", 24_000, 2, "PCM_16"),
        (".wav", 8_000, 1, "PCM_16"),
        (".wav", 48_000, 1, "PCM_24"),
        (".wav", 44_100, 2, "DOUBLE"),
        (".flac", 22_050, 1, "PCM_16"),
        (".ogg", 24_000, 1, "VORBIS"),
        (".mp3", 44_100, 2, "MPEG_LAYER_III"),
    ],
)
def test_every_usual_kind_of_file_is_read(tmp_path, suffix, rate, channels, subtype):
    sound = draw("#" * 20, rate_hz=rate)
    path = tmp_path / f"a{suffix}"
    write(path, np.stack([sound.samples.astype(np.float64)] * channels, axis=1), rate, subtype=subtype)
    features = reference.load(path)
    assert features.codec_audio.samples.dtype == np.float32
    assert features.codec_audio.duration_s == pytest.approx(2.0, abs=0.06)  # MP3 pads its frames
    assert np.abs(features.codec_audio.samples).max() == pytest.approx(np.abs(sound.samples).max(), rel=0.2)


def test_an_mp3_is_read_as_whole_as_it_is(tmp_path):
    sound = draw("#" * 45 + "." + "#" * 40)
    write(tmp_path / "a.mp3", sound.samples, 24_000)
    import soundfile

    whole, _ = soundfile.read(tmp_path / "a.mp3", dtype="float32")
    features = reference.load(tmp_path / "a.mp3")
    assert not features.cut
    np.testing.assert_allclose(features.codec_audio.samples, whole, atol=1e-6)


def test_a_long_reference_is_cut_at_a_quiet_place_and_never_held_whole(tmp_path, monkeypatch):
    sound = draw("#" * 85 + "..." + "#" * 412)
    write(tmp_path / "a.wav", sound.samples, 24_000)
    import soundfile

    real, most = soundfile.SoundFile.read, []

    def read(file, frames=-1, **options):
        most.append(frames)
        return real(file, frames, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", read)
    features = reference.load(tmp_path / "a.wav", ReferenceConfig(window_s=10.0))
    assert features.cut
    assert 8.5 <= features.codec_audio.duration_s <= 8.8
    assert max(most) == 24_000
    assert sum(most) == 240_001  # the one more says that the file goes on


def silence(path, samples):
    write(path, np.asarray(samples, np.float32), 24_000, subtype="FLOAT")


def truncated(path):
    write(path, VOICE.samples, 24_000, format="FLAC")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def header_only(path):
    path.write_bytes(encode_wav(Audio(np.zeros(0, np.float32), 24_000)))


def slow_rate(path):
    write(path, draw("#" * 20, rate_hz=4_000).samples, 4_000)


def no_header(path):
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 36, b"WAVE"))


def with_one(value):
    def make(path):
        samples = VOICE.samples.copy()
        samples[1000] = value
        silence(path, samples)

    return make


CORRUPT = {
    "missing": (lambda path: None, "is missing"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "0 bytes": (lambda path: path.write_bytes(b""), "empty file of 0 bytes"),
    "text": (lambda path: path.write_text("ceci n'est pas une voix" * 50), "cannot be read as sound"),
    "header cut": (no_header, "cannot be read as sound"),
    "no samples": (header_only, "holds 0 samples"),
    "cut off": (truncated, r"is cut off: its header says .* are there|cannot be read as sound"),
    "NaN": (with_one(np.nan), "1 samples that are not finite"),
    "infinity": (with_one(np.inf), "1 samples that are not finite"),
    "digital silence": (lambda path: silence(path, np.zeros(48_000)), "digital silence"),
    "faint": (lambda path: silence(path, VOICE.samples * 1e-4), r"is silent \(-\d+ dBFS\); above -60 dBFS"),
    "constant": (lambda path: silence(path, np.full(48_000, 0.3)), "one constant value, 0.3"),
    "too short": (lambda path: silence(path, VOICE.samples[:12_000]), "lasts 0.50 s; at least 1 s"),
    "low rate": (slow_rate, "has 4000 Hz; at least 8000 Hz"),
    "wrong scale": (lambda path: silence(path, VOICE.samples * 32_768), "times full scale"),
    "clipped": (lambda path: silence(path, np.clip(VOICE.samples * 50, -1, 1)), "is clipped"),
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_corrupt_reference_says_what_is_wrong_in_one_line(tmp_path, kind):
    make, complaint = CORRUPT[kind]
    path = tmp_path / "layla.wav"
    make(path)
    with pytest.raises(AudioError, match=complaint) as caught:
        reference.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_there_are_at_least_twelve_kinds_of_corrupt_reference():
    assert len(CORRUPT) >= 12


def test_an_offset_below_a_voice_is_no_silence(tmp_path):
    silence(tmp_path / "a.wav", VOICE.samples * 0.5 + 0.2)
    assert reference.load(tmp_path / "a.wav").codec_audio.duration_s == 2.0


def test_an_unreadable_reference_says_so(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.wav").write_bytes(encode_wav(VOICE))
    monkeypatch.setattr(reference.audio, "opened", refuse)
    with pytest.raises(AudioError, match=r"cannot be read as sound .*Permission denied"):
        reference.load(tmp_path / "a.wav")
