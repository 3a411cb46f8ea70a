from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path_

from serving.errors import CODES, AccessError, body, normalised
from serving.gate.access import Access, RequestLimits
from serving.gate.key_register import ROLES, TEAM_ROLES, read
from serving.gate.keys import Ring, add
from serving.gate.routes import ROUTES
from tests.route_matrix import may, table, written

QUICK = RequestLimits(body_bytes=1_000, body_seconds=0.2, answer_seconds=0.2, at_once=2)


async def echo(request: Request) -> Response:
    """What stands behind the gate here: it answers, fails, stalls or errs as the body says."""
    asked = await request.body()
    if b"stall" in asked:
        await asyncio.sleep(5)
    if b"fail" in asked:
        raise RuntimeError("370200SECRET")
    if b"plain" in asked:
        return PlainTextResponse("Not Found", status_code=404)
    return JSONResponse(
        {"bytes": len(asked)}, headers={"server": "told", "x-frame-options": "ALLOW"}
    )


OPEN = ("/livez", "/readyz", "/openapi.json", "/docs")
PATHS = [route.path for route in ROUTES] + ["/hidden"]
INNER = Starlette(routes=[Path_(path, echo, methods=["GET", "POST"]) for path in PATHS])


def asked(
    register: Path, method: str, path: str, *, key: str | None = None, **sent: Any
) -> httpx.Response:
    """Return what the gate answers to one request."""

    async def once() -> httpx.Response:
        gate = Access(INNER, ring=Ring(register), limits=QUICK)
        transport = httpx.ASGITransport(app=gate, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.request(
                method, path, headers=headers | sent.pop("headers", {}), **sent
            )

    return asyncio.run(once())


def code_of(answer: httpx.Response) -> str:
    """Return the stable code of a refusal, once it is known to be the one error body under its status."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "detail"} and "\n" not in error["message"]
    assert answer.status_code == CODES[error["code"]].status
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return str(error["code"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_answers_exactly_the_roles_it_names(
    register: Path, keys: dict[str, str], route: Any
) -> None:
    for role in ROLES:
        answer = asked(register, route.method, route.path, key=keys[role], **_body(route))
        if role in route.roles or not route.roles:
            assert answer.status_code == 200
        else:
            assert code_of(answer) == "role_refused"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_without_a_key_only_probes_and_the_document_answer(
    register: Path, keys: dict[str, str], route: Any
) -> None:
    answer = asked(register, route.method, route.path, **_body(route))
    assert (answer.status_code == 200) == (route.path in OPEN)
    if route.roles:
        assert code_of(answer) == "key_missing"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ROLES)
def test_a_key_of_one_district_answers_where_the_table_says_so_and_nowhere_else(
    register: Path, role: str
) -> None:
    team = "t1" if role in TEAM_ROLES else None
    key = add(register, "limited", role=role, today=date(2015, 7, 1), team=team, district="D1")
    for route in ROUTES:
        answer = asked(register, route.method, route.path, key=key, **_body(route))
        if may(route, role, of_district=True):
            assert answer.status_code == 200
        elif may(route, role, of_district=False):
            assert code_of(answer) == "district_refused"
        else:
            assert code_of(answer) == "role_refused"


def test_the_document_has_the_table_of_routes_roles_and_districts() -> None:
    assert written() == table(), "python -m tests.route_matrix writes it"


def _body(route: Any) -> dict[str, Any]:
    return {"json": {}} if route.method == "POST" else {}


@pytest.mark.parametrize(
    "path",
    [
        "/hidden",
        "/",
        "/healthz",
        "/v1/info/",
        "//v1/info",
        "/V1/info",
        "/static_content/index.html",
    ],
)
def test_a_path_that_is_not_named_is_refused_even_if_the_service_has_it(
    register: Path, keys: dict[str, str], path: str
) -> None:
    assert code_of(asked(register, "GET", path)) == "key_missing"
    assert code_of(asked(register, "GET", path, key=keys["system"])) == "route_unknown"


@pytest.mark.parametrize("sent", ["lssi_unknown", "x" * 5_000, "é"])
def test_a_key_outside_the_register_is_refused(
    register: Path, keys: dict[str, str], sent: str
) -> None:
    headers = {"authorization": f"Bearer {sent}".encode()}
    assert code_of(asked(register, "POST", "/v1/info", json={}, headers=headers)) == "key_unknown"


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "lssi_abc"])
def test_a_header_that_is_no_bearer_key_counts_as_none(
    register: Path, keys: dict[str, str], header: str
) -> None:
    answer = asked(register, "POST", "/v1/info", json={}, headers={"authorization": header})
    assert code_of(answer) == "key_missing"


@pytest.mark.parametrize(
    "damage", ["{", '{"keys": [{"name": "a"}]}', '{"keys": [], "more": 1}', "[]"]
)
def test_a_damaged_register_opens_nothing(
    register: Path, keys: dict[str, str], damage: str
) -> None:
    register.write_text(damage)
    with pytest.raises(AccessError):
        read(register)
    assert (
        code_of(asked(register, "POST", "/v1/info", key=keys["system"], json={})) == "keys_unusable"
    )
    assert asked(register, "GET", "/livez").status_code == 200


def test_without_a_register_nobody_enters(register: Path) -> None:
    assert code_of(asked(register, "POST", "/v1/info", key="lssi_x", json={})) == "key_unknown"


def test_the_wrong_method_is_refused_and_the_right_one_named(
    register: Path, keys: dict[str, str]
) -> None:
    answer = asked(register, "GET", "/v1/claims/score", key=keys["system"])
    assert code_of(answer) == "method_refused"
    assert answer.headers["allow"] == "POST"
    both = asked(register, "PUT", "/v1/info", key=keys["system"])
    assert (code_of(both), both.headers["allow"]) == ("method_refused", "GET, POST")
    assert code_of(asked(register, "POST", "/livez")) == "method_refused"


def test_a_body_above_the_limit_is_refused_by_its_declared_length(
    register: Path, keys: dict[str, str]
) -> None:
    answer = asked(
        register, "POST", "/v1/info", key=keys["system"], content=b" " * 1_001, headers=JSON
    )
    assert code_of(answer) == "body_too_large"
    exact = asked(
        register, "POST", "/v1/info", key=keys["system"], content=b"{}" + b" " * 998, headers=JSON
    )
    assert exact.json() == {"bytes": 1_000}


def test_a_body_that_hides_its_length_is_refused_where_it_passes_the_limit(
    register: Path, keys: dict[str, str]
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    answer = asked(register, "POST", "/v1/info", key=keys["system"], content=parts(), headers=JSON)
    assert code_of(answer) == "body_too_large"


def test_a_body_that_does_not_arrive_is_refused_in_time(
    register: Path, keys: dict[str, str]
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    answer = asked(register, "POST", "/v1/info", key=keys["system"], content=slow(), headers=JSON)
    assert code_of(answer) == "body_too_slow"


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/vnd.bentoml+pickle"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_only_plain_json_is_taken(
    register: Path, keys: dict[str, str], headers: dict[str, str]
) -> None:
    answer = asked(register, "POST", "/v1/info", key=keys["system"], content=b"{}", headers=headers)
    assert code_of(answer) == "media_type_refused"


@pytest.mark.parametrize("retry", ["a b", "", "x" * 65, "险".encode()])
def test_an_idempotency_key_that_is_none_is_refused(
    register: Path, keys: dict[str, str], retry: str
) -> None:
    bad = asked(
        register,
        "POST",
        "/v1/info",
        key=keys["system"],
        json={},
        headers={"idempotency-key": retry},
    )
    assert code_of(bad) == "request_invalid"
    good = asked(
        register,
        "POST",
        "/v1/info",
        key=keys["system"],
        json={},
        headers={"idempotency-key": "Ab_9-" * 12},
    )
    assert good.status_code == 200


def test_two_content_types_are_refused(register: Path, keys: dict[str, str]) -> None:
    headers = [
        ("content-type", "application/json"),
        ("content-type", "text/plain"),
        ("authorization", f"Bearer {keys['system']}"),
    ]

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=Access(INNER, ring=Ring(register), limits=QUICK))
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.post("/v1/info", content=b"{}", headers=headers)

    assert code_of(asyncio.run(once())) == "media_type_refused"


def test_an_answer_that_takes_too_long_is_a_refusal(register: Path, keys: dict[str, str]) -> None:
    assert (
        code_of(asked(register, "POST", "/v1/info", key=keys["system"], json={"stall": 1}))
        == "timed_out"
    )


def test_a_failure_inside_is_one_body_that_repeats_nothing(
    register: Path, keys: dict[str, str]
) -> None:
    answer = asked(register, "POST", "/v1/info", key=keys["system"], json={"fail": 1})
    assert code_of(answer) == "internal"
    assert "SECRET" not in answer.text


def test_an_error_of_the_framework_is_put_into_the_one_body(
    register: Path, keys: dict[str, str]
) -> None:
    assert (
        code_of(asked(register, "POST", "/v1/info", key=keys["system"], json={"plain": 1}))
        == "route_unknown"
    )


def test_too_many_at_once_are_refused_and_the_others_answered(
    register: Path, keys: dict[str, str]
) -> None:
    async def many() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=Access(INNER, ring=Ring(register), limits=QUICK))
        headers = {"authorization": f"Bearer {keys['system']}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gate", headers=headers
        ) as client:
            stalled = [
                asyncio.create_task(client.post("/v1/info", json={"stall": 1})) for _ in range(2)
            ]
            await asyncio.sleep(0.05)
            refused = await client.post("/v1/info", json={})
            await asyncio.gather(*stalled)
            return [refused, await client.post("/v1/info", json={})]

    refused, answered = asyncio.run(many())
    assert code_of(refused) == "busy"
    assert answered.status_code == 200


def test_every_answer_good_or_bad_carries_the_security_headers(
    register: Path, keys: dict[str, str]
) -> None:
    told = [
        asked(register, "POST", "/v1/info", key=keys["system"], json=json_)
        for json_ in ({}, {"fail": 1})
    ]
    for answer in (*told, asked(register, "GET", "/livez"), asked(register, "GET", "/x")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get_list("x-frame-options") == ["DENY"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_the_log_names_route_status_and_key_and_nothing_of_the_request(
    register: Path, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lssi.access"):
        asked(
            register,
            "POST",
            "/v1/info?worker=SECRET",
            key=keys["system"],
            json={"worker": "SECRET"},
        )
        asked(register, "POST", "/SECRET", key="SECRET", json={"worker": "SECRET"})
        asked(register, "POST", "/SECRET", key=keys["auditor"], json={"worker": "SECRET"})
    first, second, third = [
        record.getMessage() for record in caplog.records if record.name == "lssi.access"
    ]
    assert first.startswith("route=/v1/info status=200 key=of_system ms=")
    assert second.startswith("route=- status=401 key=- ms=")
    assert third.startswith("route=- status=404 key=")
    assert "SECRET" not in first + second + third and keys["system"] not in first


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(
        Access(INNER, ring=Ring(Path("none")), limits=QUICK)(
            {"type": "websocket", "path": "/"}, receive, send
        )
    )
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("status", "given", "code"),
    [
        (
            400,
            b'{"error": "x", "detail": [{"type": "missing", "loc": ["a"], "msg": "Field required"}]}',
            "request_invalid",
        ),
        (
            400,
            b'{"error": "x", "detail": [{"type": "json_invalid", "loc": [], "msg": "Invalid JSON"}]}',
            "json_invalid",
        ),
        (404, b'[{"error": "no such thing"}]', "route_unknown"),
        (404, b"Not Found", "route_unknown"),
        (500, b'{"error": "An unexpected error has occurred"}', "internal"),
        (418, b"", "internal"),
        (504, b'{"error": "Not able to process the request in 60 seconds"}', "timed_out"),
        (404, body("unknown_id", "x"), "unknown_id"),
    ],
)
def test_an_error_in_any_shape_becomes_the_one_body(status: int, given: bytes, code: str) -> None:
    assert json.loads(normalised(status, given))["error"]["code"] == code


def test_a_refused_field_is_named_shortly_and_never_repeated_at_length() -> None:
    problems = [
        {"type": "extra_forbidden", "loc": ["x" * 10_000], "msg": "Extra inputs are not permitted"}
    ] * 500
    told = json.loads(normalised(400, json.dumps({"error": "", "detail": problems}).encode()))[
        "error"
    ]
    assert len(told["detail"]) == 10
    assert told["detail"][0] == {"field": "x" * 80, "problem": "unknown field"}
    assert "and 499 more" in told["message"]


def test_every_route_has_a_status_free_path_and_both_languages() -> None:
    assert all(route.zh and route.en and set(route.roles) <= set(ROLES) for route in ROUTES)
    assert sorted(route.path for route in ROUTES if not route.roles) == sorted(OPEN)
