"""The generated client as tests use it: each reply is checked against the document, whatever its status."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from serving.api.openapi import document
from serving.gate.matching import route_of
from serving.gate.route import Route

URI = "urn:lssi"
CLIENT_FILE = Path(__file__).parents[1] / "docs" / "lssi_client.py"


def _client_module() -> Any:
    spec = spec_from_file_location("lssi_client", CLIENT_FILE)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    # its dataclasses look up their module by name
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


lssi_client: Any = _client_module()


class CheckedClient(lssi_client.Client):
    """The client of users, which fails on a reply that the document does not foresee."""

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send one request and check its reply."""
        reply = super().send(method, path, body, headers)
        check_reply(method, path, reply.status, reply.headers, reply.body)
        return reply


class DirectClient(lssi_client.Client):
    """The client in front of an application in this process, without a socket; each reply is checked too."""

    def __init__(self, transport: httpx.ASGITransport, key: str | None = None) -> None:
        super().__init__("http://gate", key)
        self._transport = transport

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send one request to the application and check its reply."""
        sent = {} if self.key is None else {"authorization": f"Bearer {self.key}"}

        async def once() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://gate"
            ) as client:
                return await client.request(
                    method, path, content=body, headers=sent | (headers or {})
                )

        answer = asyncio.run(once())
        check_reply(method, path, answer.status_code, answer.headers, answer.content)
        return lssi_client.Reply(answer.status_code, dict(answer.headers), answer.content)


def path_of(route: Route, asked: Mapping[str, Any]) -> str:
    """Return path and query by which a GET asks for some fields."""
    parts = {name: quote(str(asked[name]), safe="") for name in route.parts}
    query = {name: value for name, value in asked.items() if name not in parts}
    path = route.path.format(**parts)
    return f"{path}?{urlencode(query)}" if query and route.method == "GET" else path


def check_reply(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Raise ValidationError unless the document foresees a reply: its status, its media type and its content."""
    where = urlsplit(path)
    scope = {
        "type": "http",
        "method": method,
        "path": httpx.URL(f"http://gate{where.path}").path,
        "raw_path": where.path.encode(),
    }
    route = route_of(scope)
    pointer = "/components/schemas/Error"
    if route is not None and route.method == method:
        responses = _document()["paths"][route.path][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {route.path} answers {status}: {body[:300]!r}"
        answer, pointer = _response(route, str(status))
        [media] = answer["content"]
        assert headers["content-type"].partition(";")[0] == media, (route.path, status)
        assert ("deprecation" in headers) == bool(route.successor) or status != 200
        if media != "application/json":
            return
        pointer += "/content/application~1json/schema"
    validator(pointer).validate(json.loads(body))


def _response(route: Route, status: str) -> tuple[dict[str, Any], str]:
    """Return what the document says of one status of a route, and where it says so."""
    escaped = route.path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    answer = _document()["paths"][route.path][route.method.lower()]["responses"][status]
    if "$ref" in answer:
        name = answer["$ref"].rpartition("/")[2]
        return _document()["components"]["responses"][name], f"/components/responses/{name}"
    return answer, f"/paths/{escaped}/{route.method.lower()}/responses/{status}"


@cache
def _document() -> dict[str, Any]:
    return document()


@cache
def validator(pointer: str) -> Draft202012Validator:
    """Return the validator of what the document has at a place."""
    resource = Resource.from_contents(_document(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(URI, resource)
    return Draft202012Validator({"$ref": f"{URI}#{pointer}"}, registry=registry)
