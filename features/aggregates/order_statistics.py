"""Order statistics of signed rows: functions of the net multiset that a unit's history is."""

from __future__ import annotations

import numpy as np

from features.aggregates.order_kernels import add_greatest, add_medians, add_members
from features.aggregates.plan import Members
from features.aggregates.row_ranges import RowRanges
from features.arrays import NULL, Column, Values
from features.catalogue.language import Atom

# A dated item is a day and a value in one integer that sorts by both: a day above -2^17 (359 years
# before 1970) in the high bits, a value from -2^37 to below 2^37 in the low 38.
ITEM_VALUES = 2**38
ITEM_HALF = 2**37
ITEM_DAYS = 2**17
GREATEST = {"newest", "since", "largest"}
"""Aggregates that only the greatest item says, the newest day or value."""


def dated_item(when: Column, value: Column) -> Column:
    """Return one integer that orders by day, then by value; the least value of a day stands for an empty one."""
    return (when + ITEM_DAYS) * ITEM_VALUES + value + ITEM_HALF


def of_members(
    rows: RowRanges, when: str, item: Column, sign: Column, members: Members
) -> dict[Atom, Values]:
    """Return float64 (units,) for aggregates of the items whose signs sum above zero; NaN where there is none.

    Rows lie in a window by the distance of `when`, and count with `sign`, 0 where they do not pass.
    """
    shape = (len(rows), len(members.atoms))
    reference = rows.reference(when)
    order = np.empty(len(item), np.int64)
    walk = (
        rows.begin,
        rows.end,
        rows.day,
        reference,
        rows.columns["known"],
        rows.placed(when),
        item,
        sign,
        members.edges,
        order,
    )
    times = np.zeros(shape[1], np.int64)
    greatest = np.full(shape, NULL)
    aggregates = {atom.aggregate for atom in members.atoms}
    chosen: dict[str, Column] = {}
    if aggregates <= GREATEST:
        # The walk from the last item on may stop early; so it is taken wherever it is enough.
        add_greatest(*walk, times, greatest)
    else:
        distinct = np.zeros(shape, np.int64)
        least = np.full(shape, NULL)
        add_members(*walk, times, distinct, least, greatest)
        chosen = {"smallest": least, "first_since": least}
    if "median" in aggregates:
        chosen["median"] = np.full(shape, NULL)
        add_medians(*walk, chosen["median"])
    values: dict[Atom, Values] = {}
    for place, atom in enumerate(members.atoms):
        if atom.aggregate == "distinct":
            values[atom] = distinct[:, place].astype(np.float64)
        else:
            items = chosen.get(atom.aggregate, greatest)[:, place]
            values[atom] = statistic_values(members.kind, items, reference)
    return values


def statistic_values(kind: str, item: Column, reference: Column) -> Values:
    """Return the value of each chosen item: itself, the part of a dated item that is no day, or the time since a placed one."""
    value = item.astype(np.float64)
    if kind == "dated":
        undated = item % ITEM_VALUES
        no_value = (item == NULL) | (undated == 0)
        return np.where(no_value, np.nan, undated - ITEM_HALF)
    if kind == "placed":
        return np.where(item == NULL, np.nan, reference - value)
    return np.where(item == NULL, np.nan, value)
