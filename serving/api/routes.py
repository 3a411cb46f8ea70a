"""The routes of the service: every path that answers at all, its method, and the roles that may use it."""

from __future__ import annotations

from dataclasses import dataclass

from serving.api.keys import ROLES


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
