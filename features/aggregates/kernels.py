"""The kernel: one compiled pass over the rows of each unit's key. It adds integers, so their order does not matter.

Unit i reads the rows begin[i] to below end[i] of its key that are known by its day. A row lies as many days or months before
the unit as its `placed` lies before the unit's `reference`. That distance falls into a bucket, a cell holds the sum of one
bucket, and a window or a series of months is read from the cells. Several units may share a key, one after another by day:
then the cells of the unit before are brought up to date.
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
def add_windows(unit: int, at: int, cells: Column, windows: Column, results: Values) -> bool:
    """Set results[:, unit] to the sum of the cells in each window; tell whether all are exact.

    The first bucket of all stands `at` in the cells. A window that extends the one before it adds only its further buckets.
    """
    exact, total, bucket = True, 0, 0
    for window in range(len(windows)):
        place = windows[window, 0]
        beyond = windows[window, 2]
        extends = windows[window, 3]
        if not extends:
            total, bucket = 0, windows[window, 1]
        for month in range(bucket, beyond):
            total += cells[place, at + month]
        bucket = beyond
        # float64 holds every integer below LIMIT, so what is stored here is the sum itself.
        exact = exact and -LIMIT < total and total < LIMIT  # noqa: SIM300
        results[window, unit] = total
    return exact


# Compiled, because the compiled walks below call it for every unit.
@compiled(boolean(int64, int64, TABLE, TABLE, int64, RANGES))
def add_series(  # noqa: PLR0913
    unit: int, at: int, cells: Column, series: Column, first: int, results: Values
) -> bool:
    """Set results[first:, unit] to the one number that each series of months gives; tell whether all are exact.

    A series is read from its newest month (m = 0) to its oldest; the newest bucket of all stands `at` in the cells. Of W
    months with totals x, the slope is the least-squares one a month, sum(6 * (W - 1 - 2m) * x) / (W * (W * W - 1)), and the
    variance (W * sum(x * x) - sum(x) ** 2) / (W * (W - 1)). A month without rows counts as 0 in these two, and is absent in
    the other kinds. A series that extends the one before it reads only its further months.
    """
    exact, months, with_rows, last = True, 0, 0, np.nan
    most, least, total, weighted_total, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
    for place in range(len(series)):
        totals, counts, low, high, kind = (
            series[place, 0],
            series[place, 1],
            series[place, 2],
            series[place, 3],
            series[place, 4],
        )
        if not series[place, 5]:
            months, with_rows, last = 0, 0, np.nan
            most, least, total, weighted_total, squares = -np.inf, np.inf, 0.0, 0.0, 0.0
        for month in range(months, high - low):
            if cells[counts, at + low + month] > 0:
                value = float(cells[totals, at + low + month])
                # the first month with rows is the newest one
                last = value if with_rows == 0 else last
                most, least, with_rows = max(most, value), min(least, value), with_rows + 1
                total = total + value
                weighted_total = weighted_total + month * value
                squares = squares + value * value
        months = high - low
        # `most` and `least` are finite only where some month has rows; the branch below sees to the others
        value = most if kind == PEAK else least
        value = last if kind == LAST else value
        if kind == MONTHS:
            value = with_rows
        elif kind == SLOPE:
            rise = 6.0 * ((months - 1) * total - 2.0 * weighted_total)
            value = rise / (months * (months * months - 1))
            # Both terms are whole below LIMIT, so that only the one division rounds.
            exact = exact and 6.0 * max(months * abs(total), 2.0 * abs(weighted_total)) < LIMIT
        elif kind == VARIANCE:
            value = (months * squares - total * total) / (months * (months - 1))
            exact = exact and months * squares < LIMIT
        elif with_rows == 0:
            value = np.nan
        exact = exact and not abs(value) >= LIMIT
        results[first + place, unit] = value
    return exact


# Compiled, because the compiled walks below call it for every unit.
@compiled(void(int64, int64, TABLE, RANGES))
def add_nothing(unit: int, windows: int, series: Column, results: Values) -> None:
    """Set results[:, unit] to what windows and series give without a row: 0, or NaN for the kinds that need one."""
    results[:, unit] = 0.0
    for place in range(len(series)):
        if series[place, 4] in ABSENT:
            results[windows + place, unit] = np.nan


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
    bucket_of_row: Column,
    results: Values,
) -> bool:
    """Set results (windows + series, units) to sums of each unit's amounts (k, rows); tell whether all are exact.

    A window is (k, first bucket, bucket beyond, extends), a series (k of the totals, k of the counts, first bucket, bucket
    beyond, kind, extends): it extends the one before where only its end (and kind) differ. `table` has the bucket of each
    distance -1, 0, 1 …, where a bucket of -1 is none. `cells` (k, buckets) and `bucket_of_row`, as long as the most rows of a
    key, are room to work in.

    From one day of a key to its next, only a row that has become known or has moved to another bucket is added anew.
    """
    exact, farthest = True, len(table) - 2
    # Only cells that hold something have to be zeroed for the next key.
    has_cells = True
    for unit in range(len(begin)):
        first = begin[unit]
        # another key, or an earlier day of the same: the cells begin anew
        if (
            unit == 0
            or first != begin[unit - 1]
            or end[unit] != end[unit - 1]
            or day[unit] < day[unit - 1]
        ):
            if has_cells:
                cells[:] = 0
            has_cells = False
            bucket_of_row[: end[unit] - first] = -1
        for row in range(first, end[unit]):
            offset = reference[unit] - placed[row]
            old_bucket = bucket_of_row[row - first]
            bucket = table[min(max(offset, -1), farthest) + 1]
            # A row without a day lies beyond LIMIT; it is in no bucket, the endless one neither.
            if known[row] <= day[unit] and bucket != old_bucket and offset <= LIMIT:
                has_cells, bucket_of_row[row - first] = True, bucket
                for column in range(len(amounts)):
                    if old_bucket >= 0:
                        cells[column, old_bucket] -= amounts[column, row]
                    if bucket >= 0:
                        cells[column, bucket] += amounts[column, row]
        if has_cells:
            exact = add_windows(unit, 0, cells, windows, results) and exact
            exact = add_series(unit, 0, cells, series, len(windows), results) and exact
        else:
            add_nothing(unit, len(windows), series, results)
    return exact


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
    results: Values,
) -> bool:
    """Set what `add_sums` sets, where bucket b is the distance b, below `width`; `cells` (k, width and more) is room.

    The cells begin with the month `newest_room`, some months later than the unit's own. So from one day of a key to its
    next they stay where they are while there is room, and only rows that the unit before did not read are added.
    """
    exact, has_cells, spare = True, True, cells.shape[1] - width
    # The unit before read the rows known by `day_before` and placed up to `month_before`: they are in the cells already.
    newest_room, day_before, month_before = -LIMIT, -LIMIT, -LIMIT
    for unit in range(len(begin)):
        if (
            unit == 0
            or begin[unit] != begin[unit - 1]
            or end[unit] != end[unit - 1]
            or day[unit] < day[unit - 1]
            or reference[unit] > newest_room
        ):
            if has_cells:
                cells[:] = 0
            has_cells, newest_room = False, reference[unit] + spare
            day_before, month_before = -LIMIT, -LIMIT
        at = newest_room - reference[unit]
        for row in range(begin[unit], end[unit]):
            if known[row] <= day[unit]:
                offset = reference[unit] - placed[row]
                if (
                    offset >= 0
                    and offset < width
                    and (known[row] > day_before or placed[row] > month_before)
                ):
                    has_cells = True
                    for column in range(len(amounts)):
                        cells[column, at + offset] += amounts[column, row]
        day_before, month_before = day[unit], reference[unit]
        if has_cells:
            exact = add_windows(unit, at, cells, windows, results) and exact
            exact = add_series(unit, at, cells, series, len(windows), results) and exact
        else:
            add_nothing(unit, len(windows), series, results)
    return exact


# Compiled, because numpy would read the values once for each of the four answers.
@compiled(void(FLOATS, RANGE))
def survey(values: Values, summary: Values) -> None:
    """Set `summary` to the least value (0 at most), the greatest (0 at least), whether all are whole, whether one is NaN."""
    low, high, whole, gaps = 0.0, 0.0, True, False
    for value in values:
        # Only NaN differs from itself.
        if value != value:
            gaps = True
        else:
            low = min(low, value)
            high = max(high, value)
            whole = whole and value == np.floor(value)
    summary[0] = low
    summary[1] = high
    summary[2] = whole
    summary[3] = gaps


# Compiled, because each place moves the next one of its value on.
@compiled(void(PLACES, IN, PLACES, int32[::1]))
def put_in_order(value: Places, begins: Column, places: Places, order: Places) -> None:
    """Set `order` to `places` sorted by value, equal ones as they come; `begins` says where each value 0, 1, … begins."""
    # A counting sort: `next_place` is where the next one of each value goes.
    next_place = begins.copy()
    for place in places:
        rank = value[place]
        order[next_place[rank]] = place
        next_place[rank] += 1
