"""A window sum of many days is the sum of the rows known by each day that lie in its window."""

from __future__ import annotations

import numpy as np
import pytest

from features.aggregates.prefix_sums import PlacedRows, WindowSum, prefix_sums, running
from features.arrays import NULL
from features.cases import Units
from features.catalogue.language import Atom
from features.catalogue.model import Window
from features.errors import CatalogueError

ATOMS = {
    Atom("sum", "paid", "lately"): ("amount", 30, 0),
    Atom("sum", "paid", "before"): ("amount", 90, 30),
    Atom("count", "paid", "ever"): ("rows", 0, 5),
}


def test_a_sum_is_that_of_the_rows_known_by_the_day_in_the_window() -> None:
    draw = np.random.default_rng(3)
    key = np.sort(draw.integers(0, 4, 60))
    known = draw.integers(-60, 60, 60)
    # A row without a day lies in no window, and what it adds is 0.
    placed = np.where(draw.random(60) < 0.1, NULL, known - draw.integers(-9, 80, 60))
    amounts = {"amount": draw.integers(-50, 50, 60), "rows": draw.integers(-1, 2, 60)}
    amounts = {name: np.where(placed == NULL, 0, column) for name, column in amounts.items()}
    units = Units(np.repeat(np.arange(5), 7), np.tile(np.arange(-40, 100, 20), 5))
    sums = {
        atom: WindowSum(name, Window(atom.window, "day", first, last, "", ""))
        for atom, (name, first, last) in ATOMS.items()
    }
    by_atom = prefix_sums(PlacedRows(key, placed, known, amounts), units, sums)
    for atom, (name, first, last) in ATOMS.items():
        for unit, (code, day) in enumerate(zip(units.key, units.day, strict=True)):
            in_window = (placed <= day - last) & (placed > (day - first if first else NULL))
            rows = (key == code) & (known <= day) & in_window
            assert by_atom[atom][unit] == amounts[name][rows].sum(), (atom, code, day)


def test_a_total_that_could_overflow_is_refused_and_one_that_cannot_is_not() -> None:
    large = np.array([2**61, 1, 1, 1])
    assert running(large)[-1] == 2**61 + 3
    with pytest.raises(CatalogueError, match="2\\^62"):
        running(np.array([2**61, -(2**61)]))
