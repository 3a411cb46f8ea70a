"""The grid: signed rows summed by unit and by how long before the as-of day they lie, once for all windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Window
from features.errors import CatalogueError
from features.language import LIMIT
from features.rowwise import NULL, Column, Mask

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """The cell of each row, unit * width + bucket, -1 where no window holds it; buckets lie between `cuts`."""

    cell: Column
    cuts: Column
    units: int

    @property
    def width(self) -> int:
        return len(self.cuts) - 1

    def sums(self, keep: Mask | None, weights: Column) -> Values:
        """Return the sum of integer weights over the rows kept, float64 (units, width), exact."""
        inside = self.cell >= 0
        chosen = inside if keep is None else inside & keep
        cell, taken = (self.cell, weights) if chosen.all() else (self.cell[chosen], weights[chosen])
        return exact_sums(cell, taken, self.units * self.width).reshape(self.units, self.width)

    def buckets(self, window: Window) -> slice:
        """Return the buckets of a window."""
        low, high = np.searchsorted(self.cuts, [window.last, window.first or LIMIT])
        return slice(int(low), int(high))


def grid_of(unit: Column, offset: Column, units: int, windows: Iterable[Window]) -> Grid:
    """Return the grid of rows `offset` days or months before their as-of, wide enough for some windows.

    An offset of -NULL, where the day that places a row is empty, lies in no bucket.
    """
    edges = {edge for window in windows for edge in (window.last, window.first or LIMIT)}
    cuts = np.array(sorted(edges), np.int64)
    farthest = int(cuts[-2]) if cuts[-1] == LIMIT else int(cuts[-1])
    table = np.searchsorted(cuts, np.arange(-1, farthest + 1), side="right") - 1
    table[table >= len(cuts) - 1] = -1
    if cuts[-1] == LIMIT and len(cuts) > 1:
        table[-1] = len(cuts) - 2
    bucket = table[np.clip(offset, -1, farthest) + 1]
    outside = (bucket < 0) | (offset > LIMIT)
    return Grid(np.where(outside, -1, unit * (len(cuts) - 1) + bucket), cuts, units)


def exact_sums(cell: Column, weights: Column, size: int) -> Values:
    """Return integer sums by cell as float64 (size,); raise CatalogueError where one is too large to be exact."""
    if len(weights) and int(np.abs(weights).max()) * len(weights) >= LIMIT:
        exact = np.zeros(size, np.int64)
        np.add.at(exact, cell, weights)
        if np.abs(exact).max() >= LIMIT:
            raise CatalogueError("an integer sum reached 2^53; use a smaller unit for this measure")
        return exact.astype(np.float64)
    return np.asarray(np.bincount(cell, weights=weights, minlength=size), np.float64)


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


def missing(when: Column) -> Mask:
    """Return which rows have no day that places them."""
    empty: Mask = when == NULL
    return empty
