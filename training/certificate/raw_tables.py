"""Sheets: a sample of the raw tables beneath a source's views, with the day on which each row and cell became known."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import date_of
from features.connection import MODEST, Connection, ConnectionLimits, DuckError, named
from features.contract.tables import COMMON
from features.errors import SourceError
from features.ingest.csv_table import copies_of
from features.ingest.dump.columns import SETTINGS
from features.ingest.dump.views import PRELUDE
from features.ingest.macros import BARE, OPTIONS, Call, Ground, calls, csv_files, scan_of
from features.ingest.source import Source
from features.ingest.source_toml import ALWAYS, BESIDE, Raw
from features.ingest.typed_sql import in_one_line, reading_connection
from training.certificate.sample import workplace

ROW, DAY, UNITS = "!row", "!known", "!units"
HUGE = 20
TEN = 10
EPOCH = "DATE '1970-01-01'"
OF_CONTRACT = Raw(known="recorded_on")
_READ = re.compile(r"\$\{(DATA|SOURCE)\}/?([^'\"]*)")
FROM_DATA = "${DATA}/"
_WORD = re.compile(r"\w+")
_DAY = r"^(\d{4}[-/.]?\d{2}[-/.]?\d{2})(?:$|[.]0*$|[ T][\d:.]*$)"
"""A day as it is written, alone or before a time without a zone."""
_OPPOSITE = {"0": "1", "1": "0", "true": "false", "false": "true", "TRUE": "FALSE", "FALSE": "TRUE"}


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """Rows of one raw table; `known` (n,) and, of columns known later than their row, `later`: integer days, null if never.

    `codes` are by column what it may hold too, whether or not these rows do: what the source's code lists say, and of a flag
    that is always the same the other.
    """

    declared: Raw
    rows: pl.DataFrame
    known: pl.Series
    later: Mapping[str, pl.Series]
    codes: Mapping[str, pl.Series]

    @property
    def fixed(self) -> frozenset[str]:
        """The columns that poison leaves alone: those that say when a row became known, and those declared as kept."""
        return self._named((*_WORD.findall(self.declared.known), *self.declared.kept))

    @property
    def dating(self) -> frozenset[str]:
        """The columns that say when a row or one of its cells became known, and those cells."""
        later = self.declared.later.items()
        return self.fixed | self._named(
            [word for column, day in later for word in (column, *_WORD.findall(day))]
        )

    @property
    def telling(self) -> str | None:
        """The one column that tells when a row became known, where there is one that holds days."""
        told = self._named(_WORD.findall(self.declared.known))
        return (
            next((column for column in told if holds_days(self.rows[column])), None)
            if len(told) == 1
            else None
        )

    def _named(self, words: Iterable[str]) -> frozenset[str]:
        names = {word.lower() for word in words}
        return frozenset(column for column in self.rows.columns if column.lower() in names)


def views_of(source: Source) -> list[Path]:
    """Return the SQL that a source reads its raw data by: its views, and what they share."""
    shared = source.folder / PRELUDE
    views = [place for place in source.tables.values() if place.suffix == ".sql"]
    return [*views, shared] if views and shared.exists() else views


def files_read(view: Path) -> set[str]:
    """Return the files that a view names: paths under the data, and names beside source.toml."""
    lines = [
        line for line in view.read_text("utf-8").splitlines() if not line.lstrip().startswith("--")
    ]
    return {
        f"{BESIDE}{path}" if place == "SOURCE" else path
        for place, path in _READ.findall("\n".join(lines))
    }


def raw_of(source: Source) -> dict[str, Raw]:
    """Return what is declared of raw files and tables; a file that has the contract's own `recorded_on` needs no declaration."""
    raw = dict(source.declaration.raw)
    if source.declaration.dump is None:
        read = {
            name
            for view in views_of(source)
            for name in files_read(view)
            if not name.startswith(BESIDE)
        }
        raw |= {
            name: OF_CONTRACT for name in sorted(read - raw.keys()) if _is_contracts(source, name)
        }
    return raw


def _is_contracts(source: Source, name: str) -> bool:
    try:
        columns = (
            reading_connection(source, MODEST)
            .sql(f"SELECT * FROM {_file_sql(source, name)}")
            .columns
        )
    except (DuckError, SourceError):
        return False
    return {column.name for column in COMMON} <= set(columns)


def undeclared(source: Source) -> dict[str, list[str]]:
    """Return by view the raw files it reads of which nothing says when their rows became known."""
    raw, found = raw_of(source), dict[str, list[str]]()
    for view in views_of(source):
        if strange := sorted(files_read(view) - raw.keys()):
            found[view.name] = strange
    log = source.declaration.dump.log if source.declaration.dump else None
    tables = sorted(source.dump.tables.keys() - raw.keys() - ({log.table} if log else set()))
    return found | ({"source.toml": tables} if tables else {})


def sheets_of(source: Source, most: int) -> dict[str, RawTable]:
    """Return by name a sample of every raw table that is there, about `most` rows in all, in the order of their files."""
    raw = {
        name: one
        for name, one in raw_of(source).items()
        if one.known != ALWAYS and (source.declaration.dump is None or name in source.dump.tables)
    }
    with workplace() as folder, in_one_line(source.folder / "source.toml"):
        connection = reading_connection(source, ConnectionLimits(spill=folder))
        connection.execute("CREATE SCHEMA whole")
        connection.execute("CREATE SCHEMA kept")
        for name in raw:
            connection.execute(f"CREATE VIEW whole.{named(name)} AS {_rows_sql(source, name)}")
        sizes = [
            connection.sql(f"SELECT count(*) FROM whole.{named(name)}").fetchall()[0][0]
            for name in raw
        ]
        one_in = -(-sum(sizes) // most)
        if one_in > 1 and any(one.by and not one.of for one in raw.values()):
            connection.execute(f"CREATE TABLE kept.{named(UNITS)} AS {_units_sql(raw, most)}")
        for name, one in sorted(raw.items(), key=lambda item: _depth(raw, item[0])):
            rows = f"SELECT * FROM whole.{named(name)} AS r"
            chosen = _sample_sql(one, raw, one_in) if one_in > 1 else ""
            connection.execute(f"CREATE TABLE kept.{named(name)} AS {rows}{chosen}")
        listed = codes_listed(source, connection)
        return {name: _sheet(connection, name, one, listed) for name, one in raw.items()}


def _rows_sql(source: Source, name: str) -> str:
    """Return the SELECT of a raw table's rows, numbered in the order of its file."""
    if source.declaration.dump is not None:
        return f"SELECT n AS {named(ROW)}, * EXCLUDE (n) FROM main.{named(name)}"
    return f"SELECT row_number() OVER () AS {named(ROW)}, * FROM {_file_sql(source, name)}"


def _file_sql(source: Source, name: str) -> str:
    return scan_of(_call_of(source, name), _ground(source))[0]


def _ground(source: Source) -> Ground:
    return Ground(source.places, copies_of(source))


def _call_of(source: Source, name: str) -> Call:
    """Return how the source's views read a raw file, at the path where it lies.

    What a bare `read_csv` says of its delimiter counts too.
    """
    form = "parquet" if name.endswith(".parquet") else "csv"
    options: dict[str, str] = {}
    for view in views_of(source):
        for call in calls(view.read_text("utf-8"), (*OPTIONS, *BARE)):
            if f"{FROM_DATA}{name}" not in call.paths:
                continue
            if call.name in OPTIONS:
                options |= call.options
            elif sign := call.options.get("delim", call.options.get("sep")):
                options |= {"delimiter": sign}
    return Call(form, (str(source.data / name),), options, 0, 0)


def _depth(raw: Mapping[str, Raw], name: str) -> int:
    """Return how many raw tables a sample follows one after another."""
    follows = raw[name].of
    return (
        1 + _depth({other: one for other, one in raw.items() if other != name}, follows)
        if follows in raw
        else 0
    )


def _units_sql(raw: Mapping[str, Raw], most: int) -> str:
    """Return the SELECT of the units to be sampled: those that most raw tables tell of, the huge last, one at least."""
    held = " UNION ALL ".join(
        f"SELECT {_unit(one)} AS unit, count(*) AS size FROM whole.{named(name)} AS r GROUP BY unit"
        for name, one in raw.items()
        if one.by and not one.of
    )
    return (
        f"WITH held AS ({held}), units AS (SELECT unit, count(*) AS told, sum(size) AS size, "
        f"sum(size) > {most // HUGE} AS huge FROM held WHERE unit IS NOT NULL GROUP BY unit), "
        f"ranked AS (SELECT unit, sum(size) OVER ranks AS filled, row_number() OVER ranks AS place FROM units "
        f"WINDOW ranks AS (ORDER BY huge, told DESC, hash(unit), unit)) "
        f"SELECT unit FROM ranked WHERE filled <= {most} OR place = 1"
    )


def _sample_sql(one: Raw, raw: Mapping[str, Raw], one_in: int) -> str:
    """Return the condition on a raw table's rows in a sample; a table whose leader is not there is sampled by its own units."""
    if not one.by:
        return ""
    if one.of and one.of not in raw:
        return f" WHERE hash({_unit(one)}) % {one_in} = 0"
    units = (
        f"SELECT {_unit(one)} FROM kept.{named(one.of)} AS r"
        if one.of
        else f"SELECT unit FROM kept.{named(UNITS)}"
    )
    return f" WHERE {_unit(one)} IN ({units})"


def _unit(one: Raw) -> str:
    return f"CAST(({one.by}) AS VARCHAR)"


def codes_listed(source: Source, connection: Connection) -> dict[str, list[str]]:
    """Return by list, a COLUMN or a TABLE.COLUMN, the codes that a source's own view `codes` (list, code) declares."""
    place = source.folder / PRELUDE
    if not place.exists() or "CREATE VIEW codes " not in place.read_text("utf-8"):
        return {}
    found: dict[str, list[str]] = defaultdict(list)
    for listed, code in connection.sql("SELECT list, code FROM main.codes ORDER BY ALL").fetchall():
        found[listed].append(code)
    return found


def postponed(rows: pl.DataFrame, one: Raw) -> pl.DataFrame:
    """Return rows of which one in TEN became complete on the day of another: a table may hold none that was late."""
    rng, moved = np.random.default_rng(rows.height), []
    for column in (column for column, day in one.later.items() if column in _WORD.findall(day)):
        there = rows[column].drop_nulls()
        if there.len():
            other = there.gather(rng.integers(0, there.len(), rows.height).tolist())
            moved.append(
                other.zip_with(
                    pl.Series(rng.integers(0, TEN, rows.height) == 0), rows[column]
                ).alias(column)
            )
    return rows.with_columns(moved)


def _sheet(
    connection: Connection, name: str, one: Raw, listed: Mapping[str, list[str]]
) -> RawTable:
    rows = pl.DataFrame(
        connection.sql(f"SELECT * FROM kept.{named(name)} ORDER BY {named(ROW)}").to_arrow_table()
    )
    rows = postponed(rows, one)
    connection.register("postponed", rows.to_arrow())
    told = {
        column: [*listed.get(column, ()), *listed.get(f"{name}.{column}", ())]
        or opposite(rows[column])
        for column in rows.columns
    }
    codes = {column: pl.Series(column, there, pl.String) for column, there in told.items() if there}
    days = "".join(
        f", TRY_CAST(({day}) AS DATE) - {EPOCH} AS {named(column)}"
        for column, day in one.later.items()
    )
    found = pl.DataFrame(
        connection.sql(
            f"SELECT known - {EPOCH} AS {named(DAY)}{days} FROM (SELECT *, TRY_CAST(({one.known}) AS DATE) AS known "
            f"FROM postponed AS r) ORDER BY {named(ROW)}"
        ).to_arrow_table()
    )
    connection.unregister("postponed")
    return RawTable(
        one, rows.drop(ROW), found[DAY], {column: found[column] for column in one.later}, codes
    )


def opposite(column: pl.Series) -> list[str]:
    """Return what a column of texts that says yes or no, always the same of the two, might say too."""
    said = column.drop_nulls().unique().to_list() if column.dtype == pl.String else []
    return [_OPPOSITE[text] for text in said if text in _OPPOSITE] if len(said) == 1 else []


def told_early(sheet: RawTable) -> int:
    """Return how many rows are taken for known before the very day that stands in the one column which tells of it."""
    return int((sheet.known < days_in(sheet.rows[sheet.telling])).sum()) if sheet.telling else 0


def holds_days(column: pl.Series) -> bool:
    """Tell whether most of what a raw column says are days; a few numbers of eight digits may look like one."""
    return 2 * days_in(column).count() > column.count()


def days_in(column: pl.Series) -> pl.Series:
    """Return the days that a raw column holds as integers, null where it holds none."""
    texts = column.cast(pl.String).str.strip_chars()
    return (
        texts.str.extract(_DAY, 1)
        .str.replace_all("[-/.]", "")
        .str.to_date("%Y%m%d", strict=False)
        .cast(pl.Int32)
    )


def on_days(column: pl.Series, days: NDArray[np.int64]) -> pl.Series:
    """Return a raw column's cells with other days (n,) in the place of theirs, written alike; a cell without one stays."""

    def written(cell: object, day: int) -> object:
        if not isinstance(cell, str):
            return (
                date_of(day) if isinstance(cell, date) and not isinstance(cell, datetime) else cell
            )
        if (there := re.match(_DAY, cell.strip())) is None:
            return cell
        own = there[1]
        return cell.replace(
            own, date_of(day).strftime("%Y{0}%m{0}%d".format("" if own[4].isdigit() else own[4])), 1
        )

    return pl.Series(
        column.name,
        [written(cell, int(day)) for cell, day in zip(column, days, strict=True)],
        column.dtype,
    )


def write_sheets(source: Source, frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write raw tables to a folder under the names, and in the dialect, by which a source's views read them."""
    folder.mkdir(parents=True)
    for name, place in _placed(source, frames, folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix == ".parquet":
            frames[name].write_parquet(place)
        else:
            text = _csv_text(source, name, frames[name])
            place.write_bytes(gzip.compress(text, 1) if place.suffix == ".gz" else text)
    if source.declaration.dump is not None:
        (folder / SETTINGS).write_text(
            f"complete_to = {date_of(source.complete_to).isoformat()}\n", "utf-8"
        )


def _csv_text(source: Source, name: str, rows: pl.DataFrame) -> bytes:
    """Return a raw table as the CSV that the source's views read it as; every field in quotes, for one alone may be empty."""
    call = _call_of(source, name)
    delimiter = call.stated.delimiter or csv_files(call, _ground(source))[0].parted_by
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    out.writerow(rows.columns)
    out.writerows(rows.iter_rows())
    return text.getvalue().encode(call.options.get("encoding", "utf-8"))


def _placed(
    source: Source, names: Mapping[str, pl.DataFrame], folder: Path
) -> Iterator[tuple[str, Path]]:
    for name in names:
        yield (
            name,
            folder
            / (name.replace("*", "0") if source.declaration.dump is None else f"{name}.parquet"),
        )
