"""Compaction: the days of a live store merged into a new base; what it answers stays the same to the bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue.joins import first_by
from features.connection import Connection, ConnectionLimits, named, opened
from features.contract.tables import Table
from features.errors import HistoryError
from features.files import private_folder, reached, write_points
from features.ingest.scan import read_table
from features.ingest.source import Source
from features.store.append import clear_store
from features.store.current import agreed, feed_lock, live_folder
from features.store.joins import write_sorted
from features.store.layout import Layout, layout_of, rows_sql, summary_at, write_summary
from features.store.source_names import check_name
from features.store.store import Store


def compact(source: Source) -> Path:
    """Merge the days of a source's live store into a new base and return the store's folder; HistoryError if it has none.

    The old base stays until the next load, for those who have it open.
    """
    check_name(source)
    with feed_lock(source):
        folder = live_folder(source)
        if folder is None:
            raise HistoryError(
                f"source {source.name!r} was never fed; load a day of it first with `lssi load`"
            )
        clear_store(source, agreed(source, folder))
        summary = summary_at(folder)
        if summary["days"]:
            _merge(folder, f"base-{summary['complete_to']}")
    return folder


def _merge(folder: Path, name: str) -> None:
    summary = summary_at(folder)
    with private_folder(folder) as work:
        (work / "base" / "absorbed").mkdir(parents=True)
        layout, connection = (
            layout_of(folder, summary),
            opened(ConnectionLimits(spill=work / "spill")),
        )
        for table in Store(folder).tables.values():
            _merge_table(connection, layout, table, work / "base")
            reached("a table merged")
        with write_points("a new base is in place"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (work / "base").rename(folder / name)
        write_summary(folder, summary | {"base": name, "days": []})


def _merge_table(connection: Connection, layout: Layout, table: Table, base: Path) -> None:
    order = dict.fromkeys((first_by(table.columns, table.key), *table.key, "known", "sign"))
    sorting = ", ".join(f"{named(name)} NULLS FIRST" for name in order)
    rows = rows_sql(layout.files(table.name))
    write_sorted(
        connection, f"FROM {rows} ORDER BY {sorting}, row_id", base / f"{table.name}.parquet"
    )
    absorbed = [read_table(path) for path in layout.absorbed(table.name)]
    if absorbed:
        merged = pa.concat_tables([rows.select(absorbed[0].column_names) for rows in absorbed])
        pq.write_table(merged, base / "absorbed" / f"{table.name}.parquet", compression="zstd")
