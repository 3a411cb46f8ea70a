"""The body of a request: read whole within its limits, and JSON that means one thing before the service sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from serving.gate.responses import Refused

_LARGE = 200_000
"""Bytes of a body above which a thread looks at its JSON; a choice: below it, that takes about a millisecond."""


async def whole_body(scope: Scope, receive: Receive, *, most: int, seconds: float) -> bytes:
    """Return the body of a request; Refused where it is no plain JSON, too large or too slow."""
    headers = Headers(scope=scope)
    if scope["method"] == "POST":
        _check_kind(headers)
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            content = await _read(receive, most)
    except TimeoutError:
        raise Refused(
            "body_too_slow",
            f"the body should arrive within {seconds:g} seconds",
            (b"connection", b"close"),
        ) from None
    if len(content) > _LARGE:
        await to_thread.run_sync(check_json, content)
    elif content:
        check_json(content)
    return content


def check_json(content: bytes) -> None:
    """Raise Refused unless a body is JSON in UTF-8 whose objects have each name once and whose numbers are numbers."""
    try:
        json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(
            "json_invalid", "the body is not JSON; send one JSON object in UTF-8"
        ) from None


def _once(pairs: Sequence[tuple[str, Any]]) -> None:
    # readers of JSON differ in which of two values they take, so what one checks another may not see
    if len(dict(pairs)) < len(pairs):
        raise Refused(
            "request_invalid", "an object of the body has a name twice; send each name once"
        )


def _no_number(_text: str) -> NoReturn:
    raise Refused("request_invalid", "NaN and Infinity are no JSON; send a finite number or null")


def _check_kind(headers: Headers) -> None:
    kinds = [value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")]
    if kinds != ["application/json"] or headers.get("content-encoding", "identity") != "identity":
        raise Refused(
            "media_type_refused", "send the body as Content-Type: application/json, not compressed"
        )


def _too_large(most: int) -> Refused:
    return Refused(
        "body_too_large", f"the body should be at most {most:,} bytes; ask for fewer units"
    )


async def _read(receive: Receive, most: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("request_invalid", "the connection ended before the body")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join(parts)


def replayed(content: bytes, receive: Receive) -> Receive:
    """Return what gives the service a body that was read already, and afterwards what comes next."""
    waiting = [content]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
