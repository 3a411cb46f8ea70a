"""The population: which cases a target is asked of, by a condition on their features."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.catalogue.language import parse_row, row_columns
from features.engine.formulas import Environment, formula_values
from features.errors import TargetError
from features.matrix import Matrix

Mask = NDArray[np.bool_]


def population(matrix: Matrix, condition: str) -> Mask:
    """Return which cases meet a condition such as `staff > 0 and sector == 'C'`; a missing value meets none."""
    if not condition:
        return np.ones(len(matrix), np.bool_)
    tree = parse_row(condition, "population filter")
    unknown = sorted(row_columns(tree) - set(matrix.names))
    if unknown:
        raise TargetError(
            f"the population filter names {unknown[0]!r}, which is not a feature of {matrix.entity}"
        )
    known = {name: matrix.column(name) for name in row_columns(tree)}
    return _met(tree, known, matrix)


def _met(tree: ast.expr, known: Mapping[str, NDArray[np.float64]], matrix: Matrix) -> Mask:
    if isinstance(tree, ast.BoolOp):
        parts = [_met(part, known, matrix) for part in tree.values]
        joined = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        return np.asarray(joined.reduce(parts), np.bool_)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise TargetError(
            f"the population filter compares features with numbers or texts; got {ast.unparse(tree)!r}"
        )
    left, right = tree.left, tree.comparators[0]
    if (
        isinstance(left, ast.Name)
        and isinstance(right, ast.Constant)
        and isinstance(right.value, str)
    ):
        return _is_text(matrix, left.id, tree.ops[0], right.value)
    if not isinstance(tree.ops[0], ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        raise TargetError(
            f"the population filter compares with == != < <= > >=; got {ast.unparse(tree)!r}"
        )
    nothing: dict[str, NDArray[np.float64]] = {}
    answer = formula_values(
        tree, Environment(len(matrix), matrix.as_of.astype(np.float64), {}, {}, nothing, known)
    )
    return np.asarray(answer == 1, np.bool_)


def _is_text(matrix: Matrix, name: str, operator: ast.cmpop, text: str) -> Mask:
    """Compare a category with a text; a text that no case has is met by none."""
    known = matrix.categories.get(name, ())
    if not known or not isinstance(operator, ast.Eq | ast.NotEq):
        raise TargetError(
            f"the population filter compares categories by == or != with texts; got {name!r} and {text!r}"
        )
    value = matrix.column(name)
    same = value == (known.index(text) if text in known else -1)
    return np.asarray(same if isinstance(operator, ast.Eq) else ~same & ~np.isnan(value), np.bool_)
