"""A dump: a folder of tables under names of their own, shown to a source's views with their columns as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.connection import ConnectionLimits, DuckError, locked_connection, named, quoted
from features.contract.tables import COMMON, Table, contract
from features.errors import SourceError
from features.files import private_folder
from features.home import home
from features.ingest.csv_file import check_plain
from features.ingest.dump.closed_day import Ending, ending
from features.ingest.dump.columns import SETTINGS, Names
from features.ingest.dump.files import (
    UNREAD,
    TableFiles,
    clean_sql,
    dump_columns,
    dump_file_sql,
    held_in,
    instants_of,
    read_in,
    table_name,
    told_sql,
)
from features.ingest.dump.names import named_so
from features.ingest.dump.stated import stated_of
from features.ingest.dump.unstated import unstated_in
from features.ingest.macros import Ground, calls, expanded
from features.ingest.source_toml import Dump, DumpTable, SourceDeclaration

SNAPSHOT = "snapshot.json"
PRELUDE = "dump.sql"
LATEST = "complete_to.sql"


@dataclass(frozen=True, slots=True)
class Found:
    """What a dump holds: the tables a source declares, contract tables under their own names, and notes for the check.

    `copies` are the files read in place of text that is not UTF-8.
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
        return table in self.tables and (not column or column in self.columns[table])


NOTHING = Found({}, {}, {}, (), (), ())


def places_of(data: Path, wanted: Collection[str]) -> dict[str, Path]:
    """Return the wanted tables that a folder holds, whatever their form; SourceError where one is there twice, or unreadable."""
    given: dict[str, list[Path]] = {}
    for path in sorted(data.iterdir()):
        if name := table_name(path):
            given.setdefault(name, []).append(path)
    found: dict[str, Path] = {}
    for name, names in named_so(given, wanted).items():
        paths = [path for one in names for path in given[one]]
        if len(paths) > 1:
            raise SourceError(
                f"{data}: table {name.lower()!r} is there twice: {paths[0].name}, {paths[1].name}; keep one"
            )
        found[name] = paths[0]
    for path in sorted(data.iterdir()):
        name, form = path.stem, path.suffix.lower()
        if form in UNREAD and (lacking := named_so([name], wanted).keys() - found.keys()):
            raise SourceError(
                f"{path.name} seems to be table {min(lacking)!r}, and {form} is not read; "
                "export it as CSV or Parquet, or take it away"
            )
    return found


def found_in(data: Path, declared: SourceDeclaration, folder: Path, copies: Path) -> Found:
    """Return what a dump holds for a source in `folder`; SourceError if nothing, or a table lacks a column it must have.

    Text that is not UTF-8 is read from a copy under `copies`.
    """
    dump = declared.dump
    assert dump is not None
    if not data.is_dir():
        raise SourceError(f"{data} is no folder; name the folder of the dump with --data")
    names = [
        *dump.tables,
        *(
            name
            for name in contract()
            if name.upper() not in {table.upper() for table in dump.tables}
        ),
    ]
    held = {name: held_in(place, copies) for name, place in places_of(data, names).items()}
    tables = {name: held[name] for name in dump.tables if name in held}
    own = {
        name: held[name]
        for name, table in contract().items()
        if name in held and _is_contracts(table, held[name])
    }
    if not tables:
        raise SourceError(
            f"{data} holds none of the tables {', '.join(dump.tables)}; name the folder of the dump with --data"
        )
    stated = stated_of(declared, folder)
    columns = {name: stated.names_of(name, table) for name, table in tables.items()}
    for name, table in tables.items():
        if lacking := _lacking(name, table, dump.tables[name], columns[name]):
            raise SourceError(lacking)
    logged = [name for name in tables if _has_log(dump, name, columns)]
    views = [
        _view(
            name,
            stated.read(
                name,
                view_sql(table, tables.get(name), columns.get(name, {})),
                columns.get(name, {}),
            ),
        )
        for name, table in dump.tables.items()
    ]
    views += [log_sql(dump, name) if name in logged else _through(name) for name in dump.tables]
    notes = [*_notes(dump, data, [*tables.values(), *own.values()], columns), *stated.notes()]
    if dump.log is not None:
        used = f"{dump.log.table}.{dump.log.day} for {', '.join(logged)}, else " if logged else ""
        notes.append(
            f"the day a row became known is {used}{dump.log.instead_of} as the dump gives it"
        )
    if own:
        notes.append(f"read under the contract's own names: {', '.join(own)}")
    read = tuple(
        part.read for table in tables.values() for part in table.parts if part.read != part.path
    )
    return Found(
        {name: table.place for name, table in tables.items()},
        {name: _readable(table) for name, table in own.items()},
        columns,
        read,
        (*views, *prelude(folder)),
        tuple(notes),
    )


def _readable(table: TableFiles) -> Path:
    return table.parts[0].read if table.place.is_file() else table.place


def _is_contracts(table: Table, held: TableFiles) -> bool:
    return sorted(dump_columns(held)) == sorted(column.name for column in table.columns + COMMON)


def _lacking(table: str, held: TableFiles, declared: DumpTable, names: Names) -> str:
    """Return what to say of a table that lacks columns which it must have; empty if it has them."""
    missing = [column for column in declared.must if column not in names]
    if not missing:
        return ""
    given = sorted(name.strip().upper() for name in dump_columns(held))
    return (
        f"{held.place.name} lacks column {', '.join(missing)}; its columns are {', '.join(given)}; if one of them is "
        f'{missing[0]}, write [columns.{table}] {missing[0]} = "its name" into {SETTINGS}'
    )


def _has_log(dump: Dump, name: str, columns: Mapping[str, Names]) -> bool:
    log = dump.log
    return (
        log is not None
        and name != log.table
        and log.table in columns
        and {log.key, log.instead_of} <= columns[name].keys()
    )


def _notes(
    dump: Dump, data: Path, found: Collection[TableFiles], columns: Mapping[str, Names]
) -> Iterator[str]:
    """Yield what a check says of a dump: what was read, and from what, what it lacks, what was left alone."""
    missing = [name for name in dump.tables if name not in columns]
    yield f"read {', '.join(columns)}; not in the dump: {', '.join(missing) or '-'}"
    tables = dict(zip(columns, found, strict=False))
    empty = [
        f"{name}.{column}"
        for name, held in columns.items()
        for column in dump.tables[name].columns
        if column not in held
    ]
    more = [
        f"{name}.{column}"
        for name, held in columns.items()
        for column in dump_columns(tables[name])
        if column.upper() not in {given.upper() for names in held.values() for given in names}
    ]
    places = {held.place for held in found}
    others = [
        path.name
        for path in sorted(data.iterdir())
        if path not in places
        and path.name not in (SETTINGS, SNAPSHOT)
        and not path.name.startswith(".")
    ]
    renamed = [
        f"{name} from {held.place.name}"
        for name, held in tables.items()
        if table_name(held.place) != name.lower()
    ]
    renamed += [
        f"{name}.{column} from {given}"
        for name, held in columns.items()
        for column, names in held.items()
        for given in names
        if given.strip().upper() != column.upper()
    ]
    copied = [
        f"{part.name} ({part.read.parent.name})"
        for held in found
        for part in held.parts
        if part.read != part.path
    ]
    for what, names in (
        ("columns that the dump lacks, taken as empty", empty),
        ("columns left alone", more),
        ("files and folders left alone", others),
        ("read under a name that holds theirs", renamed),
        ("read from a copy in UTF-8", copied),
    ):
        if names:
            yield f"{what}: {', '.join(names)}"


def _view(name: str, query: str) -> str:
    return f"CREATE VIEW {named('raw ' + name)} AS {query}"


def view_sql(declared: DumpTable, held: TableFiles | None, names: Names) -> str:
    """Return the SELECT of a dump's table: its declared columns as text, empty where the file lacks them.

    Why a line of text is no row stands in the last column that the table must have, the day on which it became known.
    """
    if held is None:
        columns = ", ".join(
            [
                "CAST(NULL AS BIGINT) AS n",
                *(f"CAST(NULL AS VARCHAR) AS {named(c)}" for c in declared.columns),
            ]
        )
        return f"SELECT {columns} WHERE false"
    instants = instants_of(held)
    values = {column: _value_sql(names.get(column, ()), instants) for column in declared.columns}
    if held.is_text:
        last = declared.must[-1]
        values[last] = told_sql(
            values[last], names[last], [given for several in names.values() for given in several]
        )
    given = ", ".join(f"{value} AS {named(column)}" for column, value in values.items())
    clean = ", ".join(f"{clean_sql(named(column))} AS {named(column)}" for column in values)
    return f"SELECT n, {clean} FROM  (SELECT row_number() OVER () AS n, {given} FROM {dump_file_sql(held)})"


def _value_sql(given: Collection[str], instants: Collection[str]) -> str:
    texts = [
        f"CAST({named(name)}{' AT TIME ZONE ' + quoted('UTC') if name in instants else ''} AS VARCHAR)"
        for name in given
    ]
    return (
        f"coalesce({', '.join(texts)})"
        if len(texts) > 1
        else "".join(texts) or "CAST(NULL AS VARCHAR)"
    )


def _through(name: str) -> str:
    return f"CREATE VIEW {named(name)} AS SELECT * FROM {named('raw ' + name)}"


def log_sql(dump: Dump, name: str) -> str:
    """Return the view of a table whose rows became known when the business log says so; 7 and 7.0 are one key."""
    assert dump.log is not None
    log, day = dump.log, named(dump.log.instead_of)
    logged, given = (f"regexp_replace({one}{named(log.key)}, '[.]0+$', '')" for one in ("", "r."))
    return (
        f"CREATE VIEW {named(name)} AS SELECT r.* REPLACE (coalesce(l.moment, r.{day}) AS {day}) "
        f"FROM {named('raw ' + name)} AS r LEFT JOIN (SELECT {logged} AS log_key, "
        f"max({named(log.day)}) AS moment "
        f"FROM {named('raw ' + log.table)} GROUP BY ALL) AS l ON l.log_key = {given}"
    )


def prelude(folder: Path) -> tuple[str, ...]:
    """Return the macros and views that a source declares for its own views in dump.sql, one statement each."""
    place = folder / PRELUDE
    if not place.exists():
        return ()
    text = place.read_text("utf-8").replace("${SOURCE}", str(folder.resolve()).replace("'", "''"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    statements = tuple(part.strip() for part in "\n".join(lines).split(";\n") if part.strip())
    for statement in statements:
        if not statement.upper().startswith(("CREATE MACRO ", "CREATE VIEW ")):
            raise SourceError(
                f"{place}: a statement should be CREATE MACRO or CREATE VIEW; got {statement[:40]!r}"
            )
    return tuple(_with_scans(statement.rstrip(";"), place) for statement in statements)


def _with_scans(statement: str, place: Path) -> str:
    """Return a statement of dump.sql whose macros are scans of plain files beside it."""
    ground = Ground([path for path in place.parent.iterdir() if path.is_file()], place.parent)
    for file in (file for call in calls(statement, ("csv",)) for file in ground.files(call)):
        check_plain(file)
    return expanded(statement, ground).query


def endings_of(found: Found, folder: Path, declared: SourceDeclaration) -> list[Ending]:
    """Return when the columns that say when rows became known end, as the source's complete_to.sql counts their days.

    SourceError where nothing that can be read says when, with what to write if days are in forms that nobody stated.
    """
    files = [
        place
        for place in [*found.tables.values(), *found.copies, *folder.iterdir()]
        if place.is_file()
    ]
    folders = [place for place in found.tables.values() if place.is_dir()]
    with private_folder(home() / "spill") as spill:
        connection = locked_connection(
            [*files, *folders], clock=declared.clock, limits=ConnectionLimits(spill=spill)
        )
        try:
            for statement in found.statements:
                connection.execute(statement)
            rows = connection.sql((folder / LATEST).read_text("utf-8")).fetchall()
            unstated = [] if rows else list(unstated_in(connection, declared, folder, found.tables))
        except (DuckError, OSError) as error:
            raise SourceError(
                f"{read_in(error) or LATEST}: {str(error).strip().splitlines()[0]}"
            ) from None
    if unstated:
        raise SourceError(
            f"no table of the dump holds a day recorded that can be read; {'; '.join(unstated)}"
        )
    days: dict[str, Counter[date]] = {}
    for origin, day, size in rows:
        days.setdefault(origin, Counter())[day] += size
    return [ending(origin, counted) for origin, counted in sorted(days.items())]


def merged_settings(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others laid over them, tables within tables.

    >>> merged_settings({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    out = dict(values)
    for key, value in over.items():
        out[key] = (
            merged_settings(out[key], value)
            if isinstance(value, dict) and isinstance(out.get(key), dict)
            else value
        )
    return out
