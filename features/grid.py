"""The grid: signed rows summed by unit and by how long before the as-of day they lie, once for all windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Window
from features.errors import CatalogueError
from features.language import LIMIT
from features.rowwise import Column, Mask

Values = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Grid:
    """The cell of each row, unit * width + bucket, and whether some window holds it."""

    cell: Column
    inside: Mask
    units: int
    width: int

    def counts(self, keep: Mask | None, signs: Column) -> Values:
        """Return the sum of signs over the rows kept, float64 (units, width)."""
        return self._shaped(summed(self.cell, self._kept(keep, signs), self.units * self.width))

    def sums(self, keep: Mask | None, weights: Column) -> Values:
        """Return the sum of integer weights over the rows kept, float64 (units, width), exact."""
        return self._shaped(exact_sums(self.cell, self._kept(keep, weights), self.units * self.width))

    def _kept(self, keep: Mask | None, weights: Column) -> Column:
        return weights * (self.inside if keep is None else self.inside & keep)

    def _shaped(self, sums: Values) -> Values:
        return sums.reshape(self.units, self.width)


def grid_of(unit: Column, offset: Column, units: int, buckets: Buckets) -> Grid:
    """Return the grid of rows `offset` days or months before their as-of.

    An offset of -NULL, where the day that places a row is empty, lies in no bucket.
    """
    bucket = buckets.table[np.minimum(np.maximum(offset, -1), buckets.farthest) + 1]
    inside = (bucket >= 0) & (offset <= LIMIT)
    return Grid(unit * buckets.width + np.maximum(bucket, 0), inside, units, buckets.width)


def windowed(sums: Values, place: Column, low: Column, high: Column) -> Values:
    """Return the sums over buckets low to below high of sums[place], from sums (k, units, width): float64 (places, units)."""
    first, last = int(low.min(initial=sums.shape[2])), int(high.max(initial=0))
    running = np.zeros((*sums.shape[:2], max(last - first, 0) + 1), np.int64)
    np.add.accumulate(sums[:, :, first:last].astype(np.int64), axis=2, out=running[:, :, 1:])
    return np.asarray(running[place, :, high - first] - running[place, :, low - first], np.float64)


def summed(cell: Column, weights: Column, size: int) -> Values:
    """Return the sums of small integers by cell as float64 (size,)."""
    return np.asarray(np.bincount(cell, weights, size), np.float64)


def exact_sums(cell: Column, weights: Column, size: int) -> Values:
    """Return integer sums by cell as float64 (size,); raise CatalogueError where one is too large to be exact."""
    if len(weights) and max(int(weights.max()), -int(weights.min())) * len(weights) >= LIMIT:
        exact = np.zeros(size, np.int64)
        np.add.at(exact, cell, weights)
        if np.abs(exact).max() >= LIMIT:
            raise CatalogueError("an integer sum reached 2^53; use a smaller unit for this measure")
        return exact.astype(np.float64)
    return summed(cell, weights, size)


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
