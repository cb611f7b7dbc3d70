"""The encoder's own tests need its weights, which come with its package; they are slow because torch is."""

import numpy as np
import pytest

from harness import audio, shipped
from harness.corpus import load_voices
from harness.decision.gates import judge, load_profile
from harness.errors import AudioError
from harness.metrics import metrics_of, speaker
from harness.metrics.measuring import Measuring
from harness.metrics.silence import Silences, silence_ratio
from harness.metrics.speaker_encoder import Resemblyzer
from harness.records.gate import Outcome
from tests.synthetic import draw, reference, request, take


def unit(*values):
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


class Fake:
    """Hears the level of a clip as its voice, so that tests can choose what is heard."""

    fingerprint = "fake"

    def __init__(self, heard):
        self.heard = heard

    def embed(self, clips):
        return np.stack([self.heard[clip.sample_rate_hz] for clip in clips])


OWN, OTHER, NOBODY = unit(1, 0, 0), unit(0, 1, 0), np.full(3, np.nan, np.float32)
VOICES = speaker.Voices({"layla": OWN, "omar": OTHER}, {"layla": "layla", "omar": "omar"})


def measure_speakers(takes, voices, encoder):
    return Measuring(voices=voices, encoder=encoder).measure(takes, metrics_of(speaker))


def measured(heard, rate=24_000):
    heard = {other: heard for other in speaker.COMMON_RATES_HZ} | (heard if isinstance(heard, dict) else {})
    (found,) = measure_speakers([take(draw("#" * 26, rate_hz=rate))], VOICES, Fake(heard))
    return found


def test_the_own_voice_is_similar_and_nearest():
    found = measured(unit(2, 1, 0))
    assert found["speaker_similarity"].value == pytest.approx(0.894, abs=0.001)
    assert found["nearest_reference"].value == pytest.approx(0.447, abs=0.001)
    assert found["nearest_reference"].detail == "layla 0.894, nearest other omar 0.447"
    assert found["rate_ratio"].value == 1


def test_another_voice_is_nearer_to_another_reference():
    found = measured(unit(1, 2, 0))
    assert found["nearest_reference"].value == pytest.approx(-0.447, abs=0.001)


def test_a_take_without_speech_has_no_voice_and_says_so():
    found = measured(NOBODY)
    assert not found.pop("voice_drift").applicable  # 2.6 s have no thirds
    assert all("no speech" in one.why_not and one.applicable for one in found.values())


def test_a_take_without_audio_has_no_voice_and_says_so():
    (found,) = measure_speakers([take(error="timed out")], VOICES, Fake({}))
    assert {one.why_not for one in found.values()} == {"no audio: timed out"}
    assert set(found) == {"speaker_similarity", "nearest_reference", "rate_ratio", "voice_drift"}


def test_one_speaker_alone_has_no_nearest_other():
    alone = speaker.Voices({"layla": OWN, "again": OTHER}, {"layla": "l", "again": "l"})
    found = speaker.nearest_reference(OWN, "layla", alone)
    assert not found.applicable


def test_a_wrong_label_is_found_by_the_rate_at_which_the_voice_comes_back():
    found = measured(
        {24_000: unit(1, 2, 0), 16_000: unit(5, 1, 0)} | dict.fromkeys((22_050, 32_000, 44_100, 48_000), OTHER)
    )
    assert found["rate_ratio"].value == pytest.approx(2 / 3)
    assert "labelled 24000 Hz, sounds like its reference at 16000 Hz" in found["rate_ratio"].detail


def test_another_voice_is_not_taken_for_a_wrong_label():
    assert measured(unit(1, 2, 0))["rate_ratio"].value == 1


def test_company_in_the_batch_does_not_matter_to_who_is_who():
    takes = [take(), take(error="x"), take(asked=request(reference=reference(id="omar")))]
    first, second, third = measure_speakers(
        takes, VOICES, Fake({24_000: OWN} | dict.fromkeys(speaker.COMMON_RATES_HZ, OWN))
    )
    assert first["speaker_similarity"].value == 1
    assert second["speaker_similarity"].why_not
    assert third["speaker_similarity"].value == 0


def test_rounding_never_gives_more_than_one():
    long = np.full(256, 1 / 16, np.float32) * np.float32(1.0000001)
    assert speaker.cosine(long, long) == 1.0


def test_a_similarity_is_shown_between_its_controls():
    voices = speaker.Voices(VOICES.embeddings, VOICES.speakers, {"layla": 0.91})
    found = speaker.speaker_similarity(unit(2, 1, 0), "layla", voices)
    assert found.components == {"same": 0.91, "different": pytest.approx(0.447, abs=0.001)}
    assert found.detail == "the reference with itself 0.910, other speakers 0.447 on average"


def test_a_voice_that_changes_on_the_way_drifts_and_is_marked_where():
    sound = draw("#" * 90)
    found = speaker.voice_drift(sound, [OWN, unit(1, 1, 0), OWN], OWN)
    assert found.value == pytest.approx(1 - 0.707, abs=0.001)
    assert found.spans == ((pytest.approx(3.0), pytest.approx(6.0)),)


def test_a_third_without_speech_is_no_steady_voice():
    assert speaker.voice_drift(draw("#" * 90), [OWN, NOBODY, OWN], OWN).why_not


def test_short_takes_have_no_thirds():
    assert speaker.thirds(draw("#" * 59)) == []
    assert [part.duration_s for part in speaker.thirds(draw("#" * 60))] == [2.0, 2.0, 2.0]


def test_a_reference_without_speech_is_named():
    with pytest.raises(AudioError, match="no speech was found in the reference mute"):
        speaker.Voices.of({"mute": draw("." * 20)}, {"mute": "mute"}, Fake({24_000: NOBODY}))


def test_a_take_on_which_the_encoder_fails_costs_the_others_nothing():
    class Failing(Fake):
        def embed(self, clips):
            if any(clip.duration_s > 5 for clip in clips):
                raise RuntimeError("out of memory")
            return super().embed(clips)

    encoder = Failing(dict.fromkeys(speaker.COMMON_RATES_HZ, OWN))
    first, second, third = measure_speakers([take(), take(draw("#" * 55)), take()], VOICES, encoder)
    assert first["speaker_similarity"].value == third["speaker_similarity"].value == 1
    assert not second.pop("voice_drift").applicable  # too short for thirds, whatever the encoder says
    assert {one.why_not for one in second.values()} == {"the speaker encoder raised RuntimeError: out of memory"}


@pytest.fixture(scope="module")
def encoder():
    return Resemblyzer()


@pytest.fixture(scope="module")
def clips():
    return {voice.id: audio.load(voice.path) for voice in load_voices(shipped.VOICES)}


@pytest.mark.slow
def test_no_shipped_voice_passes_for_another(encoder, clips):
    gates = load_profile("documented", "").of("short", ["speaker_similarity", "nearest_reference"])
    speakers = {name: name for name in clips}
    passed = []
    for name, clip in clips.items():
        first, second = speaker._parts(clip, 2)
        # the other half is the reference, never the tested one
        voices = speaker.Voices.of(clips | {name: second}, speakers, encoder)
        pauses = silence_ratio(Silences.of(first))
        (row,) = encoder.embed([first])
        for claimed in clips:
            found = (
                speaker.speaker_similarity(row, claimed, voices),
                speaker.nearest_reference(row, claimed, voices),
                pauses,
            )
            verdicts = judge(gates, {one.metric.name: one for one in found}, {})
            assert {verdict.outcome for verdict in verdicts} <= {Outcome.PASS, Outcome.FAIL}
            if all(verdict.outcome is Outcome.PASS for verdict in verdicts):
                passed.append((name, claimed))
    assert passed == [(name, name) for name in clips]
