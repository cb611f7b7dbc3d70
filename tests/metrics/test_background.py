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
        self.rows, self.asked = rows, 0

    def windows(self, clips, which):
        found = [
            self.rows[one] if isinstance(one, slice) else self.rows[[place for place in one if place < len(self.rows)]]
            for one in which
        ]
        self.asked += sum(map(len, found))
        return found


MINE = unit(*([0.0] * 20), 1.0)


def heard_in(rows, voices):
    """What is said of a take of which every twentieth of a second was heard so, and how many windows were asked for."""
    ear, sound = Windows(rows), draw("#" * 48)
    others = background.strangers(MINE, voices, {})
    (heard,) = background.seconds(ear, [sound], [MINE], [others])
    return background.foreign_voice(sound, heard, MINE, others), ear.asked


@pytest.mark.parametrize("at", range(0, 62, 3))
def test_a_foreign_second_is_found_wherever_it_begins_though_few_windows_are_heard(at):
    voices, rows = cohort(), np.tile(MINE, (77, 1))
    sound, asked = heard_in(rows, voices)
    assert sound.value < 0
    # A window has as much of the stranger as it shares sound with the foreign second.
    for place in range(77):
        share = max(0, 1 - abs(place - at - 5) / 20)
        rows[place] = (1 - share) * MINE + share * voices.embeddings[2]
    found, asked = heard_in(rows / np.linalg.norm(rows, axis=1, keepdims=True), voices)
    assert asked <= 8 + 9
    assert found.value > 0.3
    assert found.spans[0][0] - 0.3 < (at + 5) / 77 * 4.8 + 0.5 < found.spans[0][1] + 0.3
    assert "s2" in found.detail


def test_a_voice_that_strangers_resemble_throughout_has_no_foreign_second():
    voices = cohort()
    rows = np.tile(unit(*(MINE + 0.9 * voices.embeddings[2])), (77, 1))
    found, _ = heard_in(rows, voices)
    rows[30:40] = unit(*(MINE + 1.5 * voices.embeddings[2]))
    foreign, _ = heard_in(rows, voices)
    assert found.value < 0.1 < foreign.value - found.value


def test_of_too_few_windows_none_is_foreign():
    for rows in (np.tile(MINE, (20, 1)), np.zeros((0, 32), np.float32)):
        assert not heard_in(rows, cohort())[0].applicable


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
