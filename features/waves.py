"""Many units on the same few days: rows are met once, first known first, and each day adds the rows that it brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.aggregate import Matched, Placement, Tally, multisets, read_off, stacked
from features.asked import Asked, Windows, asked_on_days
from features.cases import Units, complete_month
from features.grid import Grid, Values, grid_of
from features.language import Atom
from features.matching import position, taken
from features.rowwise import Column

FEW_DAYS = 100


@dataclass(frozen=True, slots=True)
class Waves:
    """Rows of all days in waves, each in the order of its units: `until[j]` of them are known by `days[j]`.

    `rows.unit` is the place of a row's key among the distinct keys; `slots[j]` are the units of that day, `of[j]` their keys.
    """

    rows: Matched
    days: list[int]
    until: list[int]
    slots: list[Column]
    of: list[Column]

    def shifts(self, when: str) -> list[int]:
        """Return how long before the last day each day lies, in what places rows by `when`."""
        counted = [complete_month(day) for day in self.days] if when in self.rows.month_columns else self.days
        return [counted[-1] - count if when else 0 for count in counted]


def in_waves(units: Units) -> bool:
    """Tell whether many units are asked for on few days, so that rows are better met in waves."""
    days = np.unique(units.day[:: max(1, len(units) // (4 * FEW_DAYS))])
    return 1 < len(days) <= FEW_DAYS and len(units) >= 4 * len(days) and len(np.unique(units.day)) <= FEW_DAYS


def waves_of(units: Units, key: Column, columns: Mapping[str, Column], months: frozenset[str]) -> Waves:
    """Return the rows of units in waves; `key` is sorted, `columns` hold `known` and `sign` too."""
    days, keys = np.unique(units.day), np.unique(units.key)
    unit = position(keys, key)
    wave = np.searchsorted(days, columns["known"]).astype(np.int16)
    wave[unit < 0] = len(days)
    order = np.argsort(wave, kind="stable")
    until = np.cumsum(np.bincount(wave, minlength=len(days) + 1))[: len(days)]
    order = order[: until[-1]]
    rows = Matched(unit[order], days[-1:], np.array([complete_month(int(days[-1]))]), columns["sign"][order],
                   taken(columns, order), len(keys), months)
    slots = [np.flatnonzero(units.day == day) for day in days]
    return Waves(rows, days.tolist(), until.tolist(), slots, [position(keys, units.key[slot]) for slot in slots])


def of_placement(waves: Waves, placement: Placement, windows: Windows) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate of a placement."""
    asked = asked_on_days(placement.asked.atoms, windows, waves.shifts(placement.when))
    return of_waves(waves, placement.when, placement.tallies.of(waves.rows), asked)


def of_waves(waves: Waves, when: str, tallies: Mapping[str, Tally], asked: Sequence[Asked]) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate, NaN where undefined; `asked` says of each day what is asked of its rows."""
    size = sum(len(slot) for slot in waves.slots)
    found = {atom: np.empty(size) for atom in asked[0].atoms}
    for slot, of, values in zip(waves.slots, waves.of, _by_day(waves, when, tallies, asked), strict=True):
        for atom, value in values.items():
            found[atom][slot] = value[of]
    return found


def _by_day(waves: Waves, when: str, tallies: Mapping[str, Tally], asked: Sequence[Asked]) -> Iterator[dict[Atom, Values]]:
    rows, shifts = waves.rows, waves.shifts(when)
    placed = rows.when(when)
    offset = rows.reference(when) - placed
    grid = grid_of(rows.unit, offset, rows.units, asked[0].buckets)
    held = np.zeros((len(asked[0].sums), grid.units, grid.width))
    first = 0
    for shift, last, here in zip(shifts, waves.until, asked, strict=True):
        part, known = slice(first, last), slice(0, last)
        if here.sums and first < last:
            new = Grid(grid.cell[part], grid.inside[part], grid.units, grid.width)
            held += stacked(new, {name: own.part(part) for name, own in tallies.items()}, here)
        matched = replace(rows, unit=rows.unit[known], sign=rows.sign[known])
        yield read_off(held, here) | multisets(matched, (placed[known], offset[known] - shift),
                                               {name: own.part(known) for name, own in tallies.items()}, here)
        first = last
