"""Resemblyzer as it is used here: any level, rate and company, the same voice."""

import numpy as np
import pytest

from harness import audio, shipped
from harness.audio import Audio
from harness.corpus import load_voices
from harness.metrics.speaker_encoder import ENCODER_DBFS, Resemblyzer, open_encoder
from harness.metrics.xvector import XVector
from tests.synthetic import draw


@pytest.fixture(scope="module")
def encoder():
    return Resemblyzer()


@pytest.fixture(scope="module")
def clips():
    return {voice.id: audio.load(voice.path) for voice in load_voices(shipped.VOICES)}


@pytest.mark.slow
def test_resemblyzer_itself_gives_the_same_embedding(encoder, clips):
    import resemblyzer

    clip = audio.resample(clips["layla"], 16_000).samples
    scaled = clip * 10 ** ((ENCODER_DBFS - audio.rms_dbfs(clip)) / 20)
    theirs = resemblyzer.VoiceEncoder("cpu", verbose=False).embed_utterance(
        resemblyzer.audio.trim_long_silences(scaled)
    )
    assert float(theirs @ encoder.embed([clips["layla"]])[0]) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.slow
def test_neither_gain_nor_rate_changes_the_voice(encoder, clips):
    clip = clips["omar"]
    faint = Audio(clip.samples * np.float32(0.03), clip.sample_rate_hz)
    rows = encoder.embed([clip, faint, audio.resample(clip, 48_000), audio.resample(clip, 16_000)])
    assert (rows @ rows[0] > 0.995).all()


@pytest.mark.slow
def test_scores_do_not_depend_on_company_or_order(encoder, clips):
    names = sorted(clips)
    together = dict(zip(names, encoder.embed([clips[name] for name in names]), strict=True))
    backwards = dict(zip(names[::-1], encoder.embed([clips[name] for name in names[::-1]]), strict=True))
    for name in names:
        alone = encoder.embed([clips[name]])[0]
        np.testing.assert_allclose(together[name], alone, atol=1e-3)
        np.testing.assert_allclose(backwards[name], alone, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("picture", ["." * 30, "#"])
def test_silence_and_a_blip_are_no_voice(encoder, picture):
    assert np.isnan(encoder.embed([draw(picture)])).all()


@pytest.mark.slow
def test_the_shipped_voices_are_clearly_different_people(encoder, clips):
    rows = encoder.embed(list(clips.values()))
    assert (rows @ rows.T - np.eye(len(rows))).max() < 0.75


@pytest.mark.slow
def test_the_encoder_is_loaded_once(clips):
    encoder = Resemblyzer()
    for _ in range(3):
        encoder.embed([clips["emma"]])
    assert encoder.loads == 1


def test_the_default_is_resemblyzer_and_any_other_name_a_model():
    assert isinstance(open_encoder("resemblyzer"), Resemblyzer)
    assert isinstance(open_encoder("some/model"), XVector)


@pytest.mark.slow
def test_a_clip_is_prepared_once_for_both_questions_and_forgotten_with_its_samples(encoder, clips, monkeypatch):
    prepared = []
    monkeypatch.setattr(encoder, "_speech", lambda clip: prepared.append(clip) or Resemblyzer._speech(encoder, clip))
    before = len(encoder._known)
    asked = [Audio(clips[name].samples.copy(), clips[name].sample_rate_hz) for name in ("layla", "omar")]
    encoder.embed(asked)
    together = encoder.windows([*asked, draw(".")], [slice(None, None, 5)] * 3)
    assert len(prepared) == 3
    assert len(together[2]) == 0
    for windows, name in zip(together, ("layla", "omar"), strict=False):
        np.testing.assert_allclose(windows, Resemblyzer().windows([clips[name]], [slice(None, None, 5)])[0], atol=1e-5)
    some = encoder.windows(asked, [slice(None, None, 10), (5, 15, 999)])
    np.testing.assert_allclose(some[0], together[0][::2], atol=1e-5)
    np.testing.assert_allclose(some[1], together[1][[1, 3]], atol=1e-5)
    asked.clear()
    prepared.clear()
    assert len(encoder._known) == before


@pytest.mark.slow
def test_samples_that_are_changed_where_they_lie_are_heard_anew(encoder, clips):
    clip = Audio(clips["layla"].samples.copy(), clips["layla"].sample_rate_hz)
    (before,) = encoder.embed([clip])
    clip.samples[:] = clips["omar"].samples[: clip.samples.size]
    (after,) = encoder.embed([clip])
    assert float(before @ after) < 0.8
