"""An evaluation: cases with their matrix and all that it was computed from, so that no case need be evaluated again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from features.aggregates.reader import Rows, cached_rows, store_rows
from features.arrays import Values
from features.cases import Cases
from features.engine.engine import Engine
from features.engine.formulas import Environment
from features.engine.matrices import check_entity, described, environment
from features.engine.population import cases_of
from features.matrix import Matrix

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Cases (n,), what their formulas read and gave (n, F), their matrix, and the place where their rows come from.

    The matrix may leave out some of what was computed: a feature whose tables were not sent, a category not known yet.
    """

    cases: Cases
    inputs: Environment
    computed: Values
    matrix: Matrix
    rows: Rows

    def case(self, row: int) -> Evaluation:
        """Return the evaluation of one of the cases; of its rows each column is read once."""
        if len(self.cases) == 1:
            return self
        return Evaluation(
            cases=self.cases.take(np.array([row])),
            inputs=_of_case(self.inputs, row),
            computed=self.computed[row : row + 1],
            matrix=self.matrix.row(row),
            rows=cached_rows(self.rows),
        )


def _of_case(inputs: Environment, row: int) -> Environment:
    return replace(
        inputs,
        size=1,
        as_of=inputs.as_of[row : row + 1],
        atoms=_value_of_case(inputs.atoms, row),
        peers=_value_of_case(inputs.peers, row),
        stored=_value_of_case(inputs.stored, row),
    )


def _value_of_case(columns: Mapping[Name, Values], row: int) -> dict[Name, Values]:
    return {name: values[row : row + 1] for name, values in columns.items()}


def evaluation(engine: Engine, entity: str, as_of: int, keys: Sequence[str]) -> Evaluation:
    """Return the evaluation of ids on a day, in the order given; UnknownId for one that the register of the day lacks."""
    check_entity(entity)
    rows: Rows | None = None
    if len(keys) == 1:
        # The rows of one case are few: they stay at hand for whoever asks what they were.
        rows = cached_rows(store_rows(engine.store))
    days = np.full(len(keys), as_of, np.int64)
    cases = cases_of(engine, entity, keys, days, rows)
    return evaluation_of(engine, cases, rows)


def evaluation_of(engine: Engine, cases: Cases, rows: Rows | None = None) -> Evaluation:
    """Return the evaluation of cases, one at least; `rows` replaces the store as the place where rows come from."""
    needs = engine.needs_of_entity(cases.entity)
    inputs = environment(engine, cases, needs, rows)
    computed = needs.program.values(inputs, needs.names)
    last = int(cases.as_of.max())
    # The matrix takes categories out of the values that it is given.
    matrix = described(engine, cases, computed.copy(), last)
    return Evaluation(cases, inputs, computed, matrix, rows or store_rows(engine.store))
