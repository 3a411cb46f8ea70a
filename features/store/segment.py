"""A part: the signed rows that some days add to a store, with the negatives of the older rows that they supersede."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue.joins import first_by
from features.catalogue.model import Join
from features.catalogue.parse import declared_joins
from features.connection import Connection, named, quoted
from features.contract.tables import Table, contract
from features.ingest.contradictions import without_contradictions
from features.ingest.register_order import laws_across
from features.ingest.scan import parquet_sql
from features.ingest.source import Source
from features.ingest.staging import GROUP, REPEATED, Staged, refuse, without_repeats
from features.store.day_rows import Span
from features.store.id_codes import coded_sql, spaces_of
from features.store.joins import join_sql, write_sorted
from features.store.layout import Layout, rows_sql
from features.store.load import UNSEEN, write_absorbed
from features.store.versions import Signed, write_signed


@dataclass(frozen=True, slots=True)
class Making:
    """How a part is made: over which connection, beside which store, for which source and days, and in which folder."""

    connection: Connection
    layout: Layout
    source: Source
    span: Span
    folder: Path

    @property
    def after(self) -> int:
        """The last day that was closed before."""
        return -(2**31) if self.span.after is None else self.span.after

    def table(self, name: str) -> Table:
        """Return a contract table with the attributes that the source adds to it."""
        return Table(name, "", "", contract()[name].key, self.source.columns(name))


@dataclass(frozen=True, slots=True)
class WrittenSegment:
    """What was written: the tables as accepted in the end, and the number of signed rows of each derived table."""

    staged: list[Staged]
    joins: dict[str, int]


def write_segment(making: Making, staged: list[Staged]) -> WrittenSegment:
    """Write the signed rows of some days to `folder/part` and new identifiers to `folder/tails`."""
    for name in ("part", "dictionaries", "tails", "sides"):
        (making.folder / name).mkdir()
    once = [_new_ids(making, without_repeats(making.connection, table)) for table in staged]
    once = without_contradictions(making.connection, once, _settled(making, once))
    write_tails(making, once)
    written = [_write_table(making, table) if table.accepted else table for table in once]
    grown = replace(making, layout=making.layout.with_part(making.folder / "part"))
    joins = {
        join.name: _write_join(grown, join)
        for join in declared_joins()
        if grown.layout.files(join.left) and grown.layout.files(join.right)
    }
    return WrittenSegment(written, joins)


def _new_ids(making: Making, staged: Staged) -> Staged:
    """Return a staged table without the rows whose row id the store has taken before."""
    connection, layout = making.connection, making.layout
    again: list[str] = []
    for files in (layout.files(staged.table), layout.absorbed(staged.table)):
        if files and staged.accepted:
            query = f"SELECT row_id FROM {staged.rows} SEMI JOIN (SELECT row_id FROM {rows_sql(files)}) AS held USING (row_id)"
            again += connection.sql(query).to_arrow_table()["row_id"].to_pylist()
    if not again:
        return staged
    told = refuse(connection, staged, again, reason=REPEATED)
    kept = staged.folder.with_name(f"{staged.table}.new")
    kept.mkdir()
    rest = f"SELECT * FROM {staged.rows} ANTI JOIN late USING (row_id)"
    connection.execute(f"COPY ({rest}) TO {quoted(kept / '1.parquet')} (FORMAT parquet)")
    return replace(told, folder=kept)


def _settled(making: Making, staged: Iterable[Staged]) -> dict[str, str]:
    """Return by table, in SQL, the rows of the store that still hold and may contradict rows of the days.

    Only rows that name what the days name can: the others are not read, however many the store has.
    """
    delivered = {table.table: table for table in staged if table.accepted}
    found: dict[str, str] = {}
    for laws in laws_across():
        register = contract()[laws[0].register]
        sides = {register.name: laws[0].other} | {law.table: law.column for law in laws}
        if new := [delivered[name] for name in sides if name in delivered]:
            _name_touched(making, register, new)
            found |= {
                name: _holding(making, name, column, register.key)
                for name, column in sides.items()
                if making.layout.files(name)
            }
    return found


def _name_touched(making: Making, register: Table, staged: Iterable[Staged]) -> None:
    """Put a register's keys that days name and the store has seen into `touched`, texts as `text KEY`."""
    on = ", ".join(map(named, register.key))
    asked = " UNION ".join(f"SELECT {on} FROM {table.rows}" for table in staged)
    picked, joined = list[str](), list[str]()
    for name in register.key:
        own, text = named(name), named(f"text {name}")
        files = making.layout.dictionaries(register.column(name).space)
        known = rows_sql(files) if files else "(SELECT 0 AS code, '' AS text WHERE false)"
        picked.append(f"{text}.code AS {own}, asked.{own} AS {text}")
        joined.append(f"JOIN {known} AS {text} ON {text}.text = asked.{own}")
    seen = f"SELECT {', '.join(picked)} FROM ({asked}) AS asked {' '.join(joined)}"
    making.connection.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {seen}")


def _holding(making: Making, name: str, column: str, on: tuple[str, ...]) -> str:
    """Return in SQL the `touched` rows of a stored table that still hold, with texts for codes `on`."""
    rows, key = rows_sql(making.layout.files(name)), ", ".join(map(named, on))
    texts = [f"{named(f'text {other}')} AS {named(other)}" for other in on]
    chosen = sorted(named(other) for other in {*making.table(name).key, column} - set(on))
    place = named(f"settled {name}")
    making.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {place} AS "
        f"WITH past AS MATERIALIZED (FROM {rows} SEMI JOIN touched USING ({key})) "
        f"SELECT {', '.join([*texts, *chosen])}, row_id, CAST({making.after} AS INTEGER) AS recorded_on, "
        "CAST(0 AS TINYINT) AS retracted, true AS settled "
        f"FROM past JOIN touched USING ({key}) "
        "WHERE sign = 1 AND row_id NOT IN (SELECT row_id FROM past WHERE sign = -1)"
    )
    return f"SELECT * FROM {place}"


def write_tails(making: Making, staged: Iterable[Staged]) -> None:
    """Write the codes of the days' identifiers to `folder/dictionaries`, and those of new ones to `folder/tails` too."""
    connection, codes = making.connection, "(FORMAT parquet, COMPRESSION zstd)"
    for space, places in spaces_of(staged).items():
        texts = " UNION ".join(
            f"SELECT DISTINCT {column} AS text FROM {rows} WHERE {column} IS NOT NULL"
            for rows, column in places
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {texts}")
        files = making.layout.dictionaries(space)
        size = sum(pq.read_metadata(path).num_rows for path in files)
        known = (
            f"UNION ALL SELECT code, text FROM {rows_sql(files)} SEMI JOIN asked USING (text)"
            if files
            else ""
        )
        fresh = (
            f"SELECT text FROM asked ANTI JOIN {rows_sql(files)} USING (text)"
            if files
            else "SELECT text FROM asked"
        )
        code = f"CAST({size} + row_number() OVER (ORDER BY text) - 1 AS INTEGER) AS code"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE tail AS SELECT {code}, text FROM ({fresh})"
        )
        place = quoted(making.folder / "dictionaries" / f"{space}.parquet")
        connection.execute(f"COPY (SELECT code, text FROM tail {known}) TO {place} {codes}")
        if connection.sql("SELECT 1 FROM tail LIMIT 1").fetchall():
            place = quoted(making.folder / "tails" / f"{space}.parquet")
            connection.execute(f"COPY (FROM tail ORDER BY code) TO {place} {codes}")


def _write_table(making: Making, staged: Staged) -> Staged:
    """Write a table's signed rows of the days and return what is accepted of it in the end."""
    connection, table = making.connection, making.table(staged.table)
    by = first_by(table.columns, table.key)
    _with_past(making, staged)
    versions = ", ".join([*map(named, table.key), "recorded_on", "length(row_id)", "row_id"])
    reader = connection.sql(f"FROM versions ORDER BY {versions}").to_arrow_reader(GROUP)
    unsorted, path = (
        making.folder / "staged" / f"{table.name}.signed.parquet",
        making.folder / "part" / f"{table.name}.parquet",
    )
    signed = write_signed(reader, table.key, unsorted)
    order = ", ".join(f"{named(name)} NULLS FIRST" for name in (by, *table.key, "known", "sign"))
    new = f"FROM {parquet_sql(unsorted)} WHERE known > {making.after} ORDER BY {order}"
    if not write_sorted(connection, new, path) and making.layout.files(table.name):
        path.unlink()
    late = pc.field("recorded_on") > making.after
    write_absorbed(
        Signed(0, [], [found for rows in signed.absorbed if (found := rows.filter(late)).num_rows]),
        path,
    )
    return refuse(connection, staged, signed.unseen, reason=UNSEEN)


def _with_past(making: Making, staged: Staged) -> None:
    """Put the days' coded rows, and what their keys were before, into a table `versions`.

    Of each key the row that still holds, else, where the key was once there, a row that took it back.
    """
    connection, table = making.connection, making.table(staged.table)
    key = ", ".join(map(named, table.key))
    files, absorbed = making.layout.files(table.name), making.layout.absorbed(table.name)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE versions AS {coded_sql(staged, making.folder / 'dictionaries')}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {key} FROM versions"
    )
    past = (
        f"FROM {rows_sql(files)} SEMI JOIN touched USING ({key})"
        if files
        else "FROM versions WHERE false"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE past AS {past}")
    if not files:
        return
    names = ", ".join(named(column.name) for column in table.columns)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE holding AS "
        f"SELECT {names}, row_id, known AS recorded_on, CAST(0 AS TINYINT) AS retracted FROM past "
        "WHERE sign = 1 AND row_id NOT IN (SELECT row_id FROM past WHERE sign = -1)"
    )
    seen = f"SELECT {key} FROM past"
    seen += (
        f" UNION ALL SELECT {key} FROM {rows_sql(absorbed)} SEMI JOIN touched USING ({key})"
        if absorbed
        else ""
    )
    gone = (
        f"SELECT DISTINCT {key}, '' AS row_id, {making.after} AS recorded_on, 1 AS retracted FROM ({seen}) AS seen "
        f"ANTI JOIN holding USING ({key})"
    )
    connection.execute("INSERT INTO versions BY NAME FROM holding")
    connection.execute(f"INSERT INTO versions BY NAME {gone}")


def _write_join(making: Making, join: Join) -> int:
    """Write the signed pairs that some days add to a derived table: of every key that a new row of either side has."""
    connection, layout = making.connection, making.layout
    part, sides = layout.parts[-1], making.folder / "sides"
    new = [path for side in (join.left, join.right) if (path := part / f"{side}.parquet").exists()]
    if not new:
        return 0
    on = ", ".join(map(named, join.on))
    touched = " UNION ".join(f"SELECT {on} FROM {parquet_sql(path)}" for path in new)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {touched}")
    for side in (join.left, join.right):
        rows = f"FROM {rows_sql(layout.files(side))} SEMI JOIN touched USING ({on})"
        write_sorted(connection, rows, sides / f"{side}.parquet")
    path = part / f"{join.name}.parquet"
    written = write_sorted(
        connection,
        join_sql(
            join, making.table(join.left), making.table(join.right), sides, after=making.after
        ),
        path,
    )
    if not written and len(layout.files(join.name)) > 1:
        path.unlink()
    return written
