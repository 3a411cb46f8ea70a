"""The BentoML service; no other file imports BentoML. The desk makes its answers, the gate its refusals."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

import bentoml
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import ASGIApp

from features.errors import LssiError, RequestError
from features.files import keep_private, own_folder
from serving.answers import Acted, AlertPage, Answer, Info, Recorded
from serving.api.access import Access, RequestLimits
from serving.api.caller import CALLER
from serving.api.district import DistrictGuard
from serving.api.key_register import read
from serving.api.keys import Ring
from serving.api.loop_desk import LoopDesk
from serving.api.readiness import REASONS, Readiness
from serving.api.refusal_counts import RefusalCounts
from serving.api.startup import quieten, settle_memory
from serving.api.wire import speak_strictly
from serving.errors import body, status_of
from serving.ledger.ledger import Ledger
from serving.loop.act_once import Loop
from serving.loop.decisions import acknowledge_alert, decide_line
from serving.loop.outcomes import post_outcome
from serving.requests import (
    AcknowledgedAlert,
    AlertsAfter,
    Body,
    ClaimHistory,
    ClaimIds,
    DecidedLine,
    EnterpriseHistory,
    EnterpriseIds,
    LodgedAppeal,
    Nothing,
    PostedOutcome,
    RecordId,
)
from serving.scoring.opening import open_scorer
from serving.scoring.recorded_scoring import Desk
from serving.scoring.transcript import Question, question_of
from serving.settings import Settings, settings_of

LOG = logging.getLogger("lssi.ledger")
LIMITS = RequestLimits()
REFUSALS = RefusalCounts()
"""What the gate of this process counts, and its ledger keeps."""
RECORD_SECONDS = 2.0
"""For how long an answer waits for its record; a choice: a record takes milliseconds, so a longer wait is a fault."""
BEHIND = (
    2 * LIMITS.answer_seconds
)  # the framework's own timeout stands behind ours and never speaks first


class Gated(bentoml.Service[Any]):
    """A service whose gate sees every request first, before the framework's own middleware and routes."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:  # noqa: FBT001, FBT002 - the framework's signature
        """Return the application behind the gate, over a server that reads HTTP strictly."""
        speak_strictly()
        return Access(
            super().to_asgi(is_main),
            ring=Ring(settings_of(os.environ).keys),
            limits=LIMITS,
            refusals=REFUSALS,
        )


@bentoml.service(
    name="lssi",
    service_class=Gated,
    workers=1,
    traffic={"timeout": BEHIND},
    logging={"access": {"enabled": False}},
    tracing={"sample_rate": 0.0},
)
class Lssi:
    """风险排序与说明。Scores enterprises and claims for inspection, with reasons and a record; see docs/api.md."""

    @bentoml.on_startup
    def open(self) -> None:
        """Load history, models and ranks, and start the ledger's writer."""
        quieten()
        settings = settings_of(os.environ)
        keep_private(settings.home.resolve())
        scorer = open_scorer(settings)
        self._ledger = Ledger(settings.ledger, RECORD_SECONDS)
        clock = partial(datetime.now, UTC)
        self._desk = Desk(scorer, self._ledger, clock, DistrictGuard(scorer.store))
        self._readiness = Readiness(
            self._ledger, scorer.day, stale_after=settings.stale_after, clock=clock
        )
        REFUSALS.write_to(self._ledger, clock)
        journal = settings.home / "journal" / scorer.store.source.name
        self._loop = LoopDesk(Loop(scorer.store, journal, self._ledger), clock)
        settle_memory()

    @bentoml.on_shutdown
    def close(self) -> None:
        """Write what waits for the ledger, then stop."""
        REFUSALS.write()
        self._desk.close()

    async def __is_ready__(self) -> bool:
        """Return whether the service may be asked now, as `/readyz` asks; the log says why not, the answer only a word."""
        trouble = await self._readiness.trouble()
        if trouble is not None:
            REASONS.get().append(trouble.word)
            LOG.warning("not ready: %s", trouble.sentence)
        return trouble is None

    @bentoml.api(route="/v1/enterprises/score", output_spec=Answer)
    async def score_enterprises(self, request: EnterpriseIds, /) -> Response:
        """按编号为企业评分。Score enterprises by number."""
        of_request = question(request)
        return await told(
            self._desk.by_id(request.target, "enterprise", request.enterprises, of_request)
        )

    @bentoml.api(route="/v1/claims/score", output_spec=Answer)
    async def score_claims(self, request: ClaimIds, /) -> Response:
        """按编号为待遇申领评分。Score claims by number."""
        return await told(
            self._desk.by_id(request.target, "claim", request.claims, question(request))
        )

    @bentoml.api(route="/v1/enterprises/score-history", output_spec=Answer)
    async def score_enterprise_history(self, request: EnterpriseHistory, /) -> Response:
        """按请求中的历史为一家企业评分。Score one enterprise by the history sent."""
        return await told(self._desk.by_history("enterprise", request, question(request)))

    @bentoml.api(route="/v1/claims/score-history", output_spec=Answer)
    async def score_claim_history(self, request: ClaimHistory, /) -> Response:
        """按请求中的历史为一件申领评分。Score one claim by the history sent."""
        return await told(self._desk.by_history("claim", request, question(request)))

    @bentoml.api(route="/v1/info", output_spec=Info)
    async def about(self, request: Nothing, /) -> Response:  # noqa: ARG002 - its form is checked, it holds nothing
        """在用模型、摘要、数据完整截至日、合同版本。Models in use, digests, day complete to, contract version."""
        return await told(self._desk.about())

    @bentoml.api(route="/v1/records/get", output_spec=Recorded)
    async def get_record(self, request: RecordId, /) -> Response:
        """按记录号取一条记录及其证明。One record with its proof."""
        return await told(self._desk.record(request.record_id, CALLER.get().name))

    @bentoml.api(route="/v1/alerts/list", output_spec=AlertPage)
    async def list_alerts(self, request: AlertsAfter, /) -> Response:
        """按游标取本队的预警。The alerts of the caller's team, behind a cursor."""
        return await told(self._loop.alerts(request, CALLER.get()))

    @bentoml.api(route="/v1/alerts/acknowledge", output_spec=Acted)
    async def acknowledge(self, request: AcknowledgedAlert, /) -> Response:
        """签收预警。Acknowledge one alert of the caller's team."""
        return await told(self._loop.act(acknowledge_alert, request, CALLER.get()))

    @bentoml.api(route="/v1/outcomes", output_spec=Acted)
    async def take_outcome(self, request: PostedOutcome, /) -> Response:
        """回传检查结果。Post what a visit of the caller's team found."""
        return await told(self._loop.act(post_outcome, request, CALLER.get()))

    @bentoml.api(route="/v1/overrides", output_spec=Acted)
    async def take_override(self, request: DecidedLine, /) -> Response:
        """调整或认可名单上的一行。Override or accept a line of a list."""
        return await told(self._loop.act(decide_line, request, CALLER.get()))

    @bentoml.api(route="/v1/appeals", output_spec=Acted)
    async def take_appeal(self, request: LodgedAppeal, /) -> Response:
        """登记申诉。Record an appeal against a row, or its decision."""
        return await told(self._loop.appeal(request, CALLER.get()))


def serve(settings: Settings, *, host: str, port: int, workers: int) -> NoReturn:
    """Check everything that a start needs, then become the BentoML server; LssiError where something is missing."""
    _free(host, port)
    open_scorer(settings)
    Ledger(settings.ledger).close()
    read(settings.keys)
    place = settings.home.resolve() / "bentoml"
    own_folder(place)
    framework = {
        "BENTOML_HOME": str(place),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OVERRIDES": json.dumps(
            {"services": {"lssi": {"workers": workers}}}, allow_nan=False
        ),
    }
    words = [
        "-m",
        "bentoml",
        "serve",
        f"{__name__}:Lssi",
        "--working-dir",
        str(place),
        "--host",
        host,
        "--port",
        str(port),
        "--timeout-keep-alive",
        "30",
        "--timeout-graceful-shutdown",
        str(round(LIMITS.answer_seconds)),
    ]
    os.execve(
        sys.executable, [sys.executable, *words], os.environ | settings.environment | framework
    )


def _free(host: str, port: int) -> None:
    try:
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((host, port))
    except (OSError, OverflowError) as error:
        raise RequestError(
            f"the service cannot listen on {host}:{port} ({error}); choose another --host or --port"
        ) from None


def question(asked: Body) -> Question:
    """Return the caller and the digest of the request that is being answered."""
    caller = CALLER.get()
    return question_of(
        caller.name, {"form": type(asked).__name__, **asked.model_dump(mode="json")}, caller.retry
    )


async def told(answer: Awaitable[BaseModel]) -> Response:
    """Return an answer, or the one error body of an error that is meant for the user."""
    try:
        content, status = (await answer).model_dump_json().encode(), 200
    except LssiError as error:
        content, status = body(error.code, str(error)), status_of(error.code)
    return Response(content, status, media_type="application/json")
