"""Order statistics of signed rows: functions of the net multiset that a unit's history is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.grid import Values
from features.rowwise import NULL, Column

ITEM_VALUES = 2**38
ITEM_HALF = 2**37
ITEM_DAYS = 2**17


@dataclass(frozen=True, slots=True)
class Net:
    """The live members of each unit's multiset: sorted by (unit, item), with their multiplicity."""

    unit: Column
    item: Column
    times: Column
    units: int


def net_of(unit: Column, item: Column, sign: Column, units: int) -> Net:
    """Return the members whose signs sum above zero."""
    if not len(unit):
        return Net(unit, item, sign, units)
    order = np.lexsort((item, unit))
    unit, item, sign = unit[order], item[order], sign[order]
    fresh = np.empty(len(unit), np.bool_)
    fresh[0] = True
    np.logical_or(unit[1:] != unit[:-1], item[1:] != item[:-1], out=fresh[1:])
    begins = np.flatnonzero(fresh)
    times = np.add.reduceat(sign, begins)
    live = times > 0
    return Net(unit[begins][live], item[begins][live], times[live], units)


def dated_item(when: Column, value: Column) -> Column:
    """Return one integer that orders by day, then by value; the least value of a day stands for an empty one."""
    return (when + ITEM_DAYS) * ITEM_VALUES + value + ITEM_HALF


def of_items(aggregate: str, unit: Column, item: Column, sign: Column, units: int) -> Values:
    """Return distinct, median, newest, largest or smallest of each unit's multiset; NaN where it is empty."""
    if aggregate == "distinct":
        return np.bincount(net_of(unit, item, sign, units).unit, minlength=units).astype(np.float64)
    if aggregate == "median":
        return lower_median(net_of(unit, item, sign, units))
    found = extremes(unit, item, sign, units, last=aggregate in ("largest", "newest"))
    if aggregate == "newest":
        value = found % ITEM_VALUES
        return np.where((found == NULL) | (value == 0), np.nan, (value - ITEM_HALF).astype(np.float64))
    return np.where(found == NULL, np.nan, found.astype(np.float64))


def extremes(unit: Column, item: Column, sign: Column, units: int, *, last: bool) -> Column:
    """Return the greatest (last) or least live item of each unit, NULL where it has none; all live where none is negative."""
    if len(sign) and sign.min() < 1:
        net = net_of(unit, item, sign, units)
        unit, item = net.unit, net.item
    found = np.full(units, NULL if last else -NULL, np.int64)
    (np.maximum if last else np.minimum).at(found, unit, item)
    return found if last else np.where(found == -NULL, NULL, found)


def lower_median(net: Net) -> Values:
    """Return the member at position (total - 1) // 2 of each unit's sorted multiset."""
    found = np.full(net.units, np.nan)
    if not len(net.unit):
        return found
    total = np.bincount(net.unit, weights=net.times, minlength=net.units).astype(np.int64)
    before = np.cumsum(total) - total
    reached = np.cumsum(net.times)
    here = np.flatnonzero(total > 0)
    found[here] = net.item[np.searchsorted(reached, (before + (total - 1) // 2)[here], side="right")]
    return found
