"""Asking a server over HTTP: so many at once, each within one deadline, again where it says that it is busy."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.backends.conditioning import UnknownVoiceError
from harness.backends.outside import LateError
from harness.backends.received import QUOTED
from harness.backends.speech_server.answer import Reply
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

KEY_VARIABLE = "HARNESS_API_KEY"
"""The environment variable that holds the key: an option would stand in reports and in the list of processes."""
MOST_BYTES = 256 * 2**20
"""Of one answer: 20 minutes of 48 kHz stereo float."""
BUSY = (429, 503)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
CONNECTING_ATTEMPTS = 3
DESCRIBING_S = 30.0  # for what a server says of itself
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def address(given: str) -> str:
    """The server's address without /v1.

    Raises:
        UsageError: It is none, or holds a secret.
    """
    if not given:
        raise UsageError("the speech_server backend needs an address: give --model http://HOST:PORT")
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--model is {given!r}; the address of a server is needed, such as http://127.0.0.1:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"--model holds more than an address: put the key into the environment variable {KEY_VARIABLE}"
        )
    return given.rstrip("/").removesuffix("/v1")


class UnreachableError(BackendError):
    """Nothing answers at the server's address, or not in time."""


class BusyError(BackendError):
    """The server could not be asked now; holds for how long it wants to be left alone."""

    def __init__(self, message: str, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.pause_s = pause_s


@dataclass(slots=True)
class Client:
    """One server."""

    base: str
    deadline_s: float
    concurrency: int = 8
    _key: str = field(default_factory=lambda: os.environ.get(KEY_VARIABLE, ""), repr=False)

    def hidden(self, text: str) -> str:
        """The same text without the key: a server may send back what it was sent."""
        return text.replace(self._key, "***") if self._key else text

    @asynccontextmanager
    async def opened(self) -> "AsyncIterator[httpx.AsyncClient]":
        """The connections, while the block runs."""
        import httpx

        async with httpx.AsyncClient(
            base_url=self.base,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=None,  # every question has one deadline over all that it does
            limits=httpx.Limits(max_connections=self.concurrency),
            # A proxy of the environment is for what lies outside this machine.
            trust_env=urlsplit(self.base).hostname not in _LOOPBACK,
        ) as http:
            yield http

    async def post(self, http: "httpx.AsyncClient", path: str, body: Mapping[str, Any], until: float) -> Reply:
        """The answer to one question, asked again while the server is busy.

        Args:
            http: From `opened`.
            path: Of the endpoint.
            body: The question.
            until: The deadline, on the monotonic clock.

        Raises:
            LateError: There was none by then.
            BackendError: It was not 200.
        """
        began, attempts, why = time.monotonic(), 0, ""
        try:
            async with asyncio.timeout(until - began):
                while True:
                    attempts += 1
                    try:
                        return await self._once(http, path, body, began, attempts)
                    except BusyError as busy:
                        why = str(busy)
                        left = until - time.monotonic()
                        pause = busy.pause_s
                        if pause is None:
                            pause = min(FIRST_PAUSE_S * 2 ** (attempts - 1), LONGEST_PAUSE_S)
                        if pause >= left:
                            raise TimeoutError from None
                        await asyncio.sleep(pause)
        except TimeoutError:
            asked = f", asked {attempts} times: {why}" if why else ""
            raise LateError(
                f"no whole answer within {self.deadline_s:g} s{asked}; --generation-timeout gives it longer"
            ) from None

    async def _once(
        self, http: "httpx.AsyncClient", path: str, body: Mapping[str, Any], began: float, attempts: int
    ) -> Reply:
        import httpx

        first_byte_s, data, answered = 0.0, bytearray(), False
        try:
            async with http.stream("POST", path, json=body) as response:
                answered = True
                async for piece in response.aiter_bytes():
                    first_byte_s = first_byte_s or time.monotonic() - began
                    data += piece
                    if len(data) > MOST_BYTES:
                        raise BackendError(f"the answer is longer than {MOST_BYTES} bytes and was broken off")
        except httpx.ConnectError as error:
            message = self.hidden(f"the server cannot be reached ({error or type(error).__name__})")
            if attempts >= CONNECTING_ATTEMPTS:
                raise UnreachableError(message) from None
            raise BusyError(message) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            said = self.hidden(str(error)) or type(error).__name__
            message = f"the connection broke after {len(data)} bytes of the answer ({said})"
            if answered or attempts >= CONNECTING_ATTEMPTS:
                raise BackendError(message) from None
            raise BusyError(message) from None  # a server may close a connection that was idle just as it is used
        if response.status_code in BUSY:
            raise BusyError(self._refusal(response.status_code, bytes(data)), _retry_after_s(response.headers))
        if response.status_code != 200:
            kind = UnknownVoiceError if 400 <= response.status_code < 500 else BackendError
            raise kind(self._refusal(response.status_code, bytes(data)))
        return Reply(bytes(data), dict(response.headers), first_byte_s, attempts)

    def _refusal(self, status: int, body: bytes) -> str:
        text = self.hidden(" ".join(body[:4096].decode("utf-8", "replace").split()))[:QUOTED]
        return f"the server answered {status}: {text or 'nothing more'}"

    async def get(self, http: "httpx.AsyncClient", path: str) -> "httpx.Response":
        """What stands at a path.

        Raises:
            UnreachableError: Nothing came within the time.
        """
        import httpx

        within_s = min(DESCRIBING_S, self.deadline_s)
        try:
            async with asyncio.timeout(within_s):
                return await http.get(path)
        except TimeoutError:
            raise UnreachableError(f"{self.base}{path} does not answer within {within_s:g} s") from None
        except httpx.HTTPError as error:
            said = self.hidden(str(error)) or type(error).__name__
            raise UnreachableError(f"{self.base}{path} does not answer ({said})") from None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a busy server asks for, given as such or as a date; None where it says nothing that can be read.

    >>> _retry_after_s({"retry-after": "3"})
    3.0
    """
    given = headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given[:9])
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
