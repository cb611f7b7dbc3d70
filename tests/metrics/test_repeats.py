import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load, resample
from harness.metrics import repeats

RATE = 24_000
SPEECH = resample(load(shipped.VOICES / "omar.flac"), RATE)


def changed(samples):
    return Audio(np.asarray(samples, np.float32), RATE)


@pytest.mark.parametrize("milliseconds", [20, 40, 80])
def test_a_frame_that_is_played_again_is_a_stutter_where_it_lies(milliseconds):
    at, size = 2 * RATE, milliseconds * RATE // 1000
    samples = SPEECH.samples
    found = repeats.stutter(
        changed(np.concatenate([samples[: at + size], *[samples[at : at + size]] * 3, samples[at:]]))
    )
    assert found.value > 0.01
    assert found.spans[0][0] == pytest.approx(2.0 + milliseconds / 1000, abs=0.05)


def test_a_voice_never_says_the_same_samples_twice():
    for name in ("omar", "layla", "emma"):
        assert repeats.stutter(resample(load(shipped.VOICES / f"{name}.flac"), RATE)).value == 0


@pytest.mark.parametrize("milliseconds", [20, 30, 60])
def test_a_delayed_copy_is_an_echo_at_its_lag(milliseconds):
    delay = milliseconds * RATE // 1000
    samples = SPEECH.samples.copy()
    samples[delay:] += 0.7 * SPEECH.samples[:-delay]
    found = repeats.echo(changed(samples))
    assert found.value > 0.3
    assert found.detail == f"at {milliseconds} ms"


def test_a_dry_voice_has_no_echo():
    assert repeats.echo(SPEECH).value < 0.3
    assert not repeats.echo(changed(SPEECH.samples[:12_000])).applicable
