"""The population: which cases a target is asked of, by a condition on their features."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.catalogue.language import row_columns
from features.catalogue.syntax import parse_row
from features.engine.formulas import Environment, formula_values
from features.errors import TargetError
from features.matrix import Matrix

Mask = NDArray[np.bool_]
Column = NDArray[np.float64]


def population(matrix: Matrix, condition: str) -> Mask:
    """Return which cases meet a condition such as `staff > 0 and sector == 'C'`; a missing value meets none."""
    if not condition:
        return np.ones(len(matrix), np.bool_)
    tree = parse_row(condition, "population filter")
    names = row_columns(tree)
    unknown = sorted(names - set(matrix.names))
    if unknown:
        raise TargetError(
            f"the population filter names {unknown[0]!r}, which is not a feature of {matrix.entity}"
        )
    columns = {name: matrix.column(name) for name in names}
    return _cases_that_meet(tree, columns, matrix)


COMPARISONS = ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE


def _cases_that_meet(tree: ast.expr, columns: Mapping[str, Column], matrix: Matrix) -> Mask:
    """Return which cases meet a part of the condition: `and` and `or` of comparisons."""
    if isinstance(tree, ast.BoolOp):
        parts = [_cases_that_meet(part, columns, matrix) for part in tree.values]
        joined = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        return np.asarray(joined.reduce(parts), np.bool_)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise TargetError(
            f"the population filter compares features with numbers or texts; got {ast.unparse(tree)!r}"
        )
    name, operator, other = tree.left, tree.ops[0], tree.comparators[0]
    text = other.value if isinstance(other, ast.Constant) else None
    if isinstance(name, ast.Name) and isinstance(text, str):
        return _is_text(matrix, name.id, operator, text)
    if not isinstance(operator, COMPARISONS):
        raise TargetError(
            f"the population filter compares with == != < <= > >=; got {ast.unparse(tree)!r}"
        )
    return _compares_numbers(tree, columns, matrix)


def _compares_numbers(tree: ast.Compare, columns: Mapping[str, Column], matrix: Matrix) -> Mask:
    """Return which cases meet a comparison of numbers; the engine's own evaluation decides what a missing value does."""
    no_stored: dict[str, Column] = {}
    as_of = matrix.as_of.astype(np.float64)
    environment = Environment(len(matrix), as_of, {}, {}, no_stored, columns)
    answer = formula_values(tree, environment)
    return np.asarray(answer == 1, np.bool_)


def _is_text(matrix: Matrix, name: str, operator: ast.cmpop, text: str) -> Mask:
    """Compare a category with a text; a text that no case has is met by none."""
    texts = matrix.categories.get(name, ())
    if not texts or not isinstance(operator, ast.Eq | ast.NotEq):
        raise TargetError(
            f"the population filter compares categories by == or != with texts; got {name!r} and {text!r}"
        )
    places = matrix.column(name)
    # -1 is the place of no text, so that a text which no case has equals none
    place = texts.index(text) if text in texts else -1
    is_same = np.asarray(places == place, np.bool_)
    if isinstance(operator, ast.Eq):
        return is_same
    has_text = ~np.isnan(places)
    return ~is_same & has_text
