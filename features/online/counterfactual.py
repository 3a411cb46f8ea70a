"""A counterfactual: one case's facts, and its features as they would be had a fact's rows never been known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.reader import Rows, atom_values
from features.aggregates.row_expressions import row_filter, row_values
from features.aggregates.table_plan import read_by
from features.arrays import NULL
from features.calendar import month_of_day
from features.catalogue.differences import declared_differences
from features.catalogue.joins import left_of, sides_of
from features.catalogue.language import Atom
from features.catalogue.model import ENTITIES, KEYS, Measure
from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.matrix import Matrix
from features.online.fact import Fact
from features.online.lineage import Lineage
from features.store.column_codes import literal_of, month_columns

Read = Mapping[str, NDArray[Any]]
NEVER = -40_000
"""A day before every row, in 1860; a choice."""


class Counterfactual:
    """Holds one case's aggregates, so that without some rows only those of their tables are computed again."""

    def __init__(self, engine: Engine, evaluated: Evaluation) -> None:
        """Take the evaluation of one case, and the engine that made it."""
        self._engine = engine
        self._case, self._row = evaluated.cases, evaluated.matrix
        self._rows = evaluated.rows
        self._needs = engine.needs_of_entity(self._case.entity)
        self._known = evaluated.inputs
        # what the case's score was computed from is not computed again for its facts
        self._lineage = Lineage(engine, self._case, self._rows, self._known.atoms)
        # What the matrix leaves out, as for a table that was not sent, stays left out.
        self._blank = np.isnan(self._row.values) & ~np.isnan(evaluated.computed)

    def facts(self, feature: str) -> list[Fact]:
        """Return the facts behind a feature that have rows; the case's own place in the register is none."""
        if feature not in self._row.names:
            return []
        facts = self._lineage.facts(feature)
        return [fact for fact in facts if fact.n_rows and not self._of_own_register_row(fact)]

    def _of_own_register_row(self, fact: Fact) -> bool:
        measure = self._measure(fact)
        own_key, *_ = KEYS[self._case.entity]
        return self._of_register(measure) and measure.by == own_key

    def _measure(self, fact: Fact) -> Measure:
        """Return the measure whose rows a fact has: of a difference the one that is taken from."""
        difference = declared_differences().get(fact.measure)
        return self._engine.catalogue.measure(difference.plus if difference else fact.measure)

    def _of_register(self, measure: Measure) -> bool:
        register, _ = ENTITIES[self._case.entity]
        return measure.table == register

    def without(self, fact: Fact) -> Matrix:
        """Return the case's matrix had the live rows of a fact never been recorded; what they corrected holds again.

        Peers, and the case's own register row, stay as they are.
        """
        base = left_of(self._measure(fact).table)
        touched: set[Atom] = set()
        for atom in self._known.atoms:
            table = self._engine.catalogue.measure(atom.measure).table
            if base in sides_of(table):
                touched.add(atom)
        remaining = self._less(base, self._lost(fact))
        recomputed = atom_values(self._engine, self._case, touched, remaining)
        inputs = replace(self._known, atoms={**self._known.atoms, **recomputed})
        values = self._needs.program.values(inputs, self._needs.names)
        return replace(self._row, values=np.where(self._blank, np.nan, values))

    def rows_of(self, fact: Fact) -> frozenset[str]:
        """Return the numbers of all live rows of a fact, the case's own register row aside."""
        return self._lost(fact).rows

    def _lost(self, fact: Fact) -> Lost:
        measure = self._measure(fact)
        own_key = KEYS[self._case.entity][0]
        of_register = self._of_register(measure)
        business_key = self._engine.store.tables[measure.table].key
        key = int(self._case.keys[measure.by][0])
        taken_away = self._taken_away(fact)
        needed = {"known", "sign", *read_by(measure), *business_key}
        if of_register:
            needed.add(own_key)
        if taken_away is not None:
            needed |= read_by(taken_away)
        columns = (*sorted(needed), "row_id")
        read = self._rows(measure.table, measure.by, key, key + 1, columns)
        keep = self._counts(measure, read, fact.first, fact.last)
        if of_register:
            # A case without its own register row would not be there at all.
            keep &= read[own_key] != self._case.code[0]
        live = standing_rows(read, keep)
        if taken_away is not None:
            live -= self._settled(measure, taken_away, read, fact)
        return lost_of(read, business_key, live)

    def _taken_away(self, fact: Fact) -> Measure | None:
        """Return the measure that a difference takes away; None for a fact that is none."""
        difference = declared_differences().get(fact.measure)
        return None if difference is None else self._engine.catalogue.measure(difference.minus)

    def _settled(self, plus: Measure, minus: Measure, read: Read, fact: Fact) -> frozenset[str]:
        """Return the rows of which a difference leaves nothing: spells that ended, amounts paid in full."""
        first, last = fact.first, fact.last
        if plus.when != minus.when:
            # a spell counts as ended whenever it ended, up to the day that is looked from
            first, last = NEVER, int(self._case.as_of[0])
        size = len(read["known"])
        begun = row_values(plus.value, read, size)
        ended = row_values(minus.value, read, size)
        settled = self._counts(minus, read, first, last)
        settled &= begun.values == ended.values
        return standing_rows(read, settled)

    def _counts(self, measure: Measure, read: Read, first: int, last: int) -> NDArray[np.bool_]:
        """Return which rows known by the case's day a measure counts, from a first to a last day."""
        size = len(read["known"])
        keep = np.asarray(read["known"] <= self._case.as_of[0])
        keep &= row_values(measure.value, read, size).valid
        if measure.filter is not None:
            literal = literal_of(self._engine.store, measure.table)
            keep &= row_filter(measure.filter, read, size, literal)
        if measure.when:
            if measure.when in month_columns(self._engine.store, measure.table, {measure.when}):
                first = month_of_day(first)
                last = month_of_day(last)
            when = read[measure.when]
            keep &= (when >= first) & (when <= last)
            keep &= when != NULL
        return keep

    def _less(self, base: str, lost: Lost) -> Rows:
        """Return the place where rows come from, less the lost rows of one table, on either side of joins."""

        def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Read:
            number_columns = row_number_columns(table, base)
            stored = self._rows(table, by, low, high, (*columns, *number_columns))
            keep = np.ones(len(stored[by]), np.bool_)
            for name in number_columns:
                keep &= lost.remain(stored[name], stored)
            return {
                name: column[keep] for name, column in stored.items() if name not in number_columns
            }

        return read


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows as if never recorded; `ends` are the (row, day) at which what they corrected would then not have ended.

    In a join what holds again keeps the version that the other side had on that day.
    """

    rows: frozenset[str]
    ends: frozenset[tuple[str, int]]

    def remain(self, numbers: NDArray[Any], read: Read) -> NDArray[np.bool_]:
        """Return which rows (n,) remain, by their numbers (n,) in the table that lost some."""
        # Only a row that takes back another ends something; NULL is the end of none.
        ends = np.where(read["sign"] < 0, read["known"], NULL).tolist()
        pairs = zip(numbers.tolist(), ends, strict=True)
        remaining = [pair[0] not in self.rows and pair not in self.ends for pair in pairs]
        return np.array(remaining, np.bool_)


def standing_rows(read: Read, keep: NDArray[np.bool_]) -> frozenset[str]:
    """Return the numbers of the chosen rows whose signs sum above zero."""
    numbers, place = np.unique(read["row_id"][keep].astype(np.str_), return_inverse=True)
    times = np.bincount(place, weights=read["sign"][keep], minlength=len(numbers))
    return frozenset(numbers[times > 0].tolist())


def lost_of(read: Read, business: tuple[str, ...], rows: frozenset[str]) -> Lost:
    """Return rows with what they corrected: the rows of the same business key that end on the day they begin."""
    columns = [read[name].tolist() for name in (*business, "known")]
    keys = list(zip(*columns, strict=True))
    numbers = read["row_id"].tolist()
    signs = read["sign"].tolist()
    begins = {
        key
        for key, number, sign in zip(keys, numbers, signs, strict=True)
        if sign > 0 and number in rows
    }
    ends: set[tuple[str, int]] = set()
    for key, number, sign in zip(keys, numbers, signs, strict=True):
        *_, day = key
        if sign < 0 and key in begins and number not in rows:
            ends.add((number, day))
    return Lost(rows=rows, ends=frozenset(ends))


def row_number_columns(table: str, base: str) -> tuple[str, ...]:
    """Return the columns of a table that hold the row numbers of `base`."""
    # A table that is no join has one side, and so the first of the two columns only.
    sides = zip(("row_id", "right_row_id"), sides_of(table), strict=False)
    return tuple(name for name, side in sides if side == base)
