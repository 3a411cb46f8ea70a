"""An evaluated case keeps all that its matrix was computed from, so that no case need be evaluated again."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.row_ranges import Rows
from features.arrays import Values
from features.cases import Cases
from features.engine.formulas import Environment
from features.matrix import Matrix


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
