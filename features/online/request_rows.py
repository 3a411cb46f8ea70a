"""History sent in a request: rows by contract table, read strictly, coded beside the store's own codes, and signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.catalogue.joins import declared_joins, taken_as
from features.catalogue.model import Join
from features.contract.identifiers import read_id
from features.contract.row_order import laws
from features.contract.tables import COMMON, RECORDED, Column, contract
from features.contract.unique_within import SIGN, scopes
from features.errors import RequestError
from features.ingest.register_order import DatedVersion, laws_across, refused
from features.ingest.source import JOURNAL
from features.online.request_values import (
    READERS,
    Reader,
    SentPlace,
    row_error,
    sent_row_id,
    sent_value,
    whole_number,
)
from features.store.store import Store

FRESH = 2**30
"""The first code of identifiers that the store never saw: above all of the store's own."""
FOREVER = 2**31 - 1
"""The day on which a row ends that nothing supersedes."""
Version = dict[str, Any]
KeyValues = tuple[Any, ...]
"""The values of a row's key columns."""
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
        read = {table: self._read(table, rows_sent) for table, rows_sent in rows.items()}
        _agree(read)
        self._versions: dict[str, list[Version]] = {}
        for table, versions in read.items():
            self._versions[table] = self._lives(table, versions)
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
            code_in_store = self._store.dictionary(space).code(text)
            codes[text] = FRESH + len(codes) if code_in_store is None else code_in_store
        return codes[text]

    def rows(
        self, table: str, by: str, low: int, high: int, columns: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the signed rows with low <= `by` < high, sorted by it, one array a column."""
        versions = [
            row for row in self._versions[table] if row[by] is not None and low <= row[by] < high
        ]
        versions.sort(key=lambda row: (row[by], row["known"]))
        # A version counts from the day on which it is known, and is taken back on the day it ends.
        signed = [(row, 1, row["known"]) for row in versions]
        signed += [(row, -1, row["ends"]) for row in versions if row["ends"] < FOREVER]
        signed.sort(key=lambda entry: entry[0][by])
        rows = [row for row, _, _ in signed]
        read: dict[str, NDArray[Any]] = {}
        for name in columns:
            if name not in ("known", "sign", "row_id", "right_row_id"):
                values = [NULL if row[name] is None else row[name] for row in rows]
                read[name] = np.array(values, np.int64)
        for name in ("row_id", "right_row_id"):
            if name in columns:
                read[name] = np.array([row.get(name, "") for row in rows], np.object_)
        read["sign"] = np.array([sign for _, sign, _ in signed], np.int64)
        read["known"] = np.array([day for _, _, day in signed], np.int64)
        return read

    def _read(self, table: str, rows_sent: Sequence[Mapping[str, Any]]) -> list[Version]:
        """Return the rows of a table that were sent, in the order in which they became known."""
        if not self._store.has(table):
            raise RequestError(
                f"history has a table {table!r} that this source does not hold; leave it out"
            )
        declared = self._store.tables[table]
        readers: dict[str, tuple[Column, Reader]] = {}
        for column in declared.columns:
            readers[column.name] = (column, self._reader(column))
        read = [
            self._row((table, position), readers, row) for position, row in enumerate(rows_sent, 1)
        ]
        laws_of_table = laws(table, declared.columns)
        for row in read:
            for reason in laws_of_table.broken(row):
                raise row_error(row[_PLACE], reason)
        row_ids = {row["row_id"] for row in read}
        if len(row_ids) < len(read):
            raise RequestError(
                f"history table {table!r} has a row_id twice; a row_id should be unique in its table"
            )
        return sorted(read, key=lambda row: (row["known"], len(row["row_id"]), row["row_id"]))

    def _lives(self, table: str, read: list[Version]) -> list[Version]:
        """Return the versions of a table's keys, each with the day from which it is known and the day on which it ends."""
        by_key = _grouped_by(self._store.tables[table].key, read)
        lives = []
        for versions in by_key.values():
            for row, after in zip(versions, [*versions[1:], None], strict=True):
                row["ends"] = FOREVER if after is None else after["known"]
                # Superseded on the day on which it became known, a version was never to be seen.
                if not row["retracted"] and row["ends"] > row["known"]:
                    lives.append(row)
        return lives

    def _row(self, place: SentPlace, readers: Readers, row: Mapping[str, Any]) -> Version:
        table, position = place
        if unknown := row.keys() - readers.keys() - _COMMON.keys():
            raise RequestError(
                f"history table {table!r} row {position} has an unknown column {min(unknown)!r}; "
                f"it should have {', '.join(sorted(readers.keys() | _COMMON.keys()))}"
            )
        row = self._whole(place, row)
        read: Version = {}
        for name, (column, reader) in readers.items():
            read[name] = sent_value(place, column, row.get(name), reader)
        read["row_id"] = sent_row_id(place, row.get("row_id"))
        recorded_on = row.get("recorded_on")
        retracted = row.get("retracted", 0)
        known_day = sent_value(place, _COMMON["recorded_on"], recorded_on, READERS["day"])
        read["known"] = known_day
        read["retracted"] = sent_value(place, _COMMON["retracted"], retracted, READERS["flag"])
        read[_PLACE] = place
        read[RECORDED] = known_day
        return read

    def _whole(self, place: SentPlace, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row in which each number is joined with what it is unique within, as the source states it."""
        whole = dict(row)
        for scope in scopes(self._store.source.keys, place[0], JOURNAL):
            number = sent_value(place, scope.number, row.get(scope.number.name), read_id)
            if number is None:
                continue
            reader = READERS[scope.within.kind] if scope.year else read_id
            within = row.get(scope.within.name)
            part: str | None = None
            if within not in (None, ""):
                part = scope.text(sent_value(place, scope.within, within, reader))
            if wrong := scope.wrong(number, part):
                raise row_error(place, wrong)
            whole[scope.number.name] = f"{number}{SIGN}{part}"
        return whole

    def _reader(self, column: Column) -> Reader:
        """Return how a value of a column is read; it raises RequestError, ValueError or TypeError for a wrong one."""
        if column.kind == "id":
            space = column.space
            return lambda value: self.code(space, read_id(value))
        if column.kind == "choice":
            return column.choices.index
        return READERS.get(column.kind, whole_number)

    def _joined(self, join: Join) -> list[Version]:
        """Return the pairs of two tables that agree, each known from the later day to the earlier end."""
        tables = self._store.tables
        new_names = taken_as(join, tables[join.left], tables[join.right])
        by_key = _grouped_by(join.on, self._versions[join.right])
        pairs = []
        for left_row in self._versions[join.left]:
            key = tuple(left_row[name] for name in join.on)
            for right_row in by_key.get(key, []):
                begins = max(left_row["known"], right_row["known"])
                ends = min(left_row["ends"], right_row["ends"])
                # As in SQL, an empty key agrees with no other.
                if begins < ends and None not in key:
                    pair = dict(left_row)
                    for name, new_name in new_names.items():
                        pair[new_name] = right_row[name]
                    pair |= {"known": begins, "ends": ends, "right_row_id": right_row["row_id"]}
                    pairs.append(pair)
        return pairs


def _grouped_by(
    key_columns: tuple[str, ...], rows: list[Version]
) -> dict[KeyValues, list[Version]]:
    """Return rows by the values of their key columns, in the order in which they come."""
    by_key: dict[KeyValues, list[Version]] = defaultdict(list)
    for row in rows:
        key = tuple(row[name] for name in key_columns)
        by_key[key].append(row)
    return by_key


def _agree(read: Mapping[str, list[Version]]) -> None:
    """Raise RequestError for a row that cannot be beside the row that it names, or one that names it."""
    for group in laws_across():
        register = group[0].register
        laws_of_sent = [law for law in group if law.table in read]
        if register not in read or not laws_of_sent:
            continue
        sides = [
            (register, None, group[0].other),
            *((law.table, law, law.column) for law in laws_of_sent),
        ]
        name_columns = contract()[register].key
        by_name: dict[KeyValues, list[tuple[Version, DatedVersion]]] = defaultdict(list)
        for table, law, column in sides:
            key_columns = contract()[table].key
            for row in read[table]:
                key = tuple(row[name] for name in key_columns)
                retracted = row["retracted"] == 1
                event = DatedVersion(
                    row_id=row["row_id"],
                    law=law,
                    key=key,
                    day=row[column],
                    retracted=retracted,
                    settled=False,
                )
                name_in_register = tuple(row[name] for name in name_columns)
                by_name[name_in_register].append((row, event))
        for versions in by_name.values():
            versions_by_day = sorted(versions, key=lambda pair: pair[0]["known"])
            for event, reason in refused([event for _, event in versions_by_day]):
                row = next(row for row, other in versions if other is event)
                raise row_error(row[_PLACE], reason)
