"""The short way of a request with a JSON form to its method: past the framework's routing, which reads forms of any kind.

It stands inside the framework's own middleware, so its metrics count these requests too. Measured, a request for one unit spent
more in the framework's routing and reading of forms than in the scored day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.gate.routes import ROUTES
from serving.requests import Body

JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Way:
    """Where a path leads: the form of its body, and the method that answers it."""

    form: type[Body]
    method: Callable[[Any], Awaitable[Response]]


_WAYS: dict[str, Way] = {}
"""By path, once the service of this process is open."""


def open_ways(methods: Mapping[str, Callable[[Any], Awaitable[Response]]]) -> None:
    """Let requests with a form go to the methods of a service, which are given by the path inside the gate."""
    for route in ROUTES:
        if route.form is not None:
            _WAYS[route.inside] = Way(route.form, methods[route.inside])


class ShortWay:
    """The ASGI application before the framework's routes: it answers JSON forms itself, and lets all else through."""

    def __init__(self, app: ASGIApp, ways: Mapping[str, Way] = _WAYS) -> None:
        self._app, self._ways = app, ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a known path whose body is JSON; pass any other on."""
        way = self._ways.get(scope["path"]) if scope["type"] == "http" else None
        if way is None or scope["method"] != "POST" or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        # an empty body is an object without fields, as the framework reads it
        content = await _content(receive) or b"{}"
        try:
            form = way.form.model_validate_json(content)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False, include_context=False)
            await JSONResponse({"detail": detail}, 400)(scope, receive, send)
            return
        response = await way.method(form)
        await response(scope, receive, send)


def _is_json(scope: Scope) -> bool:
    """Tell whether a body is JSON by its header; without the header the framework reads it."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    return len(kinds) == 1 and kinds[0].split(b";")[0].strip().lower() == JSON


async def _content(receive: Receive) -> bytes:
    """Return the body of a request, which the gate has read whole."""
    parts: list[bytes] = []
    has_more = True
    while has_more:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(parts)
