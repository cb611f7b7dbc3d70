"""Each spoils what it says by as much as it says, and nothing else."""

import numpy as np
import pytest

from harness.audio import Audio
from harness.lab import sound_injections
from harness.lab.injections import rms
from tests.synthetic import RATE_HZ, draw, take

SPOKEN = "..##########################.."
START, END = 2 * RATE_HZ // 10, 28 * RATE_HZ // 10


def spoilt(inject, amount, picture=SPOKEN, other=None, seed=0):
    mine = take(draw(picture))
    return inject(mine, amount, np.random.default_rng(seed), other or mine).audio.samples


def gain_db(samples, start_s, end_s, picture=SPOKEN):
    cut = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
    return 20 * np.log10(rms(samples[cut]) / rms(draw(picture).samples[cut]))


@pytest.mark.parametrize(
    ("inject", "at_the_beginning_db", "at_the_end_db"),
    [
        (sound_injections.fade_out, 0, -20),
        (sound_injections.fade_in, -20, 0),
        (sound_injections.decay, -2, -18),
        (sound_injections.softer_half, 0, -20),
        (sound_injections.louder_half, -20, 0),
    ],
)
def test_the_level_changes_where_it_should_and_by_as_much(inject, at_the_beginning_db, at_the_end_db):
    found = spoilt(inject, 20.0)
    assert gain_db(found, 0.2, 0.3) == pytest.approx(at_the_beginning_db, abs=1.5)
    assert gain_db(found, 2.7, 2.8) == pytest.approx(at_the_end_db, abs=1.5)
    assert np.abs(found).max() <= np.abs(draw(SPOKEN).samples).max()


@pytest.mark.parametrize("at_end", [True, False])
def test_one_edge_sample_stands_off_and_all_others_stay(at_end):
    found, clean = spoilt(sound_injections.edge_jump(at_end), 0.5), draw(SPOKEN).samples
    moved = np.flatnonzero(found != clean)
    assert list(moved) == [clean.size - 1 if at_end else 0]
    assert found[moved[0]] == pytest.approx(0.5)


@pytest.mark.parametrize("exponent", [1.0, 3.0])
def test_coloured_noise_lies_as_far_below_the_speech_and_falls_with_the_frequency(exponent):
    clean = draw(SPOKEN).samples
    noise = spoilt(sound_injections.coloured_noise(exponent), 15.0) - clean
    assert 20 * np.log10(rms(noise) / rms(clean)) == pytest.approx(-15, abs=0.1)
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(noise.size, 1 / RATE_HZ)
    low, high = (power[(hz > centre / 1.2) & (hz < centre * 1.2)].mean() for centre in (100, 1000))
    assert np.log10(low / high) == pytest.approx(exponent, abs=0.3)


def test_the_buzz_lies_at_the_mains_and_its_harmonics():
    clean = draw(SPOKEN).samples
    noise = spoilt(sound_injections.buzz, 10.0) - clean
    assert 20 * np.log10(rms(noise) / rms(clean)) == pytest.approx(-10, abs=0.1)
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(noise.size, 1 / RATE_HZ)
    assert power[np.abs((hz + 25) % 50 - 25) < 3].sum() > 0.98 * power.sum()


def test_so_many_bits_leave_as_many_levels():
    steps = spoilt(sound_injections.quantised, 6.0) * 2**5
    assert np.allclose(steps, np.round(steps))
    assert len(np.unique(steps)) > 5


@pytest.mark.parametrize(
    ("inject", "amount", "seconds"),
    [
        (sound_injections.beginning_lost, 0.3, 2.5),
        (sound_injections.snippet, 0.5, 0.7),
        (sound_injections.hiss_tail, 30.0, 4.0),
        (sound_injections.burst_before, 20.0, 3.4),
        (sound_injections.stutter, 40.0, 3.12),
        (sound_injections.endless, 2.0, 9.0),
        (sound_injections.doubled, 30.0, 3.0),
        pytest.param(sound_injections.reverberant, 0.5, 3.0, marks=pytest.mark.slow),  # imports SciPy
        (sound_injections.telephone, 300.0, 3.0),
        (sound_injections.filled_dropouts, 40.0, 3.0),
    ],
)
def test_the_take_lasts_as_long_as_what_was_done_to_it(inject, amount, seconds):
    assert spoilt(inject, amount).size / RATE_HZ == pytest.approx(seconds, abs=0.06)


def test_a_beginning_is_lost_from_the_first_sound_and_not_from_what_is_heard_before_it():
    clean = draw(SPOKEN)
    noisy = clean.samples + np.random.default_rng(0).normal(scale=0.1 * rms(clean.samples), size=clean.samples.size)
    noisy[RATE_HZ // 20] = 0.9  # a click
    mine = take(Audio(noisy.astype(np.float32), RATE_HZ))
    found = sound_injections.beginning_lost(mine, 0.3, np.random.default_rng(0), mine)
    assert found.audio.samples.size / RATE_HZ == pytest.approx(2.5, abs=0.06)


def test_every_splice_takes_60_to_160_ms_out():
    lost_s = 3.0 - spoilt(sound_injections.splices, 3.0).size / RATE_HZ
    assert 3 * 0.06 <= lost_s <= 3 * 0.16


def test_dropouts_hold_noise_as_far_below_the_speech():
    clean = draw(SPOKEN).samples
    found = spoilt(sound_injections.filled_dropouts, 40.0)
    filled = found != clean
    assert 0.04 * RATE_HZ <= filled.sum() <= 4 * 0.04 * RATE_HZ + 4
    assert 20 * np.log10(rms(found[filled]) / rms(clean)) == pytest.approx(-40, abs=1)


def test_what_goes_on_after_the_text_is_another_take():
    other = take(draw("#" * 10, pitch_hz=200))
    found = spoilt(sound_injections.endless, 1.0, other=other)
    clean = draw(SPOKEN).samples
    assert np.array_equal(found[: clean.size], clean)
    assert np.array_equal(found[clean.size :][: other.audio.samples.size], other.audio.samples)


def test_a_telephone_passes_nothing_above_4_khz_nor_far_below_its_edge():
    power = np.abs(np.fft.rfft(spoilt(sound_injections.telephone, 500.0))) ** 2
    clean = np.abs(np.fft.rfft(draw(SPOKEN).samples)) ** 2
    hz = np.fft.rfftfreq(3 * RATE_HZ, 1 / RATE_HZ)
    assert power[hz > 4500].sum() < 1e-4 * power.sum()
    below = hz < 150
    assert power[below].sum() / power.sum() < 0.05 * clean[below].sum() / clean.sum()


def test_a_take_may_hold_a_single_sample_or_only_noise():
    assert spoilt(sound_injections.emptied, 1.0).size == 1
    assert rms(spoilt(sound_injections.mute, 1e-4)) == pytest.approx(1e-4, rel=0.05)
    assert rms(spoilt(sound_injections.roar, 0.1)) == pytest.approx(0.06, abs=0.01)


def test_the_same_seed_spoils_alike_and_another_elsewhere():
    first, again, other = (spoilt(sound_injections.crackle, 0.2, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.abs(first).max() <= 1
