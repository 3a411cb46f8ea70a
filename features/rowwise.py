"""Row expressions over columns in numpy: integers with a mask of validity; a comparison with an empty value is false."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import CatalogueError

NULL = -(2**62)
Column = NDArray[np.int64]
Mask = NDArray[np.bool_]
Literal = Callable[[str, str], int]
"""Maps (column, text) to the integer that stands for the text in that column."""

_COMPARE: dict[type[ast.cmpop], Callable[[Column, Column], Mask]] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal,
    ast.Gt: np.greater, ast.GtE: np.greater_equal}
_ARITHMETIC: dict[type[ast.operator], Callable[[Column, Column], Column]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply}


@dataclass(frozen=True, slots=True)
class RowValues:
    """Values (n,) int64 of an expression and where they are known."""

    values: Column
    valid: Mask


def literal_for(tree: ast.Compare, literal: Literal) -> Callable[[ast.expr], int]:
    """Return how constants beside a column are read: texts through `literal` for that column."""
    column = tree.left.id if isinstance(tree.left, ast.Name) else ""

    def read(node: ast.expr) -> int:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str):
            return literal(column, value)
        if isinstance(value, int):
            return int(value)
        raise CatalogueError(f"{ast.unparse(tree)!r} should compare a column with constants or columns")

    return read


def row_values(tree: ast.expr, columns: Mapping[str, Column], size: int) -> RowValues:
    """Evaluate an integer expression over columns; empty where any column it reads is empty."""
    if isinstance(tree, ast.Constant):
        return RowValues(np.full(size, int(tree.value), np.int64), np.ones(size, np.bool_))  # type: ignore[arg-type]
    if isinstance(tree, ast.Name):
        column = columns[tree.id]
        return RowValues(column, column != NULL)
    if isinstance(tree, ast.UnaryOp):
        inner = row_values(tree.operand, columns, size)
        return RowValues(-inner.values, inner.valid)
    if isinstance(tree, ast.BinOp):
        left, right = row_values(tree.left, columns, size), row_values(tree.right, columns, size)
        return RowValues(_ARITHMETIC[type(tree.op)](left.values, right.values), left.valid & right.valid)
    raise CatalogueError(f"{ast.unparse(tree)!r} is not an integer expression")


def row_filter(tree: ast.expr, columns: Mapping[str, Column], size: int, literal: Literal) -> Mask:
    """Evaluate a condition over columns (n,) bool; a comparison with an empty value is false."""
    if isinstance(tree, ast.BoolOp):
        parts = [row_filter(part, columns, size, literal) for part in tree.values]
        combine = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        mask = parts[0]
        for part in parts[1:]:
            mask = combine(mask, part)
        return mask
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise CatalogueError(f"{ast.unparse(tree)!r} is not a condition")
    left, right, operator = row_values(tree.left, columns, size), tree.comparators[0], tree.ops[0]
    if isinstance(operator, ast.Is | ast.IsNot):
        return ~left.valid if isinstance(operator, ast.Is) else left.valid
    read = literal_for(tree, literal)
    if isinstance(operator, ast.In | ast.NotIn):
        listed = [read(item) for item in right.elts] if isinstance(right, ast.Tuple) else [read(right)]
        return np.isin(left.values, listed, invert=isinstance(operator, ast.NotIn)) & left.valid
    if isinstance(right, ast.Constant):
        return _COMPARE[type(operator)](left.values, np.int64(read(right))) & left.valid  # type: ignore[arg-type]
    other = row_values(right, columns, size)
    return _COMPARE[type(operator)](left.values, other.values) & left.valid & other.valid
