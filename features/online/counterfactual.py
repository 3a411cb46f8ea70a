"""Counterfactuals: the facts of cases, and the features they would have had the rows of a fact never been known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from features.aggregates.row_ranges import RowRanges
from features.aggregates.table_plan import Group
from features.arrays import NULL, Column, Mask, Values
from features.cases import complete_months
from features.catalogue.joins import left_of, sides_of
from features.catalogue.language import Atom
from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.matrix import Matrix
from features.online.case_rows import NUMBERS, CaseRows, Picked
from features.online.fact import Fact
from features.online.lineage import Asked, Lineage
from features.online.lineage_rows import OF_UNIT
from features.online.lost_rows import Losses, Lost, Taken

Name = TypeVar("Name")
VARIANTS_AT_ONCE = 2_048
"""Variants of which the features are computed together; a choice: 250 features of as many are 4 MB."""


class Counterfactuals:
    """Holds the aggregates of cases, so that without some rows only those of their tables are computed again.

    What is asked of many cases is computed together; each answer is what the case alone would get.
    """

    def __init__(self, engine: Engine, evaluated: Evaluation) -> None:
        """Take the evaluation of cases, and the engine that made it."""
        self._engine = engine
        self._cases, self._matrix = evaluated.cases, evaluated.matrix
        self._needs = engine.needs_of_entity(self._cases.entity)
        self._known = evaluated.inputs
        self._rows = CaseRows(self._cases, evaluated.rows)
        # what the scores were computed from is not computed again for their facts
        self._lineage = Lineage(engine, self._cases, self._rows, self._known.atoms)
        self._losses = Losses(engine, self._cases, self._rows)
        # What the matrix leaves out, as for a table that was not sent, stays left out.
        self._blank = np.isnan(self._matrix.values) & ~np.isnan(evaluated.computed)

    def facts(self, asked: Asked) -> list[list[Fact]]:
        """Return the facts behind features of cases that have rows; a case's own place in the register is none."""
        names = frozenset(self._matrix.names)
        known = [(place, name) for place, name in asked if name in names]
        facts = dict(zip(known, self._lineage.facts(known), strict=True))
        return [[fact for fact in facts.get(one, []) if self._can_go(fact)] for one in asked]

    def _can_go(self, fact: Fact) -> bool:
        return fact.n_rows > 0 and not self._losses.of_own_register_row(fact)

    def without(self, taken: Sequence[tuple[int, Fact]]) -> Matrix:
        """Return the matrix of cases, one row each, had the live rows of a fact never been recorded; what they corrected
        holds again.

        Peers, and the cases' own register rows, stay as they are.
        """
        parts = []
        for first in range(0, len(taken), VARIANTS_AT_ONCE):
            some = taken[first : first + VARIANTS_AT_ONCE]
            places = np.array([place for place, _ in some], np.int64)
            parts.append(self._values(Taken(places, [fact for _, fact in some])))
        places = np.array([place for place, _ in taken], np.int64)
        values = np.concatenate(parts)
        return replace(
            self._matrix,
            keys=self._matrix.keys[places],
            as_of=self._matrix.as_of[places],
            values=np.where(self._blank[places], np.nan, values),
        )

    def rows_of(self, place: int, fact: Fact) -> frozenset[str]:
        """Return the numbers of all live rows of one case's fact, its own register row aside."""
        lost = self._losses.of(Taken(np.array([place]), [fact]))
        base = left_of(self._losses.measure(fact).table)
        return frozenset(self._rows.texts(base, lost.rows))

    def _values(self, taken: Taken) -> Values:
        """Return the features of variants, float64 (variants, F)."""
        atoms = {atom: values[taken.places] for atom, values in self._known.atoms.items()}
        by_base: dict[str, list[int]] = {}
        for variant, fact in enumerate(taken.facts):
            base = left_of(self._losses.measure(fact).table)
            by_base.setdefault(base, []).append(variant)
        groups = self._engine.groups(self._needs.atoms)
        for base, variants in by_base.items():
            which = np.array(variants, np.int64)
            some = taken.of(which)
            lost = self._losses.of(some)
            for group in groups:
                if base in sides_of(group.table):
                    for touched, values in self._less(group, base, some.places, lost):
                        for atom, values_of_atom in values.items():
                            atoms[atom][which[touched]] = values_of_atom
        inputs = replace(
            self._known,
            size=len(taken),
            as_of=self._known.as_of[taken.places],
            atoms=atoms,
            peers=_of_places(self._known.peers, taken.places),
            stored=_of_places(self._known.stored, taken.places),
        )
        return self._needs.program.values(inputs, self._needs.names)

    def _less(
        self, group: Group, base: str, places: Column, lost: Lost
    ) -> Iterator[tuple[Column, dict[Atom, Values]]]:
        """Yield the variants that lose a row of a group's table, on either side of joins, and their aggregates without it."""
        table = self._rows.table(group.table, group.by)
        for some in table.in_parts(places):
            picked = table.of_cases(places[some])
            keep = self._remaining(group, base, Picked(picked.index, some[picked.owner]), lost)
            loses = np.zeros(len(some), np.bool_)
            loses[picked.owner[~keep]] = True
            touched = np.flatnonzero(loses)
            if len(touched):
                rows = picked.where(keep & loses[picked.owner])
                day = self._cases.as_of[places[some[touched]]]
                ranges = RowRanges(
                    begin=np.searchsorted(rows.owner, touched),
                    end=np.searchsorted(rows.owner, touched, side="right"),
                    day=day,
                    month=complete_months(day) if group.months else day,
                    columns={name: table.column(name)[rows.index] for name in group.columns},
                    months=group.months,
                )
                yield some[touched], group.of(ranges)

    def _remaining(self, group: Group, base: str, picked: Picked, lost: Lost) -> Mask:
        """Return which of the rows picked for variants remain, by their numbers in the table that lost some."""
        table = self._rows.table(group.table, group.by)
        ending = table.column("known")[picked.index]
        # Only a row that takes back another ends something; NULL is the end of none.
        ending = np.where(table.column("sign")[picked.index] < 0, ending, NULL)
        keep = np.ones(len(picked.index), np.bool_)
        for name in row_number_columns(group.table, base):
            numbers = self._rows.numbers(group.table, group.by, name)
            keep &= lost.remain(picked.owner * OF_UNIT + numbers[picked.index], ending)
        return keep


def _of_places(columns: Mapping[Name, Values], places: Column) -> dict[Name, Values]:
    return {name: values[places] for name, values in columns.items()}


def row_number_columns(table: str, base: str) -> tuple[str, ...]:
    """Return the columns of a table that hold the row numbers of `base`."""
    # A table that is no join has one side, and so the first of the two columns only.
    sides = zip(NUMBERS, sides_of(table), strict=False)
    return tuple(name for name, side in sides if side == base)
