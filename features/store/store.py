"""The store of a source: its history as signed integer rows, read by range, as of a day, or by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.arrays import NULL
from features.calendar import day_of
from features.catalogue.joins import first_by, joined_table
from features.catalogue.parse import declared_joins
from features.connection import Connection, ConnectionLimits, DuckError, named, opened
from features.contract.tables import Column, Table, contract
from features.errors import CatalogueError, HistoryError, UnknownId
from features.files import folder_of
from features.home import home
from features.ingest.source import Place, Source, find_source
from features.ingest.source_toml import SourceDeclaration, declaration_of
from features.ingest.staging import Progress
from features.ingest.typed_values import WIDTHS
from features.store.current import agreed, live_folder
from features.store.id_codes import Dictionary
from features.store.journal_segment import noted
from features.store.layout import layout_of, rows_sql, summary_at
from features.store.load import load, quiet
from features.store.merge_on_read import Base, Kinds, Rows, growing
from features.store.sorted_table import TEXTS, PartFile, SortedFile, copy_sorted, values
from features.store.source_names import check_name, claim

__all__ = ["NULL", "OWN", "Rows", "Store", "open_own_store", "open_store"]

OWN = (
    Column("known", "day", (), False, "知悉日", "day this signed row became known"),
    Column("sign", "count", (), False, "符号", "+1 a row, -1 its negative"),
)
DTYPES: dict[str, type] = {"VARCHAR": object}
"""The types in which the values of SQL types are read that are not read as int64."""


class Store:
    """A loaded source; cheap to open, and holds open what it has read: Parquet footers and dictionaries."""

    def __init__(self, folder: Path, journal: Path | None = None) -> None:
        """Open the store in `folder`, and the journal beside its source if one is named; HistoryError if there is none."""
        self.summary: dict[str, Any] = summary_at(folder)
        self.folder = folder
        self.layout = layout_of(folder, self.summary)
        if journal is not None:
            self.layout, counts = noted(self.layout, journal, self.source)
            self.summary["tables"] = {**counts, **self.summary["tables"]}
        self._files: dict[tuple[str, str], Base] = {}
        self._dictionaries: dict[str, Dictionary] = {}
        self._declared: dict[str, dict[str, Column]] = {}

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
        return min(
            (day for table in self.tables if (day := self.begins(table)) is not None),
            default=self.complete_to,
        )

    def begins(self, table: str) -> int | None:
        """Return the day on which the first row of a table became known, None where it has none."""
        day: int | None = self.sql(f"SELECT min(known) AS day FROM {named(table)}")["day"][
            0
        ].as_py()
        return day

    @property
    def fingerprint(self) -> str:
        """The 64 hex digits of the source that was loaded."""
        return str(self.summary["fingerprint"])

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that this store holds, derived ones included, with a source's attributes."""
        found = {name: self._contract_table(name) for name in self.summary["tables"]}
        for join in declared_joins():
            if join.name in self.summary["joins"] and found.keys() >= {join.left, join.right}:
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
        if table not in self._declared:
            self._declared[table] = {
                column.name: column for column in self._table(table).columns + OWN
            }
        if name in self._declared[table]:
            return self._declared[table][name]
        raise CatalogueError(
            f"table {table!r} has no column {name!r}; it has "
            f"{', '.join(c.name for c in self._table(table).columns)}"
        )

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise HistoryError(
                f"source {self.summary['name']!r} holds no table {name!r}; "
                f"it holds {', '.join(self.tables)}"
            )
        return self.tables[name]

    def dictionary(self, space: str) -> Dictionary:
        """Return the identifiers of a name space; empty if the source has none."""
        if space not in self._dictionaries:
            self._dictionaries[space] = Dictionary.read(*self.layout.dictionaries(space))
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
        return list(_texts(tuple(self.layout.until(day).dictionaries(space))))

    def rows(
        self, table: str, *, by: str, low: int, high: int, columns: Sequence[str] = ()
    ) -> Rows:
        """Return the signed rows with low <= `by` < high, sorted by it, as one array (n,) a column.

        int64 with NULL where empty, a probability in millionths; row ids objects. No columns named = all.
        """
        return self._sorted(table, by).between(low, high, self._columns(table, columns))

    def all_rows(self, table: str, columns: Sequence[str] = ()) -> Rows:
        """Return every signed row of a table, in stored order."""
        return self._sorted(table, self.sorted_by(table)).every(self._columns(table, columns))

    def size(self, table: str) -> int:
        """Return how many signed rows a table has."""
        return self._sorted(table, self.sorted_by(table)).size

    def live(self, table: str, as_of: int, columns: Sequence[str] = ()) -> Rows:
        """Return the rows that hold as of a day: known by then and neither corrected nor taken back by then."""
        wanted = self._columns(table, columns)
        if len(self.layout.files(table)) > 1:
            return self._live_of_parts(table, as_of, wanted)
        rows = self.all_rows(table, tuple(dict.fromkeys((*wanted, "known", "sign"))))
        known = rows["known"] <= as_of
        plus = rows["sign"] > 0
        ended = np.append((known & ~plus)[1:], np.zeros(min(1, len(known)), np.bool_))
        return {name: rows[name][known & plus & ~ended] for name in wanted}

    def _live_of_parts(self, table: str, as_of: int, columns: tuple[str, ...]) -> Rows:
        """Return the live rows where a row and its negative may lie in different files, sorted as in one."""
        same = " AND ".join(f"minus.{name} = plus.{name}" for name in self._ids(table))
        order = dict.fromkeys((self.sorted_by(table), *self._table(table).key, "known"))
        found = self.sql(
            f"SELECT {', '.join(map(named, columns))} FROM {named(table)} AS plus "
            f"WHERE sign = 1 AND known <= {as_of} "
            f"AND NOT EXISTS (FROM {named(table)} AS minus WHERE minus.sign = -1 AND minus.known <= {as_of} "
            f"AND {same}) ORDER BY {', '.join(f'{named(name)} NULLS FIRST' for name in order)}, row_id"
        )
        return {name: values(found[name]) for name in columns}

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
        connection = opened(ConnectionLimits(spill=folder_of(self, self.folder)))
        for table in self.tables:
            connection.execute(f"CREATE VIEW {named(table)} AS {self._rows_sql(table)}")
        return connection

    def _rows_sql(self, table: str) -> str:
        files = self.layout.files(table)
        if files:
            return f"SELECT * FROM {rows_sql(files)}"
        picked = (
            f"CAST(NULL AS {kind}) AS {named(name)}" for name, kind in self.types(table).items()
        )
        return f"SELECT {', '.join(picked)} WHERE false"

    def types(self, table: str) -> dict[str, str]:
        """Return the SQL types of a table's columns as they lie in its files, in their order."""
        columns = self._table(table).columns
        found = {
            column.name: "INTEGER" if column.kind == "id" else WIDTHS[column.kind]
            for column in columns
        }
        texts = dict.fromkeys(self._ids(table), "VARCHAR")
        return {**found, **texts, "known": "INTEGER", "sign": "TINYINT"}

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
        return tuple(columns) or (*(c.name for c in self._table(table).columns + OWN), "row_id")

    def _sorted(self, table: str, by: str) -> Base:
        self.column(table, by)
        if (table, by) not in self._files:
            base, parts = self.sorted_paths(table, by)
            held = SortedFile(base, by) if base else None
            later = [PartFile(path) for path in parts]
            self._files[table, by] = growing(held, later, by, self._kinds(table))
        return self._files[table, by]

    def sorted_paths(self, table: str, by: str) -> tuple[Path | None, list[Path]]:
        """Return the base file of a table sorted by a column, None where there is none, and the files of later days."""
        base, later = self.layout.base / f"{table}.parquet", self.layout.files(table)
        path = base if by == self.sorted_by(table) else base.with_name(f"{table}.by_{by}.parquet")
        if not base.exists():
            return None, later
        if not path.exists():
            copy_sorted(base, by, path)
        return path, later[1:]


@lru_cache(256)
def _texts(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the identifiers in dictionary files, which never change once written."""
    return tuple(Dictionary.read(*paths).texts.to_pylist())


def open_store(
    source: Place | Source, data: Place | None = None, progress: Progress = quiet
) -> Store:
    """Return the live store of a source that is fed; else its store, loaded first if its fingerprint is new.

    SourceError where another place holds the source's name, whose journal and models it would get.
    """
    found = source if isinstance(source, Source) else find_source(source, data)
    check_name(found)
    live = live_folder(found)
    return Store(
        agreed(found, live) if live else load(found, progress), home() / "journal" / found.name
    )


def open_own_store(
    source: Place | Source, data: Place | None = None, progress: Progress = quiet
) -> Store:
    """Return a source's store as `open_store` does, and let the source hold its name: to keep something under it."""
    found = source if isinstance(source, Source) else find_source(source, data)
    store = open_store(found, progress=progress)
    claim(found)
    return store
