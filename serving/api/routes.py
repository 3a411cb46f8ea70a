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
        "/v1/enterprises/score",
        "POST",
        ("system", "data_scientist"),
        "按编号为企业评分，附理由和记录",
        "score enterprises by number, with reasons and a record",
    ),
    Route(
        "/v1/claims/score",
        "POST",
        ("system", "data_scientist"),
        "按编号为待遇申领评分，附理由和记录",
        "score claims by number, with reasons and a record",
    ),
    Route(
        "/v1/enterprises/score-history",
        "POST",
        ("system", "data_scientist"),
        "按请求中的历史为一家企业评分",
        "score one enterprise by the history sent in the request",
    ),
    Route(
        "/v1/claims/score-history",
        "POST",
        ("system", "data_scientist"),
        "按请求中的历史为一件申领评分",
        "score one claim by the history sent in the request",
    ),
    Route(
        "/v1/info",
        "POST",
        ROLES,
        "在用模型、摘要、数据完整截至日、合同版本",
        "models in use, digests, day complete to, contract version",
    ),
    Route(
        "/v1/records/get",
        "POST",
        ("auditor",),
        "按记录号取一条记录及其证明",
        "one record with its proof, by number",
    ),
    Route(
        "/metrics",
        "GET",
        ("system",),
        "运行指标（Prometheus）",
        "metrics of operation (Prometheus)",
    ),
    Route(
        "/schema.json",
        "GET",
        ROLES,
        "各路由的请求与答复结构",
        "JSON schemas of every request and answer",
    ),
    Route("/livez", "GET", (), "是否存活，无需密钥", "is it alive; no key needed"),
    Route("/readyz", "GET", (), "是否就绪，无需密钥", "is it ready; no key needed"),
)
BY_PATH = {route.path: route for route in ROUTES}
