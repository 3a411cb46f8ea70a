"""A segment: the signed rows of some days, with the negatives of the older rows that they supersede; a load writes the first."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue.joins import declared_joins, first_by
from features.catalogue.model import Join
from features.connection import Connection, named, quoted
from features.contract.tables import Table, contract
from features.files import reached
from features.ingest.contradictions import without_contradictions
from features.ingest.register_order import laws_across
from features.ingest.scan import parquet_sql
from features.ingest.source import Source
from features.ingest.span import Span
from features.ingest.staged import GROUP, REPEATED, Staged, refuse, without_repeats
from features.store.id_codes import coded_sql, write_codes
from features.store.joins import join_sql, nulls_first
from features.store.layout import Layout, rows_sql
from features.store.sorted_table import write_sorted
from features.store.versions import UNSEEN, Signed, write_absorbed, write_signed

NOT_TAKEN_BACK = "sign = 1 AND row_id NOT IN (SELECT row_id FROM past WHERE sign = -1)"
"""The condition that a signed row of the table `past` still holds."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a segment is made: over which connection, beside which store, for which source and days, and in which folder."""

    connection: Connection
    layout: Layout
    source: Source
    span: Span
    folder: Path

    @property
    def begins(self) -> bool:
        """Tell whether the store holds nothing yet, not even identifiers: then this is its segment number 0."""
        return not self.layout.tails

    @property
    def after(self) -> int:
        """The last day that was closed before; the least int32, which is before every day, where there is none."""
        if self.span.after is None:
            return -(2**31)
        return self.span.after

    def table(self, name: str) -> Table:
        """Return a contract table with the attributes that the source adds to it."""
        return Table(
            name=name,
            zh="",
            en="",
            key=contract()[name].key,
            columns=self.source.columns(name),
        )


@dataclass(frozen=True, slots=True)
class WrittenSegment:
    """What was written: the tables as accepted in the end, and the number of signed rows of each derived table."""

    staged: list[Staged]
    joins: dict[str, int]


def write_segment(making: Making, staged: list[Staged]) -> WrittenSegment:
    """Write the signed rows of some days to `folder/part` and new identifiers to `folder/tails`."""
    for name in ("part", "codes", "tails", "sides"):
        (making.folder / name).mkdir()
    connection = making.connection
    once = [_new_ids(making, without_repeats(connection, table)) for table in staged]
    once = without_contradictions(connection, once, _settled(making, once))
    codes = write_codes(connection, once, making.layout, making.folder)
    reached("dictionaries written")
    written = [_write_table(making, table, codes) for table in once]
    layout = making.layout.with_segment(making.folder / "part")
    grown = replace(making, layout=layout)
    joins: dict[str, int] = {}
    for join in declared_joins():
        if layout.files(join.left) and layout.files(join.right):
            joins[join.name] = write_join(grown, join)
    reached("joins written")
    return WrittenSegment(written, joins)


def _new_ids(making: Making, staged: Staged) -> Staged:
    """Return a staged table without the rows whose row id the store has taken before."""
    connection = making.connection
    layout = making.layout
    again: list[str] = []
    for files in (layout.files(staged.table), layout.absorbed(staged.table)):
        if files and staged.accepted:
            stored = f"(SELECT row_id FROM {rows_sql(files)}) AS held"
            query = f"SELECT row_id FROM {staged.rows} SEMI JOIN {stored} USING (row_id)"
            repeated = connection.sql(query).to_arrow_table()
            again += repeated["row_id"].to_pylist()
    if not again:
        return staged
    reported = refuse(connection, staged, again, reason=REPEATED)
    folder = staged.folder.with_name(f"{staged.table}.new")
    folder.mkdir()
    path = quoted(folder / "1.parquet")
    # `refuse` has put the refused row ids into the table `late`.
    new_rows = f"SELECT * FROM {staged.rows} ANTI JOIN late USING (row_id)"
    connection.execute(f"COPY ({new_rows}) TO {path} (FORMAT parquet)")
    return replace(reported, folder=folder)


def _settled(making: Making, staged: Iterable[Staged]) -> dict[str, str]:
    """Return by table, in SQL, the rows of the store that still hold and may contradict rows of the days.

    Only rows that name what the days name can: the others are not read, however many the store has.
    """
    if making.begins:
        return {}
    delivered = {table.table: table for table in staged if table.accepted}
    settled: dict[str, str] = {}
    for laws in laws_across():
        register = contract()[laws[0].register]
        column_of = {register.name: laws[0].other}
        for law in laws:
            column_of[law.table] = law.column
        new = [delivered[name] for name in column_of if name in delivered]
        if not new:
            continue
        _name_touched(making, register, new)
        for name, column in column_of.items():
            if making.layout.files(name):
                settled[name] = _holding(making, name, column, register.key)
    return settled


def _name_touched(making: Making, register: Table, staged: Iterable[Staged]) -> None:
    """Put a register's keys that days name and the store has seen into `touched`, texts as `text KEY`."""
    on = ", ".join(map(named, register.key))
    keys_named = " UNION ".join(f"SELECT {on} FROM {table.rows}" for table in staged)
    columns: list[str] = []
    dictionaries: list[str] = []
    for name in register.key:
        column = named(name)
        text = named(f"text {name}")
        space = register.column(name).space
        codes = _codes_sql(making.layout.dictionaries(space))
        columns.append(f"{text}.code AS {column}")
        columns.append(f"asked.{column} AS {text}")
        dictionaries.append(f"JOIN {codes} AS {text} ON {text}.text = asked.{column}")
    picked = ", ".join(columns)
    joined = " ".join(dictionaries)
    seen = f"SELECT {picked} FROM ({keys_named}) AS asked {joined}"
    _make_table(making.connection, "touched", seen)


def _codes_sql(files: list[Path]) -> str:
    """Return in SQL the codes and texts of dictionary files; no row where there is no file."""
    if files:
        return rows_sql(files)
    return "(SELECT 0 AS code, '' AS text WHERE false)"


def _make_table(connection: Connection, name: str, query: str) -> None:
    """Put what a SELECT gives into a temporary table, in place of one of the same name."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")


def _holding(making: Making, name: str, column: str, on: tuple[str, ...]) -> str:
    """Return in SQL the `touched` rows of a stored table that still hold, with texts for codes `on`."""
    rows = rows_sql(making.layout.files(name))
    key = ", ".join(map(named, on))
    columns: list[str] = []
    for key_column in on:
        text = named(f"text {key_column}")
        columns.append(f"{text} AS {named(key_column)}")
    others = {*making.table(name).key, column} - set(on)
    columns += sorted(map(named, others))
    columns.append("row_id")
    columns.append(f"CAST({making.after} AS INTEGER) AS recorded_on")
    columns.append("CAST(0 AS TINYINT) AS retracted")
    columns.append("true AS settled")
    picked = ", ".join(columns)
    place = named(f"settled {name}")
    past = f"FROM {rows} SEMI JOIN touched USING ({key})"
    holding = f"SELECT {picked} FROM past JOIN touched USING ({key}) WHERE {NOT_TAKEN_BACK}"
    _make_table(making.connection, place, f"WITH past AS MATERIALIZED ({past}) {holding}")
    return f"SELECT * FROM {place}"


def _write_table(making: Making, staged: Staged, codes: Mapping[str, Path]) -> Staged:
    """Write a table's signed rows of the days and return what is accepted of it in the end.

    Segment number 0 has a file of every table of the source, a later one has one where it has rows.
    """
    if not staged.accepted and not making.begins:
        return staged
    path = making.folder / "part" / f"{staged.table}.parquet"
    signed = _write_versions(making, staged, codes, path)
    if not signed.rows and making.layout.files(staged.table):
        path.unlink()
    absorbed = _recorded_after(signed.absorbed, making.after)
    write_absorbed(replace(signed, absorbed=absorbed), path)
    accepted = refuse(making.connection, staged, signed.unseen, reason=UNSEEN)
    shutil.rmtree(staged.folder)
    reached("a table written")
    return accepted


def _write_versions(
    making: Making, staged: Staged, codes: Mapping[str, Path], path: Path
) -> Signed:
    """Write a table's signed rows that became known on the days, sorted, and return what came of signing them."""
    connection = making.connection
    table = making.table(staged.table)
    by = first_by(table.columns, table.key)
    key = tuple(sorted(table.key, key=lambda name: name != by))
    versions = ", ".join([*map(named, key), "recorded_on", "length(row_id)", "row_id"])
    rows = _with_past(making, staged, coded_sql(staged, codes))
    reader = connection.sql(f"{rows} ORDER BY {versions}").to_arrow_reader(GROUP)
    if by in key and not making.layout.files(table.name):
        # All versions are new, and their order is that of a segment.
        return write_signed(reader, key, path)
    unsorted = making.folder / "staged" / f"{table.name}.signed.parquet"
    signed = write_signed(reader, key, unsorted)
    order = nulls_first(dict.fromkeys((by, *key, "known", "sign")))
    # What was known before lies in the store already.
    new = f"FROM {parquet_sql(unsorted)} WHERE known > {making.after} ORDER BY {order}"
    return replace(signed, rows=write_sorted(connection, new, path))


def _recorded_after(tables: Iterable[pa.Table], day: int) -> list[pa.Table]:
    """Return of each table the rows recorded after a day, without the tables that have none."""
    is_later = pc.field("recorded_on") > day
    later = [rows.filter(is_later) for rows in tables]
    return [rows for rows in later if rows.num_rows]


def _with_past(making: Making, staged: Staged, coded: str) -> str:
    """Return in SQL the days' coded rows with what their keys were before.

    Of each key the row that still holds, else, where the key was once there, a row that took it back.
    """
    connection = making.connection
    table = making.table(staged.table)
    key = ", ".join(map(named, table.key))
    files = making.layout.files(table.name)
    if not files:
        return coded
    _make_table(connection, "versions", coded)
    _make_table(connection, "touched", f"SELECT DISTINCT {key} FROM versions")
    _make_table(connection, "past", f"FROM {rows_sql(files)} SEMI JOIN touched USING ({key})")
    columns = [named(column.name) for column in table.columns]
    columns += ["row_id", "known AS recorded_on", "CAST(0 AS TINYINT) AS retracted"]
    picked = ", ".join(columns)
    _make_table(connection, "holding", f"SELECT {picked} FROM past WHERE {NOT_TAKEN_BACK}")
    seen = f"SELECT {key} FROM past"
    absorbed = making.layout.absorbed(table.name)
    if absorbed:
        absorbed_rows = rows_sql(absorbed)
        seen += f" UNION ALL SELECT {key} FROM {absorbed_rows} SEMI JOIN touched USING ({key})"
    retraction = f"'' AS row_id, {making.after} AS recorded_on, 1 AS retracted"
    gone = f"SELECT DISTINCT {key}, {retraction} FROM ({seen}) AS seen"
    connection.execute("INSERT INTO versions BY NAME FROM holding")
    connection.execute(f"INSERT INTO versions BY NAME {gone} ANTI JOIN holding USING ({key})")
    return "FROM versions"


def write_join(making: Making, join: Join) -> int:
    """Write the signed pairs that some days add to a derived table: of every key that a new row of either side has."""
    connection = making.connection
    layout = making.layout
    *earlier, segment = layout.segments
    files = [*layout.files(join.left), *layout.files(join.right)]
    new = [path for path in files if path.parent == segment]
    if not new:
        return 0
    # Where nothing came before, the segment has both sides as they are.
    sides = segment
    if earlier:
        sides = making.folder / "sides"
        _write_sides(making, join, new, sides)
    left_table = making.table(join.left)
    right_table = making.table(join.right)
    query = join_sql(join, left_table, right_table, sides, after=making.after)
    path = segment / f"{join.name}.parquet"
    written = write_sorted(connection, query, path)
    if not written and len(layout.files(join.name)) > 1:
        path.unlink()
    return written


def _write_sides(making: Making, join: Join, new: Iterable[Path], folder: Path) -> None:
    """Write the rows of both sides of a join, of all segments, whose keys stand in some new files."""
    on = ", ".join(map(named, join.on))
    touched = " UNION ".join(f"SELECT {on} FROM {parquet_sql(path)}" for path in new)
    _make_table(making.connection, "touched", touched)
    for side in (join.left, join.right):
        files = rows_sql(making.layout.files(side))
        rows = f"FROM {files} SEMI JOIN touched USING ({on})"
        write_sorted(making.connection, rows, folder / f"{side}.parquet")
