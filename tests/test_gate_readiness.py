"""Readiness is true: what keeps the service from answering turns `/readyz` red, in one word; the log says more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from features.calendar import day_of
from features.errors import RequestError
from serving.api.changeover import Changeover
from serving.api.service import Lssi
from serving.gate.access import Access, RequestLimits
from serving.gate.keys import Ring
from serving.gate.readiness import Readiness
from serving.ledger.ledger import Ledger
from serving.settings import Settings, settings_of

NOW = datetime(2015, 7, 4, 8, tzinfo=UTC)
DAY = day_of("2015-06-30")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db", 2.0) as ledger:
        yield ledger


def asked(ledger: Ledger, register: Path, stale_after: int | None = None) -> httpx.Response:
    """Return what the gate answers to `/readyz`, which the service's own method decides, as the framework words it."""
    served: Any = object.__new__(Lssi.inner)
    served._readiness = Readiness(ledger, stale_after=stale_after, clock=lambda: NOW)
    scorer = SimpleNamespace(day=DAY)
    desks: Any = SimpleNamespace(scores=SimpleNamespace(scorer=scorer))
    # there is no file that says what is in use, so nothing changes
    served._in_use = Changeover(register.with_name("none.json"), lambda: desks)

    async def readyz(_request: Request) -> Response:
        if not await served.__is_ready__():
            raise HTTPException(503, "Service is not ready because .__is_ready__() returns False.")
        return PlainTextResponse("")

    gate = Access(
        Starlette(routes=[Route("/readyz", readyz)]), ring=Ring(register), limits=RequestLimits()
    )

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=gate)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.get("/readyz")

    return asyncio.run(once())


def reason_of(answer: httpx.Response) -> str:
    """Return the word of an answer that says no."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "not_ready")
    [detail] = error["detail"]
    assert detail["field"] == "reason"
    return str(detail["problem"])


@pytest.mark.parametrize(
    ("stale_after", "ready"), [(None, True), (4, True), (3, False), (0, False)]
)
def test_a_day_is_stale_after_the_declared_number_of_days_and_never_without_one(
    ledger: Ledger, register: Path, stale_after: int | None, ready: bool, caplog: Any
) -> None:
    with caplog.at_level(logging.WARNING, "lssi.ledger"):
        answer = asked(ledger, register, stale_after)
    if ready:
        assert answer.status_code == 200 and caplog.messages == []
    else:
        assert reason_of(answer) == "day_stale" and "2015" not in answer.text
        assert "the last closed day, 2015-06-30, is 4 days old" in caplog.text


def test_a_lost_file_is_red_and_green_again_once_it_is_back(
    ledger: Ledger, register: Path, caplog: Any
) -> None:
    assert asked(ledger, register).status_code == 200
    aside = ledger.path.rename(ledger.path.with_name("aside.db"))
    ledger._last = (0.0, "")
    with caplog.at_level(logging.WARNING, "lssi.ledger"):
        assert reason_of(asked(ledger, register)) == "ledger_unusable"
    assert "the ledger's file is gone" in caplog.text
    aside.rename(ledger.path)
    ledger._last = (0.0, "")
    assert asked(ledger, register).status_code == 200


def test_a_writer_that_has_ended_is_red(ledger: Ledger, register: Path) -> None:
    ledger.close()
    assert reason_of(asked(ledger, register)) == "ledger_unusable"


def test_the_number_of_days_reaches_the_workers_through_their_environment(tmp_path: Path) -> None:
    settings = Settings(tmp_path, str(tmp_path), stale_after=3)
    assert settings_of(settings.environment).stale_after == 3
    assert "LSSI_STALE_AFTER" not in Settings(tmp_path, str(tmp_path)).environment
    with pytest.raises(RequestError, match="number of days"):
        settings_of(settings.environment | {"LSSI_STALE_AFTER": "soon"})
