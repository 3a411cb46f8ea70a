"""What stands between the gate and the service: a GET becomes the form of its route, and an old path its successor's.

Behind it every path is one of the table, so that no value of a request reaches the framework's metrics or logs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.gate.matching import path_parts, route_of
from serving.gate.responses import Refused
from serving.gate.route import Route
from serving.gate.routes import ROUTES
from serving.requests import Body

DEPRECATED_SINCE = b"@1796083200"
"""2026-12-01, when the paths of 0.1 that read by POST were given successors; the form is that of RFC 9745."""
MOST_QUERY = 20
"""Parts of a query at most; a choice, above the fields of any form."""


class FormReader:
    """The ASGI application between the gate and the framework."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on under the path of its route, its form as a body."""
        route = route_of(scope) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        if route.successor:
            send = _deprecating(route, send)
        inner = {**scope, "path": route.inside, "raw_path": route.inside.encode()}
        if route.form is None or route.method != "GET":
            await self._app(inner, receive, send)
            return
        try:
            content = query_form(route, route.form, scope).model_dump_json().encode()
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False, include_context=False)
            await JSONResponse({"detail": detail}, 400)(scope, receive, send)
            return
        await self._app(_as_post(inner, content), _once(content, receive), send)


def query_form(route: Route, form: type[Body], scope: Scope) -> Body:
    """Return the form that path and query of a GET fill; ValidationError, or Refused for what is no query at all."""
    try:
        query = parse_qsl(
            scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(scope["query_string"]),
            errors="strict",
            max_num_fields=MOST_QUERY,
        )
    except ValueError:
        raise Refused("request_invalid", "the query cannot be read; write NAME=VALUE&…") from None
    texts = dict(query)
    if len(texts) < len(query):
        raise Refused("request_invalid", "a part of the query occurs twice; send each once")
    parts = path_parts(route, scope) or {}
    if set(parts) & set(texts):
        raise Refused("request_invalid", "a part of the path occurs in the query too")
    return form.model_validate_strings({**texts, **parts})


def _as_post(scope: dict[str, Any], content: bytes) -> Scope:
    """Return the scope by which the framework takes a form: its endpoints are POST alone."""
    replaced = (b"content-type", b"content-length", b"transfer-encoding")
    headers = [header for header in scope["headers"] if header[0].lower() not in replaced]
    headers.append((b"content-type", b"application/json"))
    headers.append((b"content-length", str(len(content)).encode()))
    return {**scope, "method": "POST", "query_string": b"", "headers": headers}


def _once(content: bytes, receive: Receive) -> Receive:
    waiting = [content]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def _deprecating(route: Route, send: Send) -> Send:
    """Return a sender that says in each answer since when its path is deprecated, and where its successor is described."""
    successor = next(other for other in ROUTES if other.path == route.successor)
    link = f'</docs#{successor.name}>; rel="deprecation"; type="text/html"'
    added = [(b"deprecation", DEPRECATED_SINCE), (b"link", link.encode())]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sent
