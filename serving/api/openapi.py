"""The OpenAPI 3.1 document of the service, made from the table of routes, their forms and the codes of refusals."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from serving.errors import CODES
from serving.gate.questions import PARAMETERS
from serving.gate.route import Route
from serving.gate.routes import ROUTES
from serving.settings import software_version

Json = dict[str, Any]
Codes = tuple[str, ...]
RESPONSES = "#/components/responses/"
SCHEMAS = "#/components/schemas/"
ABOUT = (
    "劳动保障监察的检查先后：分数、理由与可重放的记录。分数只是先后，不是认定。"
    "Priorities for labour and social security inspection: scores, reasons, and records that replay. "
    "A score is a priority, never a finding. See docs/api.md."
)
OUTSIDE = frozenset({"route_unknown", "method_refused"})
"""Codes of requests that are of no operation, so none lists them."""
OF_BODIES = frozenset({"json_invalid", "media_type_refused"})
"""Codes of requests that bring a body."""
ERROR: Json = {
    "type": "object",
    "description": "拒绝 a refusal: its stable code, one sentence, and the fields that are wrong",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "enum": list(CODES)},
                "message": {"type": "string"},
                "detail": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "field": {"type": "string"},
                            "problem": {"type": "string"},
                        },
                        "required": ["field", "problem"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["code", "message", "detail"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}
KEY_PATTERN = "^[A-Za-z0-9_-]{1,64}$"


def document() -> Json:
    """Return the document, in the order of the table of routes."""
    paths: dict[str, Json] = {}
    names = _refusal_names()
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lssi-risk",
            "version": software_version(),
            "summary": "检查先后与理由 priorities for inspection, with reasons and a record",
            "description": ABOUT,
        },
        "paths": paths,
        "components": {
            "schemas": {**_schemas(), "Error": ERROR},
            "responses": {name: _refusal(codes) for codes, name in names.items()},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "密钥由 `lssi key add` 生成 a key that `lssi key add` makes",
                }
            },
        },
    }


def _operation(route: Route, refusal_names: Mapping[Codes, str]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": f"{route.zh} · {route.en}",
        # in 3.1 what stands here for a scheme that is no OAuth are the roles that may use the route
        "security": [{"key": list(route.roles)}] if route.roles else [],
    }
    if route.successor:
        operation["deprecated"] = True
    parameters = [*_parameters(route), *_idempotency_key(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.form is not None and route.method == "POST":
        content: Json = {"schema": _reference(route.form), "example": dict(route.example)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    refusals = {
        str(status): {"$ref": RESPONSES + refusal_names[codes]}
        for status, codes in codes_by_status(route).items()
    }
    operation["responses"] = {"200": _success(route), **refusals}
    return operation


def _parameters(route: Route) -> list[Json]:
    """Return the parts of the path and of the query of a GET; what the query may leave out is null in its form alone."""
    if route.form is None or route.method != "GET":
        return []
    parameters = []
    schema = route.form.model_json_schema()
    for name, of_field in schema.get("properties", {}).items():
        zh, en = PARAMETERS[name]
        is_part = name in route.parts
        parameter: Json = {
            "name": name,
            "in": "path" if is_part else "query",
            "required": is_part or name in schema.get("required", ()),
            "description": f"{zh} {en}",
            "schema": _sent_as_text(of_field),
        }
        if name in route.example:
            parameter["example"] = route.example[name]
        parameters.append(parameter)
    return parameters


def _sent_as_text(schema: Json) -> Json:
    """Return the schema of a field that a query can fill: never null, and without a title."""
    fillable = schema
    if "anyOf" in schema:
        [fillable] = [one for one in schema["anyOf"] if one.get("type") != "null"]
        if schema.get("default") is not None:
            fillable = {**fillable, "default": schema["default"]}
    return {name: value for name, value in fillable.items() if name != "title"}


def _idempotency_key(route: Route) -> list[Json]:
    if route.key == "none":
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": route.key == "must",
            "description": "重试时相同，得到原来的记录 the same for each repetition, which gets the first record again",
            "schema": {"type": "string", "pattern": KEY_PATTERN},
            "example": "visit-27",
        }
    ]


def _success(route: Route) -> Json:
    schema: Json = {"type": "string"}
    if route.answer is not None:
        schema = _reference(route.answer)
    elif route.media == "application/json":
        schema = {"type": "object"}
    success: Json = {
        "description": f"{route.zh} {route.en}",
        "content": {route.media: {"schema": schema}},
    }
    if route.successor:
        success["headers"] = {
            "Deprecation": {"schema": {"type": "string"}, "description": "RFC 9745"},
            "Link": {"schema": {"type": "string"}, "description": "RFC 8288"},
        }
    return success


def codes_by_status(route: Route) -> dict[int, Codes]:
    """Return by status the codes with which a route may be refused."""
    by_status: dict[int, Codes] = {}
    for code in refusal_codes(route):
        status = CODES[code].status
        by_status[status] = (*by_status.get(status, ()), code)
    return dict(sorted(by_status.items()))


def _refusal_names() -> dict[Codes, str]:
    """Return a name for each set of codes that one status of some routes may have, such as Refused404 and Refused404_2."""
    names: dict[Codes, str] = {}
    of_status: dict[int, int] = {}
    for route in ROUTES:
        for status, codes in codes_by_status(route).items():
            if codes in names:
                continue
            number = of_status[status] = of_status.get(status, 0) + 1
            names[codes] = f"Refused{status}" if number == 1 else f"Refused{status}_{number}"
    return names


def _refusal(codes: Codes) -> Json:
    meanings = [f"{code}: {CODES[code].zh} {CODES[code].en}" for code in codes]
    narrowed = {"error": {"properties": {"code": {"enum": list(codes)}}}}
    schema = {"$ref": f"{SCHEMAS}Error", "properties": narrowed}
    return {"description": "; ".join(meanings), "content": {"application/json": {"schema": schema}}}


def refusal_codes(route: Route) -> list[str]:
    """Return the codes with which a route may be refused, in the order of all codes.

    A code that some routes name is theirs alone; any other is the gate's, and may meet every route that needs a key.
    """
    of_some_routes = set(chain.from_iterable(other.codes for other in ROUTES))
    of_gate = set(CODES) - of_some_routes - OUTSIDE
    if route.method != "POST":
        of_gate -= OF_BODIES
    if not route.roles:
        of_gate = {"internal"}
    here = of_gate | set(route.codes) | ({"not_ready"} if route.roles else set())
    return [code for code in CODES if code in here]


def _reference(form: type[BaseModel]) -> Json:
    return {"$ref": SCHEMAS + form.__name__}


def _schemas() -> Mapping[str, Json]:
    """Return the schemas of all forms by name: what is asked as it is taken, what is answered as it leaves."""
    forms: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for route in ROUTES:
        if route.form is not None and route.method == "POST":
            forms.append((route.form, "validation"))
        if route.answer is not None:
            forms.append((route.answer, "serialization"))
    _, whole = models_json_schema(list(dict.fromkeys(forms)), ref_template=SCHEMAS + "{model}")
    return dict(sorted(whole["$defs"].items()))
