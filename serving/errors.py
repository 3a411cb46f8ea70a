"""Refusals of the service: one error body, and one HTTP status for each stable code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from features.errors import LedgerError, LssiError


class Code(NamedTuple):
    """A stable code: its HTTP status and what it means."""

    status: int
    zh: str
    en: str


CODES = {
    "request_invalid": Code(
        400, "字段缺失、多余或不合要求", "a field is missing, unknown or not valid"
    ),
    "json_invalid": Code(400, "正文不是 JSON", "the body is not JSON"),
    "protocol_invalid": Code(
        400,
        "请求不合 HTTP/1.1，连接已关闭",
        "the request is no strict HTTP/1.1; the connection is closed",
    ),
    "target_unusable": Code(400, "此目标没有在用模型", "no model is in use for this target"),
    "key_missing": Code(401, "没有密钥", "no API key was sent"),
    "key_unknown": Code(401, "密钥未登记", "the API key is not in the register of keys"),
    "key_expired": Code(
        401, "密钥已过期或已轮换", "the API key is past its last day, or was rotated"
    ),
    "role_refused": Code(
        403, "密钥的角色无权使用此路由", "the role of the key may not use this route"
    ),
    "team_refused": Code(
        403, "由另一队伍负责", "another team answers for this enterprise or alert"
    ),
    "district_refused": Code(
        403, "限于一个区县的密钥不能使用此路由", "a key of one district may not use this route"
    ),
    "unknown_id": Code(
        404, "编号不在当日登记中", "an enterprise or claim is not in the register of the day"
    ),
    "record_unknown": Code(404, "没有此记录", "no record has this number"),
    "plan_unknown": Code(404, "该周没有计划", "no plan was made of this week"),
    "route_unknown": Code(404, "没有此路由", "no route has this path"),
    "method_refused": Code(405, "此路由须用另一方法", "this path takes another method"),
    "body_too_slow": Code(408, "正文未及时到达", "the body did not arrive in time"),
    "retry_conflict": Code(
        409, "此幂等键已用于另一请求", "the idempotency key was used for another request"
    ),
    "act_refused": Code(409, "与已有记录不符", "the act does not fit what is recorded"),
    "body_too_large": Code(413, "正文过大", "the body is above the limit"),
    "media_type_refused": Code(
        415, "正文须声明为 application/json", "the body is not declared as application/json"
    ),
    "busy": Code(429, "此刻请求过多", "too many requests are being answered at this moment"),
    "rate_limited": Code(
        429, "此密钥的请求过于频繁", "this key asks more often than its requests a minute allow"
    ),
    "throttled": Code(
        429, "此地址多次未能通过鉴权", "too many attempts from this address had no valid key"
    ),
    "internal": Code(500, "服务出错；没有作答", "the service failed; nothing was answered"),
    "ledger_unusable": Code(
        503, "记录无法写入，因此不作答", "the record could not be written: no record, no answer"
    ),
    "lock_held": Code(503, "另一程序占着锁", "another program holds a lock that this act needs"),
    "bundle_unusable": Code(503, "模型缺失或损坏", "a model is missing or damaged"),
    "day_unusable": Code(503, "评分日的文件缺失或损坏", "the scored day is missing or damaged"),
    "history_unusable": Code(503, "历史数据缺失或损坏", "the history is missing or damaged"),
    "source_unreadable": Code(503, "数据源缺失或损坏", "the source is missing or damaged"),
    "keys_unusable": Code(503, "密钥登记损坏", "the register of keys is damaged"),
    "not_ready": Code(
        503,
        "服务正在启动，或账本此刻无法写入",
        "the service is still starting, or its ledger cannot be written at this moment",
    ),
    "timed_out": Code(
        504, "作答超时；没有确认任何记录", "the answer took too long; no record was confirmed"
    ),
}
SHOWN = 10  # problems named in one refusal
LONGEST = 80  # characters of a field's name that a refusal repeats


class AccessError(LssiError):
    """The register of API keys cannot be read or changed."""

    code = "keys_unusable"


class KeyExpired(LssiError):
    """An API key past its last day, or a secret that was rotated."""

    code = "key_expired"


class DayUnusable(LssiError):
    """The files of a scored day are missing, damaged or not those that a record names."""

    code = "day_unusable"


class RecordUnknown(LssiError):
    """No record has the number asked for."""

    code = "record_unknown"


class PlanUnknown(LssiError):
    """No plan was made of the week asked for."""

    code = "plan_unknown"


class ActRefused(LssiError):
    """An act does not fit what is recorded: its visit, its line, its row or an earlier act."""

    code = "act_refused"


class TooManyBatches(LssiError):
    """A key has as many batches running as it may."""

    code = "busy"


class BatchGivenUp(LssiError):
    """A batch job that killed each process which worked on it."""

    code = "internal"


class TeamRefused(LssiError):
    """An act or a question about what another team answers for."""

    code = "team_refused"


class RetryConflict(LedgerError):
    """An idempotency key was used for another request."""

    code = "retry_conflict"


def body(code: str, message: str, detail: Sequence[dict[str, str]] = ()) -> bytes:
    """Return the one error body, UTF-8 JSON: `{"error": {"code", "message", "detail"}}`."""
    refusal = {"error": {"code": code, "message": message, "detail": list(detail)}}
    return json.dumps(refusal, ensure_ascii=False, allow_nan=False).encode()


def status_of(code: str) -> int:
    """Return the HTTP status of a code; a code without a status is a bug of ours, so 500."""
    return CODES[code].status if code in CODES else CODES["internal"].status


def normalised(status: int, given: bytes) -> bytes:
    """Return the error body for an error answer of the framework in any of its forms; `given` is the body of that answer."""
    try:
        answer = json.loads(given)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        return given
    if status == 400 and isinstance(answer, dict) and isinstance(answer.get("detail"), list):
        return _of_validation(answer["detail"])
    code, message = _BARE.get(status, _BARE[500])
    return body(code, message)


_BARE = {
    400: ("request_invalid", "the request cannot be understood; compare it with docs/api.md"),
    404: ("route_unknown", "no route has this path; see docs/api.md"),
    405: ("method_refused", "this path takes another method; see docs/api.md"),
    415: ("media_type_refused", "the body should be application/json"),
    500: (
        "internal",
        "the service failed; nothing was recorded or answered, try again or tell its operator",
    ),
    503: ("not_ready", "the service is not ready; try again in a few seconds"),
    504: ("timed_out", "the answer took too long; ask for fewer units"),
}


def _of_validation(problems: list[dict[str, Any]]) -> bytes:
    if any(problem["type"] == "json_invalid" for problem in problems):
        return body("json_invalid", "the body is not JSON; send one JSON object in UTF-8")
    detail = [
        {"field": _field(problem["loc"]), "problem": _problem(problem)}
        for problem in problems[:SHOWN]
    ]
    first = (
        f"{detail[0]['field']}: {detail[0]['problem']}"
        if detail[0]["field"]
        else detail[0]["problem"]
    )
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return body("request_invalid", f"{first}{more}; compare the request with docs/api.md", detail)


def _field(loc: list[str | int]) -> str:
    return ".".join(str(part) for part in loc)[:LONGEST]


def _problem(problem: dict[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown field"
    return str(problem["msg"]).removeprefix("Value error, ")
