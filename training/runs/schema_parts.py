"""The parts of a JSON schema: what each kind of value of a report may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
YES_NO: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
NOT_ESTIMABLE: Schema = {"type": "string", "pattern": "^not estimable: "}
"""What stands in the place of an estimate, with the reason."""
PAIR: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
"""The ends of an interval."""


def either(*parts: Schema) -> Schema:
    """Return a value that is one of several kinds."""
    return {"anyOf": list(parts)}


def maybe(part: Schema) -> Schema:
    """Return a value that may be null, where the cases do not suffice."""
    if part.keys() == {"type"}:
        return {"type": [part["type"], "null"]}
    return either(part, NOTHING)


def defined(name: str) -> Schema:
    """Return a kind of value that the schema defines once under a name."""
    return {"$ref": f"#/$defs/{name}"}


def one_of(names: Iterable[str]) -> Schema:
    """Return a text that is one of some names."""
    return {"enum": list(names)}


def list_of(part: Schema) -> Schema:
    """Return a list of values of a kind."""
    return {"type": "array", "items": part}


def by_name(part: Schema) -> Schema:
    """Return values of a kind by any name."""
    return {"type": "object", "additionalProperties": part}


def fields(**parts: Schema) -> Schema:
    """Return an object that has these fields, all of them and no others."""
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }


def optional(part: Schema, **more: Schema) -> Schema:
    """Return an object of fields that may have more, these only where there is something to say."""
    return {**part, "properties": {**part["properties"], **more}}


def table(**parts: Schema) -> Schema:
    """Return a long table: a list of rows that all have these fields."""
    return list_of(fields(**parts))


MAYBE = maybe(NUMBER)
"""A number, null where it is not defined."""
ESTIMATE, LIMITS = defined("estimate"), defined("limits")
METRICS, GROUPS = defined("metrics"), defined("groups")
ESTIMATES = {
    "estimate": either(fields(value=NUMBER, low=NUMBER, high=NUMBER), NOT_ESTIMABLE),
    "limits": either(PAIR, NOT_ESTIMABLE),
}
"""An estimate with its 95 % interval, and the ends of one; or the word in their place."""
