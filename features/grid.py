"""The grid: signed rows summed by unit and by how long before the as-of day they lie, once for all windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from features.catalogue import Window
from features.errors import CatalogueError
from features.kernel import add_cells, add_windows
from features.language import LIMIT
from features.matching import Met
from features.rowwise import Column, Values

UNITS_AT_ONCE = 1_024
"""Units whose cells stay in the processor's cache while rows are added to them."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Days or months before an as-of, cut where a window begins or ends; `table` holds the bucket of -1, 0, 1 ... `farthest`."""

    cuts: Column
    table: Column
    farthest: int

    @property
    def width(self) -> int:
        """How many buckets there are."""
        return len(self.cuts) - 1

    def of(self, window: Window) -> tuple[int, int]:
        """Return the first bucket of a window and the one after its last."""
        low, high = np.searchsorted(self.cuts, [window.last, window.first or LIMIT])
        return int(low), int(high)


def buckets_of(windows: Iterable[Window]) -> Buckets:
    """Return the buckets in which some windows can be summed."""
    edges = {edge for window in windows for edge in (window.last, window.first or LIMIT)}
    cuts = np.array(sorted(edges or {0, 1}), np.int64)
    farthest = int(cuts[-2]) if cuts[-1] == LIMIT else int(cuts[-1])
    table = np.searchsorted(cuts, np.arange(-1, farthest + 1), side="right") - 1
    table[table >= len(cuts) - 1] = -1
    if cuts[-1] == LIMIT and len(cuts) > 1:
        table[-1] = len(cuts) - 2
    return Buckets(cuts, table, farthest)


def cells_of(rows: Met, when: str, amounts: Column, buckets: Buckets) -> Iterator[Column]:
    """Yield sums of amounts (k, rows) by unit and bucket of the rows' distance: int64 (units, k, buckets), some units at once.

    A row without the day that places it lies in no bucket. Raises CatalogueError where a sum is too large to be exact.
    """
    reference, known, placed, doubtful = rows.reference(when), rows.columns["known"], rows.placed(when), too_large(amounts)
    for first in range(0, len(rows), UNITS_AT_ONCE):
        part = slice(first, first + UNITS_AT_ONCE)
        begin, end = rows.begin[part], rows.end[part]
        cells = np.zeros((len(begin), len(amounts), buckets.width), np.int64)
        add_cells(begin, end, rows.day[part], reference[part], known, placed, buckets.table, amounts, cells)
        yield checked(cells) if doubtful else cells


def windowed(cells: Column, place: Column, low: Column, high: Column) -> Values:
    """Return the sums of cells (units, k, buckets) at `place` from bucket `low` to below `high`: float64 (places, units)."""
    sums = np.empty((len(place), len(cells)), np.int64)
    add_windows(cells, place, low, high, sums)
    return sums.astype(np.float64)


def too_large(amounts: Column) -> bool:
    """Tell whether amounts (k, rows) could sum to what float64 does not hold exactly."""
    return bool(max(int(amounts.max(initial=0)), -int(amounts.min(initial=0))) * amounts.shape[-1] >= LIMIT)


def checked(sums: Column) -> Column:
    """Return integer sums; raise CatalogueError where one is too large to be exact."""
    if np.abs(sums).max() >= LIMIT:
        raise CatalogueError("an integer sum reached 2^53; use a smaller unit for this measure")
    return sums


def exact_sums(cell: Column, weights: Column, size: int) -> Column:
    """Return integer sums by cell, int64 (size,); raise CatalogueError where one is too large to be exact."""
    if too_large(weights):
        sums = np.zeros(size, np.int64)
        np.add.at(sums, cell, weights)
        return checked(sums)
    return np.bincount(cell, weights, size).astype(np.int64)


def exact(numerator: Values) -> Values:
    """Return integers held in float64; raise CatalogueError where they are too large to be exact."""
    if len(numerator) and np.abs(numerator).max() >= LIMIT:
        raise CatalogueError("a trend or variance reached 2^53; use a smaller unit for this measure")
    return numerator


def of_series(aggregate: str, total: Values, count: Values) -> Values:
    """Reduce monthly totals (units, months), newest month first, to one value a unit."""
    present, months = count > 0, total.shape[1]
    if aggregate == "months":
        return np.asarray(present.sum(axis=1), np.float64)
    if aggregate in ("slope", "variance"):
        filled = np.where(present, total, 0.0)
        return _slope(filled, months) if aggregate == "slope" else _variance(filled, months)
    anywhere = present.any(axis=1)
    if aggregate == "last":
        newest = present.argmax(axis=1)
        return np.where(anywhere, total[np.arange(len(total)), newest], np.nan)
    reduced = (np.where(present, total, -np.inf).max(axis=1) if aggregate == "peak"
               else np.where(present, total, np.inf).min(axis=1))
    return np.where(anywhere, reduced, np.nan)


def _slope(filled: Values, months: int) -> Values:
    """The least-squares trend a month: an integer numerator over an integer constant."""
    steps = np.arange(months - 1, -months, -2, dtype=np.float64)
    tilt: Values = exact((filled * (6 * steps)).sum(axis=1) + 0.0) / float(months * (months * months - 1))
    return tilt


def _variance(filled: Values, months: int) -> Values:
    """W * sum(x^2) - (sum x)^2 over W * (W - 1)."""
    squares = exact(months * (filled * filled).sum(axis=1))
    spread: Values = (squares - filled.sum(axis=1) ** 2) / float(months * (months - 1))
    return spread
