"""Requests made from the document: valid ones about what a service knows, and what is one step away from valid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
KINDS = {"known": 0.6, "any": 0.2, "spoiled": 0.2}
"""The kinds of requests and the share of each; a choice, so that most are answered and all ways to be refused are met."""
WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)


@dataclass(frozen=True)
class Asked:
    """One request of an operation, as it is sent; `is_valid` says whether the document allows it."""

    operation: str
    method: str
    path: str
    role: str
    body: bytes | None
    headers: Mapping[str, str]
    is_valid: bool


@dataclass
class Requests:
    """Makes requests of a document.

    `known` holds what a service knows: values by field or by `operation.field`, whole bodies by operation. The kind of
    requests is one of KINDS: of what the service knows, whatever the document allows, and one step away from that.
    """

    document: Json
    known: Mapping[str, Sequence[Any]]
    kind: str = "known"
    numbers: dict[str, int] = field(default_factory=dict)

    def fields(self, draw: st.DrawFn, operation: Json) -> dict[str, Any]:
        """Return the parts of path and query, those that may be left out now and then."""
        fields = {}
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "header":
                continue
            if parameter["required"] or draw(st.booleans()):
                name = parameter["name"]
                fields[name] = draw(self._value(operation, name, parameter["schema"]))
        return fields

    def body(self, draw: st.DrawFn, operation: Json) -> Any:
        """Return a body: of known requests one that the service knows, or its example; else whatever its form allows."""
        if "requestBody" not in operation:
            return None
        content = operation["requestBody"]["content"]["application/json"]
        form = self._resolved(content["schema"])
        if self.kind == "known":
            bodies = self.known.get(operation["operationId"], [content["example"]])
            return self._numbered(dict(draw(st.sampled_from(bodies))))
        body = {}
        for name, schema in form.get("properties", {}).items():
            if name in form.get("required", ()) or draw(st.booleans()):
                body[name] = draw(self._value(operation, name, schema))
        return self._numbered(body)

    def _numbered(self, body: Json) -> Json:
        """Return a body whose own number is a new one, as a caller gives each act a number of its own."""
        for name in ("inspection", "appeal"):
            if name in body:
                body[name] = f"{name}-{self._next(name)}"
        return body

    def _next(self, name: str) -> int:
        self.numbers[name] = self.numbers.get(name, 0) + 1
        return self.numbers[name]

    def headers(self, operation: Json) -> dict[str, str]:
        headers = {}
        if "requestBody" in operation:
            headers["content-type"] = "application/json"
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ())):
            headers["idempotency-key"] = f"key-{self._next('key')}"
        return headers

    def _value(self, operation: Json, name: str, schema: Json) -> st.SearchStrategy[Any]:
        known = self.known.get(f"{operation['operationId']}.{name}", self.known.get(name))
        of_schema = self._of_schema(schema)
        if not known:
            return of_schema
        one_known = st.sampled_from(known)
        return one_known if self.kind == "known" else st.one_of(one_known, of_schema)

    def _resolved(self, schema: Json) -> Json:
        if "$ref" in schema:
            resolved: Json = self.document["components"]["schemas"][
                schema["$ref"].removeprefix(SCHEMAS)
            ]
            return resolved
        return schema

    def _of_schema(self, schema: Json) -> st.SearchStrategy[Any]:
        """Return the values that a schema of the document allows."""
        schema = self._resolved(schema)
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "anyOf" in schema:
            return st.one_of([self._of_schema(one) for one in schema["anyOf"]])
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return st.lists(
                self._of_schema(schema["items"]),
                min_size=schema.get("minItems", 0),
                max_size=min(schema.get("maxItems", 4), 4),
                unique_by=json.dumps if schema.get("uniqueItems") else None,
            )
        return _plain(schema)

    def _object(self, schema: Json) -> st.SearchStrategy[Json]:
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        fixed = {name: self._of_schema(of) for name, of in properties.items() if name in required}
        optional = {
            name: self._of_schema(of) for name, of in properties.items() if name not in required
        }
        if properties or "additionalProperties" not in schema:
            return st.fixed_dictionaries(fixed, optional=optional)
        names = schema.get("propertyNames") or {"type": "string", "pattern": "^[a-z]{1,8}$"}
        values = schema["additionalProperties"]
        return st.dictionaries(
            self._of_schema(names),
            self._of_schema(values) if isinstance(values, dict) else st.none(),
            min_size=schema.get("minProperties", 0),
            max_size=3,
        )


@st.composite
def requests_of(draw: st.DrawFn, requests: Requests, path: str, method: str) -> Asked:
    """Return requests of one operation."""
    # hypothesis ends where nothing new can be drawn, but the same question may be asked again
    draw(st.integers(0, 2**32))
    operation = requests.document["paths"][path][method]
    is_valid = requests.kind != "spoiled"
    fields = requests.fields(draw, operation)
    content = requests.body(draw, operation)
    headers = requests.headers(operation)
    if not is_valid:
        _spoil(draw, fields, content, headers)
    return _sent(operation, (method.upper(), path), (fields, content, headers), is_valid=is_valid)


def _plain(schema: Json) -> st.SearchStrategy[Any]:
    """Return the values of a schema of one plain type; of anything where it names none."""
    kind = schema.get("type")
    if kind == "string":
        if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True).filter(
                lambda text: len(text) <= schema.get("maxLength", 200) and "\n" not in text
            )
        return WORDS
    if kind == "integer":
        return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
    if kind == "number":
        return st.floats(-1e9, 1e9, allow_nan=False)
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    return st.one_of(st.none(), st.booleans(), st.integers(-9, 9), WORDS)


def _spoil(draw: st.DrawFn, fields: Json, content: Any, headers: dict[str, str]) -> None:
    """Take one step away from what is valid: a field too many, too few or of another type, or another media type."""
    place = content if isinstance(content, dict) else fields
    steps = ["extra", "kind", "drop"] if place else ["extra"]
    if "content-type" in headers:
        steps.append("media")
    step = draw(st.sampled_from(steps))
    if step == "media":
        headers["content-type"] = "text/plain"
    elif step == "extra":
        place[draw(st.from_regex("[a-z]{3,9}_x", fullmatch=True))] = "1"
    else:
        name = draw(st.sampled_from(sorted(place)))
        if step == "drop":
            del place[name]
        else:
            place[name] = draw(st.sampled_from(["", "\u202e", "x" * 300, -1, 1.5, True, [], {}]))


def _sent(
    operation: Json, place: tuple[str, str], parts: tuple[Json, Any, Json], *, is_valid: bool
) -> Asked:
    """Return a request as it is sent, by the first role that may use its operation."""
    method, path = place
    fields, content, headers = parts
    names = {one["name"]: one["in"] for one in operation.get("parameters", ())}
    query = {}
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if names.get(name) == "path":
            path = path.replace(f"{{{name}}}", quote(text, safe=""))
        else:
            query[name] = text
    if query:
        path = f"{path}?{urlencode(query)}"
    roles = operation["security"][0]["key"] if operation["security"] else [""]
    body = None if content is None else json.dumps(content).encode()
    return Asked(operation["operationId"], method, path, roles[0], body, headers, is_valid)
