"""The routes of the service: every path that answers at all, its method, and the roles that may use it."""

from __future__ import annotations

from dataclasses import dataclass

from serving.api.key_register import ROLES, TEAM_ROLES


@dataclass(frozen=True, slots=True)
class Route:
    """One path: its method, who may use it (nobody named: everyone, even without a key), and what it is for."""

    path: str
    method: str
    roles: tuple[str, ...]
    zh: str
    en: str


ROUTES = (
    Route(
        path="/v1/enterprises/score",
        method="POST",
        roles=("system", "data_scientist"),
        zh="按编号为企业评分，附理由和记录",
        en="score enterprises by number, with reasons and a record",
    ),
    Route(
        path="/v1/claims/score",
        method="POST",
        roles=("system", "data_scientist"),
        zh="按编号为待遇申领评分，附理由和记录",
        en="score claims by number, with reasons and a record",
    ),
    Route(
        path="/v1/enterprises/score-history",
        method="POST",
        roles=("system", "data_scientist"),
        zh="按请求中送来的行为一家企业评分",
        en="score one enterprise from the rows sent in the request",
    ),
    Route(
        path="/v1/claims/score-history",
        method="POST",
        roles=("system", "data_scientist"),
        zh="按请求中送来的行为一件申领评分",
        en="score one claim from the rows sent in the request",
    ),
    Route(
        path="/v1/info",
        method="POST",
        roles=ROLES,
        zh="在用模型及其摘要、最近一个已结日、合同版本",
        en="models in use with their digests, last closed day, contract version",
    ),
    Route(
        path="/v1/records/get",
        method="POST",
        roles=("auditor",),
        zh="按记录号取一条记录及其证明",
        en="one record with its proof, by number",
    ),
    Route(
        path="/v1/alerts/list",
        method="POST",
        roles=TEAM_ROLES,
        zh="按游标取本队的预警",
        en="the alerts of the caller's team, behind a cursor",
    ),
    Route(
        path="/v1/alerts/acknowledge",
        method="POST",
        roles=TEAM_ROLES,
        zh="签收本队的一条预警",
        en="acknowledge one alert of the caller's team",
    ),
    Route(
        path="/v1/outcomes",
        method="POST",
        roles=("inspector",),
        zh="回传本队一次检查的结果",
        en="post what a visit of the caller's team found",
    ),
    Route(
        path="/v1/overrides",
        method="POST",
        roles=("inspector",),
        zh="调整或认可本队名单上的一行",
        en="override or accept a line of the list of the caller's team",
    ),
    Route(
        path="/v1/appeals",
        method="POST",
        roles=("reviewer",),
        zh="登记申诉或其决定",
        en="record an appeal against a row, or its decision",
    ),
    Route(
        path="/metrics",
        method="GET",
        roles=("system",),
        zh="运行指标（Prometheus）",
        en="operating metrics (Prometheus)",
    ),
    Route(
        path="/schema.json",
        method="GET",
        roles=ROLES,
        zh="各路由的请求与答复结构",
        en="JSON schemas of every request and answer",
    ),
    Route(
        path="/livez",
        method="GET",
        roles=(),
        zh="是否存活，无需密钥",
        en="is it alive; no key needed",
    ),
    Route(
        path="/readyz",
        method="GET",
        roles=(),
        zh="是否就绪，无需密钥",
        en="is it ready; no key needed",
    ),
)
BY_PATH = {route.path: route for route in ROUTES}
