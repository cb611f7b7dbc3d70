"""Any transformers recogniser: whole clips, the language forced, and no clip changed by its company."""

import random
from itertools import pairwise

import numpy as np
import pytest

from harness.errors import UsageError
from harness.metrics import recognition
from harness.metrics.recognition import TransformersRecognizer, joined
from tests.recognisers import noise, tiny_ctc, tiny_whisper

WORDS = [f"word{number}" for number in range(60)]


def test_windows_cover_the_whole_clip_and_overlap():
    samples = np.arange(120 * 100, dtype=np.float32)
    windows = recognition._cut(samples, 100)
    assert set(np.concatenate(windows)) == set(samples)
    assert all(window.size <= 3000 for window in windows)
    assert all(two[0] - one[0] == 2500 for one, two in pairwise(windows))


@pytest.mark.parametrize("seconds", [0.01, 29.99, 30, 30.01, 55, 55.01, 80])
def test_no_sample_is_lost_at_any_length(seconds):
    samples = np.arange(round(seconds * 100), dtype=np.float32)
    windows = recognition._cut(samples, 100)
    assert windows[-1][-1] == samples[-1]
    assert min(window.size for window in windows) > 500 or len(windows) == 1


def test_overlapping_transcripts_are_joined_without_loss_or_doubling():
    parts = [" ".join(WORDS[start : start + 30]) for start in (0, 22, 44)]
    assert joined(parts).split() == WORDS


def test_words_cut_at_a_window_edge_are_heard_from_the_other_window():
    one = " ".join([*WORDS[:20], "wor"])
    two = " ".join(["d16", *WORDS[17:40]])
    assert joined([one, two]).split() == WORDS[:40]


def test_punctuation_and_marks_do_not_hide_that_two_words_are_one():
    assert joined(["ذهب الولد إلى المدرسة.", "الى المَدرسة ثم عاد"]) == "ذهب الولد إلى المدرسة. ثم عاد"


def test_what_has_nothing_in_common_is_put_end_to_end():
    assert joined(["a b c", "d e f", ""]) == "a b c d e f"
    assert joined([]) == ""


def test_a_long_loop_is_not_swallowed_by_the_joint():
    part = " ".join(["again"] * 60)
    assert len(joined([part, part, part]).split()) >= 90


@pytest.mark.parametrize("name", ["no/such/model", "not a model"])
def test_what_is_neither_a_folder_nor_an_id_is_refused_in_one_line(name):
    with pytest.raises(UsageError, match="neither a folder nor a hub id"):
        TransformersRecognizer(name)


def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        TransformersRecognizer(str(tmp_path))


@pytest.mark.slow
def test_a_model_that_cannot_be_opened_is_refused_in_one_line(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be opened"):
        assert TransformersRecognizer(str(tmp_path))._config


@pytest.fixture(scope="module", params=["whisper", "ctc"])
def model(request, tmp_path_factory):
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    return TransformersRecognizer(str({"whisper": tiny_whisper, "ctc": tiny_ctc}[request.param](folder)))


CLIPS = [noise(seconds, seed=number) for number, seconds in enumerate((2, 3.3, 31, 1.5))]


@pytest.mark.slow
def test_a_clip_is_heard_the_same_alone_and_in_any_company(model):
    alone = [model.transcribe([clip], ["ar"])[0] for clip in CLIPS]
    order = list(range(len(CLIPS)))
    random.Random(1).shuffle(order)
    together = model.transcribe([CLIPS[place] for place in order], ["ar"] * len(CLIPS))
    assert together == [alone[place] for place in order]
    assert len(set(alone)) > 2


@pytest.mark.slow
def test_it_is_loaded_once(model):
    for _ in range(2):
        model.transcribe(CLIPS[:1], ["ar"])
    assert model.loads == 1


@pytest.mark.slow
def test_another_rate_is_heard_too(model):
    assert isinstance(model.transcribe([noise(2, rate_hz=24_000)], ["ar"])[0], str)


@pytest.mark.slow
def test_sound_after_thirty_seconds_is_heard(model):
    quiet, loud = noise(36, seed=1), noise(36, seed=1)
    quiet.samples[31 * 16_000 :] = 0
    assert model.transcribe([quiet], ["ar"]) != model.transcribe([loud], ["ar"])


@pytest.mark.slow
def test_whisper_is_told_the_language_and_refuses_one_it_does_not_know(tmp_path):
    recognizer = TransformersRecognizer(str(tiny_whisper(tmp_path)))
    assert recognizer.transcribe(CLIPS[:1], ["ar"]) != recognizer.transcribe(CLIPS[:1], ["en"])
    with pytest.raises(ValueError, match="does not know the language 'xx'"):
        recognizer.transcribe(CLIPS[:1], ["xx"])


@pytest.mark.slow
def test_other_weights_are_another_recogniser(tmp_path):
    prints = {TransformersRecognizer(str(tiny_ctc(tmp_path / str(seed), seed))).fingerprint for seed in (0, 1)}
    assert len(prints) == 2
    again = TransformersRecognizer(str(tmp_path / "0")).fingerprint
    assert again in prints
