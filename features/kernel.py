"""The kernel: one walk through the rows of each unit's key, compiled; what it adds are integers, so the order does not matter.

Unit i meets the rows begin[i] to below end[i] of its key that are known by its day; `reference` is the day or month from
which the distance of a row is counted, which `placed` gives the row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import float64, int32, int64, njit, void
from numpy.typing import NDArray

from features.language import LIMIT
from features.rowwise import Column, Values

Cells = NDArray[np.int64]
Places = NDArray[np.int32]
INSERTED = 48
"""Items up to which putting each in its place beats a sort."""
LINE, OUT, CUBE = int64[::1], int64[:, ::1], int64[:, :, ::1]
PLACES = int32[:].copy(readonly=True)
FLOATS, RANGE = float64[:].copy(readonly=True), float64[::1]
IN, TABLE = (kind.copy(readonly=True) for kind in (int64[:], OUT))


def compiled(signature: object = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what compiles a function once, for one signature or on each first call, kept where there is a place to write."""

    def made(function: Callable[..., None]) -> Callable[..., None]:
        try:
            kept: Callable[..., None] = njit(signature, nogil=True, cache=True, error_model="numpy")(function)
        except RuntimeError:  # numba found no folder for its cache
            kept = njit(signature, nogil=True, error_model="numpy")(function)
        return kept

    return made


@compiled(void(*7 * [IN], TABLE, CUBE))
def add_cells(begin: Column, end: Column, day: Column, reference: Column, known: Column, placed: Column,  # noqa: PLR0913
              table: Column, amounts: Column, cells: Cells) -> None:
    """Add amounts (k, rows) to cells (units, k, buckets); `table` holds the bucket of the distances -1, 0, 1 ..., -1 for none."""
    farthest = len(table) - 2
    for unit in range(len(begin)):
        for row in range(begin[unit], end[unit]):
            if known[row] <= day[unit]:
                offset = reference[unit] - placed[row]
                bucket = table[min(max(offset, -1), farthest) + 1]
                if bucket >= 0 and offset <= LIMIT:
                    for column in range(len(amounts)):
                        cells[unit, column, bucket] += amounts[column, row]


@compiled(void(CUBE, IN, IN, IN, OUT))
def add_windows(cells: Cells, place: Column, low: Column, high: Column, sums: Column) -> None:
    """Set sums (windows, units) to the sums of cells (units, k, buckets) at `place` from bucket `low` to below `high`."""
    for window in range(len(place)):
        for unit in range(len(cells)):
            total = 0
            for bucket in range(low[window], high[window]):
                total += cells[unit, place[window], bucket]
            sums[window, unit] = total


@compiled(void(IN, int64, int64, LINE))
def arrange(item: Column, begin: int, end: int, order: Column) -> None:
    """Set order[begin:end] to the places begin to below end by their items, equal ones as they stand."""
    if end - begin > INSERTED:
        order[begin:end] = begin + np.argsort(item[begin:end], kind="mergesort")
        return
    for place in range(begin, end):
        own, before = item[place], place - 1
        while before >= begin and item[order[before]] > own:
            order[before + 1] = order[before]
            before -= 1
        order[before + 1] = place


@compiled(void(int64, int64, LINE, *3 * [OUT]))
def settle(item: int, unit: int, times: Column, distinct: Column, least: Column, greatest: Column) -> None:  # noqa: PLR0913
    """Count an item in each window where its signs sum above zero, and begin the sums anew."""
    for window in range(len(times)):
        if times[window] > 0:
            greatest[unit, window] = item
            if distinct[unit, window] == 0:
                least[unit, window] = item
            distinct[unit, window] += 1
        times[window] = 0


@compiled(void(*9 * [IN], LINE, LINE, *3 * [OUT]))
def add_members(begin: Column, end: Column, day: Column, reference: Column, known: Column, placed: Column,  # noqa: PLR0913
                item: Column, sign: Column, edges: Column, order: Column, times: Column,
                distinct: Column, least: Column, greatest: Column) -> None:
    """Set (units, windows) to how many items have signs that sum above zero in a window, and to the least and greatest of them.

    Of the distances in window w, edges[2w] is the least and edges[2w + 1] the first beyond. `order` is room for the order of
    the rows of each key by item, `times` for a zero of each window.
    """
    for unit in range(len(begin)):
        if unit == 0 or begin[unit] != begin[unit - 1] or end[unit] != end[unit - 1]:
            arrange(item, begin[unit], end[unit], order)
        for place in range(begin[unit], end[unit]):
            row = order[place]
            if known[row] <= day[unit]:
                offset = reference[unit] - placed[row]
                for window in range(len(times)):
                    if edges[2 * window] <= offset and offset < edges[2 * window + 1]:
                        times[window] += sign[row]
            if place + 1 == end[unit] or item[order[place + 1]] != item[row]:
                settle(item[row], unit, times, distinct, least, greatest)


@compiled(void(*9 * [IN], LINE, OUT))
def add_medians(begin: Column, end: Column, day: Column, reference: Column, known: Column, placed: Column,  # noqa: PLR0913
                item: Column, sign: Column, edges: Column, order: Column, middle: Column) -> None:
    """Set (units, windows) to the lower median of the items whose signs sum above zero in a window, as often as they sum to.

    Windows and room as for `add_members`; medians over rows are rare, so this takes two walks for each window.
    """
    for unit in range(len(begin)):
        if unit == 0 or begin[unit] != begin[unit - 1] or end[unit] != end[unit - 1]:
            arrange(item, begin[unit], end[unit], order)
        for window in range(middle.shape[1]):
            before = 2**62
            for walk in range(2):
                total, times = 0, 0
                for place in range(begin[unit], end[unit]):
                    row = order[place]
                    offset = reference[unit] - placed[row]
                    if known[row] <= day[unit] and edges[2 * window] <= offset and offset < edges[2 * window + 1]:
                        times += sign[row]
                    if place + 1 == end[unit] or item[order[place + 1]] != item[row]:
                        if total <= before and before < total + times:
                            middle[unit, window] = item[row]
                        total, times = total + max(times, 0), 0
                before = (total - 1) // 2 if walk == 0 else before


@compiled(void(FLOATS, RANGE))
def survey(values: Values, found: Values) -> None:
    """Set `found` to the least and greatest of values, at least as far as 0, whether all are whole, and whether one is NaN."""
    low, high, whole, gaps = 0.0, 0.0, True, False
    for value in values:
        if value != value:
            gaps = True
        else:
            low, high = min(low, value), max(high, value)
            whole = whole and value == np.floor(value)
    found[0], found[1], found[2], found[3] = low, high, whole, gaps


@compiled(void(PLACES, IN, PLACES, int32[::1]))
def put_in_order(value: Places, begins: Column, given: Places, order: Places) -> None:
    """Set `order` to the given places by their values, equal ones as given; `begins` says where each value 0, 1, ... begins."""
    after = begins.copy()
    for place in given:
        own = value[place]
        order[after[own]] = place
        after[own] += 1
