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
from features.online.lineage import CaseFeatures, Lineage
from features.online.lineage_rows import OF_UNIT
from features.online.lost_rows import Losses, Lost, Variants

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
        self._inputs = evaluated.inputs
        self._rows = CaseRows(self._cases, evaluated.rows)
        # what the scores were computed from is not computed again for their facts
        self._lineage = Lineage(engine, self._cases, self._rows, self._inputs.atoms)
        self._losses = Losses(engine, self._cases, self._rows)
        # What the matrix leaves out, as for a table that was not sent, stays left out.
        self._blank = np.isnan(self._matrix.values) & ~np.isnan(evaluated.computed)

    def facts(self, wanted: CaseFeatures) -> list[list[Fact]]:
        """Return the facts behind features of cases that have rows; a case's own place in the register is none."""
        names = frozenset(self._matrix.names)
        in_matrix = [(place, name) for place, name in wanted if name in names]
        facts = dict(zip(in_matrix, self._lineage.facts(in_matrix), strict=True))
        return [[fact for fact in facts.get(one, []) if self._is_removable(fact)] for one in wanted]

    def _is_removable(self, fact: Fact) -> bool:
        return fact.n_rows > 0 and not self._losses.of_own_register_row(fact)

    def without(self, removals: Sequence[tuple[int, Fact]]) -> Matrix:
        """Return the matrix of cases, one row each, had the live rows of a fact never been recorded; what they corrected
        holds again.

        Peers, and the cases' own register rows, stay as they are.
        """
        parts = []
        for first in range(0, len(removals), VARIANTS_AT_ONCE):
            some = removals[first : first + VARIANTS_AT_ONCE]
            places = np.array([place for place, _ in some], np.int64)
            parts.append(self._values(Variants(places, [fact for _, fact in some])))
        places = np.array([place for place, _ in removals], np.int64)
        values = np.concatenate(parts)
        return replace(
            self._matrix,
            keys=self._matrix.keys[places],
            as_of=self._matrix.as_of[places],
            values=np.where(self._blank[places], np.nan, values),
        )

    def rows_of(self, place: int, fact: Fact) -> frozenset[str]:
        """Return the numbers of all live rows of one case's fact, its own register row aside."""
        lost = self._losses.of(Variants(np.array([place]), [fact]))
        base = left_of(self._losses.measure(fact).table)
        return frozenset(self._rows.texts(base, lost.rows))

    def _values(self, variants: Variants) -> Values:
        """Return the features of variants, float64 (variants, F)."""
        atoms = {atom: values[variants.places] for atom, values in self._inputs.atoms.items()}
        by_base: dict[str, list[int]] = {}
        for place, fact in enumerate(variants.facts):
            base = left_of(self._losses.measure(fact).table)
            by_base.setdefault(base, []).append(place)
        groups = self._engine.groups(self._needs.atoms)
        for base, places in by_base.items():
            which = np.array(places, np.int64)
            some = variants.of(which)
            lost = self._losses.of(some)
            for group in groups:
                if base not in sides_of(group.table):
                    continue
                for touched, values in self._without_rows(group, base, some.places, lost):
                    for atom, values_of_atom in values.items():
                        atoms[atom][which[touched]] = values_of_atom
        inputs = replace(
            self._inputs,
            size=len(variants),
            as_of=self._inputs.as_of[variants.places],
            atoms=atoms,
            peers=_of_places(self._inputs.peers, variants.places),
            stored=_of_places(self._inputs.stored, variants.places),
        )
        return self._needs.program.values(inputs, self._needs.names)

    def _without_rows(
        self, group: Group, base: str, places: Column, lost: Lost
    ) -> Iterator[tuple[Column, dict[Atom, Values]]]:
        """Yield the variants that lose a row of a group's table, on either side of joins, and their aggregates without it."""
        table = self._rows.table(group.table, group.by)
        for some in table.in_parts(places):
            picked = table.of_cases(places[some])
            rows_of_variants = Picked(picked.index, some[picked.owner])
            remains = self._remaining(group, base, rows_of_variants, lost)
            loses_any = np.zeros(len(some), np.bool_)
            loses_any[picked.owner[~remains]] = True
            touched = np.flatnonzero(loses_any)
            # most groups lose no row: their aggregates stay
            if not len(touched):
                continue
            rows = picked.where(remains & loses_any[picked.owner])
            variants = some[touched]
            day = self._cases.as_of[places[variants]]
            ranges = RowRanges(
                begin=np.searchsorted(rows.owner, touched),
                end=np.searchsorted(rows.owner, touched, side="right"),
                day=day,
                month=complete_months(day) if group.months else day,
                columns={name: table.column(name)[rows.index] for name in group.columns},
                months=group.months,
            )
            yield variants, group.of(ranges)

    def _remaining(self, group: Group, base: str, picked: Picked, lost: Lost) -> Mask:
        """Return which of the rows picked for variants remain, by their numbers in the table that lost some."""
        table = self._rows.table(group.table, group.by)
        known_day = table.column("known")[picked.index]
        sign = table.column("sign")[picked.index]
        # Only a row that takes back another ends something; NULL is the end of none.
        ending = np.where(sign < 0, known_day, NULL)
        keep = np.ones(len(picked.index), np.bool_)
        for name in row_number_columns(group.table, base):
            numbers = self._rows.numbers(group.table, group.by, name)
            code = picked.owner * OF_UNIT + numbers[picked.index]
            keep &= lost.remain(code, ending)
        return keep


def _of_places(columns: Mapping[Name, Values], places: Column) -> dict[Name, Values]:
    return {name: values[places] for name, values in columns.items()}


def row_number_columns(table: str, base: str) -> tuple[str, ...]:
    """Return the columns of a table that hold the row numbers of `base`."""
    # A table that is no join has one side, and so the first of the two columns only.
    sides = zip(NUMBERS, sides_of(table), strict=False)
    return tuple(name for name, side in sides if side == base)
