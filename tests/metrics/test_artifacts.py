import numpy as np
import pytest

from harness import shipped
from harness.audio import SILENT_DBFS, Audio, load, resample, rms_dbfs
from harness.metrics import artifacts, known_metrics, measure_waveform
from harness.metrics.silence import Silences
from harness.metrics.spectrum import Spectrum
from tests.synthetic import draw, take


def test_a_take_is_readable_when_it_has_audio():
    assert artifacts.readable(take()).value == 1
    found = artifacts.readable(take(error="x.wav is missing"))
    assert (found.value, found.detail) == (0, "x.wav is missing")


def test_samples_that_are_not_numbers_are_counted_and_placed():
    samples = draw("##").samples.copy()
    samples[[2400, 2401]] = np.nan, np.inf
    found = artifacts.nonfinite_samples(Audio(samples, 24_000))
    assert (found.value, found.detail) == (2, "the first at 0.100 s")


def test_the_level_is_that_of_the_speech_and_not_of_the_pauses():
    speech = draw("####")
    assert artifacts.speech_level(Silences.of(draw("##....##"))).value == pytest.approx(
        rms_dbfs(speech.samples), abs=0.1
    )
    assert artifacts.speech_level(Silences.of(draw("...."))).value == SILENT_DBFS


def test_the_label_of_the_file_is_its_rate():
    assert artifacts.sample_rate(draw("#", rate_hz=16_000)).value == 16_000


def test_a_take_without_audio_gets_every_measurement_that_needs_none_with_its_reason():
    found = measure_waveform(take(error="timed out"))
    assert set(found) == set(measure_waveform(take()))
    assert found["readable"].value == 0
    assert all("timed out" in one.why_not for name, one in found.items() if name != "readable")


def test_bad_samples_spoil_no_other_measurement():
    sound = draw("#" * 26)
    samples = sound.samples.copy()
    samples[1000:1010] = np.nan
    spoilt, sound = measure_waveform(take(Audio(samples, 24_000))), measure_waveform(take(sound))
    assert spoilt["nonfinite_samples"].value == 10
    # As zeros they are heard as a click, and they break off a buzz that repeats itself.
    for name in spoilt.keys() - {"nonfinite_samples", "clicks", "seams", "stutter", "echo"}:
        assert spoilt[name].value == pytest.approx(sound[name].value, rel=0.01, abs=0.1, nan_ok=True)


def test_every_metric_has_a_name_of_its_own_and_a_unit():
    assert {"readable", "duration_ratio", "silence_ratio", "speaker_similarity"} <= known_metrics().keys()
    assert all(metric.unit and metric.better in {"higher", "lower", "neither"} for metric in known_metrics().values())


RATE = 24_000
SPEECH = load(shipped.VOICES / "layla.flac")


def changed(samples):
    return Audio(np.asarray(samples, np.float32), RATE)


def rms(samples):
    return np.sqrt(np.mean(np.square(samples, dtype=np.float64)))


def tone(hz, below_db):
    times = np.arange(SPEECH.samples.size) / RATE
    return np.sqrt(2) * rms(SPEECH.samples) * 10 ** (-below_db / 20) * np.sin(2 * np.pi * hz * times)


@pytest.mark.parametrize("path", sorted((shipped.VOICES).glob("*.flac")), ids=lambda path: path.stem)
def test_a_sound_voice_has_no_artifact(path):
    found = measure_waveform(take(load(path)))
    assert [found[name].value for name in ("clipping", "clicks", "dropouts")] == [0, 0, 0]
    assert found["dc_offset"].value < 0.001
    assert found["steady_tone"].value < -30
    assert found["noise_level"].value < -25
    assert found["bandwidth"].value > 7000


def test_crests_that_are_cut_off_are_counted():
    times = np.arange(RATE) / RATE
    sine = np.sin(2 * np.pi * 100 * times)
    clipped = artifacts.clipping(changed(np.clip(2 * sine, -1, 1)))
    # half of a sine lies above half its height: two thirds of the time beyond 30 degrees
    assert clipped.value == pytest.approx(2 / 3, abs=0.02)
    assert artifacts.clipping(changed(0.9 * sine)).value == 0


def test_plateaus_of_a_faint_file_are_its_bit_depth_and_no_clipping():
    steps = np.round(np.sin(np.arange(RATE) / 100) * 20) / 32768
    assert artifacts.clipping(changed(steps)).value == 0


def test_each_click_is_counted_and_placed():
    samples = SPEECH.samples.copy()
    for second in (1.0, 2.5, 3.5):
        samples[round(second * RATE)] += 0.4
    found = artifacts.clicks(artifacts.Jerk.of(changed(samples)))
    assert found.value == 3
    assert [start for start, _ in found.spans] == pytest.approx([1.0, 2.5, 3.5], abs=0.002)


@pytest.mark.parametrize("beyond", range(0, 12, 3))
def test_a_click_in_the_last_samples_counts_whatever_the_length(beyond):
    sound = load(shipped.VOICES / "omar.flac").samples[: 48_000 + beyond].copy()
    sound[-1] = 0.7
    assert artifacts.clicks(artifacts.Jerk.of(Audio(sound, 24_000))).value == 1


def test_sounds_that_were_cut_and_joined_leave_seams():
    times = np.arange(4 * RATE) / RATE
    vowel = np.sin(np.pi * times / 4) * (0.1 * np.sin(2 * np.pi * 130 * times) + 0.03 * np.sin(2 * np.pi * 390 * times))
    whole = changed(vowel)
    assert artifacts.seams(artifacts.Jerk.of(whole), whole).value == 0
    joined = changed(np.concatenate([part[40:] for part in np.array_split(vowel, 9)]))
    found = artifacts.seams(artifacts.Jerk.of(joined), joined)
    assert found.components["seams"] == 8


@pytest.mark.parametrize("below_db", [30, 45, 60])
def test_a_hole_that_holds_noise_is_a_dropout_too(below_db):
    speech = load(shipped.VOICES / "omar.flac")
    samples, rng = speech.samples.copy(), np.random.default_rng(0)
    at = int(np.abs(samples).argmax()) - 240
    samples[at : at + 960] = rng.standard_normal(960) * np.sqrt(np.mean(samples**2)) * 10 ** (-below_db / 20)
    sound = Audio(samples, 24_000)
    assert artifacts.dropouts(sound, Silences.of(sound)).value == 1


def test_a_hole_in_the_speech_is_a_dropout_and_a_pause_is_none():
    samples = draw("#" * 30).samples.copy()
    samples[24_000:24_960] = 0
    sound = changed(samples)
    found = artifacts.dropouts(sound, Silences.of(sound))
    assert found.value == 1
    assert found.spans[0] == pytest.approx((1.0, 1.04), abs=0.001)
    faded = draw("#" * 30).samples * np.repeat([1, 0, 1], 24_000)
    faded *= np.clip(np.abs(np.arange(72_000) - 36_000) / 12_000 - 1, 0, 1)
    assert artifacts.dropouts(changed(faded), Silences.of(changed(faded))).value == 0


@pytest.mark.parametrize("hz", [50.0, 60.0, 1000.0, 6000.0])
@pytest.mark.parametrize("below_db", [20.0, 5.0])
def test_a_tone_that_never_stops_is_measured_against_the_speech(hz, below_db):
    found = measure_waveform(take(changed(SPEECH.samples + tone(hz, below_db))))["steady_tone"]
    assert found.value == pytest.approx(-below_db, abs=2.5)
    assert found.components["hz"] == pytest.approx(hz, abs=6)


def test_a_take_too_short_for_a_tone_is_not_judged_by_it():
    assert not artifacts.steady_tone(draw("###"), -20.0).applicable


@pytest.mark.parametrize("below_db", [25.0, 15.0, 10.0])
def test_white_noise_is_measured_against_the_speech(below_db):
    hiss = np.random.default_rng(0).standard_normal(SPEECH.samples.size) * rms(SPEECH.samples) * 10 ** (-below_db / 20)
    found = measure_waveform(take(changed(SPEECH.samples + hiss)))["noise_level"]
    assert found.value == pytest.approx(-below_db, abs=3)


@pytest.mark.parametrize("hz", [2000, 4000, 6000])
def test_the_bandwidth_is_that_of_the_narrowest_channel(hz):
    narrow = resample(resample(SPEECH, 2 * hz), RATE)
    assert artifacts.bandwidth(Spectrum.of(narrow)).value == pytest.approx(hz, rel=0.05)


@pytest.mark.parametrize(("second", "loss_db"), [(1.0, 0.0), (0.0, 6.02), (0.5, 2.5)])
def test_what_a_second_channel_takes_from_the_mix(tmp_path, second, loss_db):
    import soundfile

    stereo = np.stack([SPEECH.samples, SPEECH.samples * np.float32(second)], axis=1)
    soundfile.write(tmp_path / "two.wav", stereo, RATE, subtype="FLOAT")
    assert artifacts.downmix_loss(load(tmp_path / "two.wav")).value == pytest.approx(loss_db, abs=0.01)


def test_channels_in_antiphase_lose_everything(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "two.wav", np.stack([SPEECH.samples, -SPEECH.samples], axis=1), RATE, subtype="FLOAT")
    assert artifacts.downmix_loss(load(tmp_path / "two.wav")).value > 100
    assert artifacts.downmix_loss(SPEECH).value == 0


def test_silence_is_praised_for_nothing_that_only_speech_can_have():
    found = measure_waveform(take(draw("." * 26)))
    for name in ("clicks", "steady_tone", "noise_level", "bandwidth", "reference_leak", "ending_level", "pitch_spread"):
        assert found[name].why_not == "no speech was found"


def test_a_metric_that_raises_is_missing_alone_and_says_so(monkeypatch):
    def broken(**_):
        raise ZeroDivisionError("by zero")

    sound = measure_waveform(take(SPEECH))
    monkeypatch.setattr(artifacts.bandwidth, "function", broken)
    found = measure_waveform(take(SPEECH))
    assert found["bandwidth"].why_not == "the metric raised ZeroDivisionError: by zero"
    assert {name for name in found if found[name].why_not != sound[name].why_not} == {"bandwidth"}


def test_a_reference_that_cannot_be_read_is_told_by_the_metrics_that_need_it():
    found = measure_waveform(take(SPEECH))  # its reference, layla.wav, does not exist
    assert "layla.wav is missing" in found["reference_leak"].why_not
