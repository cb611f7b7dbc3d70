import numpy as np
import pytest

from harness import audio
from harness.backends.higgs import silence
from harness.backends.higgs.silence import SilenceCodes


def test_a_frame_is_silent_when_each_leading_codebook_knows_its_code():
    codes = SilenceCodes((frozenset({0, 7}), frozenset({3})))
    assert codes(np.array([7, 3, 999]))
    assert not codes(np.array([7, 4, 999]))


@pytest.mark.slow
def test_silence_and_faint_noise_are_known_and_speech_is_not(opened, voices):
    import torch

    loaded = opened()._load()

    def share(samples):
        with torch.inference_mode():
            codes = loaded.codec.encode(torch.from_numpy(samples)[None, None]).audio_codes[0].numpy()
        return np.mean([loaded.silent(frame) for frame in codes.T])

    noise = np.random.default_rng(9).standard_normal(48_000).astype(np.float32)
    assert share(np.zeros(48_000, np.float32)) == 1.0
    assert share(noise * np.float32(10 ** (-75 / 20))) == 1.0
    assert share(audio.load(voices["layla"].path).samples) < 0.2


@pytest.mark.slow
def test_a_codec_that_makes_silence_audible_switches_the_silence_stop_off_and_says_so(opened, asked, monkeypatch):
    import torch

    loaded = opened()._load()
    real = loaded.codec.decode
    monkeypatch.setattr(loaded.codec, "decode", lambda codes: _louder(real(codes), torch))
    learnt = silence.learn(loaded.codec)
    assert learnt.note == "off: the codec decodes digital silence above -55 dBFS"
    assert not learnt(np.zeros(8, np.int64))
    monkeypatch.setattr(loaded, "silent", learnt)
    (take,) = opened().generate([asked()])
    assert (take.error, take.details["silence_stop"]) == ("", learnt.note)


def _louder(output, torch):
    output.audio_values = output.audio_values + 0.1 * torch.sin(torch.arange(output.audio_values.shape[-1]) * 0.05)
    return output
