"""Values sent in a request: each read by the kind of its column, or refused with its table, row and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from features.calendar import day_of, month_of
from features.catalogue.language import LIMIT
from features.contract.identifiers import IdentifierFault, read_id
from features.contract.millionths import millionths_of
from features.contract.tables import FLAGS, Column
from features.errors import RequestError

Reader = Callable[[Any], Any]
SentPlace = tuple[str, int]
"""Where a row stands in a request: its table, and its position there from 1."""


def row_error(place: SentPlace, reason: str) -> RequestError:
    """Return the error of a row of a request, for a reason."""
    table, position = place
    return RequestError(f"history table {table!r} row {position}: {reason}")


def sent_value(place: SentPlace, column: Column, value: Any, reader: Reader) -> Any:
    """Return a value as its reader reads it, None where an optional one is missing; RequestError where it is wrong."""
    if value is None or value == "":
        if column.optional:
            return None
        raise row_error(place, f"{column.name} is missing")
    try:
        return reader(value)
    except IdentifierFault as fault:
        raise row_error(place, f"{column.name} {fault}") from None
    except (RequestError, LookupError, ValueError, TypeError):
        wanted = wanted_in_request(column)
        raise row_error(place, f"{column.name} should be {wanted}") from None


def sent_row_id(place: SentPlace, value: Any) -> str:
    """Return the row_id that a row was sent with, one made of its position where it has none."""
    _, position = place
    if value is None or value == "":
        return f"sent-{position}"
    try:
        return read_id(value)
    except IdentifierFault as fault:
        raise row_error(place, f"row_id {fault}") from None


# A request names the same few days and months many times.
@lru_cache(4096)
def _day(value: Any) -> int:
    return day_of(value)


@lru_cache(1024)
def _month(value: Any) -> int:
    return month_of(value)


def whole_number(value: Any) -> int:
    """Return a whole number as it is; ValueError for anything else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= LIMIT:
        raise ValueError
    return value


def _flag(value: Any) -> int:
    if isinstance(value, str):
        return FLAGS[re.sub("^([01])[.]0*$", r"\1", value.strip(" ").lower())]
    if not isinstance(value, int | float) or value not in (0, 1):
        raise ValueError
    return int(value)


def _probability(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError
    return millionths_of(value)


READERS: Mapping[str, Reader] = {
    "day": _day,
    "month": _month,
    "flag": _flag,
    "probability": _probability,
}
"""By kind, how a value of a column is read where the kind alone says it."""


def wanted_in_request(column: Column) -> str:
    """Return in words what a value of a column should be in a request.

    >>> wanted_in_request(Column("violation", "flag", (), False, "", ""))
    '0 or 1'
    """
    words = {
        "id": "an identifier",
        "choice": f"one of {', '.join(column.detail)}",
        "flag": "0 or 1",
        "day": "a day such as 2015-06-30",
        "month": "a month such as 2015-06",
        "probability": "above 0 and at most 1, to at most 6 decimals",
    }
    return words.get(column.kind, f"a whole number of {column.kind}")
