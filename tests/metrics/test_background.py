import numpy as np
import pytest

from harness.audio import encode_wav
from harness.errors import UsageError
from harness.metrics import background
from harness.metrics.background import Background
from harness.metrics.declaration import NotApplicable
from tests.synthetic import draw

RNG = np.random.default_rng(0)


def unit(*values):
    vector = np.zeros(32, np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


def cohort(count=12):
    rows = np.abs(RNG.standard_normal((count, 32))).astype(np.float32)
    return Background(rows / np.linalg.norm(rows, axis=1, keepdims=True), tuple(f"s{n}" for n in range(count)))


class Ear:
    fingerprint = "ear 1 prep1 cpu"

    def embed(self, clips):
        return np.stack([unit(1, clip.duration_s) for clip in clips])


def test_the_shipped_cohort_is_of_the_default_encoder_and_of_no_other():
    class Default:
        fingerprint = "resemblyzer 0.1.4 39373b86598fa3da prep1 cuda"

    found = background.shipped(Default())
    assert found.embeddings.shape == (38, 256)
    assert np.linalg.norm(found.embeddings, axis=1) == pytest.approx(1, abs=1e-2)
    with pytest.raises(NotApplicable, match="give your own with --background"):
        background.shipped(Ear())


def test_who_may_be_the_reference_is_no_stranger_to_it():
    voices = cohort()
    assert voices.speakers[3] not in voices.without(voices.embeddings[3]).speakers


def test_a_take_is_compared_with_what_any_voice_would_score():
    voices = cohort()
    mine = unit(*([0.0] * 20), 1.0, 0.2)
    own = background.background_margin(mine, mine, voices)
    strange = background.background_margin(voices.embeddings[0], mine, voices)
    assert own.value > strange.value + 0.5
    assert background.background_margin(np.full(32, np.nan, np.float32), mine, voices).why_not


class Windows:
    """Hears the windows that it was given, and notes how many it was asked for."""

    def __init__(self, rows):
        self.rows, self.asked = np.asarray(rows), 0

    def windows(self, clips, which):
        found = [self.rows[one] if isinstance(one, slice) else self.rows[list(one)] for one in which]
        self.asked += sum(map(len, found))
        return found


@pytest.mark.parametrize("at", range(13))
def test_a_foreign_second_is_found_wherever_it_begins_and_half_of_all_windows_are_heard(at):
    voices, mine = cohort(), unit(*([0.0] * 20), 1.0)
    windows = [mine] * 16
    sound = draw("#" * 48)
    others = background.strangers(mine, voices, {})

    def judged(rows):
        ear = Windows(rows)
        (heard,) = background.seconds(ear, [sound], [mine], [others])
        assert ear.asked <= 10
        return background.foreign_voice(sound, heard, mine, others)

    assert judged(windows).value < 0
    # A second of a stranger, and what shares half of its sound with it.
    windows[at : at + 3] = [
        unit(*(mine + voices.embeddings[2])),
        voices.embeddings[2],
        unit(*(mine + voices.embeddings[2])),
    ]
    found = judged(windows)
    assert found.value > 0.3
    assert found.spans[0][0] - 0.5 < (at + 1.5) * 0.3 < found.spans[0][1] + 0.5
    assert "s2" in found.detail


def test_of_too_few_windows_none_is_foreign():
    voices, mine = cohort(), unit(*([0.0] * 20), 1.0)
    others = background.strangers(mine, voices, {})
    for rows in (np.stack([mine] * 4), np.zeros((0, 32), np.float32)):
        (heard,) = background.seconds(Windows(rows), [draw("#")], [mine], [others])
        assert not background.foreign_voice(draw("#"), heard, mine, others).applicable


def test_a_folder_of_speakers_is_a_cohort(tmp_path):
    for number in range(10):
        (tmp_path / f"speaker{number}.wav").write_bytes(encode_wav(draw("#" * (5 + number))))
    (tmp_path / "eleven").mkdir()
    for number in range(2):
        (tmp_path / "eleven" / f"{number}.wav").write_bytes(encode_wav(draw("#" * 7)))
    found = background.of_folder(tmp_path, Ear())
    assert len(found.speakers) == 11
    assert "eleven" in found.speakers


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_speakers_are_no_background(tmp_path, count):
    for number in range(count):
        (tmp_path / f"{number}.wav").write_bytes(encode_wav(draw("#####")))
    with pytest.raises(UsageError, match=f"holds {count} speakers; 10 are needed"):
        background.of_folder(tmp_path, Ear())
    with pytest.raises(UsageError, match="is no folder"):
        background.of_folder(tmp_path / "none", Ear())
