"""Raw tables: a sample of the raw tables beneath a source's views, with the day on which each row and cell became known."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.connection import Connection, ConnectionLimits, named
from features.ingest.dump.views import PRELUDE
from features.ingest.source import Source
from features.ingest.source_toml import ALWAYS, Raw
from features.ingest.typed_sql import in_one_line, reading_connection
from training.certificate.raw_files import days_in, holds_days, raw_file_sql, raw_of
from training.certificate.sample import workplace

ROW, DAY, UNITS = "!row", "!known", "!units"
HUGE_ONE_IN = 20
"""A unit with more than one in HUGE_ONE_IN of the sampled rows is taken last: it would leave no room for others."""
LATE_ONE_IN = 10
"""One row in so many is moved to a later day; a choice: some late rows in every table, and few in each."""
EPOCH = "DATE '1970-01-01'"
UNITS_SQL = """
WITH sizes AS ({by_table}),
units AS (
    SELECT unit, count(*) AS tables, sum(size) AS size, sum(size) > {huge} AS huge
    FROM sizes WHERE unit IS NOT NULL GROUP BY unit
),
ranked AS (
    SELECT unit, sum(size) OVER ranks AS filled, row_number() OVER ranks AS place FROM units
    WINDOW ranks AS (ORDER BY huge, tables DESC, hash(unit), unit)
)
SELECT unit FROM ranked WHERE filled <= {most} OR place = 1
"""
"""The units that fill the sample, in an order that the hash makes arbitrary but the same each time."""
_WORD = re.compile(r"\w+")
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
    def fixed_columns(self) -> frozenset[str]:
        """The columns that poison leaves alone: those that say when a row became known, and those declared as kept."""
        words = _WORD.findall(self.declared.known)
        return self._named((*words, *self.declared.kept))

    @property
    def dating_columns(self) -> frozenset[str]:
        """The columns that say when a row or one of its cells became known, and those cells."""
        words = []
        for column, day in self.declared.later.items():
            words += [column, *_WORD.findall(day)]
        return self.fixed_columns | self._named(words)

    @property
    def day_column(self) -> str | None:
        """The one column that tells when a row became known, where there is one that holds days."""
        columns = self._named(_WORD.findall(self.declared.known))
        if len(columns) != 1:
            return None
        [column] = columns
        return column if holds_days(self.rows[column]) else None

    def _named(self, words: Iterable[str]) -> frozenset[str]:
        """Return the columns that some words name, whatever their case."""
        names = {word.lower() for word in words}
        return frozenset(column for column in self.rows.columns if column.lower() in names)


def sampled_raw_tables(source: Source, most: int) -> dict[str, RawTable]:
    """Return by name a sample of every raw table that is there, about `most` rows in all, in the order of their files."""
    raw = _dated_tables(source)
    with workplace() as folder, in_one_line(source.folder / "source.toml"):
        connection = reading_connection(source, ConnectionLimits(spill=folder))
        connection.execute("CREATE SCHEMA whole")
        connection.execute("CREATE SCHEMA kept")
        for name in raw:
            rows = _rows_sql(source, name)
            connection.execute(f"CREATE VIEW whole.{named(name)} AS {rows}")
        _sample(connection, raw, most)
        listed = codes_listed(source, connection)
        return {
            name: _raw_table(connection, name, declared, listed) for name, declared in raw.items()
        }


def _dated_tables(source: Source) -> dict[str, Raw]:
    """Return the raw tables whose rows become known at some day, those of a dump only where it has them."""
    tables = {}
    for name, declared in raw_of(source).items():
        is_there = source.declaration.dump is None or name in source.dump.tables
        if is_there and declared.known != ALWAYS:
            tables[name] = declared
    return tables


def _sample(connection: Connection, raw: Mapping[str, Raw], most: int) -> None:
    """Fill the tables of the schema `kept`, each after the one that it follows."""
    # rounded up, so that no more than `most` rows are taken
    one_in = -(-_row_count(connection, raw) // most)
    has_units = any(declared.by and not declared.of for declared in raw.values())
    if has_units and one_in > 1:
        units = _units_sql(raw, most)
        connection.execute(f"CREATE TABLE kept.{named(UNITS)} AS {units}")
    for name in sorted(raw, key=lambda name: _depth(raw, name)):
        rows = f"SELECT * FROM whole.{named(name)} AS r"
        condition = _sample_sql(raw[name], raw, one_in)
        connection.execute(f"CREATE TABLE kept.{named(name)} AS {rows}{condition}")


def _row_count(connection: Connection, raw: Mapping[str, Raw]) -> int:
    """Return how many rows the raw tables have in all."""
    total = 0
    for name in raw:
        [[size]] = connection.sql(f"SELECT count(*) FROM whole.{named(name)}").fetchall()
        total += size
    return total


def _rows_sql(source: Source, name: str) -> str:
    """Return the SELECT of a raw table's rows, numbered in the order of its file."""
    row = named(ROW)
    if source.declaration.dump is not None:
        return f"SELECT n AS {row}, * EXCLUDE (n) FROM main.{named(name)}"
    file = raw_file_sql(source, name)
    return f"SELECT row_number() OVER () AS {row}, * FROM {file}"


def _depth(raw: Mapping[str, Raw], name: str) -> int:
    """Return how many raw tables must be sampled before this one; a ring of them ends where it began."""
    leader = raw[name].of
    if leader not in raw:
        return 0
    # without the table itself a ring has an end
    others = {other: declared for other, declared in raw.items() if other != name}
    return 1 + _depth(others, leader)


def _units_sql(raw: Mapping[str, Raw], most: int) -> str:
    """Return the SELECT of the units to be sampled: those that most raw tables tell of, the huge last, one at least."""
    by_table = []
    for name, declared in raw.items():
        if declared.by and not declared.of:
            unit = _unit_sql(declared)
            table = named(name)
            by_table.append(
                f"SELECT {unit} AS unit, count(*) AS size FROM whole.{table} AS r GROUP BY unit"
            )
    return UNITS_SQL.format(
        by_table=" UNION ALL ".join(by_table), huge=most // HUGE_ONE_IN, most=most
    )


def _sample_sql(declared: Raw, raw: Mapping[str, Raw], one_in: int) -> str:
    """Return the condition on a raw table's rows in a sample; a table whose leader is not there is sampled by its own units."""
    if one_in <= 1 or not declared.by:
        return ""
    unit = _unit_sql(declared)
    leader = declared.of
    if leader and leader not in raw:
        return f" WHERE hash({unit}) % {one_in} = 0"
    if leader:
        return f" WHERE {unit} IN (SELECT {unit} FROM kept.{named(leader)} AS r)"
    return f" WHERE {unit} IN (SELECT unit FROM kept.{named(UNITS)})"


def _unit_sql(declared: Raw) -> str:
    return f"CAST(({declared.by}) AS VARCHAR)"


def codes_listed(source: Source, connection: Connection) -> dict[str, list[str]]:
    """Return by list, a COLUMN or a TABLE.COLUMN, the codes that a source's own view `codes` (list, code) declares."""
    place = source.folder / PRELUDE
    if not place.exists() or "CREATE VIEW codes " not in place.read_text("utf-8"):
        return {}
    codes_by_list: dict[str, list[str]] = defaultdict(list)
    rows = connection.sql("SELECT list, code FROM main.codes ORDER BY ALL").fetchall()
    for name, code in rows:
        codes_by_list[name].append(code)
    return codes_by_list


def postponed(rows: pl.DataFrame, declared: Raw) -> pl.DataFrame:
    """Return rows of which one in LATE_ONE_IN became complete on the day of another: a table may hold none that was late."""
    rng = np.random.default_rng(rows.height)
    moved = []
    for column, day in declared.later.items():
        # a column that says by itself when it became known, such as a closing day
        if column not in _WORD.findall(day):
            continue
        cells = rows[column]
        days = cells.drop_nulls()
        if not days.len():
            continue
        other_rows = rng.integers(0, days.len(), rows.height)
        other_days = days.gather(other_rows.tolist())
        lots = rng.integers(0, LATE_ONE_IN, rows.height)
        is_moved = pl.Series(lots == 0)
        moved.append(other_days.zip_with(is_moved, cells).alias(column))
    return rows.with_columns(moved)


def _raw_table(
    connection: Connection, name: str, declared: Raw, codes_by_list: Mapping[str, list[str]]
) -> RawTable:
    """Return the sample of one raw table."""
    row = named(ROW)
    sample = connection.sql(f"SELECT * FROM kept.{named(name)} ORDER BY {row}").to_arrow_table()
    rows = postponed(pl.DataFrame(sample), declared)
    days = _days(connection, rows, declared)
    later = {column: days[column] for column in declared.later}
    codes = {}
    for column in rows.columns:
        codes_of_column = [
            *codes_by_list.get(column, ()),
            *codes_by_list.get(f"{name}.{column}", ()),
        ]
        others = codes_of_column or opposite(rows[column])
        if others:
            codes[column] = pl.Series(column, others, pl.String)
    return RawTable(declared, rows.drop(ROW), days[DAY], later, codes)


def _days(connection: Connection, rows: pl.DataFrame, declared: Raw) -> pl.DataFrame:
    """Return the days on which each row, and each of its late cells, became known, as integers."""
    columns = [f"known - {EPOCH} AS {named(DAY)}"]
    for column, day in declared.later.items():
        columns.append(f"TRY_CAST(({day}) AS DATE) - {EPOCH} AS {named(column)}")
    selected = ", ".join(columns)
    dated = f"SELECT *, TRY_CAST(({declared.known}) AS DATE) AS known FROM postponed AS r"
    connection.register("postponed", rows.to_arrow())
    statement = f"SELECT {selected} FROM ({dated}) ORDER BY {named(ROW)}"
    days = pl.DataFrame(connection.sql(statement).to_arrow_table())
    connection.unregister("postponed")
    return days


def opposite(column: pl.Series) -> list[str]:
    """Return what a column of texts that says yes or no, always the same of the two, might say too."""
    if column.dtype != pl.String:
        return []
    texts = column.drop_nulls().unique().to_list()
    if len(texts) != 1 or texts[0] not in _OPPOSITE:
        return []
    return [_OPPOSITE[texts[0]]]


def rows_known_early(raw_table: RawTable) -> int:
    """Return how many rows are taken for known before the very day that stands in the one column which tells of it."""
    column = raw_table.day_column
    if column is None:
        return 0
    is_early = raw_table.known < days_in(raw_table.rows[column])
    return int(is_early.sum())
