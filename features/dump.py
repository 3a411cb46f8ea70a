"""A dump: a folder of tables under names of their own, shown to a source's views with their columns as text."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import COMMON, Table, contract
from features.declaration import Dump, DumpTable
from features.duck import DuckError, locked, named, quoted
from features.errors import SourceError

FORMS = (".parquet", ".csv.gz", ".csv")
DELIMITERS = ",\t;|"
SETTINGS = "dump.toml"
PRELUDE = "dump.sql"
LATEST = "complete_to.sql"


@dataclass(frozen=True, slots=True)
class Found:
    """What a dump holds: the tables a source declares, contract tables under their own names, and notes for the check."""

    tables: dict[str, Path]
    own: dict[str, Path]
    statements: tuple[str, ...]
    notes: tuple[str, ...]


NOTHING = Found({}, {}, (), ())


def places_of(data: Path) -> dict[str, Path]:
    """Return the tables in a folder by lower-case name, whatever their form; SourceError where one is there twice."""
    found: dict[str, Path] = {}
    for path in sorted(data.iterdir()):
        name = _table_name(path)
        if name is None:
            continue
        if name in found:
            raise SourceError(f"{data}: table {name!r} is there twice: {found[name].name}, {path.name}; keep one")
        found[name] = path
    return found


def _table_name(path: Path) -> str | None:
    lower = path.name.lower()
    if path.is_dir():
        return lower if any(path.rglob("*.parquet")) else None
    return next((lower.removesuffix(form) for form in FORMS if lower.endswith(form)), None)


def found_in(data: Path, dump: Dump, folder: Path) -> Found:
    """Return what a dump holds for a source in `folder`; SourceError if nothing, or a table lacks a column it must have."""
    if not data.is_dir():
        raise SourceError(f"{data} does not exist; name the folder of the dump with --data")
    places = places_of(data)
    tables = {name: places[name.lower()] for name in dump.tables if name.lower() in places}
    own = {name: places[name] for name, table in contract().items() if name in places and _is_contracts(table, places[name])}
    if not tables:
        raise SourceError(f"{data} holds none of the tables {', '.join(dump.tables)}; name the folder of the dump with --data")
    columns = {name: columns_of(place) for name, place in tables.items()}
    for name, place in tables.items():
        _check_must(place, dump.tables[name], columns[name])
    logged = [name for name in tables if _has_log(dump, name, columns)]
    views = [view_sql(name, declared, tables.get(name), columns.get(name, ())) for name, declared in dump.tables.items()]
    views += [log_sql(dump, name) if name in logged else _through(name) for name in dump.tables]
    return Found(tables, own, (*views, *prelude(folder)), tuple(_notes(dump, tables, own, logged)))


def _is_contracts(table: Table, place: Path) -> bool:
    return sorted(columns_of(place)) == sorted(column.name for column in table.columns + COMMON)


def _check_must(place: Path, declared: DumpTable, present: Iterable[str]) -> None:
    held = {name.strip().upper() for name in present}
    missing = [name for name in declared.must if name.upper() not in held]
    if missing:
        raise SourceError(f"{place.name} lacks column {', '.join(missing)}; its columns are {', '.join(sorted(held))}")


def _has_log(dump: Dump, name: str, columns: dict[str, tuple[str, ...]]) -> bool:
    log = dump.log
    return log is not None and name != log.table and log.table in columns and (
        {log.key.upper(), log.instead_of.upper()} <= {column.strip().upper() for column in columns[name]})


def _notes(dump: Dump, tables: dict[str, Path], own: dict[str, Path], logged: list[str]) -> Iterator[str]:
    missing = [name for name in dump.tables if name not in tables]
    yield f"read {', '.join(tables)}; not in the dump: {', '.join(missing) or '-'}"
    if own:
        yield f"read under the contract's own names: {', '.join(own)}"
    if dump.log is not None:
        used = f"{dump.log.table}.{dump.log.day} for {', '.join(logged)}, else " if logged else ""
        yield f"the day a row became known is {used}{dump.log.instead_of} as the dump gives it"


def view_sql(name: str, declared: DumpTable, place: Path | None, present: tuple[str, ...]) -> str:
    """Return the view of a dump's table: its declared columns as text, empty where the file lacks them."""
    if place is None:
        columns = ", ".join(["CAST(NULL AS BIGINT) AS n", *(f"CAST(NULL AS VARCHAR) AS {named(c)}" for c in declared.columns)])
        return f"CREATE VIEW {named('raw ' + name)} AS SELECT {columns} WHERE false"
    given = {column.strip().upper(): column for column in reversed(present)}
    columns = ", ".join(
        f"CAST({named(given[column.upper()]) if column.upper() in given else 'NULL'} AS VARCHAR) AS {named(column)}"
        for column in declared.columns)
    return f"CREATE VIEW {named('raw ' + name)} AS SELECT row_number() OVER () AS n, {columns} FROM {file_sql(place, present)}"


def _through(name: str) -> str:
    return f"CREATE VIEW {named(name)} AS SELECT * FROM {named('raw ' + name)}"


def log_sql(dump: Dump, name: str) -> str:
    """Return the view of a table whose rows became known when the business log says so."""
    assert dump.log is not None
    log, key, day = dump.log, named(dump.log.key), named(dump.log.instead_of)
    return (f"CREATE VIEW {named(name)} AS SELECT r.* REPLACE (coalesce(l.moment, r.{day}) AS {day}) "
            f"FROM {named('raw ' + name)} AS r LEFT JOIN (SELECT trim({key}) AS log_key, max({named(log.day)}) AS moment "
            f"FROM {named('raw ' + log.table)} GROUP BY ALL) AS l ON l.log_key = trim(r.{key})")


def file_sql(place: Path, present: tuple[str, ...]) -> str:
    """Return the SQL that reads a file or folder of a dump."""
    if place.is_dir():
        return f"read_parquet({quoted(place / '**' / '*.parquet')}, union_by_name=true)"
    if place.name.lower().endswith(".parquet"):
        return f"read_parquet({quoted(place)})"
    names = ", ".join(quoted(name) for name in present)
    return (f"read_csv({quoted(place)}, header=true, names=[{names}], all_varchar=true, strict_mode=false, null_padding=true, "
            f"delim={quoted(delimiter_of(header_of(place)))}, quote='\"', escape='\"')")


def columns_of(place: Path) -> tuple[str, ...]:
    """Return the names of a table's columns as its file has them; SourceError if it cannot be read."""
    if not _is_csv(place):
        try:
            parts = sorted(place.rglob("*.parquet")) if place.is_dir() else [place]
            return tuple(dict.fromkeys(name for part in parts for name in pq.read_schema(part).names))
        except (pa.ArrowException, OSError):
            raise SourceError(f"{place.name} cannot be read as Parquet; write it again") from None
    header = header_of(place)
    found: list[str] = []
    for number, name in enumerate(next(csv.reader([header], delimiter=delimiter_of(header)), [])):
        column = name.strip() or f"column {number}"
        found.append(f"{column} {number}" if column.upper() in map(str.upper, found) else column)
    return tuple(found)


def _is_csv(place: Path) -> bool:
    return place.is_file() and not place.name.lower().endswith(".parquet")


def header_of(place: Path) -> str:
    """Return the first line of a CSV file; SourceError if the file does not begin as UTF-8 text."""
    with gzip.open(place) if place.suffix.lower() == ".gz" else place.open("rb") as file:
        start = file.read(1 << 20)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        given = "UTF-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "GB18030"
        raise SourceError(f"{place.name} is not UTF-8 text ({given}, it seems); convert it with "
                          f"`iconv -f {given} -t UTF-8 {place.name}` and put the result in its place") from None
    lines = text.splitlines()
    if not lines or "\0" in lines[0]:
        raise SourceError(f"{place.name} has no line of column names; write it again with a header")
    return lines[0]


def delimiter_of(header: str) -> str:
    """Return what parts the names of a header.

    >>> delimiter_of("AAB001|AAE036")
    '|'
    """
    return max(DELIMITERS, key=header.count)


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


def latest_day(found: Found, folder: Path, clock: str) -> date:
    """Return the latest day that a dump records, as the source's complete_to.sql finds it; SourceError if there is none."""
    files = [place for place in [*found.tables.values(), *folder.iterdir()] if place.is_file()]
    connection = locked([*files, *(place for place in found.tables.values() if place.is_dir())], clock=clock)
    try:
        for statement in found.statements:
            connection.execute(statement)
        rows = connection.sql((folder / LATEST).read_text("utf-8")).fetchall()
    except (DuckError, OSError) as error:
        raise SourceError(f"{LATEST}: {str(error).strip().splitlines()[0]}") from None
    if not rows or not isinstance(rows[0][0], date):
        raise SourceError(f"no table of the dump holds a day recorded; write complete_to = 2015-06-30 into its {SETTINGS}")
    return rows[0][0]


def merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others laid over them, tables within tables.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    out = dict(values)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out
