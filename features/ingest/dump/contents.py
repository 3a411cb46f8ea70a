"""The contents of a dump: a folder of tables under names of their own, compared with what a source declares of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.connection import Connection, ConnectionLimits, DuckError, locked_connection
from features.contract.tables import COMMON, Table, contract
from features.errors import SourceError
from features.files import private_folder
from features.home import home
from features.ingest.dump.closed_day import Ending, ending
from features.ingest.dump.columns import SETTINGS, Names
from features.ingest.dump.file_sql import read_in
from features.ingest.dump.files import (
    TableFiles,
    dump_columns,
    table_files,
    table_name,
)
from features.ingest.dump.names import named_so
from features.ingest.dump.notes import (
    DumpTables,
    TablesByName,
    copied_parts,
    log_notes,
    table_notes,
)
from features.ingest.dump.records import with_records
from features.ingest.dump.stated import StatedColumns, stated_of
from features.ingest.dump.strays import check_folder, check_forms
from features.ingest.dump.unstated import unstated_in
from features.ingest.dump.views import log_sql, prelude, raw_view_sql, unlogged_sql, view_sql
from features.ingest.source_toml import Dump, DumpTable, SourceDeclaration
from features.text_files import text_of

LATEST = "complete_to.sql"
"""The source's own query for the days up to which a dump was recorded."""


@dataclass(frozen=True, slots=True)
class DumpContents:
    """What a dump holds, and how it is read.

    `tables` are the declared tables by the source's names, `own` tables that already have the contract's own columns, `columns`
    the names under which each declared column stands in the files. `copies` are the UTF-8 copies read in place of other text,
    `statements` the views over all of these, and `notes` what a check tells the user.
    """

    tables: dict[str, Path]
    own: dict[str, Path]
    columns: dict[str, Names]
    copies: tuple[Path, ...]
    statements: tuple[str, ...]
    notes: tuple[str, ...]

    def holds(self, need: str) -> bool:
        """Tell whether the dump has a table (AC20), or a table with a column (AC20.AAE160)."""
        table, _, column = need.partition(".")
        if table not in self.tables:
            return False
        return not column or column in self.columns[table]


NOTHING = DumpContents(tables={}, own={}, columns={}, copies=(), statements=(), notes=())


def places_of(data: Path, wanted: Collection[str]) -> dict[str, Path]:
    """Return the wanted tables that a folder holds, whatever their form; SourceError where one is there twice, or unreadable."""
    paths_by_name: dict[str, list[Path]] = {}
    for path in sorted(data.iterdir()):
        if name := table_name(path):
            paths_by_name.setdefault(name, []).append(path)
    places: dict[str, Path] = {}
    for table, names in named_so(paths_by_name, wanted).items():
        paths: list[Path] = []
        for name in names:
            paths += paths_by_name[name]
        if len(paths) > 1:
            raise SourceError(
                f"{data}: table {table.lower()!r} is there twice: {paths[0].name}, {paths[1].name}; keep one"
            )
        places[table] = paths[0]
    check_forms(data, wanted, places)
    return places


def dump_contents(
    data: Path, declared: SourceDeclaration, folder: Path, copies: Path
) -> DumpContents:
    """Return the tables of a dump that a source in `folder` reads; SourceError if there is none, or a required column is missing.

    Text that is not UTF-8 is read from a copy under `copies`.
    """
    dump = declared.dump
    assert dump is not None
    if not data.is_dir():
        raise SourceError(f"{data} is no folder; name the folder of the dump with --data")
    tables, contract_tables = _tables_in(data, dump, copies)
    if not tables:
        raise SourceError(
            f"{data} holds none of the tables {', '.join(dump.tables)}; name the folder of the dump with --data"
        )
    stated = stated_of(declared, folder)
    columns = {name: stated.names_of(name, files) for name, files in tables.items()}
    _check_columns(dump, tables, columns)
    logged = [name for name in tables if _has_log(dump, name, columns)]
    contents = DumpTables(tables, contract_tables, columns)
    notes = list(table_notes(dump, data, contents))
    notes += stated.notes()
    notes += log_notes(dump, logged)
    if contract_tables:
        notes.append(f"read under the contract's own names: {', '.join(contract_tables)}")
    raw_views = _raw_views(dump, stated, tables, columns)
    views = _views(dump, logged)
    return DumpContents(
        tables={name: files.place for name, files in tables.items()},
        own={name: _readable(files) for name, files in contract_tables.items()},
        columns=columns,
        copies=tuple(_copies_of(tables.values())),
        statements=(*raw_views, *views, *prelude(folder)),
        notes=tuple(notes),
    )


def _copies_of(tables: Collection[TableFiles]) -> Iterator[Path]:
    """Yield the files that are read in place of the dump's own."""
    for part in copied_parts(tables):
        yield part.read
    for files in tables:
        for part in files.parts:
            if part.records is not None:
                yield part.records


def _tables_in(data: Path, dump: Dump, copies: Path) -> tuple[TablesByName, TablesByName]:
    """Return the declared tables that a folder holds, and those of the contract with its very columns."""
    declared_names = {table.upper() for table in dump.tables}
    other_names = [name for name in contract() if name.upper() not in declared_names]
    places = places_of(data, [*dump.tables, *other_names])
    files = {name: table_files(place, copies) for name, place in places.items()}
    tables = {name: with_records(files[name], copies) for name in dump.tables if name in files}
    contract_tables: TablesByName = {}
    for name, table in contract().items():
        if name in files and _is_contracts(table, files[name]):
            contract_tables[name] = files[name]
    for table_read in (*tables.values(), *contract_tables.values()):
        if table_read.place.is_dir():
            check_folder(table_read.place)
    return tables, contract_tables


def _check_columns(
    dump: Dump, tables: Mapping[str, TableFiles], columns: Mapping[str, Names]
) -> None:
    for name, files in tables.items():
        error = _lacking(name, files, dump.tables[name], columns[name])
        if error:
            raise SourceError(error)


def _raw_views(
    dump: Dump,
    stated: StatedColumns,
    tables: Mapping[str, TableFiles],
    columns: Mapping[str, Names],
) -> Iterator[str]:
    """Yield a view `raw NAME` for each declared table, with values of stated forms and units read."""
    for name, declared in dump.tables.items():
        names = columns.get(name, {})
        texts = view_sql(declared, tables.get(name), names)
        yield raw_view_sql(name, stated.read(name, texts, names))


def _views(dump: Dump, logged: Collection[str]) -> Iterator[str]:
    """Yield a view for each declared table, its rows known from the day that the business log says where it says one."""
    for name in dump.tables:
        yield log_sql(dump, name) if name in logged else unlogged_sql(name)


def _readable(files: TableFiles) -> Path:
    """Return what to read a contract table from: its file or the copy of it, else its folder."""
    if files.place.is_file():
        return files.parts[0].read
    return files.place


def _is_contracts(table: Table, files: TableFiles) -> bool:
    """Tell whether files have the columns of a contract table, all and no others."""
    columns = sorted(column.name for column in table.columns + COMMON)
    return sorted(dump_columns(files)) == columns


def _lacking(table: str, files: TableFiles, declared: DumpTable, names: Names) -> str:
    """Return what to say of a table that lacks columns which it must have; empty if it has them."""
    missing = [column for column in declared.must if column not in names]
    if not missing:
        return ""
    lacking = f"{files.place.name} lacks column {', '.join(missing)}"
    columns = sorted(name.strip().upper() for name in dump_columns(files))
    line = f'[columns.{table}] {missing[0]} = "its name"'
    return (
        f"{lacking}; its columns are {', '.join(columns)}; if one of them is "
        f"{missing[0]}, write {line} into {SETTINGS}"
    )


def _has_log(dump: Dump, name: str, columns: Mapping[str, Names]) -> bool:
    """Tell whether the business log, if the dump holds one, can say when a table's rows became known."""
    log = dump.log
    if log is None or name == log.table or log.table not in columns:
        return False
    return {log.key, log.instead_of} <= columns[name].keys()


def endings_of(contents: DumpContents, folder: Path, declared: SourceDeclaration) -> list[Ending]:
    """Return when the columns that say when rows became known end, as the source's complete_to.sql counts their days.

    SourceError where nothing that can be read says when, with what to write if days are in forms that nobody stated.
    """
    with private_folder(home() / "spill") as spill:
        connection = locked_connection(
            _places_read(contents, folder),
            clock=declared.clock,
            limits=ConnectionLimits(spill=spill),
        )
        try:
            rows = _days_recorded(connection, contents, folder)
            # only a dump in which no day can be read is searched for days in other forms: that reads every column
            unstated: list[str] = []
            if not rows:
                unstated += unstated_in(connection, declared, folder, contents.tables)
        except (DuckError, OSError) as error:
            first_line = str(error).strip().splitlines()[0]
            raise SourceError(f"{read_in(error) or LATEST}: {first_line}") from None
    if unstated:
        raise SourceError(
            f"no table of the dump holds a recorded day that can be read; {'; '.join(unstated)}"
        )
    rows_by_day: dict[str, Counter[date]] = {}
    for origin, day, size in rows:
        counts = rows_by_day.setdefault(origin, Counter())
        counts[day] += size
    return [ending(origin, counts) for origin, counts in sorted(rows_by_day.items())]


def _places_read(contents: DumpContents, folder: Path) -> list[Path]:
    """Return what complete_to.sql may read: the dump's files and the source's own, then the dump's folders."""
    tables = contents.tables.values()
    files = [place for place in [*tables, *contents.copies, *folder.iterdir()] if place.is_file()]
    folders = [place for place in tables if place.is_dir()]
    return [*files, *folders]


def _days_recorded(connection: Connection, contents: DumpContents, folder: Path) -> list[Any]:
    """Return the rows of complete_to.sql: a column, a day, and how many of its rows were recorded on that day."""
    for statement in contents.statements:
        connection.execute(statement)
    query = text_of(folder / LATEST)
    return connection.sql(query).fetchall()


def merged_settings(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others laid over them, tables within tables.

    >>> merged_settings({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    merged = dict(values)
    for key, value in over.items():
        both_are_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merged_settings(merged[key], value) if both_are_tables else value
    return merged
