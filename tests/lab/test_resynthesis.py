import numpy as np
import pytest

from harness import shipped
from harness.audio import load, rms_dbfs
from harness.lab.resynthesis import breathy, stretched
from harness.metrics import pitch
from harness.metrics.pitch import Pitch

VOICE = load(shipped.VOICES / "omar.flac")


@pytest.mark.parametrize("slower", [0.5, 2.0])
def test_slower_speech_lasts_longer_at_its_level(slower):
    changed = stretched(VOICE, slower, 1.0)
    assert changed.duration_s == pytest.approx(VOICE.duration_s * slower, rel=0.02)
    assert rms_dbfs(changed.samples) == pytest.approx(rms_dbfs(VOICE.samples), abs=0.1)


def test_a_melody_taken_away_leaves_the_pitch():
    flat, full = Pitch.of(stretched(VOICE, 1.0, 0.0)), Pitch.of(VOICE)
    assert pitch.pitch_spread(flat).value < 0.4 < pitch.pitch_spread(full).value
    assert np.median(flat.hz) == pytest.approx(np.median(full.hz), rel=0.1)


def test_a_whisper_has_no_voice():
    assert pitch.voiced_share(Pitch.of(breathy(VOICE, 1.0))).value < 0.15
