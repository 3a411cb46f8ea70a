"""An evaluated case keeps all that its matrix was computed from, so that no case need be evaluated again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from features.aggregates.reader import Rows, cached_rows
from features.arrays import Values
from features.cases import Cases
from features.engine.formulas import Environment
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
