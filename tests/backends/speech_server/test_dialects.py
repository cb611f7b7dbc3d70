import base64

import pytest

from harness.backends.conditioning import Voice
from harness.backends.speech_server.dialects import CHAT, DIALECTS, SPEECH, Question, understood
from harness.take import Sampling

VOICE = Voice("layla", b"RIFF1234", "مرحبا")
HEARD = base64.b64encode(VOICE.wav).decode()


def body(dialect, **changes):
    asked = {"model": "m", "text": "نص", "voice": VOICE, "max_new_tokens": 84, "seed": 5, "sampling": Sampling()}
    return DIALECTS[dialect].body(Question(**asked | {"stream": False} | changes))


def test_openai_names_the_voice():
    assert body("openai") == {
        "model": "m",
        "input": "نص",
        "voice": "layla",
        "response_format": "wav",
        "max_new_tokens": 84,
        "seed": 5,
    }


def test_vllm_omni_gets_sound_and_transcript_and_no_sampling():
    asked = body("vllm-omni")
    assert asked["ref_audio"] == f"data:audio/wav;base64,{HEARD}"
    assert asked["ref_text"] == "مرحبا"
    assert not {"temperature", "voice", "stream"} & asked.keys()


def test_sglang_omni_gets_a_reference_and_sampling():
    asked = body("sglang-omni")
    assert asked["references"] == [{"data": HEARD, "media_type": "audio/wav", "text": "مرحبا"}]
    assert (asked["voice"], asked["temperature"], asked["top_p"], asked["top_k"]) == ("default", 0.3, 0.95, 50)


def test_chat_puts_the_reference_into_the_assistants_mouth():
    asked = body("chat")
    assert [turn["role"] for turn in asked["messages"]] == ["user", "assistant", "user"]
    assert asked["messages"][0]["content"] == "مرحبا"
    assert asked["messages"][1]["content"] == [{"type": "input_audio", "input_audio": {"data": HEARD, "format": "wav"}}]
    assert asked["messages"][2]["content"] == "نص"
    assert asked["modalities"] == ["text", "audio"]
    assert "<|audio_eos|>" in asked["stop"]
    assert asked["max_completion_tokens"] == 84


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_told_its_budget_and_seed(dialect):
    asked = body(dialect)
    assert 84 in (asked.get("max_new_tokens"), asked.get("max_completion_tokens"))
    assert asked["seed"] == 5


@pytest.mark.parametrize("dialect", ["openai", "vllm-omni", "sglang-omni"])
def test_a_stream_is_pcm(dialect):
    asked = body(dialect, stream=True)
    assert (asked["stream"], asked["response_format"]) == (True, "pcm")


@pytest.mark.parametrize("dialect", ["sglang-omni", "chat"])
def test_greedy_is_a_temperature_of_nought(dialect):
    asked = body(dialect, sampling=Sampling(do_sample=False, ras_window=0))
    assert asked["temperature"] == 0
    assert "top_k" not in asked


def described(*paths, fields=()):
    schema = {"properties": {name: {} for name in fields}}
    post = {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}}}
    return {"paths": {path: post for path in paths}, "components": {"schemas": {"S": schema}}}


@pytest.mark.parametrize(
    ("description", "dialects"),
    [
        (described(SPEECH, fields=["input", "voice"]), ("openai",)),
        (described(SPEECH, CHAT, fields=["input", "ref_audio", "ref_text"]), ("vllm-omni",)),
        (described(SPEECH, CHAT, fields=["input", "ref_audio", "references"]), ("sglang-omni",)),
        (described(CHAT, fields=["messages"]), ("chat",)),
        (described(SPEECH, CHAT, fields=["input", "voice"]), ("openai", "chat")),
        (described("/other"), ()),
        ({}, ()),
    ],
)
def test_a_dialect_is_known_by_its_description(description, dialects):
    assert understood(description) == dialects
