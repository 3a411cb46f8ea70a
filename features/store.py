"""The store of a source: its history as signed integer rows, read by range, as of a day, or by SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue.reading import declared_joins
from features.contract import Column, Table, contract
from features.days import day_of
from features.declaration import Declaration, declaration_of
from features.dictionary import Dictionary
from features.duck import Connection, DuckError, Limits, named, opened, quoted
from features.errors import CatalogueError, HistoryError, UnknownId
from features.join import first_by, joined_table
from features.loading import load, quiet
from features.rowwise import NULL
from features.sorted_file import TEXTS, Rows, SortedFile, copy_sorted
from features.source import Place, Source, find_source
from features.staging import Progress

__all__ = ["NULL", "OWN", "Rows", "Store", "open_store"]

OWN = (Column("known", "day", (), False, "知悉日", "day this signed row became known"),
       Column("sign", "count", (), False, "符号", "+1 a row, -1 its negative"))


class Store:
    """A loaded source; cheap to open, and holds open what it has read: Parquet footers and dictionaries."""

    def __init__(self, folder: Path) -> None:
        """Open the store in `folder`; HistoryError if there is none."""
        try:
            self.summary: dict[str, Any] = json.loads((folder / "store.json").read_text("utf-8"))
        except (OSError, json.JSONDecodeError):
            raise HistoryError(f"{folder} holds no store; load its source with `lssi check`") from None
        self.folder = folder
        self._files: dict[Path, SortedFile] = {}
        self._dictionaries: dict[str, Dictionary] = {}

    @cached_property
    def source(self) -> Declaration:
        """The parsed source.toml."""
        return declaration_of(self.summary["source"], "store.json")

    @property
    def complete_to(self) -> int:
        """The last closed day."""
        return day_of(self.summary["complete_to"])

    @cached_property
    def first_known(self) -> int:
        """The day on which the first row became known; the last closed day where there is no row at all."""
        days = (self.sql(f"SELECT min(known) AS day FROM {named(table)}")["day"][0].as_py() for table in self.tables)
        return min((day for day in days if day is not None), default=self.complete_to)

    @property
    def fingerprint(self) -> str:
        """The 64 hex digits of the source that was loaded."""
        return str(self.summary["fingerprint"])

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that this store holds, derived ones included, with a source's attributes."""
        found = {name: self._contract_table(name) for name in self.summary["tables"]}
        for join in declared_joins():
            if join.name in self.summary["joins"]:
                found[join.name] = joined_table(join, found[join.left], found[join.right])
        return found

    def _contract_table(self, name: str) -> Table:
        table = contract()[name]
        extra = tuple(a.column for a in self.source.attribute if a.table == name)
        return Table(name, table.zh, table.en, table.key, table.columns + extra)

    def has(self, table: str) -> bool:
        """Tell whether the source holds a table (it may be empty) or a derived table both of whose sides it holds."""
        return table in self.tables

    def column(self, table: str, name: str) -> Column:
        """Return the declaration of a column: its kind, and its name space or choices."""
        for column in self._table(table).columns + OWN:
            if column.name == name:
                return column
        raise CatalogueError(f"table {table!r} has no column {name!r}; it has "
                             f"{', '.join(c.name for c in self._table(table).columns)}")

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise HistoryError(f"source {self.summary['name']!r} holds no table {name!r}; "
                               f"it holds {', '.join(self.tables)}")
        return self.tables[name]

    def dictionary(self, space: str) -> Dictionary:
        """Return the identifiers of a name space; empty if the source has none."""
        if space not in self._dictionaries:
            self._dictionaries[space] = Dictionary.read(self.folder / "dictionaries" / f"{space}.parquet")
        return self._dictionaries[space]

    def code(self, space: str, text: str) -> int:
        """Return the code of an identifier; UnknownId if the history never names it."""
        code = self.dictionary(space).code(text)
        if code is None:
            raise UnknownId(f"{space} {text!r} is not in the history complete to {self.summary['complete_to']}; "
                            "check the number or load a newer history")
        return code

    def texts(self, space: str) -> list[str]:
        """Return the identifiers of a name space by code."""
        return list(self.dictionary(space).texts.to_pylist())

    def rows(self, table: str, *, by: str, low: int, high: int, columns: Sequence[str] = ()) -> Rows:
        """Return the signed rows with low <= `by` < high, sorted by it, as one array (n,) a column.

        int64 with NULL where empty; a probability float64 with NaN; row ids objects. No columns named = all.
        """
        return self._sorted(table, by).between(low, high, self._columns(table, columns))

    def all_rows(self, table: str, columns: Sequence[str] = ()) -> Rows:
        """Return every signed row of a table, in stored order."""
        return self._sorted(table, self.sorted_by(table)).every(self._columns(table, columns))

    def size(self, table: str) -> int:
        """Return how many signed rows a table has."""
        return int(self._sorted(table, self.sorted_by(table)).file.metadata.num_rows)

    def live(self, table: str, as_of: int, columns: Sequence[str] = ()) -> Rows:
        """Return the rows that hold as of a day: known by then and neither corrected nor taken back by then."""
        wanted = self._columns(table, columns)
        rows = self.all_rows(table, tuple(dict.fromkeys((*wanted, "known", "sign"))))
        known = rows["known"] <= as_of
        plus = rows["sign"] > 0
        ended = np.append((known & ~plus)[1:], np.zeros(min(1, len(known)), np.bool_))
        return {name: rows[name][known & plus & ~ended] for name in wanted}

    def sorted_by(self, table: str) -> str:
        """Return the column by which a table's base file lies sorted."""
        return first_by(self._table(table).columns, self._table(table).key)

    def sql(self, query: str, **given: pa.Table) -> pa.Table:
        """Return what an SQL query over the signed tables, each a view of its name, and over `given` tables gives."""
        cursor = self._connection.cursor()
        try:
            for name, table in given.items():
                cursor.register(name, table)
            return cursor.sql(query).to_arrow_table()
        except DuckError as error:
            raise HistoryError(f"the query failed: {str(error).splitlines()[0]}") from None

    @cached_property
    def _connection(self) -> Connection:
        connection = opened(Limits(spill=self.folder / ".spill"))
        for table in self.tables:
            place = quoted(self.folder / "base" / f"{table}.parquet")
            connection.execute(f"CREATE VIEW {named(table)} AS SELECT * FROM read_parquet({place})")
        return connection

    def _columns(self, table: str, columns: Sequence[str]) -> tuple[str, ...]:
        for name in columns:
            if name not in TEXTS:
                self.column(table, name)
        return tuple(columns) or (*(c.name for c in self._table(table).columns + OWN), "row_id")

    def _sorted(self, table: str, by: str) -> SortedFile:
        self.column(table, by)
        base = self.folder / "base" / f"{table}.parquet"
        path = base if by == self.sorted_by(table) else base.with_name(f"{table}.by_{by}.parquet")
        if path not in self._files:
            if not path.exists():
                copy_sorted(base, by, path)
            self._files[path] = SortedFile(path, by)
        return self._files[path]


def open_store(source: Place | Source, data: Place | None = None, progress: Progress = quiet) -> Store:
    """Return the store of a source, loaded first if its fingerprint is new."""
    return Store(load(source if isinstance(source, Source) else find_source(source, data), progress))
