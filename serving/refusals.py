"""What the service says when it does not answer: one error body, and one status for each stable code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from features.errors import LssiError

STATUS = {
    "request_invalid": 400,  # a field is missing, unknown, of the wrong type, or out of its limits
    "json_invalid": 400,  # the body is not JSON
    "target_unusable": 400,  # no model answers this target
    "key_missing": 401,  # no API key was sent
    "key_unknown": 401,  # the API key is not in the register of keys
    "role_refused": 403,  # the key's role may not use this route
    "unknown_id": 404,  # an enterprise or claim is not in the register of that day
    "record_unknown": 404,  # no record has this number
    "route_unknown": 404,  # nothing answers at this path
    "method_refused": 405,  # the path answers another method
    "body_too_slow": 408,  # the body did not arrive in time
    "body_too_large": 413,  # the body is above the limit
    "media_type_refused": 415,  # the body is not declared as application/json
    "busy": 429,  # too many requests are being answered at this moment
    "internal": 500,  # a mistake of ours; nothing about the request is logged
    "ledger_unusable": 503,  # the record could not be written: no record, no answer
    "bundle_unusable": 503,  # a model is missing or damaged
    "history_unusable": 503,  # the history is missing or damaged
    "source_unreadable": 503,  # the source is missing or damaged
    "keys_unusable": 503,  # the register of keys is damaged
    "not_ready": 503,  # the service is still starting
    "timed_out": 504,  # the answer took too long; nothing was acknowledged
}
SHOWN = 10  # problems named in one refusal
LONGEST = 80  # characters of a field's name that a refusal repeats


class AccessError(LssiError):
    """The register of API keys cannot be read or changed."""

    code = "keys_unusable"


class RecordUnknown(LssiError):
    """No record has the number asked for."""

    code = "record_unknown"


def body(code: str, message: str, detail: Sequence[dict[str, str]] = ()) -> bytes:
    """Return the one error body, UTF-8 JSON: `{"error": {"code", "message", "detail"}}`."""
    refusal = {"error": {"code": code, "message": message, "detail": list(detail)}}
    return json.dumps(refusal, ensure_ascii=False).encode()


def status_of(code: str) -> int:
    """Return the HTTP status of a code; a code without one is ours to mend, so 500."""
    return STATUS.get(code, 500)


def normalised(status: int, given: bytes) -> bytes:
    """Return the one error body for an answer of the framework in any of its shapes; `given` is that answer's body."""
    try:
        told = json.loads(given)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        return given
    if status == 400 and isinstance(told, dict) and isinstance(told.get("detail"), list):
        return _of_validation(told["detail"])
    code, message = _BARE.get(status, _BARE[500])
    return body(code, message)


_BARE = {
    400: ("request_invalid", "the request cannot be understood; compare it with docs/api.md"),
    404: ("route_unknown", "nothing answers at this path; see docs/api.md"),
    405: ("method_refused", "this path answers another method; see docs/api.md"),
    415: ("media_type_refused", "the body should be application/json"),
    500: ("internal", "the service failed; nothing was recorded or answered, try again or tell its operator"),
    503: ("not_ready", "the service is not ready; try again in a few seconds"),
    504: ("timed_out", "the answer took too long; ask for fewer units"),
}


def _of_validation(problems: list[dict[str, Any]]) -> bytes:
    if any(problem["type"] == "json_invalid" for problem in problems):
        return body("json_invalid", "the body is not JSON; send one JSON object in UTF-8")
    detail = [{"field": _field(problem["loc"]), "problem": _problem(problem)} for problem in problems[:SHOWN]]
    first = f"{detail[0]['field']}: {detail[0]['problem']}" if detail[0]["field"] else detail[0]["problem"]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return body("request_invalid", f"{first}{more}; compare the request with docs/api.md", detail)


def _field(loc: list[str | int]) -> str:
    return ".".join(str(part) for part in loc)[:LONGEST]


def _problem(problem: dict[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown field"
    return str(problem["msg"]).removeprefix("Value error, ")
