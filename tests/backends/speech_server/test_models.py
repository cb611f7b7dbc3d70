import json

import pytest

from harness.backends import BackendOptions
from harness.backends.speech_server import SpeechServerBackend
from harness.backends.speech_server.models import chosen
from harness.errors import UsageError
from tests.stand_in import running

TWO = json.dumps([{"id": "a"}, {"id": "b"}])


@pytest.mark.parametrize(
    ("listed", "wanted", "model"), [('[{"id": "a"}]', "", "a"), (TWO, "b", "b"), ("", "mine", "mine")]
)
def test_the_model_is_the_only_one_or_the_one_that_was_named(listed, wanted, model):
    assert chosen(listed, wanted) == model


@pytest.mark.parametrize(("listed", "wanted"), [(TWO, ""), (TWO, "c"), ("", "")])
def test_a_model_is_never_guessed(listed, wanted):
    with pytest.raises(UsageError, match="name one of its models"):
        chosen(listed, wanted)


def test_nobody_at_home_is_a_wrong_command():
    with pytest.raises(UsageError, match=r"/v1/models does not answer .*: start the server, or mend --model"):
        SpeechServerBackend(BackendOptions(model="http://127.0.0.1:9"))


@pytest.mark.slow
def test_a_server_that_describes_itself_needs_no_dialect():
    with running("sglang-omni") as server:
        found = SpeechServerBackend(BackendOptions(model=server.url))
        assert "dialect=sglang-omni" in found.identity
        assert found.identity == SpeechServerBackend(BackendOptions(model=server.url)).identity  # `created` differs
        assert "dialect=chat" in SpeechServerBackend(BackendOptions(model=server.url, dialect="chat")).identity
        with pytest.raises(UsageError, match="--dialect is 'polly'; one of openai, vllm-omni, sglang-omni, chat"):
            SpeechServerBackend(BackendOptions(model=server.url, dialect="polly"))
