"""The store of a source: its history as signed integer rows, read by range, as of a day, or by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from features.arrays import NULL
from features.calendar import day_of
from features.catalogue.joins import declared_joins, first_by, joined_table
from features.connection import (
    Connection,
    ConnectionLimits,
    DuckError,
    named,
    opened,
    why_failed,
)
from features.contract.tables import Column, Table, contract
from features.errors import CatalogueError, HistoryError, UnknownId
from features.files import folder_of
from features.ingest.source_toml import SourceDeclaration, declaration_of
from features.ingest.typed_values import WIDTHS
from features.seal import check_whole
from features.store.id_codes import Dictionary
from features.store.joins import nulls_first
from features.store.layout import layout_of, no_rows_sql, rows_sql, sealed_summary, summary_until
from features.store.merge_on_read import Kinds, NoRows, Rows, SortedRows, merged
from features.store.sorted_table import TEXTS, SegmentFile, SortedFile, sorted_copy, values

__all__ = ["NULL", "OWN", "Rows", "Store"]

OWN = (
    Column("known", "day", (), False, "知悉日", "day this signed row became known"),
    Column("sign", "count", (), False, "符号", "+1 a row, -1 its negative"),
)
DTYPES: dict[str, type] = {"VARCHAR": object}
"""The types in which the values of SQL types are read that are not read as int64."""


class Store:
    """A loaded source; cheap to open, and holds open what it has read: Parquet footers and dictionaries."""

    def __init__(self, folder: Path, segment: Path | None = None, until: str | None = None) -> None:
        """Open the store in `folder`, with its journal's segment if one is named; HistoryError if there is no store.

        `until` names an earlier closed day from which it is looked, while later ones are there already.
        """
        self.summary: dict[str, Any] = sealed_summary(folder)
        self.closed_to = day_of(self.summary["complete_to"])
        if until is not None:
            self.summary = summary_until(self.summary, until)
        self.folder = folder
        self.layout = layout_of(folder, self.summary)
        if segment is not None:
            self.layout = self.layout.with_segment(segment / "part")
            counts = sealed_summary(segment)["tables"]
            self.summary["tables"] = {**counts, **self.summary["tables"]}
        self._files: dict[tuple[str, str], SortedRows] = {}
        self._dictionaries: dict[str, Dictionary] = {}
        self._declared: dict[str, dict[str, Column]] = {}
        self._views: set[str] = set()
        self._one_view = Lock()
        # What upper rooms make once of this store, by its type: so it goes when the store goes.
        self.attached: dict[type, Any] = {}

    @cached_property
    def source(self) -> SourceDeclaration:
        """The parsed source.toml."""
        return declaration_of(self.summary["source"], "store.json")

    @property
    def complete_to(self) -> int:
        """The last closed day."""
        return day_of(self.summary["complete_to"])

    @cached_property
    def first_known(self) -> int:
        """The day on which the first row became known; the last closed day where there is no row at all."""
        begins = [self.begins(table) for table in self.tables]
        days = [day for day in begins if day is not None]
        return min(days, default=self.complete_to)

    def begins(self, table: str) -> int | None:
        """Return the day on which the first row of a table became known, None where it has none."""
        result = self.sql(f"SELECT min(known) AS day FROM {named(table)}")
        day: int | None = result["day"][0].as_py()
        return day

    @property
    def fingerprint(self) -> str:
        """The 64 hex digits of the source that was loaded."""
        return str(self.summary["fingerprint"])

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that this store holds, derived ones included, with a source's attributes."""
        tables = {name: self._contract_table(name) for name in self.summary["tables"]}
        for join in declared_joins():
            if join.name in self.summary["joins"] and tables.keys() >= {join.left, join.right}:
                tables[join.name] = joined_table(join, tables[join.left], tables[join.right])
        return tables

    def _contract_table(self, name: str) -> Table:
        table = contract()[name]
        attributes = [one.column for one in self.source.attribute if one.table == name]
        return replace(table, columns=(*table.columns, *attributes))

    def has(self, table: str) -> bool:
        """Tell whether the source holds a table (it may be empty) or a derived table both of whose sides it holds."""
        return table in self.tables

    def column(self, table: str, name: str) -> Column:
        """Return the declaration of a column: its kind, and its name space or choices."""
        if table not in self._declared:
            columns = self._table(table).columns + OWN
            self._declared[table] = {column.name: column for column in columns}
        if name in self._declared[table]:
            return self._declared[table][name]
        names = ", ".join(column.name for column in self._table(table).columns)
        raise CatalogueError(f"table {table!r} has no column {name!r}; it has {names}")

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            source = self.summary["name"]
            tables = ", ".join(self.tables)
            raise HistoryError(f"source {source!r} holds no table {name!r}; it holds {tables}")
        return self.tables[name]

    def dictionary(self, space: str) -> Dictionary:
        """Return the identifiers of a name space; empty if the source has none."""
        if space not in self._dictionaries:
            paths = self.layout.dictionaries(space)
            self._dictionaries[space] = Dictionary.read(*paths)
        return self._dictionaries[space]

    def code(self, space: str, text: str) -> int:
        """Return the code of an identifier; UnknownId if the history never names it."""
        code = self.dictionary(space).code(text)
        if code is None:
            raise UnknownId(
                f"{space} {text!r} is not in the history complete to {self.summary['complete_to']}; "
                "check the number or load a newer history"
            )
        return code

    def texts(self, space: str, day: int | None = None) -> list[str]:
        """Return the identifiers of a name space by code; those that it had when a day was closed, if one is named."""
        if day is None or day >= self.complete_to:
            return list(self.dictionary(space).texts.to_pylist())
        paths = self.layout.until(day).dictionaries(space)
        return list(_texts(tuple(paths)))

    def rows(
        self, table: str, *, by: str, low: int, high: int, columns: Sequence[str] = ()
    ) -> Rows:
        """Return the signed rows with low <= `by` < high, sorted by it, as one array (n,) a column.

        int64 with NULL where empty, a probability in millionths; row ids objects. No columns named = all.
        """
        stored = self._sorted(table, by)
        return stored.between(low, high, self._columns(table, columns))

    def all_rows(self, table: str, columns: Sequence[str] = ()) -> Rows:
        """Return every signed row of a table, in stored order."""
        stored = self._sorted(table, self.sorted_by(table))
        return stored.every(self._columns(table, columns))

    def size(self, table: str) -> int:
        """Return how many signed rows a table has."""
        return self._sorted(table, self.sorted_by(table)).size

    def live(self, table: str, as_of: int, columns: Sequence[str] = ()) -> Rows:
        """Return the rows that hold as of a day: known by then and neither corrected nor taken back by then."""
        wanted = self._columns(table, columns)
        if len(self.layout.files(table)) > 1:
            return self._live_of_segments(table, as_of, wanted)
        needed = dict.fromkeys((*wanted, "known", "sign"))
        rows = self.all_rows(table, tuple(needed))
        is_known = rows["known"] <= as_of
        plus = rows["sign"] > 0
        # In a single file a row's negative stands right behind the row; behind the last stands none.
        last = np.zeros(min(1, len(is_known)), np.bool_)
        ended = np.append((is_known & ~plus)[1:], last)
        lives = is_known & plus & ~ended
        return {name: rows[name][lives] for name in wanted}

    def _live_of_segments(self, table: str, as_of: int, columns: tuple[str, ...]) -> Rows:
        """Return the live rows where a row and its negative may lie in different files, sorted as in one."""
        picked = ", ".join(map(named, columns))
        rows = named(table)
        same = " AND ".join(f"minus.{name} = plus.{name}" for name in self._ids(table))
        taken_back = f"minus.sign = -1 AND minus.known <= {as_of} AND {same}"
        order = dict.fromkeys((self.sorted_by(table), *self._table(table).key, "known"))
        live = self.sql(
            f"SELECT {picked} FROM {rows} AS plus "
            f"WHERE sign = 1 AND known <= {as_of} "
            f"AND NOT EXISTS (FROM {rows} AS minus WHERE {taken_back}) "
            f"ORDER BY {nulls_first(order)}, row_id"
        )
        return {name: values(live[name]) for name in columns}

    def sorted_by(self, table: str) -> str:
        """Return the column by which a table lies sorted in each segment."""
        return first_by(self._table(table).columns, self._table(table).key)

    def sql(self, query: str, **given: pa.Table) -> pa.Table:
        """Return what an SQL query over the signed tables, each a view of its name, and over `given` tables gives."""
        for name in self.tables:
            if name in query:
                self._view(name)
        cursor = self._connection.cursor()
        try:
            for name, table in given.items():
                cursor.register(name, table)
            return cursor.sql(query).to_arrow_table()
        except DuckError as error:
            raise HistoryError(f"the query failed: {why_failed(error)}") from None

    def _view(self, table: str) -> None:
        """Let queries read the rows of a table by its name; HistoryError unless they are what was written."""
        for path in self.layout.files(table):
            check_whole(path)
        # only now: a view reads the heads of its files, which say little where one is damaged
        with self._one_view:
            if table not in self._views:
                view = f"CREATE VIEW {named(table)} AS {self._rows_sql(table)}"
                self._connection.cursor().execute(view)
                self._views.add(table)

    @cached_property
    def _connection(self) -> Connection:
        return opened(ConnectionLimits(spill=folder_of(self, self.folder)))

    def _rows_sql(self, table: str) -> str:
        files = self.layout.files(table)
        if files:
            return f"SELECT * FROM {rows_sql(files)}"
        return no_rows_sql(self.types(table))

    def types(self, table: str) -> dict[str, str]:
        """Return the SQL types of a table's columns as they lie in its files, in their order."""
        widths = {**WIDTHS, "id": "INTEGER"}
        columns = self._table(table).columns
        types = {column.name: widths[column.kind] for column in columns}
        texts = dict.fromkeys(self._ids(table), "VARCHAR")
        return {**types, **texts, "known": "INTEGER", "sign": "TINYINT"}

    def _ids(self, table: str) -> tuple[str, ...]:
        """Return the columns of row ids: a derived row has those of both its sides."""
        return TEXTS if table in self.summary["joins"] else ("row_id",)

    def _kinds(self, table: str) -> Kinds:
        types = self.types(table)
        return {name: DTYPES[kind] for name, kind in types.items() if kind in DTYPES}

    def _columns(self, table: str, columns: Sequence[str]) -> tuple[str, ...]:
        for name in columns:
            if name not in TEXTS:
                self.column(table, name)
        if columns:
            return tuple(columns)
        names = [column.name for column in self._table(table).columns + OWN]
        return (*names, "row_id")

    def _sorted(self, table: str, by: str) -> SortedRows:
        self.column(table, by)
        if (table, by) not in self._files:
            first_path, later_paths = self.sorted_paths(table, by)
            first = SortedFile(first_path, by) if first_path else NoRows(self._kinds(table))
            later = [SegmentFile(path) for path in later_paths]
            self._files[table, by] = merged(first, later, by)
        return self._files[table, by]

    def sorted_paths(self, table: str, by: str) -> tuple[Path | None, list[Path]]:
        """Return a table's file in segment number 0, sorted by a column, None where it has none, and those in later ones."""
        first = self.layout.segments[0] / f"{table}.parquet"
        files = self.layout.files(table)
        if first not in files:
            return None, files
        lies_sorted = by == self.sorted_by(table)
        path = first if lies_sorted else sorted_copy(first, by)
        return path, files[1:]


@lru_cache(256)
def _texts(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the identifiers in dictionary files, which never change once written."""
    return tuple(Dictionary.read(*paths).texts.to_pylist())
