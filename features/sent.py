"""History sent in a request: rows by contract table, read strictly, coded beside the store's own codes, and signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Join, declared_joins
from features.contract import COMMON, Column
from features.days import day_of, month_of
from features.dictionary import Dictionary
from features.errors import RequestError
from features.join import taken_as
from features.rowwise import NULL
from features.store import Store

FRESH = 2**30
FOREVER = 2**31 - 1
Version = dict[str, Any]


class Sent:
    """The rows of a request as signed integer rows; identifiers that the store never saw get codes of their own."""

    def __init__(self, store: Store, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Read the rows; RequestError names the table, the row's place and the column of the first that is wrong."""
        self._store = store
        self._fresh: dict[str, dict[str, int]] = defaultdict(dict)
        self._dictionaries: dict[str, Dictionary] = {}
        self._versions = {table: self._lives(table, given) for table, given in rows.items()}
        for join in declared_joins():
            if join.left in rows and join.right in rows and store.has(join.name):
                self._versions[join.name] = self._joined(join)

    @property
    def tables(self) -> frozenset[str]:
        """The tables sent, and the derived ones that they make."""
        return frozenset(self._versions)

    def code(self, space: str, text: str) -> int:
        """Return the code of an identifier: the store's, or one of this request's own."""
        known = self._store.dictionary(space).code(text)
        if known is not None:
            return known
        return self._fresh[space].setdefault(text, FRESH + len(self._fresh[space]))

    def rows(self, table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Mapping[str, NDArray[Any]]:
        """Return the signed rows with low <= `by` < high, sorted by it, one array a column."""
        chosen = sorted((row for row in self._versions[table] if row[by] is not None and low <= row[by] < high),
                        key=lambda row: (row[by], row["known"]))
        signed = [(row, 1, row["known"]) for row in chosen]
        signed += [(row, -1, row["ends"]) for row in chosen if row["ends"] < FOREVER]
        signed.sort(key=lambda entry: entry[0][by])
        found: dict[str, NDArray[Any]] = {
            name: np.array([NULL if row[name] is None else row[name] for row, _, _ in signed], np.int64)
            for name in columns if name not in ("known", "sign", "row_id", "right_row_id")}
        for name in ("row_id", "right_row_id"):
            if name in columns:
                found[name] = np.array([row.get(name, "") for row, _, _ in signed], np.object_)
        found["sign"] = np.array([sign for _, sign, _ in signed], np.int64)
        found["known"] = np.array([known for _, _, known in signed], np.int64)
        return found

    def _lives(self, table: str, given: Sequence[Mapping[str, Any]]) -> list[Version]:
        """Return the versions of a table's keys, each with the day from which it is known and the day on which it ends."""
        if not self._store.has(table):
            raise RequestError(f"history has a table {table!r} that this source does not hold; leave it out")
        declared = self._store.tables[table]
        read = [self._row(table, declared.columns, position, row) for position, row in enumerate(given, 1)]
        if len({row["row_id"] for row in read}) < len(read):
            raise RequestError(f"history table {table!r} has a row_id twice; a row_id should be unique in its table")
        by_key: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
        for row in sorted(read, key=lambda row: (row["known"], row["row_id"])):
            by_key[tuple(row[name] for name in declared.key)].append(row)
        lives = []
        for versions in by_key.values():
            for row, after in zip(versions, [*versions[1:], None], strict=True):
                row["ends"] = FOREVER if after is None else after["known"]
                if not row["retracted"] and row["ends"] > row["known"]:
                    lives.append(row)
        return lives

    def _row(self, table: str, columns: tuple[Column, ...], position: int, row: Mapping[str, Any]) -> Version:
        names = {column.name for column in columns + COMMON}
        if unknown := sorted(set(row) - names):
            raise RequestError(f"history table {table!r} row {position} has an unknown column {unknown[0]!r}; "
                               f"it should have {', '.join(sorted(names))}")
        read: Version = {column.name: self._value(table, column, position, row.get(column.name)) for column in columns}
        read["row_id"] = str(row.get("row_id") or f"sent-{position}")
        read["known"] = self._value(table, COMMON[1], position, row.get("recorded_on"))
        read["retracted"] = self._value(table, COMMON[2], position, row.get("retracted", 0))
        return read

    def _value(self, table: str, column: Column, position: int, value: Any) -> int | None:
        if value is None or value == "":
            if column.optional:
                return None
            raise RequestError(f"history table {table!r} row {position}: {column.name} is missing")
        try:
            return self._read(column, value)
        except (RequestError, ValueError, TypeError):
            raise RequestError(f"history table {table!r} row {position}: {column.name} should be {wanted(column)}") from None

    def _read(self, column: Column, value: Any) -> int:
        if column.kind == "id":
            return self.code(column.space, str(value))
        if column.kind == "choice":
            return column.choices.index(value)
        if column.kind == "day":
            return day_of(value)
        if column.kind == "month":
            return month_of(value)
        if isinstance(value, bool) and column.kind == "flag":
            return int(value)
        if column.kind == "probability" and isinstance(value, int | float) and 0 < value <= 1:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**53:
            raise ValueError
        if column.kind == "flag" and value not in (0, 1):
            raise ValueError
        return value

    def _joined(self, join: Join) -> list[Version]:
        """Return the pairs of two tables that agree, each known from the later day to the earlier end."""
        taken = taken_as(join, self._store.tables[join.left], self._store.tables[join.right])
        by_key: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
        for row in self._versions[join.right]:
            by_key[tuple(row[name] for name in join.on)].append(row)
        pairs = []
        for left in self._versions[join.left]:
            for right in by_key[tuple(left[name] for name in join.on)]:
                known, ends = max(left["known"], right["known"]), min(left["ends"], right["ends"])
                if known < ends and None not in [left[name] for name in join.on]:
                    pairs.append({**left, **{new: right[name] for name, new in taken.items()}, "known": known,
                                  "ends": ends, "right_row_id": right["row_id"]})
        return pairs


def wanted(column: Column) -> str:
    """Return in words what a value of a column should be in a request.

    >>> wanted(Column("violation", "flag", (), False, "", ""))
    '0 or 1'
    """
    words = {"id": "an identifier", "choice": f"one of {', '.join(column.detail)}", "flag": "0 or 1",
             "day": "a day such as 2015-06-30", "month": "a month such as 2015-06", "probability": "above 0 and at most 1"}
    return words.get(column.kind, f"a whole number of {column.kind}")
