import json
import shutil
from dataclasses import replace
from functools import wraps

import numpy as np
import pytest

from harness.backends import BackendOptions, open_backend
from harness.backends.higgs import proof
from harness.backends.higgs.generation import Generator
from harness.backends.higgs.prompt import Prompt
from harness.cloning.conversation import AudioContent, Role, build
from harness.errors import BackendError
from harness.take import Sampling
from tests.backends.higgs.conftest import TEXTS
from tests.synthetic import draw

pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(opened):
    return opened()._load()


@pytest.fixture
def conversation():
    return build("مرحبا", AudioContent(draw("#" * 10)), TEXTS[0])


def prove_prompt(loaded, conversation, prompt=None):
    prompt = prompt or loaded.prompter.prompt(conversation)
    proof.prove_prompt(conversation, prompt, loaded.prompter, loaded.model)


def test_a_prompt_with_the_whole_reference_is_accepted(loaded, conversation):
    prove_prompt(loaded, conversation)
    proof.prove_swap(conversation, loaded.prompter, loaded.model)


def test_the_designs_marks_in_the_users_turn_are_refused(loaded, conversation):
    marked = [
        replace(turn, content=f"{turn.content} <|audio_bos|><|AUDIO|><|audio_eos|>") if turn.role is Role.USER else turn
        for turn in conversation
    ]
    with pytest.raises(
        BackendError, match=r"holds <\|AUDIO\|> and <\|audio_bos\|>, behind which this model hears nothing"
    ):
        prove_prompt(loaded, tuple(marked))


def test_a_prompt_without_the_reference_is_refused(loaded):
    with pytest.raises(BackendError, match="0 audio positions for 0 frames"):
        prove_prompt(loaded, build("مرحبا", None, TEXTS[0]))


def test_a_prompt_that_lacks_positions_is_refused(loaded, conversation):
    whole = loaded.prompter.prompt(conversation)
    cut = Prompt(
        whole.input_ids[whole.input_ids != loaded.model.config.audio_delay_token_id], whole.columns, whole.frames
    )
    with pytest.raises(BackendError, match="27 audio positions for 25 frames of reference; 34 are needed"):
        prove_prompt(loaded, conversation, cut)


def test_a_codec_that_gives_one_code_throughout_is_refused(loaded):
    one_code = AudioContent(draw("#" * 10), np.zeros((8, 25), np.int64))
    with pytest.raises(BackendError, match="gives code 0 throughout"):
        prove_prompt(loaded, build("مرحبا", one_code, TEXTS[0]))


def test_a_prompt_that_the_processor_would_not_build_is_refused(loaded, conversation):
    whole = loaded.prompter.prompt(conversation)
    other = Prompt(whole.input_ids, (whole.columns + 1) % 1024, whole.frames)
    with pytest.raises(BackendError, match="is not the one that the checkpoint's own processor builds"):
        prove_prompt(loaded, conversation, other)


def test_a_model_that_does_not_hear_the_reference_is_refused(loaded, conversation, monkeypatch):
    embeddings = loaded.model.model.embed_audio_tokens.embed_audio_tokens
    weights = embeddings.weight.detach().clone()
    monkeypatch.setattr(embeddings.weight, "data", weights.new_zeros(weights.shape))
    with pytest.raises(BackendError, match="swapping the reference does not change what the model says"):
        proof.prove_swap(conversation, loaded.prompter, loaded.model)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_row_is_alike_to_the_last_bit_alone_and_in_company(opened, conversation, dtype):
    loaded = opened(dtype=dtype)._load()
    for lanes in (2, 8):
        proof.prove_company(conversation, loaded.prompter, Generator(loaded.model, lanes), Sampling())


def test_a_device_on_which_takes_depend_on_their_company_is_refused(loaded, opened, conversation, asked, monkeypatch):
    real = type(loaded.model).forward

    @wraps(real)
    def forward(model, *arguments, **inputs):
        output = real(model, *arguments, **inputs)
        logits = output.logits  # as by a kernel that adds in another order when other rows are there
        output.logits = logits + 1e-6 * logits.abs().sum(dim=0, keepdim=True)
        return output

    monkeypatch.setattr(type(loaded.model), "forward", forward)
    with pytest.raises(BackendError, match=r"one of 3 lanes depends on the others, by up to .*--batch-size 1"):
        proof.prove_company(conversation, loaded.prompter, Generator(loaded.model, 3), Sampling())
    with pytest.raises(BackendError, match="one of 8 lanes depends on the others"):
        opened(static_cache=True, scene="Alone.").generate([asked()])


@pytest.mark.parametrize("lost", ["window", "file", "dropped on loading"])
def test_a_generation_config_without_a_repetition_window_is_no_reason_to_refuse(tiny, tmp_path, asked, lost):
    shutil.copytree(tiny / "model", tmp_path / "model")
    path = tmp_path / "model" / "generation_config.json"
    config = json.loads(path.read_text())
    config |= {"_from_model_config": True} if lost == "dropped on loading" else {}
    path.write_text(json.dumps({key: value for key, value in config.items() if lost != "window" or "ras_" not in key}))
    if lost == "file":
        path.unlink()
    options = BackendOptions(model=str(tmp_path / "model"), codec=str(tiny / "codec"))
    backend, whole = open_backend("higgs", options), open_backend("higgs", replace(options, model=str(tiny / "model")))
    (take,), (same,) = backend.generate([asked()]), whole.generate([asked()])
    np.testing.assert_array_equal(take.audio.samples, same.audio.samples)  # the window is the run's own
    assert backend.identity != whole.identity


@pytest.mark.parametrize(("different", "accepted"), [(1, True), (13, True), (14, False)])
def test_two_encodings_of_a_reference_may_differ_in_few_codes(loaded, conversation, different, accepted):
    import torch

    whole = loaded.prompter.prompt(conversation)
    columns = whole.columns.clone()
    places = torch.arange(different)
    columns[places % 34, places // 34] = (columns[places % 34, places // 34] + 1) % 1024
    other = Prompt(whole.input_ids, columns, whole.frames)
    if accepted:
        prove_prompt(loaded, conversation, other)
    else:
        with pytest.raises(BackendError, match="is not the one that the checkpoint's own processor builds"):
            prove_prompt(loaded, conversation, other)


def test_the_proof_is_made_once_before_the_first_take(tiny, asked, monkeypatch):
    backend = open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tiny / "codec")))
    made = []
    real = proof.prove_swap
    monkeypatch.setattr(proof, "prove_swap", lambda *given: made.append(1) or real(*given))
    for _ in range(3):
        backend.generate([asked()])
    assert made == [1]
