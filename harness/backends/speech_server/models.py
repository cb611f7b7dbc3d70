"""What a server says that it is: the models that it serves, and the dialect that it speaks."""

import json
from typing import TYPE_CHECKING

from harness.backends.speech_server.client import KEY_VARIABLE, Client, UnreachableError
from harness.backends.speech_server.dialects import DIALECTS, understood
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    import httpx

MODELS, DESCRIPTION = "/v1/models", "/openapi.json"
_OF_THE_MOMENT = ("created", "permission")
"""What a server makes up anew each time it is asked."""


async def opened(client: Client, dialect: str) -> tuple[str, str]:
    """What the server serves, and its dialect: the one given, or else the one that it describes.

    Raises:
        BackendError: It does not answer.
        UsageError: It does not say which dialect it speaks.
    """
    async with client.opened() as http:
        return await listed(client, http), dialect or await _described(client, http)


async def served(client: Client, http: "httpx.AsyncClient") -> str | None:
    """What it serves now; None where it cannot be reached, for a server that is gone is not another one."""
    try:
        return await listed(client, http)
    except UnreachableError:
        return None


async def listed(client: Client, http: "httpx.AsyncClient") -> str:
    """The server's models as canonical JSON; empty where it does not list any.

    Raises:
        UnreachableError: It does not answer.
        BackendError: It does, with something else.
    """
    reply = await client.get(http, MODELS)
    if reply.status_code in (401, 403):
        raise BackendError(f"the server answered {reply.status_code}: it wants a key in {KEY_VARIABLE}")
    if reply.status_code in (404, 405):
        return ""
    try:
        rows = [{key: row[key] for key in row if key not in _OF_THE_MOMENT} for row in reply.json()["data"]]
        rows.sort(key=lambda row: str(row["id"]))
    except (ValueError, KeyError, TypeError):
        raise BackendError(f"{client.base}{MODELS} answered {reply.status_code} with no list of models") from None
    return client.hidden(json.dumps(rows, sort_keys=True, ensure_ascii=False))


async def _described(client: Client, http: "httpx.AsyncClient") -> str:
    reply = await client.get(http, DESCRIPTION)
    try:
        may_be = understood(reply.json()) if reply.status_code == 200 else ()
    except (ValueError, AttributeError):
        may_be = ()
    if len(may_be) != 1:
        problem = f"may speak {' or '.join(may_be)}" if may_be else f"does not say at {DESCRIPTION} what it speaks"
        raise UsageError(f"the server {problem}: give one of {', '.join(DIALECTS)} with --dialect")
    return may_be[0]


def chosen(listed: str, wanted: str) -> str:
    """The model to ask for.

    Args:
        listed: What `listed` gave.
        wanted: The one that the user named, or nothing.

    Raises:
        UsageError: It is not there, or there are several to choose from.
    """
    ids = [str(row["id"]) for row in json.loads(listed or "[]")]
    if wanted and (wanted in ids or not ids):
        return wanted
    if not wanted and len(ids) == 1:
        return ids[0]
    there = ", ".join(ids) or f"no list of them at {MODELS}"
    raise UsageError(f"--served-model is {wanted!r} and the server has {there}: name one of its models")
