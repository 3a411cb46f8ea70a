"""Panels: the signed rows of a table summed by key, day placed and day known, exactly as a history needs them.

Sums of integers do not mind in which order they are taken, so whatever a panel answers equals the rows to the bit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.aggregates.aggregate import Tally
from features.aggregates.rollup_writer import (
    RollupPlan,
    columns_for,
    day_rows,
    laid_out_of_days,
    rollup_folder,
)
from features.arrays import Column, Literal
from features.catalogue.language import ADDITIVE, SERIES, Atom, atoms_of
from features.catalogue.model import ENTITIES, Catalogue, Measure
from features.store.column_files import FlatColumns
from features.store.merge_on_read import Held, NoRows, SegmentRows, SortedRows, merged
from features.store.sorted_table import SegmentFile, sealed_parquet
from features.store.store import Store

ANSWERS = (*ADDITIVE, *SERIES, "since", "first_since")
WORTHWHILE = 100_000
"""Rows from which on a table is worth a panel."""
FEW_ROWS = 1 << 16
"""Rows of a later segment up to which its panels are summed when a store is opened: files of them would take
as much room as the day itself, and to open them takes as long as to sum so few rows."""
Kin = tuple[Measure, ...]
"""The measures of one panel."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel of some measures that share table, key and day placed; `columns` of each: its count and its sum."""

    file: SortedRows
    columns: Mapping[str, tuple[str, str]]


def answerable(kin: Mapping[str, Kin], atoms: Sequence[Atom]) -> dict[Kin, list[Atom]]:
    """Return, by the measures of a panel, the aggregates that it can answer; `kin` has the panel of each measure."""
    by_panel: dict[Kin, list[Atom]] = {}
    for atom in atoms:
        measures = kin[atom.measure]
        # A panel is of days: measures whose rows no day places have none.
        if atom.aggregate in ANSWERS and measures[0].when:
            by_panel.setdefault(measures, []).append(atom)
    return by_panel


def kin_of(catalogue: Catalogue) -> dict[str, Kin]:
    """Return for each measure those of its panel: they share table, key and day placed, and are asked of the same entities.

    So what is asked of the many does not read the rows of what is asked of others only.
    """
    askers: dict[str, set[str]] = defaultdict(set)
    for entity in ENTITIES:
        for feature in catalogue.features(entity):
            for atom in atoms_of(feature.tree):
                askers[atom.measure].add(entity)
    kin: dict[tuple[object, ...], list[Measure]] = defaultdict(list)
    for name, measure in catalogue.measures.items():
        entities = frozenset(askers[name])
        kin[measure.table, measure.by, measure.when, entities].append(measure)
    kin_of_measure: dict[str, Kin] = {}
    for measures in kin.values():
        for measure in measures:
            kin_of_measure[measure.name] = tuple(measures)
    return kin_of_measure


def opened_panel(store: Store, measures: Kin, literal: Literal) -> Panel:
    """Return the panel of measures that share table, key and day placed, written beside the store unless it was.

    Texts in filters are read through `literal`.
    """
    plan = RollupPlan(store.folder, literal, measures)
    first = measures[0]
    first_path, later_paths = store.sorted_paths(first.table, first.by)
    of_first: SortedRows = NoRows()
    if first_path is not None:
        of_first = FlatColumns(rollup_folder(plan, first_path), first.by)
    of_later = [_of_segment(plan, path) for path in later_paths]
    return Panel(merged(of_first, of_later, first.by), columns_for(measures))


def _of_segment(plan: RollupPlan, path: Path) -> SegmentRows:
    """Return the panel of a later segment's rows: of few rows made each time, else kept beside them."""
    if sealed_parquet(path).metadata.num_rows <= FEW_ROWS:
        return Held(day_rows(plan, path))
    return SegmentFile(laid_out_of_days(plan, path))


def read_panel(
    panel: Panel, by: str, span: tuple[int, int], atoms: Sequence[Atom]
) -> Mapping[str, NDArray[np.int64]]:
    """Return the panel's rows of a span of keys: key, `placed`, `known`, and the columns of the measures asked for."""
    needed: set[str] = set()
    for atom in atoms:
        needed.update(panel.columns[atom.measure])
    read = panel.file.between(*span, (by, "placed", "known", *sorted(needed)))
    # A panel's counts and sums are signed already; one 1 stands for the sign of every row.
    sign = np.broadcast_to(np.int64(1), read["known"].shape)
    return {**read, "sign": sign}


def panel_tally(rows: Mapping[str, Column], panel: Panel, measure: str) -> Tally:
    """Return what a measure makes of a panel's rows."""
    counts, sums = (rows[name] for name in panel.columns[measure])
    return Tally(None, counts, sums, sums, None)
