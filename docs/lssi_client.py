"""A client of lssi-risk 0.1.0, generated from docs/openapi.json: one file that needs nothing but Python 3.11.

劳动保障监察评分服务的客户端，由 docs/openapi.json 生成，只需 Python。Copy it beside your code:

    from lssi_client import Client

    client = Client("http://127.0.0.1:3000", key="lssi_…")
    for unit in client.score_enterprises(enterprises=["E0000001"])["units"]:
        print(unit["rank"], unit["score"], [reason["zh"] for reason in unit["reasons"]])
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote, urlencode, urlsplit


class AcknowledgedAlert(TypedDict):
    """One alert that its team has seen."""

    alert: str


class Acted(TypedDict):
    """An act that is in the ledger and the journal; `first` is false where the same act had been
    sent before.
    """

    record_id: str
    first: bool
    others_on_row: dict[str, list[str]] | None


class AlertPage(TypedDict):
    """The next alerts of a team; `cursor` is the place behind the last, to be sent for the next
    ones.
    """

    team: str
    alerts: list[SaidAlert]
    cursor: str | None


class AlertsAfter(TypedDict):
    """The alerts behind a cursor, from the first where there is none."""

    after: NotRequired[str | None]


class Answer(TypedDict):
    """The scores of one request; their record `record_id` was durable before they were sent.
    `generation` names what was in use: number and digest of the promoted models and published
    days, all of one moment.
    """

    target: str
    entity: str
    complete_to: str
    model_digest: str
    generation: str | None
    record_id: str
    priority_only: SaidWords
    peers: Peers | None
    units: list[Unit]


class Appealed(TypedDict):
    """An appeal that is recorded: `others_on_row` names the other cases on its row, by kind;
    then records that rest on it.
    """

    record_id: str
    first: bool
    others_on_row: dict[str, list[str]] | None
    records_on_row: list[RecordOnRow]
    rescored: list[RescoredCase]


class BatchNumber(TypedDict):
    """One batch job, by the number that its start gave."""

    job: str


class BatchOf(TypedDict):
    """A batch to score: all that live on the last closed day, or the units that `ids` names."""

    target: NotRequired[str]
    ids: NotRequired[list[str] | None]


class BatchPage(TypedDict):
    """One page of the rows of a batch, by number of the unit; `root` is the Merkle root over all
    of them.
    """

    record_id: str
    target: str
    entity: str
    complete_to: str
    model_digest: str
    rows: int
    root: str
    priority_only: SaidWords
    units: list[BatchRow]
    cursor: str | None


class BatchProblem(TypedDict):
    """Why a batch failed: a stable code and one sentence."""

    code: str
    message: str


class BatchRow(TypedDict):
    """One unit of a batch."""

    id: str
    score: float
    expected: float | None
    interval: SaidInterval | None


class BatchStatus(TypedDict):
    """How far a batch job is: `done` of `of` units; once it is done, `record_id` leads to its
    rows.
    """

    job: str
    state: Literal["running", "done", "failed", "cancelled"]
    target: str
    entity: str
    model_digest: str
    done: int
    of: int
    record_id: str | None
    problem: BatchProblem | None


class ClaimHistory(TypedDict):
    """One claim and its history: table -> rows of the contract, by column name."""

    id: str
    rows: dict[str, Any]
    target: NotRequired[str]


class ClaimIds(TypedDict):
    """Claims to score, by number; `reasons` false asks for scores alone."""

    claims: list[str]
    target: NotRequired[str]
    reasons: NotRequired[bool]


class ComparedScore(TypedDict):
    """Why a recorded score is above or below those of its peers: `raw` is `mean_raw_of_peers`
    plus `together`. `together` is the sum of `contributions` and of what is `smaller`. It is
    computed now, from the record's day.
    """

    record_id: str
    target: str
    entity: str
    unit: str
    as_of: str
    model_digest: str
    priority_only: SaidWords
    question: SaidWords
    peers: SaidPeerGroup
    raw: float
    mean_raw_of_peers: float
    words: SaidWords
    contributions: list[ContributionInWords]
    smaller: SmallerContributions
    together: float


class Contribution(TypedDict):
    """The share of one feature in a raw score, in log-odds."""

    feature: str
    contribution: float


class ContributionInWords(TypedDict):
    """A share of the distance to the peers, in log-odds, with the unit's value and the usual one
    of the peers in words.
    """

    feature: str
    contribution: float
    zh: str
    en: str


class DecidedLine(TypedDict):
    """A decision on one line of a plan, an override or an acceptance, with its reason."""

    plan: str
    enterprise: NotRequired[str | None]
    claim: NotRequired[str | None]
    provider: NotRequired[str | None]
    decision: Literal["override", "accept"]
    reason: Literal["recent_visit", "closed_down", "known_to_team", "no_access", "workload", "other", "own_information", "agrees"]


class EnterpriseHistory(TypedDict):
    """One enterprise and its history: table -> rows of the contract, by column name."""

    id: str
    rows: dict[str, Any]
    target: NotRequired[str]


class EnterpriseIds(TypedDict):
    """Enterprises to score, by number; `reasons` false asks for scores alone."""

    enterprises: list[str]
    target: NotRequired[str]
    reasons: NotRequired[bool]


class ExplainedScores(TypedDict):
    """Why the units of a record have their scores, as it was recorded, `at` that moment."""

    record_id: str
    at: str
    target: str
    entity: str
    complete_to: str
    model_digest: str
    priority_only: SaidWords
    units: list[ExplainedUnit]


class ExplainedUnit(TypedDict):
    """One unit of a record: `raw` is `base` plus all contributions; `value` texts are in the
    record itself. A row of a batch was recorded without contributions and reasons: its lists are
    empty.
    """

    id: str
    score: float
    raw: float
    base: float
    expected: float | None
    interval: SaidInterval | None
    expected_words: SaidWords | None
    rank: int | None
    rank_of: int | None
    contributions: list[Contribution]
    reasons: list[SaidReason]
    missing: list[str]


class FoundViolation(TypedDict):
    """What a visit found of one violation type: workers in violation and the amount in fen,
    where they were counted.
    """

    violation: int
    workers: NotRequired[int | None]
    amount: NotRequired[int | None]


class Info(TypedDict):
    """The source and the models of this service, and the name of the generation that is in use.
    `loaded_to` is the newest day that is loaded: later than `complete_to` where `lssi day` has
    not published it yet.
    """

    source: str
    complete_to: str
    loaded_to: str
    contract: str
    version: str
    models: list[Model]
    generation: str | None


class LodgedAppeal(TypedDict):
    """An appeal against one row of a table, which an enterprise, a claim or a provider rests on;
    decided, or not yet. Where it is upheld, `corrected` may give the true values by column: then
    the row is corrected, and else taken back.
    """

    appeal: str
    enterprise: NotRequired[str | None]
    claim: NotRequired[str | None]
    provider: NotRequired[str | None]
    table: str
    row_id: str
    lodged: str
    decided_on: NotRequired[str | None]
    upheld: NotRequired[bool | None]
    corrected: NotRequired[dict[str, Any] | None]


class Model(TypedDict):
    """One model in use; `scored_day` is the digest of the day that its units are answered from,
    None where there is none.
    """

    target: str
    entity: str
    digest: str
    as_of: str
    features: int
    ranked: int
    scored_day: str | None


class Nothing(TypedDict):
    """An empty body: `{}`."""



class Peers(TypedDict):
    """What was taken from the store for a history that was sent: the day, the values of cell and
    peers, the tables sent.
    """

    day: str
    shared: dict[str, str]
    tables: list[str]


class PlanLine(TypedDict):
    """One visit of a week's plan, as the journal holds it; `why` is score, complaint, lottery or
    exposure.
    """

    plan: str
    target: str
    cell: str | None
    team: str | None
    position: int
    enterprise: str
    planned_minutes: int
    why: str
    why_words: str


class PlanPage(TypedDict):
    """One page of the lines of a week's plans; `cursor` asks for the next one and is null on the
    last.
    """

    week: str
    lines: list[PlanLine]
    cursor: str | None


class PostedOutcome(TypedDict):
    """What one visit of an enterprise or a provider examined and found; the plan, draw or alert
    that ordered it names it.
    """

    inspection: str
    enterprise: NotRequired[str | None]
    provider: NotRequired[str | None]
    plan: NotRequired[str | None]
    draw: NotRequired[str | None]
    alert: NotRequired[str | None]
    opened: str
    closed_on: str
    examined: list[int]
    found: NotRequired[list[FoundViolation]]
    staff_on_site: NotRequired[int | None]
    workers_total: NotRequired[int | None]
    spent_minutes: NotRequired[int | None]
    supersedes: NotRequired[str | None]


class PostedReview(TypedDict):
    """What the review of one claim concluded; the plan that lists the claim, or its alert, names
    the review.
    """

    claim: str
    plan: NotRequired[str | None]
    alert: NotRequired[str | None]
    closed_on: str
    verdict: Literal["fraud", "clean", "unclear"]
    amount: NotRequired[int | None]
    minutes: NotRequired[int | None]
    supersedes: NotRequired[str | None]


class ProviderHistory(TypedDict):
    """One provider and its history: table -> rows of the contract, by column name."""

    id: str
    rows: dict[str, Any]
    target: NotRequired[str]


class ProviderIds(TypedDict):
    """Health-care providers and pharmacies to score, by number; `reasons` false asks for scores
    alone.
    """

    providers: list[str]
    target: NotRequired[str]
    reasons: NotRequired[bool]


class RankPage(TypedDict):
    """One page of a ranked list, highest first; `cursor` asks for the next one and is null on
    the last.
    """

    target: str
    entity: str
    complete_to: str
    model_digest: str
    rank_of: int
    priority_only: SaidWords
    units: list[RankedUnit]
    cursor: str | None


class RankedUnit(TypedDict):
    """One unit of a ranked list; equal scores share a rank. `cell` is null where the register
    names none.
    """

    id: str
    rank: int
    score: float
    cell: str | None


class RecordId(TypedDict):
    """One record, by the number that an answer gave."""

    record_id: str


class RecordOnRow(TypedDict):
    """A score, an alert or a line of a plan that rests on a row; `names_row`: whether its
    reasons name the row, null where they are no longer there.
    """

    enterprise: str | None
    claim: str | None
    provider: str | None
    record_id: str
    what: str
    target: str | None
    as_of: str
    names_row: bool | None


class Recorded(TypedDict):
    """One record for an auditor: what the log says of it, its payload where it has not expired,
    and its proof.
    """

    record_id: str
    entry: dict[str, Any]
    payload: dict[str, Any] | None
    proof: SaidProof


class RescoredCase(TypedDict):
    """The appellant's score as it `was` on the last closed day, and as if the decision had been
    known then: `corrected`.
    """

    enterprise: str | None
    claim: str | None
    provider: str | None
    record_id: str
    appeal_record: str
    target: str
    as_of: str
    unit_expected: str | None
    was: SaidScore
    corrected: SaidScore


class SaidAlert(TypedDict):
    """One alert, about an enterprise, a claim or a provider, as its record holds it; only this
    is left once that has expired.
    """

    alert: str
    enterprise: str | None
    claim: str | None
    provider: str | None
    violation: int
    issued_on: str
    record_id: str
    cursor: str


class SaidFact(TypedDict):
    """What a reason rests on: the measure, its table and value, the days it spans, and some of
    its rows by number.
    """

    measure: str
    table: str
    zh: str
    en: str
    value: int | None
    unit: str
    first: str | None
    last: str | None
    row_ids: list[str]
    rows: int


class SaidInterval(TypedDict):
    """From and to which number a visit finds in a share `coverage` of visits; `upper` is None
    where nothing bounds it.
    """

    lower: float
    upper: float | None
    coverage: float


class SaidPeerGroup(TypedDict):
    """Who the peers are: how many, what they share, and whether a narrower group has fewer than
    `least`.
    """

    count: int
    shared: list[SharedAttribute]
    wider: bool
    least: int
    with_lower_score: int
    words: SaidWords


class SaidProof(TypedDict):
    """That the record's leaf stands at `sequence` in the log of `size` entries with this root;
    hashes in lowercase hex.
    """

    origin: str
    sequence: int
    size: int
    leaf: str
    path: list[str]
    root: str


class SaidReason(TypedDict):
    """One feature's share of the score (log-odds) in words, with what to check on site and the
    facts it rests on.
    """

    feature: str
    contribution: float
    zh: str
    en: str
    check_zh: str
    check_en: str
    facts: list[SaidFact]


class SaidScore(TypedDict):
    """A score, and the number expected where the model tells one."""

    score: float
    expected: float | None


class SaidTicket(TypedDict):
    """An enterprise's ticket in a draw of the week: its chance, and whether it was drawn."""

    draw: str
    inclusion_probability: float
    drawn: bool


class SaidWords(TypedDict):
    """One text in Chinese and English."""

    zh: str
    en: str


class SharedAttribute(TypedDict):
    """What a unit shares with its peers: the attribute, in words, and its value, such as
    `10-49`.
    """

    attribute: str
    zh: str
    en: str
    value: str


class SmallerContributions(TypedDict):
    """The shares that two places show as zero: how many, and their sum; the words are empty
    where there are none.
    """

    count: int
    contribution: float
    words: SaidWords


class Unit(TypedDict):
    """One enterprise, claim or provider: its calibrated probability, the number expected, its
    rank among all that live. `interval` and `expected_words`, which say in zh and en how the
    number was made, are None where the model has none. `dormant` is None for a claim or
    provider, for a history that was sent, and where the source lacks the tables to decide. For a
    dormant enterprise `dormant_words` explain the word in zh and en.
    """

    id: str
    score: float
    expected: float | None
    rank: int
    rank_of: int
    reasons: list[SaidReason]
    missing: list[str]
    interval: SaidInterval | None
    expected_words: SaidWords | None
    dormant: bool | None
    dormant_words: SaidWords | None


class WhyListed(TypedDict):
    """Whether an enterprise is on a list of the week, its tickets, and the reasons of its score
    as of the plan's day.
    """

    enterprise: str
    target: str
    week: str
    as_of: str
    listed: bool
    lines: list[PlanLine]
    tickets: list[SaidTicket]
    reasons: list[SaidReason]
    priority_only: SaidWords


class Error(TypedDict):
    """拒绝 a refusal: its stable code, one sentence, and the fields that are wrong"""

    error: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What one request got: status, headers by name in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Refusal(Exception):
    """A refused request: its HTTP status, its stable code, one sentence, and the fields that are wrong."""

    def __init__(self, reply: Reply) -> None:
        error = json.loads(reply.body)["error"]
        super().__init__(f"{error['code']}: {error['message']}")
        self.reply = reply
        self.status: int = reply.status
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.detail: list[dict[str, str]] = error["detail"]


class Client:
    """One service and a key for it; each call opens a connection of its own, so that threads may share a client."""

    def __init__(self, address: str, key: str | None = None, timeout: float = 200.0) -> None:
        self.address, self.key, self.timeout = urlsplit(address), key, timeout

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request as it is, with the key unless `headers` bring one, and return its reply of any status."""
        sent = {} if self.key is None else {"authorization": f"Bearer {self.key}"}
        sent |= headers or {}
        secure = self.address.scheme == "https"
        kind = HTTPSConnection if secure else HTTPConnection
        place = kind(self.address.hostname or "", self.address.port, timeout=self.timeout)
        with closing(place) as connection:
            # a service that refuses a body early answers before it has read all of it
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self.address.path.rstrip("/") + path, body, sent)
            return _reply(connection.getresponse())

    def _json(self, method: str, path: str, **asked: Any) -> Any:
        return json.loads(self._asked(method, path, **asked).body)

    def _text(self, method: str, path: str) -> str:
        return self._asked(method, path).body.decode()

    def _asked(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> Reply:
        """Return the reply of one operation; what is None is left out. Refusal for any status but 200."""
        headers = {} if key is None else {"idempotency-key": key}
        body = None
        if fields is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(_given(fields)).encode()
        if query and _given(query):
            path = f"{path}?{urlencode(_given(query))}"
        reply = self.send(method, path, body, headers)
        if reply.status != 200:
            raise Refusal(reply)
        return reply

    def score_enterprises(
        self,
        *,
        enterprises: list[str],
        target: str | None = None,
        reasons: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按编号为企业评分，附理由和记录 · score enterprises by number, with reasons and a record"""
        answer: Answer = self._json("POST", "/v1/enterprises/score", fields={
            "enterprises": enterprises,
            "target": target,
            "reasons": reasons,
        }, key=idempotency_key)
        return answer

    def score_claims(
        self,
        *,
        claims: list[str],
        target: str | None = None,
        reasons: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按编号为待遇申领评分，附理由和记录 · score claims by number, with reasons and a record"""
        answer: Answer = self._json("POST", "/v1/claims/score", fields={
            "claims": claims,
            "target": target,
            "reasons": reasons,
        }, key=idempotency_key)
        return answer

    def score_providers(
        self,
        *,
        providers: list[str],
        target: str | None = None,
        reasons: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按编号为定点医药机构评分，附理由和记录 · score providers by number, with reasons and a record"""
        answer: Answer = self._json("POST", "/v1/providers/score", fields={
            "providers": providers,
            "target": target,
            "reasons": reasons,
        }, key=idempotency_key)
        return answer

    def score_enterprise_history(
        self,
        *,
        id: str,
        rows: dict[str, Any],
        target: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按请求中送来的行为一家企业评分 · score one enterprise from the rows sent in the request"""
        answer: Answer = self._json("POST", "/v1/enterprises/score-history", fields={
            "id": id,
            "rows": rows,
            "target": target,
        }, key=idempotency_key)
        return answer

    def score_claim_history(
        self,
        *,
        id: str,
        rows: dict[str, Any],
        target: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按请求中送来的行为一件申领评分 · score one claim from the rows sent in the request"""
        answer: Answer = self._json("POST", "/v1/claims/score-history", fields={
            "id": id,
            "rows": rows,
            "target": target,
        }, key=idempotency_key)
        return answer

    def score_provider_history(
        self,
        *,
        id: str,
        rows: dict[str, Any],
        target: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """按请求中送来的行为一家医药机构评分 · score one provider from the rows sent in the request"""
        answer: Answer = self._json("POST", "/v1/providers/score-history", fields={
            "id": id,
            "rows": rows,
            "target": target,
        }, key=idempotency_key)
        return answer

    def list_ranks(
        self,
        *,
        target: str | None = None,
        cell: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> RankPage:
        """当日名次表，可按网格，分页 · the ranked list of the day, by cell if asked, in pages"""
        answer: RankPage = self._json("GET", "/v1/ranks", query={
            "target": target,
            "cell": cell,
            "after": after,
            "limit": limit,
        })
        return answer

    def get_record(
        self,
        *,
        record_id: str,
    ) -> Recorded:
        """按记录号取一条记录及其证明 · one record with its proof, by number"""
        record_id = quote(record_id, safe="")
        answer: Recorded = self._json("GET", f"/v1/records/{record_id}")
        return answer

    def explain_record(
        self,
        *,
        record_id: str,
        unit: str | None = None,
    ) -> ExplainedScores:
        """一条评分记录的说明：起点、贡献与理由 · why a recorded score is what it is: start, contributions, reasons"""
        record_id = quote(record_id, safe="")
        answer: ExplainedScores = self._json("GET", f"/v1/records/{record_id}/explanation", query={
            "unit": unit,
        })
        return answer

    def compare_record(
        self,
        *,
        record_id: str,
        unit: str | None = None,
    ) -> ComparedScore:
        """一条评分为何高于或低于同类 · why a recorded score is higher or lower than its peers"""
        record_id = quote(record_id, safe="")
        answer: ComparedScore = self._json("GET", f"/v1/records/{record_id}/peers", query={
            "unit": unit,
        })
        return answer

    def start_batch(
        self,
        *,
        idempotency_key: str,
        target: str | None = None,
        ids: list[str] | None = None,
    ) -> BatchStatus:
        """开始整批评分：按编号，或当日全部 · start a batch of scores: of ids, or of all that live on the day"""
        answer: BatchStatus = self._json("POST", "/v1/batches", fields={
            "target": target,
            "ids": ids,
        }, key=idempotency_key)
        return answer

    def get_batch(
        self,
        *,
        job: str,
    ) -> BatchStatus:
        """批量任务的进度，限本密钥所开 · how far a batch job of this key is"""
        job = quote(job, safe="")
        answer: BatchStatus = self._json("GET", f"/v1/batches/{job}")
        return answer

    def cancel_batch(
        self,
        *,
        job: str,
    ) -> BatchStatus:
        """取消本密钥所开的批量任务；已完成的不变 · cancel a batch job of this key; one that is done stays"""
        answer: BatchStatus = self._json("POST", "/v1/batches/cancel", fields={
            "job": job,
        })
        return answer

    def list_batch_rows(
        self,
        *,
        record_id: str,
        after: str | None = None,
        limit: int | None = None,
    ) -> BatchPage:
        """一个整批评分的各行，分页 · the rows of a batch of scores, in pages"""
        record_id = quote(record_id, safe="")
        answer: BatchPage = self._json("GET", f"/v1/batches/{record_id}/rows", query={
            "after": after,
            "limit": limit,
        })
        return answer

    def get_plan(
        self,
        *,
        week: str,
        target: str | None = None,
        cell: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> PlanPage:
        """一周计划的各行；队伍只见本队网格 · the lines of a week's plans; a team sees its own cells alone"""
        week = quote(week, safe="")
        answer: PlanPage = self._json("GET", f"/v1/plans/{week}", query={
            "target": target,
            "cell": cell,
            "after": after,
            "limit": limit,
        })
        return answer

    def explain_line(
        self,
        *,
        enterprise: str,
        week: str,
        target: str | None = None,
    ) -> WhyListed:
        """某企业该周是否列入，及其分数的理由 · is an enterprise on a list of the week, and the reasons of its
        score
        """
        enterprise = quote(enterprise, safe="")
        answer: WhyListed = self._json("GET", f"/v1/why/{enterprise}", query={
            "week": week,
            "target": target,
        })
        return answer

    def list_alerts(
        self,
        *,
        after: str | None = None,
    ) -> AlertPage:
        """按游标取本队的预警 · the alerts of the caller's team, behind a cursor"""
        answer: AlertPage = self._json("GET", "/v1/alerts", query={
            "after": after,
        })
        return answer

    def acknowledge_alert(
        self,
        *,
        alert: str,
        idempotency_key: str,
    ) -> Acted:
        """签收本队的一条预警 · acknowledge one alert of the caller's team"""
        answer: Acted = self._json("POST", "/v1/alerts/acknowledge", fields={
            "alert": alert,
        }, key=idempotency_key)
        return answer

    def post_outcome(
        self,
        *,
        inspection: str,
        opened: str,
        closed_on: str,
        examined: list[int],
        idempotency_key: str,
        enterprise: str | None = None,
        provider: str | None = None,
        plan: str | None = None,
        draw: str | None = None,
        alert: str | None = None,
        found: list[FoundViolation] | None = None,
        staff_on_site: int | None = None,
        workers_total: int | None = None,
        spent_minutes: int | None = None,
        supersedes: str | None = None,
    ) -> Acted:
        """回传本队一次检查的结果：企业由 inspector，定点机构由 reviewer · post what a visit of the caller's team
        found: of an enterprise by an inspector, of a provider by a reviewer
        """
        answer: Acted = self._json("POST", "/v1/outcomes", fields={
            "inspection": inspection,
            "opened": opened,
            "closed_on": closed_on,
            "examined": examined,
            "enterprise": enterprise,
            "provider": provider,
            "plan": plan,
            "draw": draw,
            "alert": alert,
            "found": found,
            "staff_on_site": staff_on_site,
            "workers_total": workers_total,
            "spent_minutes": spent_minutes,
            "supersedes": supersedes,
        }, key=idempotency_key)
        return answer

    def post_review(
        self,
        *,
        claim: str,
        closed_on: str,
        verdict: Literal["fraud", "clean", "unclear"],
        idempotency_key: str,
        plan: str | None = None,
        alert: str | None = None,
        amount: int | None = None,
        minutes: int | None = None,
        supersedes: str | None = None,
    ) -> Acted:
        """回传本队一件申领核查的结果 · post what the caller's team concluded of a claim"""
        answer: Acted = self._json("POST", "/v1/reviews", fields={
            "claim": claim,
            "closed_on": closed_on,
            "verdict": verdict,
            "plan": plan,
            "alert": alert,
            "amount": amount,
            "minutes": minutes,
            "supersedes": supersedes,
        }, key=idempotency_key)
        return answer

    def decide_line(
        self,
        *,
        plan: str,
        decision: Literal["override", "accept"],
        reason: Literal["recent_visit", "closed_down", "known_to_team", "no_access", "workload", "other", "own_information", "agrees"],
        idempotency_key: str,
        enterprise: str | None = None,
        claim: str | None = None,
        provider: str | None = None,
    ) -> Acted:
        """调整或认可本队名单上的一行：企业由 inspector，申领和机构由 reviewer · override or accept a line of the
        caller's team: of an enterprise by an inspector, else by a reviewer
        """
        answer: Acted = self._json("POST", "/v1/overrides", fields={
            "plan": plan,
            "decision": decision,
            "reason": reason,
            "enterprise": enterprise,
            "claim": claim,
            "provider": provider,
        }, key=idempotency_key)
        return answer

    def lodge_appeal(
        self,
        *,
        appeal: str,
        table: str,
        row_id: str,
        lodged: str,
        idempotency_key: str,
        enterprise: str | None = None,
        claim: str | None = None,
        provider: str | None = None,
        decided_on: str | None = None,
        upheld: bool | None = None,
        corrected: dict[str, Any] | None = None,
    ) -> Appealed:
        """登记申诉或其决定 · record an appeal against a row, or its decision"""
        answer: Appealed = self._json("POST", "/v1/appeals", fields={
            "appeal": appeal,
            "table": table,
            "row_id": row_id,
            "lodged": lodged,
            "enterprise": enterprise,
            "claim": claim,
            "provider": provider,
            "decided_on": decided_on,
            "upheld": upheld,
            "corrected": corrected,
        }, key=idempotency_key)
        return answer

    def get_info(
        self,
    ) -> Info:
        """在用模型及其摘要、最近一个已结日、合同版本 · models in use with their digests, last closed day, contract
        version
        """
        answer: Info = self._json("GET", "/v1/info")
        return answer

    def get_metrics(
        self,
    ) -> str:
        """运行指标（Prometheus） · operating metrics (Prometheus)"""
        answer: str = self._text("GET", "/metrics")
        return answer

    def get_document(
        self,
    ) -> dict[str, Any]:
        """本接口的 OpenAPI 文档，无需密钥 · this interface as an OpenAPI document; no key needed"""
        answer: dict[str, Any] = self._json("GET", "/openapi.json")
        return answer

    def get_docs(
        self,
    ) -> str:
        """同一文档的网页，无需密钥 · the same document as a page; no key needed"""
        answer: str = self._text("GET", "/docs")
        return answer

    def get_livez(
        self,
    ) -> str:
        """是否存活，无需密钥 · is it alive; no key needed"""
        answer: str = self._text("GET", "/livez")
        return answer

    def get_readyz(
        self,
    ) -> str:
        """是否就绪，无需密钥 · is it ready; no key needed"""
        answer: str = self._text("GET", "/readyz")
        return answer


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _reply(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())
