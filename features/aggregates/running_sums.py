"""Sums for many days at once: each row counts for a key from one day to another, so a sum is a difference of running totals.

A row known on `known` lies in the window (D - first, D - last] of every D in [max(known, when + last), when + first).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from features.aggregates.aggregate import Tally
from features.arrays import NULL, Column, Values
from features.cases import Units
from features.catalogue.language import LIMIT, Atom
from features.catalogue.model import Window
from features.errors import CatalogueError

# A key and a day make one sortable integer: key * 2^20 + day + 2^18, where the shift keeps every day,
# those before 1970 too, at or above 0 and so within its key's 2^20 numbers.
_DAY = 2**20
_SHIFT = 2**18


def running_sums(  # noqa: PLR0913
    key: Column,
    known: Column,
    when: Column,
    measure_tally: Tally,
    units: Units,
    atoms: Iterable[Atom],
    windows: Mapping[str, Window],
) -> dict[Atom, Values]:
    """Return float64 (units,) for sums and counts of one measure over day windows; `key` is the rows' key."""
    sought = units.key * _DAY + units.day + _SHIFT
    keep = (when != NULL) if measure_tally.keep is None else measure_tally.keep
    if measure_tally.valid is not None:
        keep = keep & measure_tally.valid
    sums: dict[Atom, Values] = {}
    for atom in atoms:
        window = windows[atom.window]
        counted = atom.aggregate == "count"
        signed = (measure_tally.sign if counted else measure_tally.signed)[keep]
        begins = np.maximum(known[keep], when[keep] + window.last)
        total = _total_until(key[keep], begins, signed, sought)
        if window.first:
            ends = np.maximum(begins, when[keep] + window.first)
            total = total - _total_until(key[keep], ends, signed, sought)
        sums[atom] = total.astype(np.float64)
    return sums


def _total_until(key: Column, day: Column, signed: Column, sought: Column) -> Column:
    """Return for each sought (key, day) the sum of `signed` over rows of the key whose day is not later, int64."""
    # LIMIT * 2**9 is 2^62, half of what int64 holds: below it no running total can overflow.
    if len(signed) and float(np.abs(signed).astype(np.float64).sum()) >= LIMIT * 2**9:
        raise CatalogueError("a running total reached 2^62; use a smaller unit for this measure")
    place = key * _DAY + day + _SHIFT
    order = np.argsort(place, kind="stable")
    place = place[order]
    totals = np.concatenate(([0], np.cumsum(signed[order])))
    before = np.searchsorted(place, (sought // _DAY) * _DAY)
    until = np.searchsorted(place, sought, side="right")
    return totals[until] - totals[before]
