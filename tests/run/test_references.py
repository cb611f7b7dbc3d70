"""A reference that no model could be conditioned on ends the run before it begins; a doubtful one is named."""

from dataclasses import replace

import numpy as np
import pytest

from harness import shipped
from harness.audio import load
from harness.corpus import load_voices
from harness.errors import VoicesError
from harness.metrics.measuring import Measuring
from harness.metrics.speaker import Voices
from harness.run import references
from harness.store import DerivedValues
from tests.synthetic import draw, write_voice

VOICES = load_voices(shipped.VOICES)
GOOD = next(voice for voice in VOICES if voice.id == "omar")
SOUND = load(GOOD.path)
RATE = SOUND.sample_rate_hz
TIMES = np.arange(SOUND.samples.size) / RATE
NOISE = np.random.default_rng(0).normal(0, 0.05, SOUND.samples.size)
ENDS_IN_A_SOUND = SOUND.samples[: RATE + int(np.abs(SOUND.samples[RATE : 3 * RATE]).argmax())]


def written(tmp_path, samples, transcript=GOOD.transcript):
    """A reference with these samples, of shape (n,) or (n, 2)."""
    import soundfile

    reference = write_voice(tmp_path, "a", SOUND, transcript)
    soundfile.write(reference.path, samples, RATE, subtype="FLOAT")
    return replace(reference, transcript=transcript)


@pytest.mark.slow
@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.id)
def test_the_shipped_voices_are_sound(voice):
    assert [line for line, _ in references.complaints(voice) if "a whisper" not in line] == []


REFUSED = {
    "tone": (0.1 * np.sin(2 * np.pi * 440 * TIMES), "a tone of"),
    "noise": (NOISE, "its noise lies"),
    "silence": (np.concatenate([SOUND.samples[: 2 * RATE], np.zeros(18 * RATE)]), "% of it is silent"),
    "channels": (np.stack([SOUND.samples, -0.95 * SOUND.samples], axis=1), "its channels cancel each other"),
    "faint": (SOUND.samples * 10 ** (-35 / 20), "its speech has -5"),
    "clipped": (np.clip(SOUND.samples, -0.02, 0.02) * 10, "of its samples are clipped"),
    "short": (SOUND.samples[: round(1.05 * RATE)], "s of speech"),
    "constant": (np.full(2 * RATE, 0.1), "one constant value"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", REFUSED)
def test_what_no_model_could_be_conditioned_on_is_refused_in_one_line(tmp_path, fault):
    samples, says = REFUSED[fault]
    found = list(references.complaints(written(tmp_path, samples)))
    assert [line for line, refuses in found if refuses and says in line], found
    assert all("\n" not in line for line, _ in found)


@pytest.mark.parametrize(
    ("transcript", "refuses"),
    [
        ("... !", True),
        (" ".join([GOOD.transcript] * 4), True),
        (GOOD.transcript.split()[0], True),
        (GOOD.transcript, None),
    ],
)
def test_a_transcript_says_what_is_said(tmp_path, transcript, refuses):
    found = list(references.complaints(written(tmp_path, SOUND.samples, transcript)))
    assert [said for line, said in found if "transcript" in line] == [refuses] * (refuses is not None)


def test_a_reference_that_ends_in_a_sound_is_doubtful(tmp_path):
    found = list(references.complaints(written(tmp_path, ENDS_IN_A_SOUND, " ".join(GOOD.transcript.split()[:4]))))
    assert any(line.endswith("in the middle of one: cut it in a pause") for line, _ in found)
    assert not any(refuses for _, refuses in found)


def around(voices, count, seed):
    """Windows that lie about one voice, or about two, one after the other."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.eye(64)[voice] + rng.normal(0, 0.05, (count, 64)) for voice in voices])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_two_speakers_in_one_reference_are_heard_wherever_the_second_begins():
    assert references.one_voice(around([0], 24, 0)) == pytest.approx(1.0, abs=0.05)
    assert references.one_voice(np.concatenate([around([0], 8, 0), around([1], 16, 1)])) < references.TWO_SPEAKERS
    assert references.one_voice(around([0, 1], 4, 0)) == 1.0  # too little speech to say so


class Hears:
    """Hears one person in every reference but the second half of one."""

    fingerprint = "hears r1"

    def __init__(self, *voices):
        self.voices = voices

    def windows(self, clips, which):
        return [around(self.voices, 10, 0) for _ in clips]


def judged(found, tmp_path, voices=(0,), fallback=False):
    rows = {one.id: np.eye(4, dtype=np.float32)[place % 2] for place, one in enumerate(found)}
    heard = Voices(rows, {one.id: one.speaker for one in found})
    measuring = Measuring(
        references=found, derived=DerivedValues(tmp_path), window_encoder=Hears(*voices), voices=heard
    )
    return references.judge(found, measuring, ["speaker_similarity"], fallback)


def sound_ones(tmp_path, *names):
    return [replace(write_voice(tmp_path, name, SOUND, GOOD.transcript), speaker=name) for name in names]


def test_two_recordings_of_one_person_are_said_to_be(tmp_path):
    three = sound_ones(tmp_path, "a", "b", "c")
    (line,) = judged(three, tmp_path)
    assert line.startswith("references 'a' and 'c' resemble each other by 1.00, as one person's do")
    assert "write one name into a.speaker and c.speaker" in line
    assert judged([replace(one, speaker="one") for one in three], tmp_path) == ()


def test_a_refused_reference_ends_the_run_and_is_told_where_the_run_goes_on_without_it(tmp_path):
    (one,) = sound_ones(tmp_path, "a")
    with pytest.raises(VoicesError, match=r"^reference 'a': its parts resemble each other .* as two speakers do"):
        judged([one], tmp_path, (0, 1))
    assert len(judged([one], tmp_path, (0, 1), fallback=True)) == 1
    assert judged([replace(one, problem="is silent")], tmp_path, (0, 1)) == ()


def test_what_was_measured_of_a_reference_is_kept(tmp_path, monkeypatch):
    found = sound_ones(tmp_path, "a")
    judged(found, tmp_path)
    monkeypatch.setattr(references, "complaints", None)
    assert judged(found, tmp_path) == ()
    with pytest.raises(TypeError):
        judged([replace(found[0], transcript="نص آخر")], tmp_path)


def test_an_encoder_that_nothing_needs_is_not_asked(tmp_path):
    (one,) = sound_ones(tmp_path, "a")
    assert references.judge([one], Measuring(references=[one]), ["length"]) == ()


def test_a_buzz_is_no_voice(tmp_path):
    said = [line for line, refuses in references.complaints(write_voice(tmp_path, "a", draw("#" * 30))) if refuses]
    assert any("never stops" in line for line in said)
