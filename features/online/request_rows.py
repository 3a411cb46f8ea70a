"""History sent in a request: rows by contract table, read strictly, coded beside the store's own codes, and signed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.calendar import day_of, month_of
from features.catalogue import Join, declared_joins
from features.catalogue.joins import taken_as
from features.catalogue.language import LIMIT
from features.contract.identifiers import IdentifierFault, read_id
from features.contract.millionths import millionths_of
from features.contract.row_order import laws
from features.contract.tables import COMMON, FLAGS, RECORDED, Column, contract
from features.contract.unique_within import SIGN, scopes
from features.errors import RequestError
from features.ingest.register_order import Told, laws_across, refused
from features.ingest.source import JOURNAL
from features.store.store import Store

FRESH = 2**30
FOREVER = 2**31 - 1
Version = dict[str, Any]
Reader = Callable[[Any], Any]
Readers = Mapping[str, tuple[Column, Reader]]
_COMMON = {column.name: column for column in COMMON}
_PLACE = "sent as"
"""Where a row that was sent keeps its table and its place there; no column has such a name."""


class Sent:
    """The rows of a request as signed integer rows; identifiers that the store never saw get codes of their own."""

    def __init__(self, store: Store, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Read the rows; RequestError names the table, the row's place and the column of the first that is wrong."""
        self._store = store
        self._codes: dict[str, dict[str, int]] = defaultdict(dict)
        read = {table: self._read(table, given) for table, given in rows.items()}
        _agree(read)
        self._versions = {table: self._lives(table, versions) for table, versions in read.items()}
        for join in declared_joins():
            if join.left in rows and join.right in rows and store.has(join.name):
                self._versions[join.name] = self._joined(join)

    @property
    def tables(self) -> frozenset[str]:
        """The tables sent, and the derived ones that they make."""
        return frozenset(self._versions)

    def code(self, space: str, text: str) -> int:
        """Return the code of an identifier: the store's, or one of this request's own."""
        codes = self._codes[space]
        if text not in codes:
            known = self._store.dictionary(space).code(text)
            codes[text] = known if known is not None else FRESH + len(codes)
        return codes[text]

    def rows(
        self, table: str, by: str, low: int, high: int, columns: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the signed rows with low <= `by` < high, sorted by it, one array a column."""
        chosen = sorted(
            (row for row in self._versions[table] if row[by] is not None and low <= row[by] < high),
            key=lambda row: (row[by], row["known"]),
        )
        signed = [(row, 1, row["known"]) for row in chosen]
        signed += [(row, -1, row["ends"]) for row in chosen if row["ends"] < FOREVER]
        signed.sort(key=lambda entry: entry[0][by])
        found: dict[str, NDArray[Any]] = {
            name: np.array(
                [NULL if row[name] is None else row[name] for row, _, _ in signed], np.int64
            )
            for name in columns
            if name not in ("known", "sign", "row_id", "right_row_id")
        }
        for name in ("row_id", "right_row_id"):
            if name in columns:
                found[name] = np.array([row.get(name, "") for row, _, _ in signed], np.object_)
        found["sign"] = np.array([sign for _, sign, _ in signed], np.int64)
        found["known"] = np.array([known for _, _, known in signed], np.int64)
        return found

    def _read(self, table: str, given: Sequence[Mapping[str, Any]]) -> list[Version]:
        """Return the rows of a table that were sent, in the order in which they became known."""
        if not self._store.has(table):
            raise RequestError(
                f"history has a table {table!r} that this source does not hold; leave it out"
            )
        declared = self._store.tables[table]
        readers = {column.name: (column, self._reader(column)) for column in declared.columns}
        read = [self._row((table, position), readers, row) for position, row in enumerate(given, 1)]
        judged = laws(table, declared.columns)
        for row in read:
            for reason in judged.broken(row):
                raise _wrong(row, reason)
        if len({row["row_id"] for row in read}) < len(read):
            raise RequestError(
                f"history table {table!r} has a row_id twice; a row_id should be unique in its table"
            )
        return sorted(read, key=lambda row: (row["known"], len(row["row_id"]), row["row_id"]))

    def _lives(self, table: str, read: list[Version]) -> list[Version]:
        """Return the versions of a table's keys, each with the day from which it is known and the day on which it ends."""
        by_key: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
        for row in read:
            by_key[tuple(row[name] for name in self._store.tables[table].key)].append(row)
        lives = []
        for versions in by_key.values():
            for row, after in zip(versions, [*versions[1:], None], strict=True):
                row["ends"] = FOREVER if after is None else after["known"]
                if not row["retracted"] and row["ends"] > row["known"]:
                    lives.append(row)
        return lives

    def _row(self, place: tuple[str, int], readers: Readers, row: Mapping[str, Any]) -> Version:
        table, position = place
        if unknown := row.keys() - readers.keys() - _COMMON.keys():
            raise RequestError(
                f"history table {table!r} row {position} has an unknown column {min(unknown)!r}; "
                f"it should have {', '.join(sorted(readers.keys() | _COMMON.keys()))}"
            )
        row = self._whole(place, row)
        read: Version = {
            name: _value(place, column, row.get(name), reader)
            for name, (column, reader) in readers.items()
        }
        read["row_id"] = _row_id(place, row.get("row_id"))
        read["known"] = _value(place, _COMMON["recorded_on"], row.get("recorded_on"), _day)
        read["retracted"] = _value(place, _COMMON["retracted"], row.get("retracted", 0), _flag)
        read[_PLACE], read[RECORDED] = place, read["known"]
        return read

    def _whole(self, place: tuple[str, int], row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row in which each number is joined with what it is unique within, as the source states it."""
        found = dict(row)
        for scope in scopes(self._store.source.keys, place[0], JOURNAL):
            number = _value(place, scope.number, row.get(scope.number.name), read_id)
            if number is None:
                continue
            reader = _READERS[scope.within.kind] if scope.year else read_id
            within = row.get(scope.within.name)
            part = (
                None
                if within in (None, "")
                else scope.text(_value(place, scope.within, within, reader))
            )
            if wrong := scope.wrong(number, part):
                raise RequestError(f"history table {place[0]!r} row {place[1]}: {wrong}")
            found[scope.number.name] = f"{number}{SIGN}{part}"
        return found

    def _reader(self, column: Column) -> Reader:
        """Return how a value of a column is read; it raises RequestError, ValueError or TypeError for a wrong one."""
        if column.kind == "id":
            space = column.space
            return lambda value: self.code(space, read_id(value))
        if column.kind == "choice":
            return column.choices.index
        return _READERS.get(column.kind, _whole)

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
                    pairs.append(
                        {
                            **left,
                            **{new: right[name] for name, new in taken.items()},
                            "known": known,
                            "ends": ends,
                            "right_row_id": right["row_id"],
                        }
                    )
        return pairs


def _agree(read: Mapping[str, list[Version]]) -> None:
    """Raise RequestError for a row that cannot be beside the row that it names, or one that names it."""
    for group in laws_across():
        register = group[0].register
        if register not in read or not any(law.table in read for law in group):
            continue
        sides = [
            (register, None, group[0].other),
            *((law.table, law, law.column) for law in group if law.table in read),
        ]
        by_name: dict[tuple[Any, ...], list[tuple[Version, Told]]] = defaultdict(list)
        for table, law, column in sides:
            key = contract()[table].key
            for row in read[table]:
                told = Told(
                    row["row_id"],
                    law,
                    tuple(row[name] for name in key),
                    row[column],
                    row["retracted"] == 1,
                    False,
                )
                by_name[tuple(row[name] for name in contract()[register].key)].append((row, told))
        for versions in by_name.values():
            ordered = [told for _, told in sorted(versions, key=lambda pair: pair[0]["known"])]
            for told, reason in refused(ordered):
                raise _wrong(next(row for row, one in versions if one is told), reason)


def _wrong(row: Version, reason: str) -> RequestError:
    table, position = row[_PLACE]
    return RequestError(f"history table {table!r} row {position}: {reason}")


def _value(place: tuple[str, int], column: Column, value: Any, reader: Reader) -> Any:
    if value is None or value == "":
        if column.optional:
            return None
        raise RequestError(f"history table {place[0]!r} row {place[1]}: {column.name} is missing")
    try:
        return reader(value)
    except IdentifierFault as fault:
        raise RequestError(
            f"history table {place[0]!r} row {place[1]}: {column.name} {fault}"
        ) from None
    except (RequestError, LookupError, ValueError, TypeError):
        raise RequestError(
            f"history table {place[0]!r} row {place[1]}: {column.name} should be {wanted_in_request(column)}"
        ) from None


def _row_id(place: tuple[str, int], value: Any) -> str:
    if value is None or value == "":
        return f"sent-{place[1]}"
    try:
        return read_id(value)
    except IdentifierFault as fault:
        raise RequestError(f"history table {place[0]!r} row {place[1]}: row_id {fault}") from None


@lru_cache(4096)
def _day(value: Any) -> int:
    return day_of(value)


@lru_cache(1024)
def _month(value: Any) -> int:
    return month_of(value)


def _whole(value: Any) -> int:
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


_READERS: Mapping[str, Reader] = {
    "day": _day,
    "month": _month,
    "flag": _flag,
    "probability": _probability,
}


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
