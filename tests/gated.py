"""The service's own methods behind its gate, without the framework's server between them."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path_

from serving.api.changeover import Changeover
from serving.api.desks import Desks
from serving.api.service import Lssi
from serving.errors import CODES
from serving.gate.access import Access, RequestLimits
from serving.gate.form_reader import FormReader
from serving.gate.keys import Ring
from serving.gate.routes import ROUTES
from tests.api_client import DirectClient, path_of

BY_PATH = {route.path: route for route in ROUTES}
"""Of a path with two methods the later, which is the old one."""


class Gated:
    """A service with some of its parts, behind the gate with a register of keys."""

    def __init__(
        self, register: Path, *, scores: Any = None, loop: Any = None, reads: Any = None
    ) -> None:
        """Serve some desks; there are no batch jobs."""
        served = object.__new__(Lssi.inner)
        desks = Desks(scores, loop, reads, batches=typing.cast(Any, None))
        # there is no file that says what is in use, so nothing changes
        served._in_use = Changeover(register.with_name("none.json"), lambda: desks)
        routes = [
            Path_(str(api.route), answering(served, api), methods=["POST"])
            for api in Lssi.apis.values()
        ]
        inner = FormReader(Starlette(routes=routes))
        self.gate = Access(inner, ring=Ring(register), limits=RequestLimits())

    def ask(
        self, path: str, sent: Any, secret: str, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Return what one request with a key gets, once it is what the document foresees."""
        client = DirectClient(httpx.ASGITransport(app=self.gate), secret)
        route = BY_PATH[path]
        if route.method == "GET":
            reply = client.send("GET", path_of(route, sent), None, headers or {})
        else:
            as_json = {"content-type": "application/json", **(headers or {})}
            reply = client.send("POST", path, json.dumps(sent).encode(), as_json)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def answering(served: Any, api: Any) -> Any:
    """Return what answers a route of the service: its form is checked as the framework does."""
    form = typing.get_type_hints(api.func)["request"]

    async def answer(request: Request) -> Response:
        try:
            asked = form.model_validate_json(await request.body())
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False, include_context=False)
            return JSONResponse({"error": "", "detail": detail}, status_code=400)
        response: Response = await api.func(served, asked)
        return response

    return answer


def code_of(answer: httpx.Response) -> str:
    """Return the code of a refusal, once its status is that of the code."""
    code = str(answer.json()["error"]["code"])
    assert answer.status_code == CODES[code].status
    return code
