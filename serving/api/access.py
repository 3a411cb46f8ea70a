"""The gate before every route: it refuses a path that `routes.py` does not list, and a role that may not use it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.keys import KeyHolder, Ring
from serving.api.matching import route_of, routes_of_path
from serving.api.responses import Outgoing, Refused
from serving.api.route import Route
from serving.errors import AccessError

LOG = logging.getLogger("lssi.access")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request is being answered: the name of its key, the idempotency key it sent, and the team it acts for, if any."""

    name: str
    retry: str | None
    team: str | None = None


_RETRY = re.compile(r"[A-Za-z0-9_-]{1,64}")
CALLER: ContextVar[Caller] = ContextVar("caller")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may cost: bytes and seconds for its body, seconds for its answer, and how many at once."""

    body_bytes: int = 8_000_000
    body_seconds: float = 15.0
    answer_seconds: float = 180.0
    at_once: int = 64


class Access:
    """The outermost ASGI application: key, route, role, method, body, time; then the service."""

    def __init__(self, app: ASGIApp, *, ring: Ring, limits: RequestLimits) -> None:
        self._app, self._ring, self._limits, self._open = app, ring, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; close every websocket; let the lifespan through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, Outgoing(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, outgoing: Outgoing) -> None:
        started, who = time.monotonic(), "-"
        try:
            holder = self._admitted(scope)
            who = holder.name if holder else "-"
            team = holder.team if holder else None
            CALLER.set(Caller(who, _retry_key(Headers(scope=scope)), team))
            await self._answered(scope, receive, outgoing)
        except Refused as refused:
            await outgoing.refuse(refused)
        except Exception:
            if not outgoing.status:
                await outgoing.refuse(
                    Refused("internal", "the service failed; nothing was answered")
                )
            raise
        finally:
            route = route_of(scope)
            path = route.path if route else "-"
            milliseconds = 1000 * (time.monotonic() - started)
            LOG.info("route=%s status=%d key=%s ms=%.1f", path, outgoing.status, who, milliseconds)

    def _admitted(self, scope: Scope) -> KeyHolder | None:
        route = route_of(scope)
        if route is not None and not route.roles:
            _method(route, scope)
            return None
        holder = self._holder(Headers(scope=scope))
        if route is None:
            raise Refused("route_unknown", "no route has this path; see docs/api.md")
        if holder.role not in route.roles:
            raise Refused(
                "role_refused",
                f"{route.path} is for {', '.join(route.roles)}; this key is for {holder.role}",
            )
        _method(route, scope)
        return holder

    def _holder(self, headers: Headers) -> KeyHolder:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refused(
                "key_missing",
                "send the header Authorization: Bearer KEY; `lssi key add` makes a key",
                (b"www-authenticate", b"Bearer"),
            )
        try:
            holder = self._ring.holder(key.strip())
        except AccessError as error:
            raise Refused(error.code, str(error)) from None
        if holder is None:
            raise Refused(
                "key_unknown",
                "this key is not in the register of keys; `lssi key add` makes a key",
                (b"www-authenticate", b"Bearer"),
            )
        return holder

    async def _answered(self, scope: Scope, receive: Receive, outgoing: Outgoing) -> None:
        if self._open >= self._limits.at_once:
            raise Refused(
                "busy",
                "too many requests at this moment; try again in a second",
                (b"retry-after", b"1"),
            )
        self._open += 1
        try:
            content = await self._content(scope, receive)
            async with asyncio.timeout(self._limits.answer_seconds):
                await self._app(scope, _replayed(content, receive), outgoing)
        except TimeoutError:
            if not outgoing.status:
                raise Refused(
                    "timed_out", "the answer took too long; ask for fewer units"
                ) from None
        finally:
            self._open -= 1

    async def _content(self, scope: Scope, receive: Receive) -> bytes:
        headers, most = Headers(scope=scope), self._limits.body_bytes
        if scope["method"] == "POST":
            _json_only(headers)
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > most:
            raise _too_large(most)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await _read(receive, most)
        except TimeoutError:
            raise Refused(
                "body_too_slow",
                f"the body should arrive within {self._limits.body_seconds:g} seconds",
                (b"connection", b"close"),
            ) from None


def _method(route: Route, scope: Scope) -> None:
    if scope["method"] != route.method:
        methods = ", ".join(other.method for other in routes_of_path(scope))
        raise Refused(
            "method_refused", f"{route.path} answers {methods}", (b"allow", methods.encode())
        )


def _json_only(headers: Headers) -> None:
    kinds = [value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")]
    if kinds != ["application/json"] or headers.get("content-encoding", "identity") != "identity":
        raise Refused(
            "media_type_refused", "send the body as Content-Type: application/json, not compressed"
        )


def _retry_key(headers: Headers) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not _RETRY.fullmatch(key):
        raise Refused(
            "request_invalid", "the header Idempotency-Key should be 1 to 64 of A-Z a-z 0-9 _ -"
        )
    return key


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


def _replayed(content: bytes, receive: Receive) -> Receive:
    waiting = [content]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
