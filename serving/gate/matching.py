"""Which route answers a request: by the whole path, or by one with parts in braces, and by the method."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from serving.gate.route import Route
from serving.gate.routes import ROUTES


def route_of(scope: Scope) -> Route | None:
    """Return the route of a request; where its path takes other methods, the first of them; None for no route's path."""
    routes = routes_of_path(scope)
    return next((route for route in routes if route.method == scope["method"]), None) or next(
        iter(routes), None
    )


def routes_of_path(scope: Scope) -> tuple[Route, ...]:
    """Return the routes of the path of a request, one for each method that it takes."""
    exact = tuple(route for route in ROUTES if route.path == scope["path"])
    if exact:
        return exact
    return tuple(route for route in ROUTES if path_parts(route, scope) is not None)


def path_parts(route: Route, scope: Scope) -> Mapping[str, str] | None:
    """Return by name what stands in the path of a request for the parts in braces; None where the path is another.

    A part may hold any letter, a slash as %2F too: so the path is divided before it is decoded.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    segments = raw.split(b"/")
    names = route.path.split("/")
    if not route.parts or len(segments) != len(names):
        return None
    parts: dict[str, str] = {}
    for name, segment in zip(names, segments, strict=True):
        try:
            text = unquote_to_bytes(segment).decode("utf-8")
        except UnicodeDecodeError:
            return None
        if not name.startswith("{"):
            if name != text:
                return None
        elif text:
            parts[name.strip("{}")] = text
        else:
            return None
    return parts
