"""Rollups: the signed rows of a table summed by key, day placed and day known, exactly as a history needs them.

Sums of integers do not mind in which order they are taken, so whatever a rollup answers equals the rows to the bit.
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
from features.store.merge_on_read import NoRows, RowsInMemory, SegmentRows, SortedRows, merged
from features.store.sorted_table import SegmentFile, sealed_parquet
from features.store.store import Store

ANSWERS = (*ADDITIVE, *SERIES, "since", "first_since")
WORTHWHILE = 100_000
"""Rows from which on a table is worth a rollup."""
FEW_ROWS = 1 << 16
"""Rows of a later segment up to which its rollups are summed when a store is opened: files of them would take
as much room as the day itself, and to open them takes as long as to sum so few rows."""
RollupMeasures = tuple[Measure, ...]
"""The measures of one rollup."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """The rollup of some measures that share table, key and day placed; `columns` of each: its count and its sum."""

    file: SortedRows
    columns: Mapping[str, tuple[str, str]]


def answerable(
    measures_of: Mapping[str, RollupMeasures], atoms: Sequence[Atom]
) -> dict[RollupMeasures, list[Atom]]:
    """Return, by the measures of a rollup, the aggregates that it can answer; `measures_of` has them for each measure."""
    by_rollup: dict[RollupMeasures, list[Atom]] = {}
    for atom in atoms:
        measures = measures_of[atom.measure]
        # A rollup is of days: measures whose rows no day places have none.
        if atom.aggregate in ANSWERS and measures[0].when:
            by_rollup.setdefault(measures, []).append(atom)
    return by_rollup


def rollup_measures_of(catalogue: Catalogue) -> dict[str, RollupMeasures]:
    """Return for each measure those of its rollup: they share table, key and day placed, and are asked of the same entities.

    So what is asked of the many does not read the rows of what is asked of others only.
    """
    askers: dict[str, set[str]] = defaultdict(set)
    for entity in ENTITIES:
        for feature in catalogue.features(entity):
            for atom in atoms_of(feature.tree):
                askers[atom.measure].add(entity)
    alike: dict[tuple[object, ...], list[Measure]] = defaultdict(list)
    for name, measure in catalogue.measures.items():
        entities = frozenset(askers[name])
        alike[measure.table, measure.by, measure.when, entities].append(measure)
    of_measure: dict[str, RollupMeasures] = {}
    for measures in alike.values():
        for measure in measures:
            of_measure[measure.name] = tuple(measures)
    return of_measure


def opened_rollup(store: Store, measures: RollupMeasures, literal: Literal) -> Rollup:
    """Return the rollup of measures that share table, key and day placed, written beside the store unless it was.

    Texts in filters are read through `literal`.
    """
    plan = RollupPlan(store.folder, literal, measures)
    # all measures of a rollup have the table and key of the first
    first = measures[0]
    first_path, later_paths = store.sorted_paths(first.table, first.by)
    of_first: SortedRows = NoRows()
    if first_path is not None:
        of_first = FlatColumns(rollup_folder(plan, first_path), first.by)
    of_later = [_of_segment(plan, path) for path in later_paths]
    return Rollup(merged(of_first, of_later, first.by), columns_for(measures))


def _of_segment(plan: RollupPlan, path: Path) -> SegmentRows:
    """Return the rollup of a later segment's rows: of few rows made each time, else kept beside them."""
    if sealed_parquet(path).metadata.num_rows <= FEW_ROWS:
        return RowsInMemory(day_rows(plan, path))
    return SegmentFile(laid_out_of_days(plan, path))


def read_rollup(
    rollup: Rollup, by: str, span: tuple[int, int], atoms: Sequence[Atom]
) -> Mapping[str, NDArray[np.int64]]:
    """Return the rollup's rows of a span of keys: key, `placed`, `known`, and the columns of the measures asked for."""
    needed: set[str] = set()
    for atom in atoms:
        needed.update(rollup.columns[atom.measure])
    read = rollup.file.between(*span, (by, "placed", "known", *sorted(needed)))
    # A rollup's counts and sums are signed already; one 1 stands for the sign of every row.
    sign = np.broadcast_to(np.int64(1), read["known"].shape)
    return {**read, "sign": sign}


def rollup_tally(rows: Mapping[str, Column], rollup: Rollup, measure: str) -> Tally:
    """Return what a measure makes of a rollup's rows."""
    counts, sums = (rows[name] for name in rollup.columns[measure])
    return Tally(None, counts, sums, sums, None)
