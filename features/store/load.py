"""Loading: a source becomes a store, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from features.connection import MODEST, Connection, ConnectionLimits, Relation, opened
from features.errors import HistoryError
from features.files import private_folder, put_in_place, reached, write_points, write_text
from features.ingest.bare_reads import bare_notes
from features.ingest.dump.unstated import unread_tables, unstated_in
from features.ingest.fingerprint import fingerprint
from features.ingest.source import Source
from features.ingest.span import EVER
from features.ingest.staged import Staged, as_written, raw_rows
from features.ingest.staging import Progress, contract_relation, stage
from features.ingest.typed_sql import reading_connection
from features.store.layout import (
    DICTIONARIES,
    FILES,
    MARK,
    first_layout,
    named_files,
    seal_rows,
    summary_text,
)
from features.store.segment import Making, write_segment


def itself(rows: Relation) -> Relation:
    """Return all rows of a table."""
    return rows


@dataclass(frozen=True, slots=True)
class Work:
    """Where a load works: the unfinished store, what DuckDB may use, and which rows of a table it takes."""

    folder: Path
    limits: ConnectionLimits
    progress: Progress
    taken: Callable[[Relation], Relation] = itself


def quiet(_table: str, _rows: int) -> None:
    """Show no progress."""


def store_folder(source: Source, digest: str) -> Path:
    """Return the folder of the store that a source with this fingerprint has."""
    return source.stores / f"{source.name}-{digest[:12]}"


def load(source: Source, progress: Progress = quiet, limits: ConnectionLimits = MODEST) -> Path:
    """Return the folder of the source's store, loaded now unless it was; a failed load leaves none."""
    digest = fingerprint(source)
    folder = store_folder(source, digest)
    if (folder / "store.json").exists():
        return folder
    with private_folder(folder.parent) as unfinished:
        work = Work(unfinished, limits, progress)
        return build(source, work, folder, digest=digest, content=digest)


def build(source: Source, work: Work, folder: Path, *, digest: str, content: str) -> Path:
    """Make the store of a source in `folder`, named by a digest; HistoryError if its content is no longer what it was."""
    (work.folder / "staged").mkdir()
    spill = work.limits.spill or work.folder / "spill"
    limits = replace(work.limits, spill=spill)
    summary = _fill(replace(work, limits=limits), source)
    if fingerprint(source) != content:
        raise HistoryError(
            f"source {source.name!r} changed while it was read; load it again when nothing writes to it"
        )
    _finish(work, summary | {"fingerprint": digest}, folder)
    return folder


def _finish(work: Work, summary: dict[str, Any], folder: Path) -> None:
    for name in ("staged", "codes", "sides", "spill"):
        shutil.rmtree(work.folder / name, ignore_errors=True)
    places = (work.folder / "base", work.folder / DICTIONARIES)
    seal_rows(*places)
    summary |= {FILES: named_files(work.folder, places)}
    write_text(work.folder / "store.json", summary_text(summary))
    # A folder without its summary is a store of which half was removed by hand.
    if folder.exists() and not (folder / "store.json").exists():
        with private_folder(folder.parent) as aside, write_points("a torn store is away"):
            folder.rename(aside / "torn")
    put_in_place(work.folder, folder)


def _fill(work: Work, source: Source) -> dict[str, Any]:
    reading = reading_connection(source, work.limits)
    staged = _stage_all(work, source, reading)
    reached("rows staged")
    making = Making(
        connection=opened(work.limits),
        layout=first_layout(work.folder),
        source=source,
        span=EVER,
        folder=work.folder,
    )
    first = write_segment(making, staged)
    # Segment number 0 and its identifiers are the base of the store, on which those of later days stand.
    (work.folder / "part").rename(work.folder / "base")
    (work.folder / "tails").rename(work.folder / DICTIONARIES)
    counts = {table.table: counts_of(table.accepted, table.refused) for table in first.staged}
    _write_refused(work, first.staged)
    notes = list(_notes(source, reading, counts))
    return {
        "name": source.name,
        "complete_to": source.declaration.complete_to.isoformat(),
        "tables": counts,
        "joins": first.joins,
        "absent": list(source.declaration.absent),
        "notes": notes,
        "source": source.declaration.model_dump(mode="json"),
        MARK: True,
    }


def _notes(
    source: Source, connection: Connection, counts: dict[str, dict[str, Any]]
) -> Iterator[str]:
    yield from source.dump.notes
    yield from unstated_in(connection, source.declaration, source.folder, unread_tables(counts))
    yield from bare_notes(source, connection)


def _stage_all(work: Work, source: Source, connection: Connection) -> list[Staged]:
    # A table whose columns are not the contract's is refused before any is read.
    relations = {table: contract_relation(connection, source, table) for table in source.tables}
    folder = work.folder / "staged"
    staged: list[Staged] = []
    for table, relation in relations.items():
        rows = work.taken(relation)
        staged.append(stage(rows, source, table, folder=folder, progress=work.progress))
    return staged


def counts_of(accepted: int, refused: pl.DataFrame) -> dict[str, Any]:
    """Return how many rows of a table were accepted and refused, and why, as a store's summary has them."""
    return {"accepted": accepted, "refused": raw_rows(refused), "reasons": reasons(refused)}


def reasons(refused: pl.DataFrame) -> list[dict[str, Any]]:
    """Return each reason for which rows were refused, with their number and the first of them, the commonest first.

    Of a dump the rows are those of its raw tables, and the first is told with its `table`.
    """
    # Only the rows of a dump name a raw table.
    table = [name for name in ("raw_table",) if name in refused.columns]
    by_row = as_written(refused).unique([*table, "row", "reason"])
    first = pl.col(*table, "row").sort_by(*table, "row").first()
    counted = by_row.group_by("reason").agg(first, rows=pl.len()).rename({"row": "first"})
    order = ["rows", *table, "first"]
    ordered = counted.sort(order, descending=[name == "rows" for name in order])
    renamed = [pl.col(name).alias("table") for name in table]
    return ordered.select("reason", "rows", *renamed, "first").to_dicts()


def row_of(why: dict[str, Any]) -> str:
    """Return in words the first row that was refused for a reason.

    >>> row_of({"table": "AC43", "first": 7})
    'AC43 row 7'
    """
    return f"{why.get('table') or ''} row {why['first']}".strip()


def _write_refused(work: Work, staged: list[Staged]) -> None:
    folder = work.folder / "refused"
    folder.mkdir()
    for table in staged:
        if table.refused.height:
            as_written(table.refused).write_csv(folder / f"{table.table}.csv")
