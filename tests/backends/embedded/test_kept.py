import pickle

import numpy as np
import pytest

from harness import audio, shipped
from harness.backends.embedded import conversion, kept
from harness.backends.embedded.voice import VARIANTS, clone, conversion_to
from harness.errors import BackendError
from tests.synthetic import draw, write_voice

LAYLA = shipped.VOICES / "layla.flac"


@pytest.mark.slow
def test_what_is_kept_of_a_voice_says_the_very_same_as_one_that_is_measured_anew(tmp_path):
    bases = tuple(kept.keep_base(tmp_path / variant, "ar", variant) for variant in VARIANTS)
    voice = kept.keep_voice(tmp_path / "voice", LAYLA)
    way = kept.kept_conversion(kept.keep_conversion(tmp_path / "way", "ar", voice, bases))
    sound = audio.load(LAYLA)
    anew = conversion_to(sound.samples.tobytes(), sound.sample_rate_hz, "ar")
    assert way[:2] == anew[:2]
    assert way.conversion.warp == anew.conversion.warp
    # BLAS rounds by the machine and the number of its threads; a take is on the 16-bit grid, where that is gone.
    np.testing.assert_allclose(way.conversion.voiced_matrix, anew.conversion.voiced_matrix, rtol=0.0, atol=1e-9)
    spoken = [clone("جلسوا", "ar", voice, duration_s=1.1, seed=3) for voice in (way, sound)]
    np.testing.assert_array_equal(spoken[0].samples, spoken[1].samples)


@pytest.mark.slow
def test_a_base_voice_is_kept_with_what_the_choice_of_a_warp_needs(tmp_path, monkeypatch):
    base = pickle.loads(kept.keep_base(tmp_path / "base", "ar", "m3").read_bytes())
    monkeypatch.setattr(conversion, "warp_tract", None)  # nothing is left to find
    assert all(base.voiced(warp).mean.shape == (conversion.N_COEFFICIENTS,) for warp in conversion.WARPS)


def test_a_recording_without_a_voice_is_refused_and_leaves_no_file(tmp_path):
    mute = write_voice(tmp_path, "mute", draw("." * 20))
    with pytest.raises(BackendError, match="holds no speech"):
        kept.keep_voice(tmp_path / "voice", mute.path)
    assert not (tmp_path / "voice").exists()
