"""Order statistics of signed rows: functions of the net multiset that a unit's history is."""

from __future__ import annotations

import numpy as np

from features.aggregates.order_kernels import add_greatest, add_medians, add_members
from features.aggregates.plan import Members
from features.aggregates.row_ranges import RowRanges
from features.arrays import NULL, Column, Values
from features.catalogue.language import Atom

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
    asked = (
        rows.begin,
        rows.end,
        rows.day,
        reference,
        rows.columns["known"],
        rows.placed(when),
        item,
        sign,
        members.edges,
        np.empty(len(item), np.int64),
    )
    times, greatest = np.zeros(shape[1], np.int64), np.full(shape, NULL)
    aggregates = {atom.aggregate for atom in members.atoms}
    chosen: dict[str, Column] = {}
    if aggregates <= GREATEST:
        add_greatest(*asked, times, greatest)
    else:
        distinct, least = np.zeros(shape, np.int64), np.full(shape, NULL)
        add_members(*asked, times, distinct, least, greatest)
        chosen = {"smallest": least, "first_since": least}
    if "median" in aggregates:
        chosen["median"] = np.full(shape, NULL)
        add_medians(*asked, chosen["median"])
    return {
        atom: distinct[:, place].astype(np.float64)
        if atom.aggregate == "distinct"
        else said(members.kind, chosen.get(atom.aggregate, greatest)[:, place], reference)
        for place, atom in enumerate(members.atoms)
    }


def said(kind: str, item: Column, reference: Column) -> Values:
    """Return what chosen items say: their value, the value of a dated one, or how long before the as-of they lie."""
    value = item.astype(np.float64)
    if kind == "dated":
        undated = item % ITEM_VALUES
        return np.where((item == NULL) | (undated == 0), np.nan, undated - ITEM_HALF)
    return np.where(item == NULL, np.nan, reference - value if kind == "placed" else value)
