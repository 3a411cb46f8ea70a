"""The SQL of a dump's views: a declared table with its columns as text, and the source's own macros and views."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from features.connection import named, quoted
from features.errors import SourceError
from features.ingest.csv_file import check_plain
from features.ingest.dump.columns import Names
from features.ingest.dump.file_sql import checked_sql, clean_sql, dump_file_sql
from features.ingest.dump.files import TableFiles, instants_of
from features.ingest.macros import Ground, calls, expanded
from features.ingest.source_toml import Dump, DumpTable
from features.text_files import text_of

PRELUDE = "dump.sql"
NO_TEXT = "CAST(NULL AS VARCHAR)"
LOGGED_VIEW = (
    "CREATE VIEW {view} AS SELECT r.* REPLACE (coalesce(l.moment, r.{day}) AS {day}) "
    "FROM {raw} AS r LEFT JOIN (SELECT {key_of_log} AS log_key, max({moment}) AS moment "
    "FROM {log} GROUP BY ALL) AS l ON l.log_key = {key_of_row}"
)


def raw_view_sql(name: str, query: str) -> str:
    """Return the statement of the view of a table's raw rows, as `raw NAME`."""
    return f"CREATE VIEW {named('raw ' + name)} AS {query}"


def unlogged_sql(name: str) -> str:
    """Return the view of a table whose own column says when a row became known."""
    return f"CREATE VIEW {named(name)} AS SELECT * FROM {named('raw ' + name)}"


def view_sql(declared: DumpTable, files: TableFiles | None, names: Names) -> str:
    """Return the SELECT of a dump's table: its declared columns as text, empty where the file lacks them.

    Why a line of text is no row stands in the last column that the table must have, the day on which it became known.
    """
    if files is None:
        return _empty_view_sql(declared)
    instants = instants_of(files)
    values = {column: _value_sql(names.get(column, ()), instants) for column in declared.columns}
    if files.is_text:
        day_known = declared.must[-1]
        values[day_known] = checked_sql(values[day_known], names[day_known])
    texts: list[str] = []
    clean_texts: list[str] = []
    for name, value in values.items():
        column = named(name)
        texts.append(f"{value} AS {column}")
        clean_texts.append(f"{clean_sql(column)} AS {column}")
    rows = dump_file_sql(files)
    numbered = f"SELECT row_number() OVER () AS n, {', '.join(texts)} FROM {rows}"
    return f"SELECT n, {', '.join(clean_texts)} FROM  ({numbered})"


def _empty_view_sql(declared: DumpTable) -> str:
    """Return the SELECT of a declared table that the dump lacks: its columns and no row."""
    texts = [f"{NO_TEXT} AS {named(column)}" for column in declared.columns]
    columns = ", ".join(["CAST(NULL AS BIGINT) AS n", *texts])
    return f"SELECT {columns} WHERE false"


def _value_sql(names: Collection[str], instants: Collection[str]) -> str:
    """Return as text the first of some columns of a file that has a value, moments on the clock of UTC."""
    in_utc = f" AT TIME ZONE {quoted('UTC')}"
    texts: list[str] = []
    for name in names:
        clock = in_utc if name in instants else ""
        texts.append(f"CAST({named(name)}{clock} AS VARCHAR)")
    if not texts:
        return NO_TEXT
    if len(texts) == 1:
        return texts[0]
    return f"coalesce({', '.join(texts)})"


def log_sql(dump: Dump, name: str) -> str:
    """Return the view of a table whose rows became known when the business log says so; 7 and 7.0 are one key."""
    log = dump.log
    assert log is not None
    return LOGGED_VIEW.format(
        view=named(name),
        day=named(log.instead_of),
        raw=named(f"raw {name}"),
        key_of_log=_whole_key_sql(named(log.key)),
        moment=named(log.day),
        log=named(f"raw {log.table}"),
        key_of_row=_whole_key_sql(f"r.{named(log.key)}"),
    )


def _whole_key_sql(key: str) -> str:
    """Return a key without the zeros after its point, which an export of a float adds."""
    return f"regexp_replace({key}, '[.]0+$', '')"


def prelude(folder: Path) -> tuple[str, ...]:
    """Return the macros and views that a source declares for its own views in dump.sql, one statement each."""
    place = folder / PRELUDE
    if not place.exists():
        return ()
    source = str(folder.resolve()).replace("'", "''")
    text = text_of(place).replace("${SOURCE}", source)
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    code = "\n".join(lines)
    parts = [part.strip() for part in code.split(";\n")]
    statements = [part for part in parts if part]
    for statement in statements:
        if not statement.upper().startswith(("CREATE MACRO ", "CREATE VIEW ")):
            raise SourceError(
                f"{place}: a statement should be CREATE MACRO or CREATE VIEW; got {statement[:40]!r}"
            )
    return tuple(_with_scans(statement.rstrip(";"), place) for statement in statements)


def _with_scans(statement: str, place: Path) -> str:
    """Return a statement of dump.sql whose macros are scans of plain files beside it."""
    files_beside = [path for path in place.parent.iterdir() if path.is_file()]
    ground = Ground(files_beside, place.parent)
    for call in calls(statement, ("csv",)):
        for file in ground.files(call):
            check_plain(file)
    return expanded(statement, ground).query
