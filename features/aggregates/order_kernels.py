"""The kernel's walks through items, compiled: the multiset of each unit's items, whose order statistics are read off in order.

Units meet rows as in `features.aggregates.kernels`; an item is there in a window where the signs of its rows sum above zero.
"""

from __future__ import annotations

import numpy as np
from numba import int64, void

from features.aggregates.kernels import IN, LINE, OUT
from features.arrays import NULL, Column
from features.compiled import compiled

INSERTED = 48
"""Items up to which putting each in its place beats a sort."""


# Compiled, because the compiled walks below call it for every key.
@compiled(void(IN, int64, int64, LINE))
def arrange(item: Column, begin: int, end: int, order: Column) -> None:
    """Set order[begin:end] to the places begin to below end by their items, equal ones as they stand."""
    if end - begin > INSERTED:
        order[begin:end] = begin + np.argsort(item[begin:end], kind="mergesort")
        return
    for place in range(begin, end):
        sought = item[place]
        before = place - 1
        while before >= begin and item[order[before]] > sought:
            order[before + 1] = order[before]
            before -= 1
        order[before + 1] = place


# Compiled, because the walk below calls it for every item.
@compiled(void(int64, int64, LINE, *3 * [OUT]))
def count_item(  # noqa: PLR0913
    item: int, unit: int, times: Column, distinct: Column, least: Column, greatest: Column
) -> None:
    """Count an item in each window where its signs sum above zero, and begin the sums anew."""
    for window in range(len(times)):
        if times[window] > 0:
            greatest[unit, window] = item
            if distinct[unit, window] == 0:
                least[unit, window] = item
            distinct[unit, window] += 1
        times[window] = 0


# Compiled, because an item counts only where its signs sum above zero: the walk has to see its rows
# one after another.
@compiled(void(*9 * [IN], LINE, LINE, *3 * [OUT]))
def add_members(  # noqa: PLR0913
    begin: Column,
    end: Column,
    day: Column,
    reference: Column,
    known: Column,
    placed: Column,
    item: Column,
    sign: Column,
    edges: Column,
    order: Column,
    times: Column,
    distinct: Column,
    least: Column,
    greatest: Column,
) -> None:
    """Set (units, windows) to how many items have signs that sum above zero in a window, and to the least and greatest of them.

    `order` is room for the order of the rows of each key by item, `times` for a zero of each window.
    """
    for unit in range(len(begin)):
        # The days of one key come in turn: its items are put in order once for all of them.
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
                count_item(item[row], unit, times, distinct, least, greatest)


# Compiled, because the walk below calls it for every item.
@compiled(int64(int64, int64, LINE, OUT))
def reach(item: int, unit: int, times: Column, greatest: Column) -> int:
    """Set the greatest item of each window in which its signs sum above zero and none is greater, and begin the sums anew.

    Returns how many windows it was set in.
    """
    reached = 0
    for window in range(len(times)):
        if times[window] > 0 and greatest[unit, window] == NULL:
            greatest[unit, window] = item
            reached += 1
        times[window] = 0
    return reached


# Compiled, because it stops at the first rows that suffice; numpy would read all of them.
@compiled(void(*9 * [IN], LINE, LINE, OUT))
def add_greatest(  # noqa: PLR0913
    begin: Column,
    end: Column,
    day: Column,
    reference: Column,
    known: Column,
    placed: Column,
    item: Column,
    sign: Column,
    edges: Column,
    order: Column,
    times: Column,
    greatest: Column,
) -> None:
    """Set `greatest` (units, windows), NULL before, as `add_members` does, from the last item on and no further than needed."""
    for unit in range(len(begin)):
        if unit == 0 or begin[unit] != begin[unit - 1] or end[unit] != end[unit - 1]:
            arrange(item, begin[unit], end[unit], order)
        # From the greatest item down, until every window has one: most often after a few rows.
        missing, place = len(times), end[unit]
        while missing > 0 and place > begin[unit]:
            place -= 1
            row = order[place]
            if known[row] <= day[unit]:
                offset = reference[unit] - placed[row]
                for window in range(len(times)):
                    times[window] += (
                        sign[row]
                        if edges[2 * window] <= offset and offset < edges[2 * window + 1]
                        else 0
                    )
            if place == begin[unit] or item[order[place - 1]] != item[row]:
                missing -= reach(item[row], unit, times, greatest)


# Compiled, because here too an item counts only where its signs sum above zero.
@compiled(void(*9 * [IN], LINE, OUT))
def add_medians(  # noqa: PLR0913
    begin: Column,
    end: Column,
    day: Column,
    reference: Column,
    known: Column,
    placed: Column,
    item: Column,
    sign: Column,
    edges: Column,
    order: Column,
    middle: Column,
) -> None:
    """Set (units, windows) to the lower median of the items whose signs sum above zero in a window, as often as they sum to.

    Windows and room as for `add_members`; medians over rows are rare, so this takes two walks for each window.
    """
    for unit in range(len(begin)):
        if unit == 0 or begin[unit] != begin[unit - 1] or end[unit] != end[unit - 1]:
            arrange(item, begin[unit], end[unit], order)
        for window in range(middle.shape[1]):
            # The first walk counts the items, the second finds the one that reaches half of the
            # count; in the first none does, as 2^62 items never come before one.
            before = 2**62
            for walk in range(2):
                total, times = 0, 0
                for place in range(begin[unit], end[unit]):
                    row = order[place]
                    offset = reference[unit] - placed[row]
                    if (
                        known[row] <= day[unit]
                        and edges[2 * window] <= offset
                        and offset < edges[2 * window + 1]
                    ):
                        times += sign[row]
                    if place + 1 == end[unit] or item[order[place + 1]] != item[row]:
                        if total <= before and before < total + times:
                            middle[unit, window] = item[row]
                        total, times = total + max(times, 0), 0
                before = (total - 1) // 2 if walk == 0 else before
