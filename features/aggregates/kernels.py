"""The kernel: one walk through the rows of each unit's key, compiled; what it adds are integers, so the order does not matter.

Unit i meets the rows begin[i] to below end[i] of its key that are known by its day; `reference` is the day or month from
which the distance of a row is counted, which `placed` gives the row.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int32, int64, void
from numpy.typing import NDArray

from features.arrays import Column, Values
from features.catalogue.language import LIMIT, SERIES
from features.compiled import compiled

Places = NDArray[np.int32]
PEAK, LOW, LAST, MONTHS, SLOPE, VARIANCE = map(
    SERIES.index, ("peak", "low", "last", "months", "slope", "variance")
)
ABSENT = (PEAK, LOW, LAST)
# The signatures are stated, so that a loop is compiled once for all and never for another layout:
# ROW, IN and TABLE are read only, as columns mapped from files are; LINE, OUT and RANGES are written.
LINE, OUT = int64[::1], int64[:, ::1]
PLACES = int32[:].copy(readonly=True)
FLOATS, RANGE, RANGES = float64[:].copy(readonly=True), float64[::1], float64[:, ::1]
IN, ROW, TABLE = (kind.copy(readonly=True) for kind in (int64[:], LINE, OUT))


# Compiled, because the compiled walks below call it for every unit.
@compiled(boolean(int64, int64, TABLE, TABLE, RANGES))
def add_windows(unit: int, at: int, cells: Column, windows: Column, found: Values) -> bool:
    """Set found[:, unit] to the sums of cells in windows, whose first bucket lies `at`; tell whether they are exact.

    What a window that goes on shares with the one before it is not summed again.
    """
    sound, total, bucket = True, 0, 0
    for window in range(len(windows)):
        place = windows[window, 0]
        high = windows[window, 2]
        goes_on = windows[window, 3]
        if not goes_on:
            total, bucket = 0, windows[window, 1]
        for month in range(bucket, high):
            total += cells[place, at + month]
        bucket = high
        # float64 holds every integer below LIMIT, so what is stored here is the sum itself.
        sound = sound and -LIMIT < total and total < LIMIT  # noqa: SIM300
        found[window, unit] = total
    return sound


# Compiled, because the compiled walks below call it for every unit.
@compiled(boolean(int64, int64, TABLE, TABLE, int64, RANGES))
def add_series(  # noqa: PLR0913
    unit: int, at: int, cells: Column, series: Column, first: int, found: Values
) -> bool:
    """Set found[first:, unit] to what series of months, newest first, are reduced to, the newest bucket of all `at`; tell
    whether they are exact.

    A trend is the least-squares one a month, sum(6 * (W - 1 - 2m) * x) over W * (W * W - 1), a variance W * sum(x * x) -
    sum(x) ** 2 over W * (W - 1); a month without rows is 0 in both, and absent in the others. What a series that goes on
    shares with the one before it is not read again.
    """
    sound, months, there, last = True, 0, 0, np.nan
    most, least, whole, tilt, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
    for place in range(len(series)):
        totals, counts, low, high, kind = (
            series[place, 0],
            series[place, 1],
            series[place, 2],
            series[place, 3],
            series[place, 4],
        )
        if not series[place, 5]:
            months, there, last = 0, 0, np.nan
            most, least, whole, tilt, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
        for month in range(months, high - low):
            if cells[counts, at + low + month] > 0:
                value = float(cells[totals, at + low + month])
                last = value if there == 0 else last
                most, least, there = max(most, value), min(least, value), there + 1
                whole = whole + value
                tilt = tilt + month * value
                squares = squares + value * value
        months = high - low
        value = most if kind == PEAK else least
        value = last if kind == LAST else value
        if kind == MONTHS:
            value = there
        elif kind == SLOPE:
            value = 6.0 * ((months - 1) * whole - 2.0 * tilt) / (months * (months * months - 1))
            # Both terms are whole below LIMIT, so that only the one division rounds.
            sound = sound and 6.0 * max(months * abs(whole), 2.0 * abs(tilt)) < LIMIT
        elif kind == VARIANCE:
            value = (months * squares - whole * whole) / (months * (months - 1))
            sound = sound and months * squares < LIMIT
        elif there == 0:
            value = np.nan
        sound = sound and not abs(value) >= LIMIT
        found[first + place, unit] = value
    return sound


# Compiled, because the compiled walks below call it for every unit.
@compiled(void(int64, int64, TABLE, RANGES))
def add_nothing(unit: int, windows: int, series: Column, found: Values) -> None:
    """Set found[:, unit] to what some windows and series are where no row is met."""
    found[:, unit] = 0.0
    for place in range(len(series)):
        if series[place, 4] in ABSENT:
            found[windows + place, unit] = np.nan


# Compiled, because what a row adds depends on the bucket in which the day before left it: numpy would
# need an array of units times rows.
@compiled(boolean(*7 * [ROW], *3 * [TABLE], OUT, LINE, RANGES))
def add_sums(  # noqa: PLR0913
    begin: Column,
    end: Column,
    day: Column,
    reference: Column,
    known: Column,
    placed: Column,
    table: Column,
    amounts: Column,
    windows: Column,
    series: Column,
    cells: Column,
    lies: Column,
    found: Values,
) -> bool:
    """Set found (windows + series, units) to sums of each unit's amounts (k, rows); tell whether all of them are exact.

    A window is (k, first bucket, bucket beyond, goes on), a series (k of the totals, k of the counts, first bucket, bucket
    beyond, kind, goes on): it goes on where all but its end (and kind) is that of the one before. `table` holds the bucket of
    the distances -1, 0, 1 ..., -1 for none; `cells` (k, buckets) and `lies`, as long as the most rows of a key, are room.

    From a day of a key to its next, only what has become known or lies in another bucket by then is added anew.
    """
    sound, farthest = True, len(table) - 2
    # Whether the cells hold anything: only then have they to be zeroed for the next key.
    used = True
    for unit in range(len(begin)):
        first = begin[unit]
        if (
            unit == 0
            or first != begin[unit - 1]
            or end[unit] != end[unit - 1]
            or day[unit] < day[unit - 1]
        ):
            if used:
                cells[:] = 0
            used = False
            lies[: end[unit] - first] = -1
        for row in range(first, end[unit]):
            offset = reference[unit] - placed[row]
            before = lies[row - first]
            bucket = table[min(max(offset, -1), farthest) + 1]
            # A row without a day lies beyond LIMIT; it is in no bucket, the endless one neither.
            if known[row] <= day[unit] and bucket != before and offset <= LIMIT:
                used, lies[row - first] = True, bucket
                for column in range(len(amounts)):
                    if before >= 0:
                        cells[column, before] -= amounts[column, row]
                    if bucket >= 0:
                        cells[column, bucket] += amounts[column, row]
        if used:
            sound = add_windows(unit, 0, cells, windows, found) and sound
            sound = add_series(unit, 0, cells, series, len(windows), found) and sound
        else:
            add_nothing(unit, len(windows), series, found)
    return sound


# Compiled apart from `add_sums`, because here the bucket is the distance itself
# and needs neither `table` nor `lies`.
@compiled(boolean(*6 * [ROW], int64, *3 * [TABLE], OUT, RANGES))
def add_month_sums(  # noqa: PLR0913
    begin: Column,
    end: Column,
    day: Column,
    reference: Column,
    known: Column,
    placed: Column,
    width: int,
    amounts: Column,
    windows: Column,
    series: Column,
    cells: Column,
    found: Values,
) -> bool:
    """Set what `add_sums` sets where bucket b is the distance b, below `width`; `cells` (k, width and more) is room.

    From a day of a key to its next, as long as there is room, the cells stay and only what has come to be met is added.
    """
    sound, used, spare = True, True, cells.shape[1] - width
    # `top` is the newest month for which the cells have room, `before` and `newest` the day and the
    # month of the unit before: rows that it met are in the cells already.
    top, before, newest = -LIMIT, -LIMIT, -LIMIT
    for unit in range(len(begin)):
        if (
            unit == 0
            or begin[unit] != begin[unit - 1]
            or end[unit] != end[unit - 1]
            or day[unit] < day[unit - 1]
            or reference[unit] > top
        ):
            if used:
                cells[:] = 0
            used, top = False, reference[unit] + spare
            before, newest = -LIMIT, -LIMIT
        at = top - reference[unit]
        for row in range(begin[unit], end[unit]):
            if known[row] <= day[unit]:
                offset = reference[unit] - placed[row]
                if 0 <= offset and offset < width and (known[row] > before or placed[row] > newest):  # noqa: SIM300
                    used = True
                    for column in range(len(amounts)):
                        cells[column, at + offset] += amounts[column, row]
        before, newest = day[unit], reference[unit]
        if used:
            sound = add_windows(unit, at, cells, windows, found) and sound
            sound = add_series(unit, at, cells, series, len(windows), found) and sound
        else:
            add_nothing(unit, len(windows), series, found)
    return sound


# Compiled, because numpy would read the values once for each of the four answers.
@compiled(void(FLOATS, RANGE))
def survey(values: Values, found: Values) -> None:
    """Set `found` to the least and greatest of values, at least as far as 0, whether all are whole, and whether one is NaN."""
    low, high, whole, gaps = 0.0, 0.0, True, False
    for value in values:
        # Only NaN differs from itself.
        if value != value:
            gaps = True
        else:
            low = min(low, value)
            high = max(high, value)
            whole = whole and value == np.floor(value)
    found[0] = low
    found[1] = high
    found[2] = whole
    found[3] = gaps


# Compiled, because each place moves the next one of its value on.
@compiled(void(PLACES, IN, PLACES, int32[::1]))
def put_in_order(value: Places, begins: Column, given: Places, order: Places) -> None:
    """Set `order` to the given places by their values, equal ones as given; `begins` says where each value 0, 1, ... begins."""
    # A counting sort: `after` is the place of the next one with each value.
    after = begins.copy()
    for place in given:
        rank = value[place]
        order[after[rank]] = place
        after[rank] += 1
