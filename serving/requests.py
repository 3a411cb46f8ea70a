"""Request bodies, validated strictly; an error names the place of a wrong value and never repeats the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StringConstraints

from features.contract.identifiers import fault
from features.contract.tables import LONGEST

MOST_UNITS = 1_000
"""Units of one request at most; a choice, so that one caller does not keep the others waiting."""
MOST_ROWS = 20_000
"""Rows that a request may send at most; a choice: far more than one unit has."""
_LARGEST = 2**53
"""Numbers stay within this, because float64 holds every integer up to it."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _sound(text: str) -> str:
    if wrong := fault(text):
        raise ValueError(f"this number {wrong}")
    return text


Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_sound)]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return value
    raise ValueError(
        f"should be text of at most {LONGEST} characters, a finite number within 2^53, or null"
    )


Value = Annotated[
    object, PlainValidator(_plain, json_schema_input_type=str | bool | int | float | None)
]
Row = Annotated[dict[Name, Value], Field(min_length=1, max_length=60)]
Rows = Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)]


def _different(ids: Sequence[str]) -> Sequence[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("each identifier should occur once in a request")
    return ids


Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_UNITS), AfterValidator(_different)]


class Body(BaseModel):
    """A body: no unknown field, no conversion of types, no NaN or infinity, and no value repeated in an error."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class EnterpriseIds(Body):
    """Enterprises to score, by number."""

    enterprises: Ids
    target: Name = "undeclared_workers"


class ClaimIds(Body):
    """Claims to score, by number."""

    claims: Ids
    target: Name = "fraudulent_claim"


class EnterpriseHistory(Body):
    """One enterprise and its history: table -> rows of the contract, by column name."""

    id: Id
    rows: Annotated[dict[Name, Rows], Field(min_length=1, max_length=40)]
    target: Name = "undeclared_workers"


class ClaimHistory(Body):
    """One claim and its history: table -> rows of the contract, by column name."""

    id: Id
    rows: Annotated[dict[Name, Rows], Field(min_length=1, max_length=40)]
    target: Name = "fraudulent_claim"


class RecordId(Body):
    """One record, by the number that an answer gave."""

    record_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9a-z-]+$")
    ]


class Nothing(Body):
    """An empty body: `{}`."""
