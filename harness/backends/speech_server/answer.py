"""What a server answered, made into sound, or the reason why there is none.

A status of 200 says nothing: what came must be sound, whole, and as long as its own header says.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.backends.received import QUOTED, decoded, quoted
from harness.errors import BackendError
from harness.take import Stop

_TEXT_KINDS = ("json", "html", "text", "xml")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer over HTTP, with status 200 and read to its end."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    first_byte_s: float = 0.0
    attempts: int = 1

    @property
    def kind(self) -> str:
        """Its media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sound of one chunk, and why it ended where the server says so."""

    sound: Audio
    stopped_by: Stop = Stop.UNKNOWN


def of_speech(reply: Reply, streamed: bool, sample_rate_hz: int) -> Spoken:
    """The sound of a speech endpoint: WAV or any file that libsndfile reads, or 16-bit PCM where it was streamed.

    Args:
        reply: What came.
        streamed: Whether PCM was asked for.
        sample_rate_hz: The rate of PCM that names none in `x-sample-rate`.

    Raises:
        BackendError: It is no sound, or not all of it.
    """
    if not reply.body:
        raise BackendError("the server answered 200 with 0 bytes")
    if reply.body[:4] == b"RIFF":
        return Spoken(decoded(reply.body))
    _refuse_text(reply)
    if streamed or "pcm" in reply.kind or reply.kind == "audio/l16":
        rate = _whole_number(reply, "x-sample-rate", sample_rate_hz)
        return Spoken(_pcm(reply.body, rate, _whole_number(reply, "x-channels", 1)))
    return Spoken(decoded(reply.body))


def of_chat(reply: Reply, streamed: bool, sample_rate_hz: int) -> Spoken:
    """The sound of a chat completion: a WAV in one piece, or pieces of 16-bit PCM as events.

    Raises:
        BackendError: It holds no sound, or the events end before their last.
    """
    if streamed:
        return _of_events(reply, sample_rate_hz)
    choice = _choice(_json(reply.body), "message")
    try:
        data = base64.b64decode(choice["message"]["audio"]["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BackendError(f"the chat answer holds no audio: {quoted(reply.body)}") from None
    spoken = of_speech(Reply(data), False, sample_rate_hz)
    return Spoken(spoken.sound, _reason(choice))


def _of_events(reply: Reply, sample_rate_hz: int) -> Spoken:
    pieces, reason, ended = [], Stop.UNKNOWN, False
    for event in _events(reply.body):
        if event == "[DONE]":
            ended = True
            continue
        choice = _choice(_json(event.encode()), "delta")
        reason = _reason(choice) if choice.get("finish_reason") else reason
        piece = (choice["delta"].get("audio") or {}).get("data", "")
        try:
            pieces.append(base64.b64decode(piece, validate=True))
        except (TypeError, ValueError, binascii.Error):
            raise BackendError(f"an event of the chat answer holds no base64: {quoted(event.encode())}") from None
    if not ended:
        raise BackendError(
            f"the chat answer broke off after {len(pieces)} events, before its [DONE]: {quoted(reply.body)}"
        )
    return Spoken(_pcm(b"".join(pieces), sample_rate_hz, 1), reason)


def _events(body: bytes) -> Iterator[str]:
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()


def _choice(answer: Any, part: str) -> Mapping[str, Any]:
    try:
        choice = answer["choices"][0]
        assert isinstance(choice[part], Mapping)
    except (KeyError, IndexError, TypeError, AssertionError):
        raise BackendError(f"the chat answer has no choice with a {part}: {str(answer)[:QUOTED]}") from None
    mapping: Mapping[str, Any] = choice
    return mapping


def _reason(choice: Mapping[str, Any]) -> Stop:
    """Why the model stopped: unlike the speech endpoints, chat says so."""
    return {"stop": Stop.EOS, "length": Stop.BUDGET}.get(str(choice.get("finish_reason")), Stop.UNKNOWN)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise BackendError(f"the chat answer is not JSON: {quoted(body)}") from None


def _refuse_text(reply: Reply) -> None:
    said = [kind for kind in _TEXT_KINDS if kind in reply.kind]
    looks = reply.body.lstrip()[:1] in (b"{", b"<", b"[") and all(
        byte >= 32 or byte in b"\t\r\n" for byte in reply.body[:512]
    )
    if said or looks:
        raise BackendError(
            f"the server answered 200 with {reply.kind or 'text'} in place of sound: {quoted(reply.body)}"
        )


def _pcm(body: bytes, sample_rate_hz: int, channels: int) -> Audio:
    if not body:
        raise BackendError("the server's stream holds 0 samples")
    if len(body) % (2 * channels):
        raise BackendError(f"the server's PCM is cut inside a sample: {len(body)} bytes of {2 * channels} each")
    samples = np.frombuffer(body, "<i2").astype(np.float32) / np.float32(32768)
    return audio.mixed_down(samples.reshape(-1, channels), sample_rate_hz)


def _whole_number(reply: Reply, header: str, default: int) -> int:
    given = reply.headers.get(header, str(default)).strip()
    if not given.isdecimal() or not 0 < int(given) < 10_000_000:
        raise BackendError(f"the server's {header} is {given[:40]!r}; a whole number is needed")
    return int(given)
