"""The kernel: one walk through the rows of each unit's key, compiled; what it adds are integers, so the order does not matter.

Unit i meets the rows begin[i] to below end[i] of its key that are known by its day; `reference` is the day or month from
which the distance of a row is counted, which `placed` gives the row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import boolean, float64, int32, int64, njit, void
from numpy.typing import NDArray

from features.language import LIMIT, SERIES
from features.rowwise import Column, Values

Places = NDArray[np.int32]
Walk = TypeVar("Walk", bound=Callable[..., object])
PEAK, LOW, LAST, MONTHS, SLOPE, VARIANCE = map(SERIES.index, ("peak", "low", "last", "months", "slope", "variance"))
ABSENT = (PEAK, LOW, LAST)
LINE, OUT = int64[::1], int64[:, ::1]
PLACES = int32[:].copy(readonly=True)
FLOATS, RANGE, RANGES = float64[:].copy(readonly=True), float64[::1], float64[:, ::1]
IN, TABLE, VALUES = (kind.copy(readonly=True) for kind in (int64[:], OUT, RANGES))


def compiled(signature: object = None) -> Callable[[Walk], Walk]:
    """Return what compiles a function once, for one signature or on each first call, kept where there is a place to write."""

    def made(function: Walk) -> Walk:
        try:
            kept = njit(signature, nogil=True, cache=True, error_model="numpy")(function)
        except RuntimeError:  # numba found no folder for its cache
            kept = njit(signature, nogil=True, error_model="numpy")(function)
        return cast("Walk", kept)

    return made


@compiled(boolean(int64, int64, int64, int64, IN, IN, IN, TABLE, OUT))
def add_cells(begin: int, end: int, day: int, reference: int, known: Column, placed: Column,  # noqa: PLR0913
              table: Column, amounts: Column, cells: Column) -> bool:
    """Add a unit's amounts (k, rows) to cells (k, buckets) by the bucket of their distance; tell whether there were any.

    `table` holds the bucket of the distances -1, 0, 1 ..., -1 for none.
    """
    any_there, farthest = False, len(table) - 2
    for row in range(begin, end):
        if known[row] <= day:
            offset = reference - placed[row]
            bucket = table[min(max(offset, -1), farthest) + 1]
            if bucket >= 0 and offset <= LIMIT:
                any_there = True
                for column in range(len(amounts)):
                    cells[column, bucket] += amounts[column, row]
    return any_there


@compiled(boolean(int64, TABLE, TABLE, RANGES))
def add_windows(unit: int, cells: Column, windows: Column, found: Values) -> bool:
    """Set found[:, unit] to the sums of cells in windows; tell whether they are exact.

    What a window that goes on shares with the one before it is not summed again.
    """
    sound, total, bucket = True, 0, 0
    for window in range(len(windows)):
        place, high = windows[window, 0], windows[window, 2]
        if not windows[window, 3]:
            total, bucket = 0, windows[window, 1]
        for month in range(bucket, high):
            total += cells[place, month]
        bucket = high
        sound = sound and -LIMIT < total and total < LIMIT  # noqa: SIM300
        found[window, unit] = total
    return sound


@compiled(boolean(int64, TABLE, TABLE, int64, RANGES))
def add_series(unit: int, cells: Column, series: Column, first: int, found: Values) -> bool:
    """Set found[first:, unit] to what series of months, newest first, are reduced to; tell whether they are exact.

    A trend is the least-squares one a month, sum(6 * (W - 1 - 2m) * x) over W * (W * W - 1), a variance W * sum(x * x) -
    sum(x) ** 2 over W * (W - 1); a month without rows is 0 in both, and absent in the others. What a series that goes on
    shares with the one before it is not read again.
    """
    sound, months, there, last = True, 0, 0, np.nan
    most, least, whole, tilt, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
    for place in range(len(series)):
        totals, counts, low, high, kind = series[place, 0], series[place, 1], series[place, 2], series[place, 3], series[place, 4]
        if not series[place, 5]:
            months, there, last = 0, 0, np.nan
            most, least, whole, tilt, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
        for month in range(months, high - low):
            if cells[counts, low + month] > 0:
                value = float(cells[totals, low + month])
                last = value if there == 0 else last
                most, least, there = max(most, value), min(least, value), there + 1
                whole, tilt, squares = whole + value, tilt + month * value, squares + value * value
        months = high - low
        value = last if kind == LAST else most if kind == PEAK else least
        if kind == MONTHS:
            value = there
        elif kind == SLOPE:
            value = 6.0 * ((months - 1) * whole - 2.0 * tilt) / (months * (months * months - 1))
            sound = sound and 6.0 * max(months * abs(whole), 2.0 * abs(tilt)) < LIMIT
        elif kind == VARIANCE:
            value = (months * squares - whole * whole) / (months * (months - 1))
            sound = sound and months * squares < LIMIT
        elif there == 0:
            value = np.nan
        sound = sound and not abs(value) >= LIMIT
        found[first + place, unit] = value
    return sound


@compiled(boolean(*7 * [IN], *3 * [TABLE], OUT, RANGES))
def add_sums(begin: Column, end: Column, day: Column, reference: Column, known: Column, placed: Column,  # noqa: PLR0913
             table: Column, amounts: Column, windows: Column, series: Column, cells: Column, found: Values) -> bool:
    """Set found (windows + series, units) to sums of each unit's amounts (k, rows); tell whether all of them are exact.

    A window is (k, first bucket, bucket beyond, goes on), a series (k of the totals, k of the counts, first bucket, bucket
    beyond, kind, goes on): it goes on where all but its end (and kind) is that of the one before. `cells` (k, buckets) is room.
    """
    sound, used = True, True
    for unit in range(len(begin)):
        if used:
            cells[:] = 0
        used = add_cells(begin[unit], end[unit], day[unit], reference[unit], known, placed, table, amounts, cells)
        if used:
            sound = add_windows(unit, cells, windows, found) and sound
            sound = add_series(unit, cells, series, len(windows), found) and sound
        else:
            found[:, unit] = 0.0
            for place in range(len(series)):
                if series[place, 4] in ABSENT:
                    found[len(windows) + place, unit] = np.nan
    return sound


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


@compiled(void(VALUES, RANGES))
def lay_side_by_side(values: Values, found: Values) -> None:
    """Set found (n, F) to values (F, n), 0.0 for -0.0; eight at once, as many as a line of the processor's cache holds."""
    whole = len(values) - len(values) % 8
    for top in range(0, len(found), 64):
        rows = range(top, min(top + 64, len(found)))
        for first in range(0, whole, 8):
            for row in rows:
                for step in range(8):
                    found[row, first + step] = values[first + step, row] + 0.0
        for row in rows:
            for column in range(whole, len(values)):
                found[row, column] = values[column, row] + 0.0


@compiled(void(PLACES, IN, PLACES, int32[::1]))
def put_in_order(value: Places, begins: Column, given: Places, order: Places) -> None:
    """Set `order` to the given places by their values, equal ones as given; `begins` says where each value 0, 1, ... begins."""
    after = begins.copy()
    for place in given:
        own = value[place]
        order[after[own]] = place
        after[own] += 1
