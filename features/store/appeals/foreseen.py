"""What an upheld appeal changes, seen from a day that is closed already: the history as if its decision had been known then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from features.calendar import date_of
from features.files import own_folder
from features.ingest.scan import files_in, scan_parquet
from features.store.journal_segment import journal_tables, write_segment_of
from features.store.store import Store

TELLING = ("appeals", "corrections")
"""The tables of the journal that say what an appeal changes."""


@contextmanager
def foreseen_store(store: Store, journal: Path, appeal: str) -> Iterator[Store]:
    """Yield a store in which an appeal's decision was known on the last closed day; the journal itself stays as it is."""
    tables = journal_tables(journal)
    with TemporaryDirectory(dir=journal, prefix="foreseen-") as room:
        folder = Path(room)
        for table in TELLING:
            if table in tables:
                _write_foreseen(tables[table], folder / table, appeal, store.complete_to)
                tables[table] = folder / table
        segment = folder / "segment"
        write_segment_of(store.folder, tables, segment)
        yield Store(store.folder, segment)


def _write_foreseen(place: Path, folder: Path, appeal: str, day: int) -> None:
    """Write the rows of a table of the journal to a folder, those of one appeal as if they had been recorded on a day."""
    own_folder(folder)
    is_of_appeal = pl.col("appeal") == appeal
    earlier = pl.lit(date_of(day))
    for part in files_in(place, "*.parquet"):
        recorded_on = pl.when(is_of_appeal).then(earlier).otherwise(pl.col("recorded_on"))
        rows = scan_parquet(part).with_columns(recorded_on.alias("recorded_on")).collect()
        rows.write_parquet(folder / part.name)
