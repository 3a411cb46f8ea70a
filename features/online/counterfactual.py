"""A counterfactual: one case's facts, and its features as they would be had a fact's rows never been known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.reader import Rows, atom_values, store_rows
from features.aggregates.row_expressions import row_filter, row_values
from features.arrays import NULL
from features.calendar import month_of_day
from features.cases import Cases
from features.catalogue import Catalogue, Measure, declared_joins
from features.catalogue.language import row_columns
from features.catalogue.model import ENTITIES, KEYS
from features.engine.matrices import environment
from features.engine.needs import needs_of
from features.engine.population import bare_cases, cases_of
from features.matrix import Matrix
from features.online.lineage import Fact, feature_facts
from features.online.request import History, rows_beside, sent_case
from features.online.request_rows import Sent
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

Read = Mapping[str, NDArray[Any]]


class Counterfactual:
    """Holds one case's aggregates, so that without some rows only those of their tables are computed again."""

    def __init__(
        self, store: Store, catalogue: Catalogue, case: Cases, row: Matrix, rows: Rows
    ) -> None:
        """Take a case, its matrix of one row, and the place where its rows come from."""
        self._store, self._catalogue, self._case, self._row = store, catalogue, case, row
        self._rows = cached_rows(rows)
        self._needs = needs_of(catalogue, catalogue.names(case.entity))
        self._known = environment(store, catalogue, case, self._needs, self._rows)
        self._blank = np.isnan(row.values) & ~np.isnan(
            self._needs.program.values(self._known, self._needs.names)
        )

    def facts(self, feature: str) -> list[Fact]:
        """Return the facts behind a feature that have rows; the case's own place in the register is none."""
        if feature not in self._row.names:
            return []
        found = feature_facts(self._store, self._catalogue, self._case, feature, self._rows)
        return [
            fact
            for fact in found
            if fact.n_rows and not self._own(self._catalogue.measure(fact.measure))
        ]

    def _own(self, measure: Measure) -> bool:
        return (
            measure.table == ENTITIES[self._case.entity][0]
            and measure.by == KEYS[self._case.entity][0]
        )

    def without(self, fact: Fact) -> Matrix:
        """Return the case's matrix had the live rows of a fact never been recorded; what they corrected holds again.

        Peers, and the case's own register row, stay as they are.
        """
        declared = self._catalogue.measure(fact.measure)
        base = left_of(declared.table)
        touched = {
            atom
            for atom in self._known.atoms
            if base in sides_of(self._catalogue.measure(atom.measure).table)
        }
        less = self._less(base, self._lost(fact))
        again = atom_values(self._store, self._catalogue, self._case, touched, less)
        known = replace(self._known, atoms={**self._known.atoms, **again})
        values = self._needs.program.values(known, self._needs.names)
        return replace(self._row, values=np.where(self._blank, np.nan, values))

    def rows_of(self, fact: Fact) -> frozenset[str]:
        """Return the numbers of all live rows of a fact, the case's own register row aside."""
        return self._lost(fact).rows

    def _lost(self, fact: Fact) -> Lost:
        measure, own = self._catalogue.measure(fact.measure), KEYS[self._case.entity][0]
        register = measure.table == ENTITIES[self._case.entity][0]
        business = self._store.tables[measure.table].key
        key = int(self._case.keys[measure.by][0])
        needed = {"known", "sign", *row_columns(measure.value), *business} | (
            {own} if register else set()
        )
        needed |= {measure.when} if measure.when else set()
        needed |= row_columns(measure.filter) if measure.filter is not None else set()
        read = self._rows(measure.table, measure.by, key, key + 1, (*sorted(needed), "row_id"))
        keep = (read["known"] <= self._case.as_of[0]) & self._counts(measure, read, fact)
        if register:
            keep &= read[own] != self._case.code[0]
        numbers, place = np.unique(read["row_id"][keep].astype(np.str_), return_inverse=True)
        live = np.bincount(place, weights=read["sign"][keep], minlength=len(numbers)) > 0
        return lost_of(read, business, frozenset(numbers[live].tolist()))

    def _counts(self, measure: Measure, read: Read, fact: Fact) -> NDArray[np.bool_]:
        """Return which rows a measure counts from a fact's first to its last day."""
        size = len(read["known"])
        keep = row_values(measure.value, read, size).valid.copy()
        if measure.filter is not None:
            keep &= row_filter(measure.filter, read, size, literal_of(self._store, measure.table))
        if measure.when:
            monthly = measure.when in month_columns(self._store, measure.table, {measure.when})
            low, high = (
                (month_of_day(fact.first), month_of_day(fact.last))
                if monthly
                else (fact.first, fact.last)
            )
            keep &= (read[measure.when] >= low) & (read[measure.when] <= high)
        return keep

    def _less(self, base: str, lost: Lost) -> Rows:
        """Return the place where rows come from, less the lost rows of one table, on either side of joins."""

        def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Read:
            numbers = row_number_columns(table, base)
            found = self._rows(table, by, low, high, (*columns, *numbers))
            keep = np.ones(len(found[by]), np.bool_)
            for number in numbers:
                ends = np.where(found["sign"] < 0, found["known"], NULL).tolist()
                keep &= np.array(
                    [
                        text not in lost.rows and (text, end) not in lost.ends
                        for text, end in zip(found[number].tolist(), ends, strict=True)
                    ],
                    np.bool_,
                )
            return {name: column[keep] for name, column in found.items() if name not in numbers}

        return read


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows as if never recorded; `ends` are the (row, day) at which what they corrected would then not have ended.

    In a join what holds again keeps the version that the other side had on that day.
    """

    rows: frozenset[str]
    ends: frozenset[tuple[str, int]]


def lost_of(read: Read, business: tuple[str, ...], rows: frozenset[str]) -> Lost:
    """Return rows with what they corrected: the rows of the same business key that end on the day they begin."""
    keys = list(zip(*(read[name].tolist() for name in (*business, "known")), strict=True))
    numbers, signs = read["row_id"].tolist(), read["sign"].tolist()
    begun = {
        key
        for key, number, sign in zip(keys, numbers, signs, strict=True)
        if sign > 0 and number in rows
    }
    ends = (
        (number, key[-1])
        for key, number, sign in zip(keys, numbers, signs, strict=True)
        if sign < 0 and key in begun and number not in rows
    )
    return Lost(rows, frozenset(ends))


def stored_counterfactual(store: Store, catalogue: Catalogue, row: Matrix) -> Counterfactual:
    """Return the counterfactual of a case of the store, given its matrix of one row."""
    case = cases_of(store, catalogue, row.entity, [str(row.keys[0])], row.as_of.astype(np.int64))
    return Counterfactual(store, catalogue, case, row, store_rows(store))


def sent_counterfactual(
    store: Store, catalogue: Catalogue, row: Matrix, rows: History
) -> Counterfactual:
    """Return the counterfactual of a case whose history was sent as rows by table, given its matrix of one row."""
    sent = Sent(store, rows)
    bare = bare_cases(
        row.entity,
        np.array([sent.code(row.entity, str(row.keys[0]))], np.int64),
        row.as_of.astype(np.int64),
    )
    case = sent_case(store, catalogue, bare, sent)
    return Counterfactual(store, catalogue, case, row, rows_beside(store, row.entity, sent))


def cached_rows(rows: Rows) -> Rows:
    """Return a place where rows come from that reads each column of a stretch once."""
    kept: dict[tuple[str, str, int, int], dict[str, NDArray[Any]]] = {}

    def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Read:
        known = kept.setdefault((table, by, low, high), {})
        wanted = [name for name in (by, *columns) if name not in known]
        if wanted:
            known |= rows(table, by, low, high, tuple(dict.fromkeys(wanted)))
        return {name: known[name] for name in (by, "known", "sign", *columns) if name in known}

    return read


def left_of(table: str) -> str:
    """Return the table whose rows a table has: its left side if it is a join."""
    return sides_of(table)[0]


@cache
def sides_of(table: str) -> tuple[str, ...]:
    """Return the tables from which a table's rows are made."""
    return next(
        ((join.left, join.right) for join in declared_joins() if join.name == table), (table,)
    )


def row_number_columns(table: str, base: str) -> tuple[str, ...]:
    """Return the columns of a table that hold the row numbers of `base`."""
    sides = sides_of(table)
    return tuple(
        name for name, side in zip(("row_id", "right_row_id"), sides, strict=False) if side == base
    )
