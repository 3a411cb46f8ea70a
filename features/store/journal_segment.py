"""What the journal notes, read beside a source's own rows: signed like them, and seen from the day it was known."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from features.connection import ConnectionLimits, Relation, opened
from features.contract.millionths import CERTAIN, probability_columns
from features.files import built
from features.ingest.fingerprint import mark_of
from features.ingest.scan import files_in
from features.ingest.source import JOURNAL, Source
from features.ingest.source_toml import SourceDeclaration, declaration_of
from features.ingest.span import EVER
from features.ingest.staged import Staged
from features.ingest.staging import stage
from features.ingest.typed_sql import reading_connection, relation
from features.store.layout import Layout, layout_of, summary_at, write_summary
from features.store.load import counts_of, quiet
from features.store.segment import Making, write_segment


def journal_tables(journal: Path) -> dict[str, Path]:
    """Return the tables that a journal holds rows of."""
    tables: dict[str, Path] = {}
    for table in JOURNAL:
        folder = journal / table
        if files_in(folder, "*.parquet"):
            tables[table] = folder
    return tables


def segment_of(folder: Path, journal: Path) -> Path | None:
    """Return the folder of the segment with a journal's rows beside the store in `folder`, written if it is not there.

    None where the journal has no rows.
    """
    tables = journal_tables(journal)
    if not tables:
        return None
    summary = summary_at(folder)
    layout = layout_of(folder, summary)
    place = folder / "journal" / _key(layout, tables)
    if not (place / "store.json").exists():
        declaration = declaration_of(summary["source"], "store.json")
        source = Source(
            folder=journal,
            data=journal,
            declaration=_timeless(declaration),
            tables=tables,
        )
        _write(layout, source, place)
    return place


def outdated(layout: Layout, journal: Path) -> list[Path]:
    """Return the parts of the journal that were made before it, or the store, grew: nothing opens them."""
    parts = layout.folder / "journal"
    newest = _key(layout, journal_tables(journal))
    if not parts.is_dir():
        return []
    return [path for path in parts.iterdir() if path.is_dir() and path.name != newest]


def _timeless(declaration: SourceDeclaration) -> SourceDeclaration:
    return declaration.model_copy(update={"complete_to": date.max, "dump": None})


def _key(layout: Layout, tables: Mapping[str, Path]) -> str:
    """Return 16 hex digits over the journal's files and the identifiers that the store has codes for."""
    # Those of the first load are the store's own for ever; each day may add some.
    tails = "\n".join(tail.name for tail in layout.tails[1:])
    digest = hashlib.sha256(tails.encode())
    for table, folder in tables.items():
        for path in files_in(folder, "*.parquet"):
            line = f"{table}/{path.name}\0{mark_of(path)}\n"
            digest.update(line.encode())
    return digest.hexdigest()[:16]


def _rounded(rows: Relation) -> Relation:
    """Return rows of the journal with their probabilities in whole millionths, at least one.

    Plans are made in millionths; versions before wrote finer ones, and a draw of theirs stays a draw.
    """
    rounded: list[str] = []
    for name in rows.columns:
        if name in probability_columns():
            millionths = f"greatest(round({name} * {CERTAIN}), 1)"
            value = f"CASE WHEN {name} > 0 THEN {millionths} / {CERTAIN} ELSE {name} END"
            rounded.append(f"{value} AS {name}")
    if not rounded:
        return rows
    columns = ", ".join(rounded)
    return rows.project(f"* REPLACE ({columns})")


def _write(layout: Layout, source: Source, place: Path) -> None:
    """Write the journal's signed rows and their new identifiers, whole or not at all."""
    with built(place) as work:
        folder = work / "staged"
        folder.mkdir()
        limits = ConnectionLimits(spill=work / "spill")
        connection = reading_connection(source, limits)
        staged: list[Staged] = []
        for table in source.tables:
            rows = _rounded(relation(connection, source, table))
            staged.append(stage(rows, source, table, folder=folder, progress=quiet))
        # The store's own rows are left aside: of the store only the dictionaries count here.
        apart = replace(layout, segments=())
        making = Making(
            connection=opened(limits),
            layout=apart,
            source=source,
            span=EVER,
            folder=work,
        )
        segment = write_segment(making, staged)
        counts = {table.table: counts_of(table.accepted, table.refused) for table in segment.staged}
        for name in ("staged", "codes", "sides"):
            shutil.rmtree(work / name)
        write_summary(work, {"tables": counts})
