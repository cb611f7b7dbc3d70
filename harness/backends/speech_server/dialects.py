"""How each kind of server is asked for a clone.

    openai       POST /v1/audio/speech   the voice by its name, which the server must know
    vllm-omni    POST /v1/audio/speech   ref_audio (data URL) and ref_text; sampling fields are dropped without a word
    sglang-omni  POST /v1/audio/speech   references, with sampling
    chat         POST /v1/chat/completions   the reference as the assistant's turn, with sampling

Every dialect is told the most tokens it may use: the servers' own defaults cut at ten seconds or not at all.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.backends.conditioning import Voice
from harness.take import Sampling

SPEECH, CHAT = "/v1/audio/speech", "/v1/chat/completions"
STOP_STRINGS = ("<|eot_id|>", "<|end_of_text|>", "<|audio_eos|>")
"""What ends an answer of the chat server; without the last it goes on in words after its sound."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One chunk of text to be spoken."""

    model: str
    text: str
    voice: Voice
    max_new_tokens: int
    seed: int
    sampling: Sampling
    stream: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of server understands."""

    name: str
    path: str
    body: Callable[[Question], Body]
    hears_reference: bool
    """Whether the sound of the reference is sent; else only the voice's name."""
    obeys_sampling: bool


def _speech(question: Question) -> Body:
    streamed = {"stream": True} if question.stream else {}
    return {
        "model": question.model,
        "input": question.text,
        "response_format": "pcm" if question.stream else "wav",
        "max_new_tokens": question.max_new_tokens,
        "seed": question.seed,
        **streamed,
    }


def _openai(question: Question) -> Body:
    return {**_speech(question), "voice": question.voice.name}


def _vllm_omni(question: Question) -> Body:
    return {
        **_speech(question),
        "ref_audio": f"data:audio/wav;base64,{_base64(question.voice)}",
        "ref_text": question.voice.transcript,
    }


def _sglang_omni(question: Question) -> Body:
    reference = {"data": _base64(question.voice), "media_type": "audio/wav", "text": question.voice.transcript}
    return {**_speech(question), **_sampling(question.sampling), "voice": "default", "references": [reference]}


def _chat(question: Question) -> Body:
    heard = {"type": "input_audio", "input_audio": {"data": _base64(question.voice), "format": "wav"}}
    return {
        "model": question.model,
        "messages": [
            {"role": "user", "content": question.voice.transcript},
            {"role": "assistant", "content": [heard]},
            {"role": "user", "content": question.text},
        ],
        "modalities": ["text", "audio"],
        "stop": list(STOP_STRINGS),
        "max_completion_tokens": question.max_new_tokens,
        "seed": question.seed,
        "stream": question.stream,
        **_sampling(question.sampling),
    }


def _sampling(sampling: Sampling) -> Body:
    if not sampling.do_sample:
        return {"temperature": 0.0}
    return {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}


def _base64(voice: Voice) -> str:
    return base64.b64encode(voice.wav).decode()


DIALECTS: Mapping[str, Dialect] = {
    one.name: one
    for one in (
        Dialect("openai", SPEECH, _openai, hears_reference=False, obeys_sampling=False),
        Dialect("vllm-omni", SPEECH, _vllm_omni, hears_reference=True, obeys_sampling=False),
        Dialect("sglang-omni", SPEECH, _sglang_omni, hears_reference=True, obeys_sampling=True),
        Dialect("chat", CHAT, _chat, hears_reference=True, obeys_sampling=True),
    )
}


def understood(openapi: Mapping[str, Any]) -> tuple[str, ...]:
    """The dialects that a server may speak, by its own OpenAPI description.

    sglang-omni knows vllm-omni's fields too, so its own are looked for first. A server with both paths and without a
    field for a reference is either an OpenAI-style one or one that clones through chat: nobody can tell.
    """
    paths = openapi.get("paths", {})
    fields = _fields(openapi, paths.get(SPEECH, {}))
    if "references" in fields:
        return ("sglang-omni",)
    if "ref_audio" in fields:
        return ("vllm-omni",)
    return tuple(name for name, path in (("openai", SPEECH), ("chat", CHAT)) if path in paths)


def _fields(openapi: Mapping[str, Any], path: Mapping[str, Any]) -> set[str]:
    """Names of the fields that a POST to a path takes."""
    content = path.get("post", {}).get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    schemas = openapi.get("components", {}).get("schemas", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return set(schemas.get(name, schema).get("properties", {}))
