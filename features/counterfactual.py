"""A counterfactual: one case's features as they would be had some rows of its history never been known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.cases import Cases
from features.catalogue import Catalogue, Measure, declared_joins
from features.columns import literal_of, months_of
from features.days import month_of_day
from features.engine import environment, stacked
from features.evaluate import Rows, atom_values, feature_values, store_rows
from features.language import columns_of
from features.matrix import Matrix
from features.rowwise import row_filter
from features.store import Store

Columns = Mapping[str, NDArray[np.int64]]


class Counterfactual:
    """Holds one case's aggregates, so that without some rows only those of their tables are computed again."""

    def __init__(self, store: Store, catalogue: Catalogue, cases: Cases, matrix: Matrix,
                 rows: Rows | None = None) -> None:
        """Take the case (of one row) and its matrix; `rows` replaces the store as the place where rows come from."""
        self._store, self._catalogue, self._cases, self._matrix = store, catalogue, cases, matrix
        self._features = catalogue.features(cases.entity)
        self._rows = rows or store_rows(store)
        self._known = environment(store, catalogue, cases, self._features, rows)
        self._chain = catalogue.chain([feature.name for feature in self._features])

    def without(self, measure: str, first: int, last: int) -> Matrix:
        """Return the case's matrix without the live rows that a measure counts from day `first` to day `last`."""
        declared = self._catalogue.measure(measure)
        gone = self._counted(declared, first, last)
        base = left_of(declared.table)
        touched = {atom for atom in self._known.atoms if base in sides_of(self._catalogue.measure(atom.measure).table)}
        again = atom_values(self._store, self._catalogue, self._cases, touched, self._less(base, gone))
        values = feature_values(self._chain, replace(self._known, atoms={**self._known.atoms, **again}))
        return replace(self._matrix, values=stacked(self._features, values, 1))

    def _counted(self, measure: Measure, first: int, last: int) -> set[str]:
        """Return the numbers of the live rows that a measure counts for the case, placed in a span of days."""
        key = int(self._cases.keys[measure.by][0])
        needed = {"known", "sign"} | ({measure.when} if measure.when else set()) | columns_of(measure.value)
        needed |= columns_of(measure.filter) if measure.filter is not None else set()
        read = self._rows(measure.table, measure.by, key, key + 1, (*sorted(needed), "row_id"))
        keep = read["known"] <= self._cases.as_of[0]
        if measure.filter is not None:
            keep &= row_filter(measure.filter, read, len(keep), literal_of(self._store, measure.table))
        if measure.when:
            monthly = measure.when in months_of(self._store, measure.table, {measure.when})
            low, high = (month_of_day(first), month_of_day(last)) if monthly else (first, last)
            keep &= (read[measure.when] >= low) & (read[measure.when] <= high)
        numbers, place = np.unique(np.asarray(read["row_id"], np.object_)[keep].astype(np.str_), return_inverse=True)
        return set(numbers[np.bincount(place, weights=read["sign"][keep], minlength=len(numbers)) > 0].tolist())

    def _less(self, base: str, gone: set[str]) -> Rows:
        """Return the place where rows come from, less the gone rows of one table, on either side of joins."""
        def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Columns:
            numbers = numbers_of(table, base)
            found = self._rows(table, by, low, high, (*columns, *numbers))
            keep = np.ones(len(found[by]), np.bool_)
            for number in numbers:
                keep &= np.array([text not in gone for text in found[number].tolist()], np.bool_)
            return {name: column[keep] for name, column in found.items() if name not in numbers}

        return read


def left_of(table: str) -> str:
    """Return the table whose rows a table has: its left side if it is a join."""
    return next((join.left for join in declared_joins() if join.name == table), table)


def sides_of(table: str) -> tuple[str, ...]:
    """Return the tables from which a table's rows are made."""
    return next(((join.left, join.right) for join in declared_joins() if join.name == table), (table,))


def numbers_of(table: str, base: str) -> tuple[str, ...]:
    """Return the columns of a table that hold the row numbers of `base`."""
    sides = sides_of(table)
    return tuple(name for name, side in zip(("row_id", "right_row_id"), sides, strict=False) if side == base)
