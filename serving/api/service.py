"""The BentoML service; no other file imports BentoML. The desk makes its answers, the gate its refusals."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import bentoml
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import ASGIApp

from features.errors import LockHeld, LssiError, RequestError
from features.files import keep_private
from serving.answers import Acted, AlertPage, Answer, Appealed, BatchStatus, Info, Recorded
from serving.api.batch_desk import job_folder
from serving.api.batch_runner import BatchRunner
from serving.api.changeover import Changeover
from serving.api.desks import Desks, open_desks
from serving.api.document_app import DOCUMENT_APP
from serving.api.metrics import ledger_samples, metrics_text, model_samples
from serving.api.short_way import ShortWay, open_ways
from serving.errors import body, status_of
from serving.gate.access import Access, LimitCounts, RequestLimits
from serving.gate.caller import CALLER
from serving.gate.form_reader import FormReader
from serving.gate.keys import Ring
from serving.gate.questions import AskedWhy, BatchRows, ExplainedRecord, PlanOfWeek, RankedUnits
from serving.gate.read_answers import (
    BatchPage,
    ComparedScore,
    ExplainedScores,
    PlanPage,
    RankPage,
    WhyListed,
)
from serving.gate.readiness import REASONS, Readiness, Trouble
from serving.gate.refusal_counts import RefusalCounts
from serving.gate.startup import quieten
from serving.gate.wire import speak_strictly
from serving.ledger.ledger import Ledger
from serving.ledger.read import head
from serving.loop.decisions import acknowledge_alert, decide_line
from serving.loop.outcomes import post_outcome
from serving.loop.reviews import post_review
from serving.requests import (
    AcknowledgedAlert,
    AlertsAfter,
    BatchNumber,
    BatchOf,
    Body,
    ClaimHistory,
    ClaimIds,
    DecidedLine,
    EnterpriseHistory,
    EnterpriseIds,
    LodgedAppeal,
    Nothing,
    PostedOutcome,
    PostedReview,
    ProviderHistory,
    ProviderIds,
    RecordId,
)
from serving.scoring.opening import in_use_file
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
        settings = _settings()
        return Access(
            FormReader(super().to_asgi(is_main)),
            ring=Ring(settings.keys),
            limits=LIMITS,
            refusals=REFUSALS,
            counts=LimitCounts(settings.home / "limits"),
        )


def _settings() -> Settings:
    """Return the settings of the environment; without them, one line and the end: `bentoml serve` has nobody else to say it."""
    try:
        return settings_of(os.environ)
    except RequestError as error:
        raise SystemExit(f"error: {error.code}: {error}") from None


@bentoml.asgi_app(DOCUMENT_APP, path="/", name="document")
@bentoml.service(
    name="lssi",
    service_class=Gated,
    workers=1,
    traffic={"timeout": BEHIND},
    logging={"access": {"enabled": False}},
    # no span is exported, so none is made
    tracing={"sample_rate": 0.0, "excluded_urls": ".*"},
)
class Lssi:
    """风险排序与说明。Scores enterprises and claims for inspection, with reasons and a record; see docs/api.md."""

    @bentoml.on_startup
    def open(self) -> None:
        """Load history, models and ranks, and start the ledger's writer."""
        quieten()
        settings = _settings()
        keep_private(settings.home.resolve())
        self._ledger = Ledger(settings.ledger, RECORD_SECONDS)
        clock = partial(datetime.now, UTC)
        REFUSALS.write_to(self._ledger, clock)
        self._in_use = Changeover(
            in_use_file(settings), partial(open_desks, settings, self._ledger)
        )
        self._batches = BatchRunner(settings.home, job_folder(settings.home), self._ledger)
        self._readiness = Readiness(self._ledger, stale_after=settings.stale_after, clock=clock)
        # bound once: what the framework makes of a method looks at its signature each time it is asked for
        open_ways({api.route: getattr(self, name).local for name, api in SERVICE.apis.items()})

    @bentoml.on_shutdown
    def close(self) -> None:
        """Write what waits for the ledger, then stop."""
        REFUSALS.write()
        self._batches.close()
        self._ledger.close()

    async def __is_ready__(self) -> bool:
        """Return whether the service may be asked now, as `/readyz` asks; the log says why not, the answer only a word."""
        trouble = await self._trouble()
        if trouble is not None:
            REASONS.get().append(trouble.word)
            LOG.warning("not ready: %s", trouble.sentence)
        return trouble is None

    async def _trouble(self) -> Trouble | None:
        """Return why what is in use cannot be answered with, or the ledger not be written; None where both can."""
        try:
            desks = await self._in_use.now()
        except LssiError as error:
            return Trouble("generation_unusable", str(error))
        return await self._readiness.trouble(desks.scores.scorer.day)

    async def _noted(self, desks: Desks, shown: Awaitable[BaseModel], record_id: str) -> BaseModel:
        """Return what is shown of a record, once the ledger says who reads it."""
        answer = await shown
        await desks.scores.note_reading(record_id, CALLER.get().name)
        return answer

    async def __metrics__(self, of_framework: str) -> str:
        """Return the framework's metrics with our own behind them, as `/metrics` asks."""
        begun = time.monotonic()
        trouble = await self._ledger.trouble()
        lag = time.monotonic() - begun
        samples = []
        with suppress(LssiError):  # what cannot be opened has no figures; `/readyz` says so
            desks = await self._in_use.now()
            samples += model_samples(desks.scores.scorer, datetime.now(UTC).date())
            samples.append(("lssi_batches_waiting", {}, len(desks.batches.jobs.waiting())))
        try:
            size = head(self._ledger.path).size
        except LssiError:
            size = 0
        samples += ledger_samples(size, trouble=trouble, lag=lag)
        return of_framework + metrics_text(samples)

    @bentoml.api(route="/v1/enterprises/score", output_spec=Answer)
    async def score_enterprises(self, request: EnterpriseIds, /) -> Response:
        """按编号为企业评分。Score enterprises by number."""
        return await self._by_id(request, "enterprise", request.enterprises)

    async def _by_id(
        self, request: EnterpriseIds | ClaimIds | ProviderIds, entity: str, ids: list[str]
    ) -> Response:
        arguments = (request.target, entity, ids, question(request))
        if request.reasons:
            return await self._told(lambda desks: desks.scores.by_id(*arguments))
        return await self._told(lambda desks: desks.scores.scores_by_id(*arguments))

    async def _told(self, ask: Callable[[Desks], Awaitable[BaseModel]]) -> Response:
        """Return the answer of the desks in use; they stay the same from the start of a request to its end."""

        async def answered() -> BaseModel:
            return await ask(await self._in_use.now())

        return await told(answered())

    @bentoml.api(route="/v1/claims/score", output_spec=Answer)
    async def score_claims(self, request: ClaimIds, /) -> Response:
        """按编号为待遇申领评分。Score claims by number."""
        return await self._by_id(request, "claim", request.claims)

    @bentoml.api(route="/v1/providers/score", output_spec=Answer)
    async def score_providers(self, request: ProviderIds, /) -> Response:
        """按编号为定点医药机构评分。Score providers by number."""
        return await self._by_id(request, "provider", request.providers)

    @bentoml.api(route="/v1/enterprises/score-history", output_spec=Answer)
    async def score_enterprise_history(self, request: EnterpriseHistory, /) -> Response:
        """按请求中的历史为一家企业评分。Score one enterprise by the history sent."""
        return await self._told(
            lambda desks: desks.scores.by_history("enterprise", request, question(request))
        )

    @bentoml.api(route="/v1/claims/score-history", output_spec=Answer)
    async def score_claim_history(self, request: ClaimHistory, /) -> Response:
        """按请求中的历史为一件申领评分。Score one claim by the history sent."""
        return await self._told(
            lambda desks: desks.scores.by_history("claim", request, question(request))
        )

    @bentoml.api(route="/v1/providers/score-history", output_spec=Answer)
    async def score_provider_history(self, request: ProviderHistory, /) -> Response:
        """按请求中的历史为一家医药机构评分。Score one provider by the history sent."""
        return await self._told(
            lambda desks: desks.scores.by_history("provider", request, question(request))
        )

    @bentoml.api(route="/v1/ranks", output_spec=RankPage)
    async def list_ranks(self, request: RankedUnits, /) -> Response:
        """当日名次表。The ranked list of the day, in pages."""
        return await self._told(lambda desks: desks.reads.ranks(request))

    @bentoml.api(route="/v1/plans/{week}", output_spec=PlanPage)
    async def get_plan(self, request: PlanOfWeek, /) -> Response:
        """一周计划的各行。The lines of a week's plans."""
        return await self._told(lambda desks: desks.reads.plan(request, CALLER.get()))

    @bentoml.api(route="/v1/why/{enterprise}", output_spec=WhyListed)
    async def explain_line(self, request: AskedWhy, /) -> Response:
        """是否列入及理由。Is an enterprise on a list of the week, and why."""
        return await self._told(lambda desks: desks.reads.why(request, CALLER.get()))

    @bentoml.api(route="/v1/records/{record_id}/explanation", output_spec=ExplainedScores)
    async def explain_record(self, request: ExplainedRecord, /) -> Response:
        """评分记录的说明。Why a recorded score is what it is."""
        return await self._told(
            lambda desks: self._noted(desks, desks.reads.explanation(request), request.record_id)
        )

    @bentoml.api(route="/v1/records/{record_id}/peers", output_spec=ComparedScore)
    async def compare_record(self, request: ExplainedRecord, /) -> Response:
        """一条评分为何高于或低于同类。Why a recorded score is higher or lower than its peers."""
        return await self._told(
            lambda desks: self._noted(desks, desks.reads.peers(request), request.record_id)
        )

    @bentoml.api(route="/v1/batches", output_spec=BatchStatus)
    async def start_batch(self, request: BatchOf, /) -> Response:
        """开始整批评分。Start a batch of scores."""
        return await self._told(lambda desks: desks.batches.start(request, CALLER.get()))

    @bentoml.api(route="/v1/batches/{job}", output_spec=BatchStatus)
    async def get_batch(self, request: BatchNumber, /) -> Response:
        """批量任务的进度。How far a batch job is."""
        return await self._told(lambda desks: desks.batches.progress(request, CALLER.get()))

    @bentoml.api(route="/v1/batches/cancel", output_spec=BatchStatus)
    async def cancel_batch(self, request: BatchNumber, /) -> Response:
        """取消批量任务。Cancel a batch job."""
        return await self._told(lambda desks: desks.batches.cancel(request, CALLER.get()))

    @bentoml.api(route="/v1/batches/{record_id}/rows", output_spec=BatchPage)
    async def list_batch_rows(self, request: BatchRows, /) -> Response:
        """整批评分的各行。The rows of a batch, in pages."""
        return await self._told(
            lambda desks: self._noted(desks, desks.reads.batch(request), request.record_id)
        )

    @bentoml.api(route="/v1/info", output_spec=Info)
    async def about(self, request: Nothing, /) -> Response:  # noqa: ARG002 - its form is checked, it holds nothing
        """在用模型、摘要、数据完整截至日、合同版本。Models in use, digests, day complete to, contract version."""
        return await self._told(lambda desks: desks.scores.about())

    @bentoml.api(route="/v1/records/{record_id}", output_spec=Recorded)
    async def get_record(self, request: RecordId, /) -> Response:
        """按记录号取一条记录及其证明。One record with its proof."""
        reader = CALLER.get().name
        return await self._told(lambda desks: desks.scores.record(request.record_id, reader))

    @bentoml.api(route="/v1/alerts", output_spec=AlertPage)
    async def list_alerts(self, request: AlertsAfter, /) -> Response:
        """按游标取本队的预警。The alerts of the caller's team, behind a cursor."""
        return await self._told(lambda desks: desks.loop.alerts(request, CALLER.get()))

    @bentoml.api(route="/v1/alerts/acknowledge", output_spec=Acted)
    async def acknowledge(self, request: AcknowledgedAlert, /) -> Response:
        """签收预警。Acknowledge one alert of the caller's team."""
        return await self._told(
            lambda desks: desks.loop.act(acknowledge_alert, request, CALLER.get())
        )

    @bentoml.api(route="/v1/outcomes", output_spec=Acted)
    async def take_outcome(self, request: PostedOutcome, /) -> Response:
        """回传检查结果。Post what a visit of the caller's team found."""
        return await self._told(lambda desks: desks.loop.act(post_outcome, request, CALLER.get()))

    @bentoml.api(route="/v1/reviews", output_spec=Acted)
    async def take_review(self, request: PostedReview, /) -> Response:
        """回传核查结果。Post what the caller's team concluded of a claim."""
        return await self._told(lambda desks: desks.loop.act(post_review, request, CALLER.get()))

    @bentoml.api(route="/v1/overrides", output_spec=Acted)
    async def take_override(self, request: DecidedLine, /) -> Response:
        """调整或认可名单上的一行。Override or accept a line of a list."""
        return await self._told(lambda desks: desks.loop.act(decide_line, request, CALLER.get()))

    @bentoml.api(route="/v1/appeals", output_spec=Appealed)
    async def take_appeal(self, request: LodgedAppeal, /) -> Response:
        """登记申诉。Record an appeal against a row, or its decision; an upheld one scores the case again."""
        return await self._told(lambda desks: desks.loop.appeal(request, CALLER.get()))


SERVICE: Any = Lssi
"""What the framework makes of the class; its types do not say so."""
SERVICE.add_asgi_middleware(ShortWay)


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
        content, status = body(error.code, _message(error)), status_of(error.code)
    return Response(content, status, media_type="application/json")


def _message(error: LssiError) -> str:
    """Return what a client is told; of a lock no path, which is the operator's business and goes to the log."""
    if not isinstance(error, LockHeld):
        return str(error)
    LOG.warning("an act was refused: %s", error)
    return "another program holds a lock that this act needs; send it again, with the same Idempotency-Key"
