"""The evaluator: aggregates and formulas of the catalogue for cases, from a history's signed rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.aggregates.aggregate import Placement, amounts_of, of_tallies
from features.aggregates.measured_store import MeasuredStore
from features.aggregates.prefix_sums import PlacedRows, WindowSum, prefix_sums, worthwhile
from features.aggregates.rollup import (
    WORTHWHILE,
    Rollup,
    RollupMeasures,
    answerable,
    read_rollup,
    rollup_tally,
)
from features.aggregates.row_ranges import ReadColumns, RowRanges, Rows, row_ranges
from features.aggregates.table_plan import Group
from features.arrays import Column, Values
from features.cases import Cases, Units, aggregation_units
from features.catalogue.language import ADDITIVE, Atom
from features.store.column_codes import month_columns
from features.store.store import Store

ROWS_AT_ONCE = 16_384
"""Codes of a key that are read at once; a choice, since MOST_ROWS bounds the memory where codes have many rows."""
MOST_ROWS = 8_000_000
"""Rows that those codes may hold together, on average: of a key with many rows a code, fewer codes are read at once."""
MANY_UNITS = 2_000
"""Units below which reading their own rows is cheaper than opening a rollup."""
ROWS_OF_A_READ = 1_024
"""Rows of other keys that take about as long to read as one more key does by itself: between 512 and 1,024 (benchmarks)."""


def atom_values(
    measured: MeasuredStore, cases: Cases, atoms: Iterable[Atom], rows: Rows | None = None
) -> dict[Atom, Values]:
    """Return each aggregate for each case, float64 (n,); NaN where the case has no such key or nothing is defined.

    `rows` replaces the store as the place where rows come from.
    """
    by_case: dict[Atom, Values] = {}
    for by, groups in measured.by_key(atoms).items():
        units = aggregation_units(cases, by)
        for atom, values in unit_values(measured, groups, units, rows).items():
            by_case[atom] = units.spread(values)
    return by_case


def unit_values(
    measured: MeasuredStore, groups: Iterable[Group], units: Units, rows: Rows | None = None
) -> dict[Atom, Values]:
    """Return each aggregate of some groups for each unit of their key, float64 (units,)."""
    by_unit: dict[Atom, Values] = {}
    for group in groups:
        by_unit |= Reader(measured, group, rows).aggregates(units)
    return by_unit


def store_rows(store: Store) -> Rows:
    """Return the store as a place where rows come from."""

    def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> ReadColumns:
        return store.rows(table, by=by, low=low, high=high, columns=columns)

    return read


def cached_rows(rows: Rows) -> Rows:
    """Return a place where rows come from that reads each column of a range of keys once."""
    ranges: dict[tuple[str, str, int, int], dict[str, NDArray[np.int64]]] = {}

    def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> ReadColumns:
        cached = ranges.setdefault((table, by, low, high), {})
        missing = [name for name in (by, *columns) if name not in cached]
        if missing:
            distinct = tuple(dict.fromkeys(missing))
            cached |= rows(table, by, low, high, distinct)
        names = (by, "known", "sign", *columns)
        return {name: cached[name] for name in names if name in cached}

    return read


class Reader:
    """Reads one table by one key in batches, and aggregates each batch as it passes."""

    def __init__(self, measured: MeasuredStore, group: Group, rows: Rows | None) -> None:
        self._measured = measured
        self._store = measured.store
        self._windows = measured.catalogue.windows
        self._group = group
        self._table = group.table
        self._by = group.by
        self._rows = rows or store_rows(measured.store)
        self._stored = rows is None

    def aggregates(self, units: Units) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, from a rollup where many units and many rows make it worthwhile."""
        # rows of a request, and those of a small table, have no rollup
        if len(units) < MANY_UNITS or not self._has_rollup:
            return self._from_rows(units, self._group)
        aggregates: dict[Atom, Values] = {}
        for measures, atoms in answerable(
            self._measured.rollup_measures, self._group.atoms
        ).items():
            aggregates |= self._from_rollup(units, measures, atoms)
        remaining = self._without(self._group, aggregates)
        if remaining:
            aggregates |= self._from_rows(units, remaining)
        return aggregates

    @property
    def _has_rollup(self) -> bool:
        return self._stored and self._store.size(self._table) >= WORTHWHILE

    def _without(self, group: Group, computed: Collection[Atom]) -> Group | None:
        """Return what remains of a group when some of it is computed, None for nothing."""
        if not computed:
            return group
        remaining = frozenset(atom for atom in group.atoms if atom not in computed)
        if not remaining:
            return None
        (smaller,) = self._measured.groups(remaining)
        return smaller

    def _from_rollup(
        self, units: Units, measures: RollupMeasures, atoms: list[Atom]
    ) -> dict[Atom, Values]:
        rollup = self._measured.rollup(measures)
        monthly = bool(month_columns(self._store, self._table, {measures[0].when}))
        months = frozenset({"placed"}) if monthly else frozenset[str]()
        names = list(dict.fromkeys(atom.measure for atom in atoms))
        sums = {} if monthly else self._rollup_sums(rollup, atoms)
        parts = []
        for batch in self._batches(units):
            read = read_rollup(rollup, self._by, key_span(batch), atoms)
            key = read[self._by]
            rows = row_ranges(batch, key, read, months)
            running: dict[Atom, Values] = {}
            if sums and worthwhile(rows):
                placed = PlacedRows(key, read["placed"], read["known"], read)
                running = prefix_sums(placed, batch, sums)
            others = tuple(atom for atom in atoms if atom not in running)
            tallies = {name: rollup_tally(read, rollup, name) for name in names}
            plan = self._measured.plan(others)
            parts.append(running | of_tallies(rows, "placed", tallies, plan))
        return joined_units(atoms, parts)

    def _rollup_sums(self, rollup: Rollup, atoms: Iterable[Atom]) -> dict[Atom, WindowSum]:
        """Return the additive aggregates among some, each as a sum of one of the rollup's columns."""
        sums: dict[Atom, WindowSum] = {}
        for atom in atoms:
            if atom.aggregate in ADDITIVE:
                counts, totals = rollup.columns[atom.measure]
                column = totals if atom.aggregate == "sum" else counts
                sums[atom] = WindowSum(column, self._windows[atom.window])
        return sums

    def _from_rows(self, units: Units, group: Group) -> dict[Atom, Values]:
        parts = []
        for batch in self._batches(units):
            read = self._read(batch, group.columns)
            key = read[self._by]
            if not len(key):
                parts.append(group.of_nothing(len(batch)))
                continue
            rows = row_ranges(batch, key, read, group.months)
            running = self._running(batch, rows, group)
            remaining = self._without(group, running)
            parts.append(running | remaining.of(rows) if remaining else running)
        return joined_units(group.atoms, parts)

    def _read(self, units: Units, columns: tuple[str, ...]) -> ReadColumns:
        """Return the rows of all keys between the first and the last of units, or of theirs alone where the others have many."""
        low, high = key_span(units)
        keys = np.unique(units.key)
        rows_between = (high - low - len(keys)) * self._rows_of_code(high)
        if rows_between <= len(keys) * ROWS_OF_A_READ:
            return self._rows(self._table, self._by, low, high, columns)
        reads = [self._rows(self._table, self._by, key, key + 1, columns) for key in keys.tolist()]
        return {name: np.concatenate([read[name] for read in reads]) for name in reads[0]}

    def _rows_of_code(self, codes: int) -> int:
        """Return how many rows a code has on average, where so many codes hold all of them; 0 of the rows of a request."""
        return self._store.size(self._table) // codes if self._stored else 0

    def _running(self, units: Units, rows: RowRanges, group: Group) -> dict[Atom, Values]:
        """Return the sums that are cheaper as running totals: many days, and keys with many rows."""
        if not worthwhile(rows):
            return {}
        sums: dict[Atom, Values] = {}
        for placement in group.placements:
            if placement.when and placement.when not in group.months:
                sums |= self._sums_of_rows(units, rows, placement)
        return sums

    def _sums_of_rows(
        self, units: Units, rows: RowRanges, placement: Placement
    ) -> dict[Atom, Values]:
        """Return the additive aggregates of rows placed by one column of days."""
        read = rows.columns
        tallies = placement.tallies.of(read)
        amounts: dict[str, Column] = {}
        sums: dict[Atom, WindowSum] = {}
        for atom in placement.asked.atoms:
            if atom.aggregate in ADDITIVE:
                name = f"{atom.aggregate} {atom.measure}"
                if name not in amounts:
                    amounts[name] = amounts_of(tallies[atom.measure], atom.aggregate)
                sums[atom] = WindowSum(name, self._windows[atom.window])
        placed = PlacedRows(read[self._by], read[placement.when], read["known"], amounts)
        return prefix_sums(placed, units, sums)

    def _batches(self, units: Units) -> list[Units]:
        """Return units whose keys span at most ROWS_AT_ONCE codes, fewer where they hold more than MOST_ROWS, in turn."""
        if len(units) < 2:
            return [units] if len(units) else []
        edges = self._even_edges(units.key)
        batches = []
        for first, last in pairwise([0, *edges, len(units)]):
            batch = slice(first, last)
            batches.append(Units(units.key[batch], units.day[batch]))
        return batches

    def _even_edges(self, key: Column) -> list[int]:
        """Return the places at which a sorted key passes into the next batch of as many codes as may be read at once."""
        codes_of_most_rows = MOST_ROWS // max(self._rows_of_code(int(key[-1]) + 1), 1)
        step = max(1, min(ROWS_AT_ONCE, codes_of_most_rows))
        # Bounds at multiples of the step: the same batches whatever units are asked for.
        first = key[0] // step
        last = key[-1] // step
        bounds = step * np.arange(first + 1, last + 1)
        edges: list[int] = np.unique(np.searchsorted(key, bounds)).tolist()
        return edges


def key_span(units: Units) -> tuple[int, int]:
    """Return the first key of sorted units, and the one after their last."""
    first, last = int(units.key[0]), int(units.key[-1])
    return first, last + 1


def joined_units(atoms: Iterable[Atom], parts: list[dict[Atom, Values]]) -> dict[Atom, Values]:
    """Return what was found for units in turn as one."""
    if len(parts) == 1:
        return parts[0]
    none = np.empty(0)
    joined: dict[Atom, Values] = {}
    for atom in atoms:
        pieces = [part[atom] for part in parts]
        # There may be no part at all, of which numpy could not tell the type.
        joined[atom] = np.concatenate([none, *pieces])
    return joined
