"""The short way answers JSON forms as the framework's way does, and leaves everything else to the framework."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from serving.api.short_way import ShortWay, Way
from serving.requests import EnterpriseIds

PATH = "/v1/enterprises/score"
JSON = (b"content-type", b"application/json")


async def framework(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whatever comes past the short way."""
    await PlainTextResponse("framework")(scope, receive, send)


async def ids(form: BaseModel) -> Response:
    """Answer with the form as it was read."""
    return Response(form.model_dump_json(), media_type="application/json")


def answered(parts: list[bytes], **scope: Any) -> tuple[int, bytes]:
    """Return status and body of the answer to a request whose body comes in parts."""
    sent: list[Message] = []
    waiting = [
        {"type": "http.request", "body": part, "more_body": place + 1 < len(parts)}
        for place, part in enumerate(parts)
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    request = {"type": "http", "method": "POST", "path": PATH, "headers": [JSON], **scope}
    app = ShortWay(framework, {PATH: Way(EnterpriseIds, ids)})
    asyncio.run(app(request, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_a_form_reaches_its_method_in_whatever_parts_it_comes() -> None:
    body = json.dumps({"enterprises": ["企业一", "E2"]}, ensure_ascii=False).encode()
    for parts in ([body], [body[:17], b"", body[17:]]):
        status, content = answered(parts)
        assert status == 200 and json.loads(content)["enterprises"] == ["企业一", "E2"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"enterprises": 3}', b'{"x": 1}', b"\xff"])
def test_a_form_that_is_none_is_refused_without_its_values(body: bytes) -> None:
    status, content = answered([body])
    assert status == 400
    for fault in json.loads(content)["detail"]:
        assert fault["loc"] is not None and "input" not in fault and "url" not in fault


@pytest.mark.parametrize(
    "scope",
    [
        {"path": "/v1/unknown"},
        {"method": "PUT"},
        {"headers": []},
        {"headers": [(b"content-type", b"application/vnd.bentoml+pickle")]},
        {"headers": [JSON, JSON]},
    ],
)
def test_whatever_is_no_json_form_goes_on_to_the_framework(scope: dict[str, Any]) -> None:
    assert answered([b"{}"], **scope)[1] == b"framework"
