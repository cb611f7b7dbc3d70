import pytest

from harness.backends.higgs.generation import Generator
from harness.backends.higgs.reading import cache_argument, read_in
from harness.cloning.conversation import AudioContent, build
from harness.errors import BackendError
from tests.backends.higgs.conftest import TEXTS
from tests.synthetic import draw

pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(opened):
    return opened()._load()


@pytest.fixture
def prompts(loaded):
    speech = AudioContent(draw("#" * 10))
    return [loaded.prompter.prompt(build("مرحبا", speech, text)) for text in TEXTS[:2]]


class Model:
    def __init__(self, forward):
        self.forward = forward


def test_the_cache_is_given_under_the_name_that_the_model_knows():
    assert cache_argument(Model(lambda input_ids, cache=None, **kwargs: None)) == "cache"
    assert cache_argument(Model(lambda input_ids, past_key_values=None, **kwargs: None)) == "past_key_values"
    with pytest.raises(BackendError, match="under a name that is not known here: install one of the versions"):
        cache_argument(Model(lambda input_ids, memory=None, **kwargs: None))


def test_nothing_that_this_version_calls_deprecated_is_given(loaded, prompts, recwarn):
    import torch

    with torch.inference_mode():
        read, logits = read_in(loaded.model, prompts, {})
    assert (len(logits), int(read.cache.get_seq_length())) == (2, max(len(one.input_ids) for one in prompts))
    assert [str(warning.message) for warning in recwarn if "deprecated" in str(warning.message)] == []


@pytest.mark.parametrize("lanes", [0, 2])
def test_a_model_that_swallows_its_cache_is_refused_and_does_not_speak_without_context(
    loaded, opened, asked, monkeypatch, lanes
):
    """As it would be from transformers 5.40 on, had the old name been kept."""
    real = type(loaded.model).forward

    def forward(model, *arguments, cache=None, **inputs):
        return real(model, *arguments, **inputs)

    monkeypatch.setattr(type(loaded.model), "forward", forward)
    monkeypatch.setattr(loaded, "generator", Generator(loaded.model, lanes))
    (take,) = opened().generate([asked()])
    assert "the model's cache holds 0 of " in take.error
    assert "it would speak without context" in take.error
