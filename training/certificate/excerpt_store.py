"""The store of an excerpt: its rows written as a source, then loaded at once or fed day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from features.calendar import date_of
from features.contract.millionths import as_decimals
from features.contract.tables import COMMON, Column
from features.files import reached
from features.ingest.source import Source
from features.store.append import feed
from features.store.compaction import compact
from features.store.load import load
from features.store.store import Store
from training.certificate.sample import Excerpt, workplace


def written(column: Column) -> pl.Expr:
    """Return a column as a source writes it: days and months as dates, chances between 0 and 1, all else as it is."""
    value = pl.col(column.name)
    if column.kind == "day":
        return value.cast(pl.Int32).cast(pl.Date).alias(column.name)
    if column.kind == "month":
        return pl.date(value // 12, value % 12 + 1, 1).alias(column.name)
    return as_decimals(value) if column.kind == "probability" else value


def excerpt_source(excerpt: Excerpt, folder: Path) -> Source:
    """Return the source that an excerpt written to a folder as Parquet is."""
    folder.mkdir(parents=True)
    places: dict[str, Path] = {}
    for name, table in excerpt.tables.items():
        places[name] = folder / f"{name}.parquet"
        columns = [written(column) for column in table.columns + COMMON]
        rows = excerpt.frames[name].select(columns)
        rows.write_parquet(places[name])
    changes = {
        "name": f"{excerpt.declaration.name}-excerpt",
        "complete_to": date_of(excerpt.complete_to),
        "dump": None,
        "keys": {},
    }
    declaration = excerpt.declaration.model_copy(update=changes)
    (folder / "declared.json").write_text(declaration.model_dump_json(), "utf-8")
    reached("an excerpt written")
    return Source(folder, folder, declaration, places, apart=folder.with_name("stores"))


@contextmanager
def loaded(excerpt: Excerpt) -> Iterator[Store]:
    """Yield the store that a load makes of an excerpt; gone afterwards."""
    with workplace() as folder:
        yield Store(load(excerpt_source(excerpt, folder / "excerpt")))


@contextmanager
def fed(excerpt: Excerpt, days: Sequence[int]) -> Iterator[Store]:
    """Yield the live store of an excerpt fed until each day, merged, and fed to its end; gone afterwards."""
    with workplace() as folder:
        source = excerpt_source(excerpt, folder / "excerpt")
        for day in days:
            feed(source, day)
        store = compact(source)
        feed(source, excerpt.complete_to)
        yield Store(store)
