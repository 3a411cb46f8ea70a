"""A dump: a folder of tables under names of their own, shown to a source's views with their columns as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.contract import COMMON, Table, contract
from features.declaration import Dump, DumpTable
from features.duck import DuckError, locked, named
from features.dump_file import clean_sql, columns_of, file_sql, is_text, parts_of, read_in, table_name, told_sql, twice_in
from features.errors import SourceError

SETTINGS, SNAPSHOT = "dump.toml", "snapshot.json"
PRELUDE = "dump.sql"
LATEST = "complete_to.sql"


@dataclass(frozen=True, slots=True)
class Found:
    """What a dump holds: the tables a source declares, contract tables under their own names, and notes for the check."""

    tables: dict[str, Path]
    own: dict[str, Path]
    columns: dict[str, tuple[str, ...]]
    statements: tuple[str, ...]
    notes: tuple[str, ...]

    def holds(self, need: str) -> bool:
        """Tell whether the dump has a table (AC20), or a table with a column (AC20.AAE160)."""
        table, _, column = need.partition(".")
        return table in self.tables and (not column or column.upper() in _upper(self.columns[table]))


NOTHING = Found({}, {}, {}, (), ())


def places_of(data: Path) -> dict[str, Path]:
    """Return the tables in a folder by lower-case name, whatever their form; SourceError where one is there twice."""
    found: dict[str, Path] = {}
    for path in sorted(data.iterdir()):
        name = table_name(path)
        if name is None:
            continue
        if name in found:
            raise SourceError(f"{data}: table {name!r} is there twice: {found[name].name}, {path.name}; keep one")
        found[name] = path
    return found


def found_in(data: Path, dump: Dump, folder: Path) -> Found:
    """Return what a dump holds for a source in `folder`; SourceError if nothing, or a table lacks a column it must have."""
    if not data.is_dir():
        raise SourceError(f"{data} is no folder; name the folder of the dump with --data")
    places = places_of(data)
    tables = {name: places[name.lower()] for name in dump.tables if name.lower() in places}
    own = {name: places[name] for name, table in contract().items() if name in places and _is_contracts(table, places[name])}
    if not tables:
        raise SourceError(f"{data} holds none of the tables {', '.join(dump.tables)}; name the folder of the dump with --data")
    columns = {name: columns_of(place) for name, place in tables.items()}
    for name, place in tables.items():
        _check(place, dump.tables[name], columns[name])
    logged = [name for name in tables if _has_log(dump, name, columns)]
    views = [view_sql(name, declared, tables.get(name), columns.get(name, ())) for name, declared in dump.tables.items()]
    views += [log_sql(dump, name) if name in logged else _through(name) for name in dump.tables]
    notes = [*_notes(dump, data, [*tables.values(), *own.values()], columns, logged)]
    if own:
        notes.append(f"read under the contract's own names: {', '.join(own)}")
    return Found(tables, own, columns, (*views, *prelude(folder)), tuple(notes))


def _is_contracts(table: Table, place: Path) -> bool:
    return sorted(columns_of(place)) == sorted(column.name for column in table.columns + COMMON)


def _check(place: Path, declared: DumpTable, present: Iterable[str]) -> None:
    held = _upper(present)
    missing = [name for name in declared.must if name.upper() not in held]
    if twice := twice_in(place, declared.columns):
        raise SourceError(f"{twice[0]} holds column {twice[1]} twice; keep one")
    if missing:
        raise SourceError(f"{place.name} lacks column {', '.join(missing)}; its columns are {', '.join(sorted(held))}")


def _has_log(dump: Dump, name: str, columns: dict[str, tuple[str, ...]]) -> bool:
    log = dump.log
    return log is not None and name != log.table and log.table in columns and (
        {log.key.upper(), log.instead_of.upper()} <= _upper(columns[name]))


def _upper(names: Iterable[str]) -> set[str]:
    return {name.strip().upper() for name in names}


def _notes(dump: Dump, data: Path, found: Iterable[Path], columns: Mapping[str, tuple[str, ...]],
           logged: list[str]) -> Iterator[str]:
    """Yield what a check says of a dump: what was read, what it lacks, what was left alone, which day is taken."""
    missing = [name for name in dump.tables if name not in columns]
    yield f"read {', '.join(columns)}; not in the dump: {', '.join(missing) or '-'}"
    empty = [f"{name}.{column}" for name, held in columns.items() for column in dump.tables[name].columns
             if column.upper() not in _upper(held)]
    more = [f"{name}.{column}" for name, held in columns.items() for column in held
            if column.strip().upper() not in _upper(dump.tables[name].columns)]
    others = [path.name for path in sorted(data.iterdir())
              if path not in set(found) and path.name not in (SETTINGS, SNAPSHOT) and not path.name.startswith(".")]
    for what, names in (("columns that the dump lacks, taken as empty", empty), ("columns left alone", more),
                        ("files and folders left alone", others)):
        if names:
            yield f"{what}: {', '.join(names)}"
    if dump.log is not None:
        used = f"{dump.log.table}.{dump.log.day} for {', '.join(logged)}, else " if logged else ""
        yield f"the day a row became known is {used}{dump.log.instead_of} as the dump gives it"


def view_sql(name: str, declared: DumpTable, place: Path | None, present: tuple[str, ...]) -> str:
    """Return the view of a dump's table: its declared columns as text, empty where the file lacks them.

    Why a line of text is no row stands in the last column that the table must have, the day on which it became known.
    """
    if place is None:
        columns = ", ".join(["CAST(NULL AS BIGINT) AS n", *(f"CAST(NULL AS VARCHAR) AS {named(c)}" for c in declared.columns)])
        return f"CREATE VIEW {named('raw ' + name)} AS SELECT {columns} WHERE false"
    given = {column.strip().upper(): f"CAST({named(column)} AS VARCHAR)" for column in reversed(present)}
    values = {column: given.get(column.upper(), "CAST(NULL AS VARCHAR)") for column in declared.columns}
    if is_text(parts_of(place)[0]):
        read = [column for column in present if column.strip().upper() in _upper(declared.columns)]
        values[declared.must[-1]] = told_sql(values[declared.must[-1]], read)
    held = ", ".join(f"{value} AS {named(column)}" for column, value in values.items())
    clean = ", ".join(f"{clean_sql(named(column))} AS {named(column)}" for column in values)
    return (f"CREATE VIEW {named('raw ' + name)} AS SELECT n, {clean} "
            f"FROM (SELECT row_number() OVER () AS n, {held} FROM {file_sql(place)})")


def _through(name: str) -> str:
    return f"CREATE VIEW {named(name)} AS SELECT * FROM {named('raw ' + name)}"


def log_sql(dump: Dump, name: str) -> str:
    """Return the view of a table whose rows became known when the business log says so; 7 and 7.0 are one key."""
    assert dump.log is not None
    log, day = dump.log, named(dump.log.instead_of)
    logged, given = (f"regexp_replace({one}{named(log.key)}, '[.]0+$', '')" for one in ("", "r."))
    return (f"CREATE VIEW {named(name)} AS SELECT r.* REPLACE (coalesce(l.moment, r.{day}) AS {day}) "
            f"FROM {named('raw ' + name)} AS r LEFT JOIN (SELECT {logged} AS log_key, "
            f"max({named(log.day)}) AS moment "
            f"FROM {named('raw ' + log.table)} GROUP BY ALL) AS l ON l.log_key = {given}")


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
            raise SourceError(f"{place}: a statement should be CREATE MACRO or CREATE VIEW; got {statement[:40]!r}")
    return tuple(statement.rstrip(";") for statement in statements)


def latest_day(found: Found, folder: Path, clock: str) -> tuple[date, str]:
    """Return the latest day that a dump records and the column that tells of it, as the source's complete_to.sql finds them."""
    files = [place for place in [*found.tables.values(), *folder.iterdir()] if place.is_file()]
    connection = locked([*files, *(place for place in found.tables.values() if place.is_dir())], clock=clock)
    try:
        for statement in found.statements:
            connection.execute(statement)
        rows = connection.sql((folder / LATEST).read_text("utf-8")).fetchall()
    except (DuckError, OSError) as error:
        raise SourceError(f"{read_in(error) or LATEST}: {str(error).strip().splitlines()[0]}") from None
    if not rows or not isinstance(rows[0][0], date):
        raise SourceError(f"no table of the dump holds a day recorded; write complete_to = 2015-06-30 into its {SETTINGS}")
    return rows[0][0], str(rows[0][1])


def merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others laid over them, tables within tables.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    out = dict(values)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out
