import numpy as np
import pytest

from harness.backends.higgs.prompt import batch
from harness.cloning.conversation import AudioContent, build
from harness.errors import BackendError
from tests.backends.higgs.conftest import TEXTS
from tests.synthetic import draw

pytestmark = pytest.mark.slow


@pytest.fixture
def prompter(opened):
    return opened()._load().prompter


def test_a_prompt_is_what_the_checkpoints_own_processor_builds(prompter):
    import torch

    conversations = [
        build("مرحبا", AudioContent(draw("#" * cells)), text, scene=scene)
        for cells, text, scene in zip((10, 14, 6, 23), TEXTS, ("", "A room.", "", ""), strict=True)
    ]
    from harness.cloning.conversation import as_template

    theirs = prompter.processor.apply_chat_template(
        [as_template(one) for one in conversations],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"sampling_rate": 24_000},
    )
    ours = batch([prompter.prompt(one) for one in conversations], 257, 1025)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert torch.equal(ours[name].long(), tensor.long()), name


def test_a_second_of_reference_is_25_frames_and_34_positions(prompter):
    prompt = prompter.prompt(build("مرحبا", AudioContent(draw("#" * 10)), TEXTS[0]))
    assert prompt.frames == (25,)
    assert prompt.columns.shape == (34, 8)


def test_known_codes_are_used_as_they_are(prompter):
    codes = np.random.default_rng(0).integers(0, 1024, (8, 12))
    speech = AudioContent(draw("#" * 5), codes)
    columns = prompter.prompt(build("مرحبا", speech, TEXTS[0])).columns.numpy()
    for codebook in range(8):
        assert (columns[: codebook + 1, codebook] == 1024).all()
        np.testing.assert_array_equal(columns[codebook + 1 : codebook + 13, codebook], codes[codebook])
        assert (columns[codebook + 13 :, codebook] == 1025).all()


def test_a_reference_is_encoded_once_for_all_its_takes(prompter, monkeypatch):
    made = []
    real = type(prompter)._encoded
    monkeypatch.setattr(type(prompter), "_encoded", lambda self, sound: made.append(1) or real(self, sound))
    voice = AudioContent(draw("#" * 11))
    for text in TEXTS:
        prompter.prompt(build("مرحبا", voice, text))
    assert made == [1]


def test_rows_with_and_without_a_reference_cannot_share_a_batch(prompter):
    rows = [prompter.prompt(build("مرحبا", voice, "نعم")) for voice in (None, AudioContent(draw("#" * 10)))]
    with pytest.raises(ValueError, match="cannot share a batch"):
        batch(rows, 257, 1025)


def test_a_template_that_does_not_take_the_conversation_is_a_failure_of_the_model(prompter, monkeypatch):
    monkeypatch.setattr(prompter.processor, "chat_template", "{{ raise_exception('no scene here') }}")
    with pytest.raises(BackendError, match="does not take the conversation: no scene here"):
        prompter.prompt(build("مرحبا", None, "نعم"))
