"""Any transformers recogniser: whole clips, the language forced, and no clip changed by its company."""

import random

import pytest

from harness.errors import UsageError
from harness.metrics.recognition import open_recognizer
from harness.metrics.recognition.transformers_folder import TransformersRecognizer
from tests.recognisers import noise, tiny_ctc, tiny_whisper


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
    return open_recognizer(str({"whisper": tiny_whisper, "ctc": tiny_ctc}[request.param](folder)))


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
def test_its_threads_do_not_depend_on_what_was_loaded_before(model, monkeypatch):
    import torch

    seen = []
    decode = model._transcribed
    monkeypatch.setattr(model, "_transcribed", lambda *given: seen.append(torch.get_num_threads()) or decode(*given))
    for threads in (2, 1):
        torch.set_num_threads(threads)
        model.transcribe(CLIPS[:1], ["ar"])
        assert torch.get_num_threads() == threads
    assert seen == [1, 1]


@pytest.mark.slow
def test_texts_have_a_score_that_does_not_depend_on_the_company(model):
    texts = ["سلام", "سلام دار", "دار", ""]
    (together,) = model.log_likelihoods(CLIPS[:1], ["ar"], [texts])
    for text, score in zip(texts, together, strict=True):
        ((alone,),) = model.log_likelihoods(CLIPS[:1], ["ar"], [[text]])
        assert alone.total == pytest.approx(score.total, rel=1e-4)
        assert score.total < 0
        assert not score.words or len(score.words) == len(text.split())
    assert len({score.total for score in together}) == 4


@pytest.mark.slow
def test_a_ctc_score_is_that_of_all_its_alignments(tmp_path):
    import torch

    recognizer = TransformersRecognizer(str(tiny_ctc(tmp_path)))
    clip = noise(0.08)
    chances = recognizer._loaded[0](**recognizer._features([clip.samples])).logits.log_softmax(-1)[0]
    token = recognizer._loaded[1].tokenizer("ر").input_ids[0]
    assert chances.shape[0] < 6
    # Every way in which frames of blank and of the letter give one letter, added up by hand.
    ways = []
    for first in range(chances.shape[0]):
        for last in range(first, chances.shape[0]):
            way = [token if first <= frame <= last else 0 for frame in range(chances.shape[0])]
            ways.append(sum(chances[frame, one] for frame, one in enumerate(way)))
    ((found,),) = recognizer.log_likelihoods([clip], ["ar"], [["ر"]])
    assert found.total == pytest.approx(float(torch.logsumexp(torch.stack(ways), 0)), rel=1e-4)


@pytest.mark.slow
def test_other_weights_are_another_recogniser(tmp_path):
    prints = {TransformersRecognizer(str(tiny_ctc(tmp_path / str(seed), seed))).fingerprint for seed in (0, 1)}
    assert len(prints) == 2
    again = TransformersRecognizer(str(tmp_path / "0")).fingerprint
    assert again in prints
