import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from harness.backends.conditioning import UnknownVoiceError
from harness.backends.outside import LateError
from harness.backends.speech_server.client import Client, UnreachableError, _retry_after_s, address
from harness.errors import BackendError, UsageError

KEY = "sk-a-key-of-its-own"


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://host.example/v1/", "https://host.example"),
        ("http://host/tts/v1", "http://host/tts"),
    ],
)
def test_the_address_is_the_server_without_v1(given, base):
    assert address(given) == base


@pytest.mark.parametrize("given", ["", "127.0.0.1:8000", "ftp://host", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_a_wrong_command(given):
    with pytest.raises(UsageError, match="address"):
        address(given)


@pytest.mark.parametrize("given", ["http://me:secret@host", "http://host?key=secret", "http://secret@host"])
def test_a_secret_in_the_address_is_refused_and_not_repeated(given):
    with pytest.raises(UsageError, match="HARNESS_API_KEY") as refused:
        address(given)
    assert "secret" not in str(refused.value)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    return Client("http://tts.example", deadline_s=5)


def posted(client, *answers, within=5.0):
    """The reply to one question, and the requests that were sent, where the server gives these answers in turn."""
    seen, given = [], iter(answers)

    async def ask():
        async def answer(request):
            seen.append(request)
            found = next(given, answers[-1])
            if isinstance(found, Exception):
                raise found
            return found

        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(answer), base_url=client.base, headers=headers, timeout=None
        ) as http:
            return await client.post(http, "/v1/audio/speech", {"input": "x"}, time.monotonic() + within)

    return asyncio.run(ask()), seen


def test_an_answer_is_read_whole():
    reply, seen = posted(
        Client("http://tts.example", 5), httpx.Response(200, content=b"abc", headers={"X-Sample-Rate": "8000"})
    )
    assert (reply.body, reply.headers["x-sample-rate"], reply.attempts) == (b"abc", "8000", 1)
    assert len(seen) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(client, status):
    busy = httpx.Response(status, headers={"Retry-After": "0"})
    reply, seen = posted(client, busy, busy, httpx.Response(200, content=b"abc"))
    assert (reply.body, reply.attempts, len(seen)) == (b"abc", 3, 3)


def test_a_server_that_stays_busy_is_late(client):
    with pytest.raises(
        LateError, match=r"no whole answer within 5 s, asked \d+ times: the server answered 503: loading"
    ):
        posted(client, httpx.Response(503, content=b"loading"), within=0.6)


def test_a_server_that_wants_to_be_left_alone_for_longer_is_late_at_once(client):
    began = time.monotonic()
    with pytest.raises(LateError, match="asked 1 times"):
        posted(client, httpx.Response(429, headers={"Retry-After": "600"}))
    assert time.monotonic() - began < 1


def test_a_wrong_question_is_not_asked_again(client):
    with pytest.raises(UnknownVoiceError, match="the server answered 404: no such model"):
        posted(client, httpx.Response(404, content=b"no such model"))


def test_a_redirection_is_not_followed(client):
    with pytest.raises(BackendError, match="answered 302"):
        posted(client, httpx.Response(302, headers={"Location": "http://elsewhere.example"}))


def test_the_key_that_a_server_sends_back_is_hidden(client):
    with pytest.raises(BackendError) as refused:
        posted(client, httpx.Response(500, content=f"headers: Bearer {KEY}".encode()))
    assert KEY not in str(refused.value)
    assert "***" in str(refused.value)
    assert KEY not in repr(client)


@pytest.mark.parametrize(
    ("error", "kind", "complaint"),
    [
        (httpx.ConnectError("refused"), UnreachableError, r"cannot be reached \(refused\)"),
        (httpx.ReadError(""), BackendError, r"the connection broke after 0 bytes of the answer \(ReadError\)"),
        (httpx.RemoteProtocolError("incomplete chunked read"), BackendError, "incomplete chunked read"),
    ],
)
def test_what_the_library_raises_never_crosses_the_seam(client, error, kind, complaint, monkeypatch):
    monkeypatch.setattr("harness.backends.speech_server.client.FIRST_PAUSE_S", 0.01)
    with pytest.raises(kind, match=complaint):
        posted(client, error)


def test_when_a_busy_server_says_when():
    later = datetime.now(UTC) + timedelta(seconds=30)
    assert _retry_after_s({"retry-after": format_datetime(later, usegmt=True)}) == pytest.approx(30, abs=2)
    assert _retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert _retry_after_s({"retry-after": "soon"}) is None
    assert _retry_after_s({}) is None


def test_a_connection_that_was_closed_while_idle_is_opened_again(client, monkeypatch):
    monkeypatch.setattr("harness.backends.speech_server.client.FIRST_PAUSE_S", 0.01)
    gone = httpx.RemoteProtocolError("Server disconnected without sending a response.")
    reply, seen = posted(client, gone, httpx.Response(200, content=b"abc"))
    assert (reply.body, len(seen)) == (b"abc", 2)


def test_an_answer_that_breaks_off_is_not_asked_for_again(client):
    class Breaks(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"RIFF"
            raise httpx.ReadError("reset")

    with pytest.raises(BackendError, match=r"broke after 4 bytes of the answer \(reset\)"):
        posted(client, httpx.Response(200, stream=Breaks()))
