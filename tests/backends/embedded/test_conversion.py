from dataclasses import replace

import numpy as np
import pytest

from harness.audio import resample
from harness.backends.embedded import conversion
from harness.espeak import speak


@pytest.fixture(scope="module")
def base():
    return conversion.analyse(speak("في صباح يوم مشمس خرج الأطفال إلى الحديقة", "ar", "m3", 175), noisy=False)


@pytest.fixture(scope="module")
def other():
    return conversion.analyse(speak("The children walked to the garden and sat down", "en-us", "f2", 150), noisy=False)


def test_analysis_and_synthesis_keep_length_and_pitch(base):
    again = conversion.analyse(conversion.resynthesise(base), noisy=False)
    assert again.f0_hz.size == pytest.approx(base.f0_hz.size, abs=2)
    assert np.median(again.f0_hz[again.voiced]) == pytest.approx(np.median(base.f0_hz[base.voiced]), rel=0.05)


def test_the_map_between_two_gaussians_carries_one_onto_the_other():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(5, 5))
    source, target = rng.normal(size=(4000, 5)), rng.normal(size=(4000, 5)) @ mix + 3
    one, other = conversion.fit(source), conversion.fit(target)
    moved = conversion.fit(conversion.transport(source, one, other, conversion.transport_matrix(one, other)))
    assert conversion.bures_distance(moved, other) < 0.01 * conversion.bures_distance(one, other)


def test_the_distance_is_zero_to_oneself_and_positive_to_others():
    rng = np.random.default_rng(1)
    one, other = conversion.fit(rng.normal(size=(500, 4))), conversion.fit(2 * rng.normal(size=(500, 4)) + 1)
    assert conversion.bures_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert conversion.bures_distance(one, other) > 1


def test_converted_speech_has_the_pitch_and_the_timbre_of_the_target(base, other):
    target = conversion.describe(other)
    converted = conversion.prepare(conversion.Base(base), target).apply(base)
    voiced = converted.voiced
    assert np.log(converted.f0_hz[voiced]).mean() == pytest.approx(np.log(other.f0_hz[other.voiced]).mean(), abs=0.05)
    before = conversion.bures_distance(conversion.describe(base).voiced, target.voiced)
    after = conversion.bures_distance(conversion.describe(converted).voiced, target.voiced)
    assert after < 0.5 * before


def test_which_frames_sound_is_that_of_the_words_and_not_of_the_voice(base, other):
    converted = conversion.prepare(conversion.Base(base), conversion.describe(other)).apply(base)
    assert converted.f0_hz.size == base.f0_hz.size
    np.testing.assert_array_equal(converted.voiced, base.voiced)


def test_the_rate_of_the_recording_does_not_matter():
    speech = speak("صباح الخير", "ar", "m3", 150)
    one, other = (conversion.analyse(resample(speech, rate), noisy=False) for rate in (16_000, 48_000))
    assert one.f0_hz.size == pytest.approx(other.f0_hz.size, abs=1)


def test_the_pitch_follows_the_quantiles_whatever_the_outliers(base, other):
    octaves = np.where(np.arange(other.f0_hz.size) % 60 == 0, 0.5 * other.f0_hz, other.f0_hz)
    target = conversion.describe(replace(other, f0_hz=octaves))
    converted = conversion.prepare(conversion.Base(base), target).apply(base)
    true = np.log(other.f0_hz[other.sounding & other.voiced])
    got = np.log(converted.f0_hz[converted.sounding & converted.voiced])
    np.testing.assert_allclose(np.quantile(got, [0.25, 0.5, 0.75]), np.quantile(true, [0.25, 0.5, 0.75]), atol=0.1)


def test_breath_has_the_mean_and_spread_of_the_target(base, other):
    target = conversion.describe(other)
    breathing = conversion.describe(conversion.prepare(conversion.Base(base), target).apply(base))
    np.testing.assert_allclose(breathing.aperiodicity_db, target.aperiodicity_db, atol=1.5)
    np.testing.assert_allclose(breathing.aperiodicity_spread_db, target.aperiodicity_spread_db, rtol=0.35)


def test_the_noise_in_the_pauses_of_a_recording_is_no_part_of_the_voice(other, monkeypatch):
    n_bins, loud_db = other.envelope.shape[1], np.percentile(other.levels_db, 95)
    hiss = 10.0 ** ((loud_db - 35.0) / 10.0) * np.random.default_rng(4).exponential(size=(150, n_bins))
    paused = conversion.Frames(
        np.append(other.f0_hz, np.zeros(150)),
        np.concatenate([other.envelope, hiss]),
        np.concatenate([other.aperiodicity, np.ones((150, n_bins))]),
    )
    assert paused.sounding[-150:].all()
    assert not paused.above_noise[-150:].any()
    true, clear = conversion.describe(other), conversion.describe(paused)
    monkeypatch.setattr(conversion, "NOISE_CLEARANCE_DB", -np.inf)
    polluted = conversion.describe(paused)
    nearer, farther = (conversion.bures_distance(voice.unvoiced, true.unvoiced) for voice in (clear, polluted))
    assert nearer < 0.2 * farther


def test_speech_without_a_pause_tells_by_its_loudest_frames_at_least(other):
    vowels = other.at(slice(*(np.flatnonzero(other.voiced)[0] + np.array([0, 20]))))
    steady = replace(vowels, envelope=np.full_like(vowels.envelope, 1e-3))
    assert steady.above_noise.all()


def test_breath_is_not_measured_where_no_period_is_found(other):
    lost = np.flatnonzero(other.above_noise & other.voiced)[::3]
    aperiodicity = other.aperiodicity.copy()
    aperiodicity[lost] = 1.0 - 1e-9
    found = conversion.describe(replace(other, aperiodicity=aperiodicity))
    np.testing.assert_allclose(found.aperiodicity_db, conversion.describe(other).aperiodicity_db, atol=0.5)


def test_loud_frames_count_more_in_a_fit():
    rng = np.random.default_rng(2)
    coded = np.concatenate([rng.normal(size=(300, 3)), rng.normal(size=(300, 3)) + 4.0])
    weighted = conversion.fit(coded, np.repeat([3.0, 1.0], 300))
    np.testing.assert_allclose(weighted.mean, 1.0, atol=0.2)
    assert conversion.fit(coded).mean == pytest.approx(2.0, abs=0.2)


def test_frames_approach_their_neighbours_and_keep_their_energy():
    rng = np.random.default_rng(3)
    known, coded = rng.normal(size=(50, 4)), rng.normal(size=(20, 4)) + 1.0
    moved = conversion.approach(coded, known)

    def distance(frames):
        return np.linalg.norm(frames[:, None, 1:] - known[None, :, 1:], axis=2).min(axis=1).mean()

    assert distance(moved) < distance(coded)
    np.testing.assert_array_equal(moved[:, 0], coded[:, 0])
    assert conversion.approach(coded[:0], known).shape == (0, 4)
    assert conversion.approach(coded, known[:1]).shape == coded.shape


def test_the_voiced_frames_are_described_alike_with_and_without_the_rest(base):
    np.testing.assert_array_equal(conversion.describe_voiced(base).mean, conversion.describe(base).voiced.mean)
    np.testing.assert_array_equal(
        conversion.describe_voiced(base).covariance, conversion.describe(base).voiced.covariance
    )
