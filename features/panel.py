"""Panels: the signed rows of a table summed by key, day placed and day known, exactly as a history needs them.

Sums of integers do not mind in which order they are taken, so whatever a panel answers equals the rows to the bit.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.aggregate import Matched, Tally
from features.catalogue import Catalogue, Measure
from features.columns import literal_of
from features.compile import filter_sql, row_sql
from features.duck import Limits, named, opened, quoted
from features.growing import Growing, growing
from features.join import write_sorted
from features.language import ADDITIVE, SERIES, Atom
from features.sorted_file import SortedFile
from features.store import Store

ANSWERS = (*ADDITIVE, *SERIES, "since", "first_since")
WORTHWHILE = 100_000
"""Rows from which on a table is worth a panel."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel of some measures that share table, key and day placed."""

    file: SortedFile | Growing
    measures: tuple[str, ...]
    plain: frozenset[str]

    def columns(self, measure: str) -> tuple[str, str]:
        """Return the columns of a measure: how many rows, and the sum of its value (the same where each counts 1)."""
        number = self.measures.index(measure)
        return f"n{number}", f"n{number}" if measure in self.plain else f"s{number}"


def answerable(catalogue: Catalogue, atoms: Sequence[Atom]) -> dict[str, list[Atom]]:
    """Return, by the column that places their rows, the aggregates that a panel can answer."""
    found: dict[str, list[Atom]] = {}
    for atom in atoms:
        when = catalogue.measure(atom.measure).when
        if atom.aggregate in ANSWERS and when:
            found.setdefault(when, []).append(atom)
    return found


def panel_of(store: Store, catalogue: Catalogue, *, table: str, by: str, when: str) -> Panel:
    """Return the panel of every measure declared for a table, key and day placed; made on first use, beside the store."""
    measures = [m for m in catalogue.measures.values() if (m.table, m.by, m.when) == (table, by, when)]
    plain = frozenset(m.name for m in measures if m.spelled().endswith("|1"))
    said = hashlib.sha256("\n".join(m.spelled() for m in measures).encode()).hexdigest()[:12]
    name = f"{table}.{by}.{when}.{said}.parquet"
    places = [(path, _panel_folder(store, path.parent) / name) for path in store.layout.files(table)]
    for rows, path in places:
        if not path.exists():
            _write_panel(store, measures, rows, path)
    held = store.layout.base == places[0][0].parent
    base = SortedFile(places[0][1], by) if held else None
    file = growing([path for _, path in places[1 if held else 0:]], base, by)
    return Panel(file, tuple(m.name for m in measures), plain)


def _panel_folder(store: Store, part: Path) -> Path:
    """Return where the panels of the base or of a day's rows are kept."""
    if part == store.layout.base:
        return store.folder / ("panels" if part.name == "base" else f"panels-{part.name}")
    return part / "panels"


def _write_panel(store: Store, measures: Sequence[Measure], rows: Path, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    connection = opened(Limits(spill=path.with_name(f".{path.name}.{os.getpid()}.spill")))
    write_sorted(connection, panel_sql(store, quoted(rows), measures), beside)
    beside.replace(path)


def panel_sql(store: Store, rows: str, measures: Sequence[Measure]) -> str:
    """Return the SELECT of a panel: for each key, day placed and day known, what every measure counts and sums."""
    first = measures[0]
    literal = literal_of(store, first.table)
    columns = []
    for number, measure in enumerate(measures):
        value = row_sql(measure.value)
        passes = filter_sql(measure.filter, literal) if measure.filter is not None else "true"
        counted = f"{passes} AND {value} IS NOT NULL"
        columns += [f"CAST(SUM(CASE WHEN {counted} THEN t.sign ELSE 0 END) AS BIGINT) AS n{number}",
                    f"CAST(SUM(CASE WHEN {counted} THEN t.sign * {value} ELSE 0 END) AS BIGINT) AS s{number}"]
    by, when = named(first.by), named(first.when)
    return (f"SELECT t.{by}, t.{when} AS placed, t.known, {', '.join(columns)} FROM read_parquet({rows}) t "
            f"WHERE t.{by} IS NOT NULL AND t.{when} IS NOT NULL GROUP BY t.{by}, t.{when}, t.known "
            f"ORDER BY t.{by}, t.{when}, t.known")


def read_panel(panel: Panel, by: str, span: tuple[int, int], atoms: Sequence[Atom]) -> Mapping[str, NDArray[np.int64]]:
    """Return the panel's rows of a span of keys: key, `placed`, `known`, and the columns of the measures asked for."""
    needed = sorted({column for atom in atoms for column in panel.columns(atom.measure)})
    read = panel.file.between(*span, (by, "placed", "known", *needed))
    return {**read, "sign": np.broadcast_to(np.int64(1), read["known"].shape)}


def panel_tally(rows: Matched, panel: Panel, measure: str) -> Tally:
    """Return what a measure makes of a panel's rows."""
    counts, sums = (rows.columns[name] for name in panel.columns(measure))
    return Tally(None, counts, sums, sums, None)
