"""Raw files: which of them a source's views read, what is declared of each, how they are read and written, and their days."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import date_of
from features.connection import MODEST, DuckError
from features.contract.tables import COMMON
from features.errors import SourceError
from features.ingest.csv_table import copies_of
from features.ingest.dump.columns import SETTINGS
from features.ingest.dump.views import PRELUDE
from features.ingest.macros import BARE, OPTIONS, Call, Ground, calls, csv_files, scan_of
from features.ingest.source import Source
from features.ingest.source_toml import BESIDE, Raw
from features.ingest.typed_sql import reading_connection

OF_CONTRACT = Raw(known="recorded_on")
_READ = re.compile(r"\$\{(DATA|SOURCE)\}/?([^'\"]*)")
FROM_DATA = "${DATA}/"
_DAY = r"^(\d{4}[-/.]?\d{2}[-/.]?\d{2})(?:$|[.]0*$|[ T][\d:.]*$)"
"""A day as it is written, alone or before a time without a zone."""


def views_of(source: Source) -> list[Path]:
    """Return the SQL that a source reads its raw data by: its views, and what they share."""
    views = [place for place in source.tables.values() if place.suffix == ".sql"]
    shared = source.folder / PRELUDE
    if views and shared.exists():
        return [*views, shared]
    return views


def files_read(view: Path) -> set[str]:
    """Return the files that a view names: paths under the data, and names beside source.toml."""
    lines = view.read_text("utf-8").splitlines()
    statement = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    files = set()
    for place, path in _READ.findall(statement):
        files.add(f"{BESIDE}{path}" if place == "SOURCE" else path)
    return files


def raw_of(source: Source) -> dict[str, Raw]:
    """Return what is declared of raw files and tables; a file that has the contract's own `recorded_on` needs no declaration."""
    raw = dict(source.declaration.raw)
    if source.declaration.dump is not None:
        return raw
    files: set[str] = set()
    for view in views_of(source):
        files |= files_read(view)
    for name in sorted(files - raw.keys()):
        if not name.startswith(BESIDE) and _is_contracts(source, name):
            raw[name] = OF_CONTRACT
    return raw


def _is_contracts(source: Source, name: str) -> bool:
    """Tell whether a raw file has the columns that every table of the contract has."""
    try:
        connection = reading_connection(source, MODEST)
        rows = connection.sql(f"SELECT * FROM {raw_file_sql(source, name)}")
        columns = set(rows.columns)
    except (DuckError, SourceError):
        return False
    return {column.name for column in COMMON} <= columns


def undeclared(source: Source) -> dict[str, list[str]]:
    """Return by view the raw files it reads of which nothing says when their rows became known."""
    raw = raw_of(source)
    by_view: dict[str, list[str]] = {}
    for view in views_of(source):
        files = sorted(files_read(view) - raw.keys())
        if files:
            by_view[view.name] = files
    tables = _undeclared_tables(source, raw)
    if tables:
        by_view["source.toml"] = tables
    return by_view


def _undeclared_tables(source: Source, raw: Mapping[str, Raw]) -> list[str]:
    """Return the tables of a dump of which nothing is declared; its log of changes needs no declaration."""
    tables = source.dump.tables.keys() - raw.keys()
    dump = source.declaration.dump
    if dump is not None and dump.log is not None:
        tables = tables - {dump.log.table}
    return sorted(tables)


def raw_file_sql(source: Source, name: str) -> str:
    """Return the SQL that stands for a raw file's rows after FROM, read as the source's views read it."""
    return scan_of(_call_of(source, name), _ground(source))[0]


def _ground(source: Source) -> Ground:
    return Ground(source.places, copies_of(source))


def _call_of(source: Source, name: str) -> Call:
    """Return how the source's views read a raw file, at the path where it lies.

    What a bare `read_csv` says of its delimiter counts too.
    """
    options: dict[str, str] = {}
    for view in views_of(source):
        statement = view.read_text("utf-8")
        for call in calls(statement, (*OPTIONS, *BARE)):
            if f"{FROM_DATA}{name}" in call.paths:
                options |= _options_of(call)
    form = "parquet" if name.endswith(".parquet") else "csv"
    path = str(source.data / name)
    return Call(form, (path,), options, 0, 0)


def _options_of(call: Call) -> dict[str, str]:
    """Return the options of a call; of a bare `read_csv` the delimiter alone."""
    if call.name in OPTIONS:
        return dict(call.options)
    delimiter = call.options.get("delim", call.options.get("sep"))
    if not delimiter:
        return {}
    return {"delimiter": delimiter}


def write_raw_tables(source: Source, frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write raw tables to a folder under the names, and in the dialect, by which a source's views read them."""
    folder.mkdir(parents=True)
    for name, rows in frames.items():
        place = folder / _file_name(source, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix == ".parquet":
            rows.write_parquet(place)
            continue
        text = _csv_text(source, name, rows)
        if place.suffix == ".gz":
            text = gzip.compress(text, 1)
        place.write_bytes(text)
    if source.declaration.dump is not None:
        last_day = date_of(source.complete_to).isoformat()
        settings = folder / SETTINGS
        settings.write_text(f"complete_to = {last_day}\n", "utf-8")


def _csv_text(source: Source, name: str, rows: pl.DataFrame) -> bytes:
    """Return a raw table as the CSV that the source's views read it as; every field in quotes, for one alone may be empty."""
    call = _call_of(source, name)
    delimiter = call.stated.delimiter or csv_files(call, _ground(source))[0].parted_by
    encoding = call.options.get("encoding", "utf-8")
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    out.writerow(rows.columns)
    out.writerows(rows.iter_rows())
    return text.getvalue().encode(encoding)


def _file_name(source: Source, name: str) -> str:
    """Return the name under which a raw table is written: a pattern of names becomes one of the names that it matches."""
    if source.declaration.dump is not None:
        return f"{name}.parquet"
    return name.replace("*", "0")


def holds_days(column: pl.Series) -> bool:
    """Tell whether most of what a raw column says are days; a few numbers of eight digits may look like one."""
    return 2 * days_in(column).count() > column.count()


def days_in(column: pl.Series) -> pl.Series:
    """Return the days that a raw column holds as integers, null where it holds none."""
    texts = column.cast(pl.String).str.strip_chars()
    written = texts.str.extract(_DAY, 1)
    digits = written.str.replace_all("[-/.]", "")
    dates = digits.str.to_date("%Y%m%d", strict=False)
    return dates.cast(pl.Int32)


def on_days(column: pl.Series, days: NDArray[np.int64]) -> pl.Series:
    """Return a raw column's cells with other days (n,) in the place of theirs, written alike; a cell without one stays."""
    cells = [_on_day(cell, int(day)) for cell, day in zip(column, days, strict=True)]
    return pl.Series(column.name, cells, column.dtype)


def _on_day(cell: object, day: int) -> object:
    """Return a cell with another day in the place of its own."""
    # a datetime is a date too, but its time would be lost
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return date_of(day)
    if not isinstance(cell, str):
        return cell
    written = re.match(_DAY, cell.strip())
    if written is None:
        return cell
    before = written[1]
    mark = before[4]
    separator = "" if mark.isdigit() else mark
    after = date_of(day).strftime(f"%Y{separator}%m{separator}%d")
    return cell.replace(before, after, 1)
