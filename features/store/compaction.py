"""Compaction: the days of a live store merged into a new base; what it answers stays the same to the bit."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue.joins import first_by
from features.connection import Connection, ConnectionLimits, opened
from features.contract.tables import Table
from features.errors import HistoryError
from features.files import clear_beneath, private_folder, reached, write_points
from features.home import home
from features.ingest.scan import read_table
from features.ingest.source import Source
from features.store.current import agreed, feed_lock, live_folder
from features.store.joins import nulls_first
from features.store.journal_segment import outdated
from features.store.layout import (
    FILES,
    Layout,
    check_files,
    layout_of,
    named_files,
    rows_sql,
    seal_rows,
    sealed_summary,
    summary_at,
    write_summary,
)
from features.store.sorted_table import write_sorted
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
                f"source {source.name!r} has no loaded day to merge; load one first with `lssi load`"
            )
        clear_store(source, agreed(source, folder))
        summary = summary_at(folder)
        if summary["days"]:
            _merge(folder, f"base-{summary['complete_to']}")
    return folder


def clear_store(source: Source, folder: Path) -> None:
    """Remove what an ended process left in a store, and what a compaction or a later day replaced."""
    summary = summary_at(folder)
    clear_beneath(folder)
    journal = home() / "journal" / source.name
    for path in outdated(layout_of(folder, summary), journal):
        shutil.rmtree(path)
    current = base_folders(summary["base"])
    for path in folder.iterdir():
        if path.name.startswith(("base", "panels")) and path.name not in current:
            shutil.rmtree(path)
    _clear_but(folder / "days", summary["days"])
    _clear_but(folder / "tails", summary["fed"])
    _clear_but(folder / "refused", summary["fed"])
    for day in summary["days"]:
        for path in flat_rollups(folder / "days" / day / "panels"):
            shutil.rmtree(path)


def _clear_but(parent: Path, names: Collection[str]) -> None:
    """Remove the folders in a folder that have none of some names."""
    if not parent.is_dir():
        return
    for path in parent.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path)


def flat_rollups(place: Path) -> list[Path]:
    """Return the folders of rollups that earlier versions laid out beside a day; nothing reads them."""
    if not place.is_dir():
        return []
    return [path for path in place.iterdir() if path.is_dir()]


def base_folders(base: str) -> tuple[str, str]:
    """Return the folders of a base and of its rollups."""
    return base, "panels" if base == "base" else f"panels-{base}"


def _merge(folder: Path, name: str) -> None:
    summary = sealed_summary(folder)
    with private_folder(folder) as work:
        base = work / "base"
        (base / "absorbed").mkdir(parents=True)
        layout = layout_of(folder, summary)
        check_files(layout)
        connection = opened(ConnectionLimits(spill=work / "spill"))
        for table in Store(folder).tables.values():
            _merge_table(connection, layout, table, base)
            reached("a table merged")
        seal_rows(base)
        with write_points("a new base is in place"):
            # A base of this name that no summary names was left by a killed run.
            shutil.rmtree(folder / name, ignore_errors=True)
            base.rename(folder / name)
        names = named_files(folder, (folder / name, *layout.tails))
        write_summary(folder, summary | {"base": name, "days": [], FILES: names})


def _merge_table(connection: Connection, layout: Layout, table: Table, base: Path) -> None:
    first = first_by(table.columns, table.key)
    sorting = nulls_first(dict.fromkeys((first, *table.key, "known", "sign")))
    rows = rows_sql(layout.files(table.name))
    query = f"FROM {rows} ORDER BY {sorting}, row_id"
    write_sorted(connection, query, base / f"{table.name}.parquet")
    absorbed = [read_table(path) for path in layout.absorbed(table.name)]
    if absorbed:
        # Files of different days may hold their columns in different order.
        names = absorbed[0].column_names
        merged = pa.concat_tables([part.select(names) for part in absorbed])
        path = base / "absorbed" / f"{table.name}.parquet"
        pq.write_table(merged, path, compression="zstd")
