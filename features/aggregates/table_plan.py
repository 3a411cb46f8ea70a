"""Groups: the aggregates of one table by one key, with the columns that they read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.aggregates.aggregate import Placement
from features.aggregates.row_ranges import RowRanges
from features.arrays import Values
from features.catalogue.language import Atom, row_columns
from features.catalogue.model import Measure


@dataclass(frozen=True, eq=False)
class Group:
    """Aggregates of one table by one key: the columns that they read, those of them that hold months, and how they are found."""

    table: str
    by: str
    atoms: tuple[Atom, ...]
    columns: tuple[str, ...]
    months: frozenset[str]
    placements: tuple[Placement, ...]

    def of(self, rows: RowRanges) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, NaN where undefined."""
        if not len(rows.columns["known"]):
            return self.of_nothing(len(rows))
        return self._of_rows(rows)

    def of_nothing(self, units: int) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate of units that have no row."""
        if units == 1:
            return dict(self._nothing)
        return {atom: np.repeat(value, units) for atom, value in self._nothing.items()}

    def _of_rows(self, rows: RowRanges) -> dict[Atom, Values]:
        aggregates: dict[Atom, Values] = {}
        for placement in self.placements:
            aggregates |= placement.of(rows)
        return aggregates

    @cached_property
    def _nothing(self) -> dict[Atom, Values]:
        columns = dict.fromkeys(self.columns, np.empty(0, np.int64))
        zero = np.zeros(1, np.int64)
        one_unit = RowRanges(zero, zero, zero, zero, columns, self.months)
        return self._of_rows(one_unit)


def read_by(measure: Measure) -> frozenset[str]:
    """Return the columns that place, filter and value the rows of a measure."""
    columns = row_columns(measure.value)
    if measure.filter is not None:
        columns |= row_columns(measure.filter)
    if measure.when:
        columns |= {measure.when}
    return columns
