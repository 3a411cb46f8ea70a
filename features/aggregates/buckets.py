"""The grid: the days or months before an as-of, cut into buckets of which every window is made up, and exact sums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from features.arrays import Column
from features.catalogue.language import LIMIT
from features.catalogue.model import Window
from features.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Buckets:
    """Days or months before an as-of, cut where a window begins or ends; `table` holds the bucket of -1, 0, 1 ... `farthest`.

    `single` tells whether bucket b holds the one distance b.
    """

    cuts: Column
    table: Column
    farthest: int
    single: bool

    @property
    def width(self) -> int:
        """How many buckets there are."""
        return len(self.cuts) - 1

    def of(self, window: Window) -> tuple[int, int]:
        """Return the first bucket of a window and the one after its last."""
        edges = [window.last, window.first or LIMIT]
        low, high = np.searchsorted(self.cuts, edges)
        return int(low), int(high)


def buckets_of(windows: Iterable[Window]) -> Buckets:
    """Return the buckets in which some windows can be summed."""
    edges: set[int] = set()
    for window in windows:
        # A window without a first day reaches back to LIMIT, farther than any row lies.
        edges |= {window.last, window.first or LIMIT}
    cuts = np.array(sorted(edges or {0, 1}), np.int64)
    endless = cuts[-1] == LIMIT
    farthest = int(cuts[-2]) if endless else int(cuts[-1])
    distances = np.arange(-1, farthest + 1)
    table = np.searchsorted(cuts, distances, side="right") - 1
    table[table >= len(cuts) - 1] = -1
    if endless and len(cuts) > 1:
        # The table ends where the last bucket begins: its last entry stands for all beyond.
        table[-1] = len(cuts) - 2
    single = bool((cuts == np.arange(len(cuts))).all())
    return Buckets(cuts=cuts, table=table, farthest=farthest, single=single)


def too_large(amounts: Column) -> bool:
    """Tell whether amounts (k, rows) could sum to what float64 does not hold exactly."""
    largest = max(int(amounts.max(initial=0)), -int(amounts.min(initial=0)))
    greatest_sum = largest * int(amounts.shape[-1])
    return greatest_sum >= LIMIT


def checked(sums: Column) -> Column:
    """Return integer sums; raise CatalogueError where one is too large to be exact."""
    if np.abs(sums).max() >= LIMIT:
        raise CatalogueError("an integer sum reached 2^53; use a smaller unit for this measure")
    return sums


def exact_sums(cell: Column, weights: Column, size: int) -> Column:
    """Return integer sums by cell, int64 (size,); raise CatalogueError where one is too large to be exact."""
    if too_large(weights):
        # Slower, but in integers throughout: `bincount` sums in float64, exact below LIMIT only.
        sums = np.zeros(size, np.int64)
        np.add.at(sums, cell, weights)
        return checked(sums)
    return np.bincount(cell, weights, size).astype(np.int64)
