"""Row expressions over columns in numpy: integers with a mask of validity; a comparison with an empty value is false."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.aggregates.shared_steps import Place, Steps
from features.arrays import NULL, Column, Literal, Mask
from features.errors import CatalogueError

_COMPARE: dict[type[ast.cmpop], Callable[..., Mask]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[..., Column]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}


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
        raise CatalogueError(
            f"{ast.unparse(tree)!r} should compare a column with constants or columns"
        )

    return read


def whole_constant(node: ast.Constant) -> int:
    """Return the integer that a constant of a row expression is; CatalogueError where it is none."""
    if not isinstance(node.value, int):
        raise CatalogueError(
            f"{node.value!r} should be a whole number: values of rows are integers"
        )
    return int(node.value)


def row_values(tree: ast.expr, columns: Mapping[str, Column], size: int) -> RowValues:
    """Evaluate an integer expression over columns; empty where any column it reads is empty."""
    steps = Steps()
    value, valid = value_steps(steps, tree)
    outcomes = steps.run(columns)
    # A constant is one number for all rows.
    values = np.broadcast_to(outcomes[value], size)
    if valid is None:
        return RowValues(values, np.ones(size, np.bool_))
    return RowValues(values, outcomes[valid])


def row_filter(tree: ast.expr, columns: Mapping[str, Column], size: int, literal: Literal) -> Mask:
    """Evaluate a condition over columns (n,) bool; a comparison with an empty value is false."""
    steps = Steps()
    place = filter_steps(steps, tree, literal)
    return np.broadcast_to(steps.run(columns)[place], size)


def value_steps(steps: Steps, tree: ast.expr) -> tuple[Place, Place | None]:
    """Add the steps of an integer expression; return the places of its values and of their validity, None where all are."""
    if isinstance(tree, ast.Constant):
        return steps.constant(whole_constant(tree)), None
    if isinstance(tree, ast.Name):
        column = steps.leaf(tree.id)
        return column, steps.step(np.not_equal, column, steps.constant(NULL))
    if isinstance(tree, ast.UnaryOp):
        value, valid = value_steps(steps, tree.operand)
        return steps.step(np.negative, value), valid
    if isinstance(tree, ast.BinOp):
        left_value, left_valid = value_steps(steps, tree.left)
        right_value, right_valid = value_steps(steps, tree.right)
        value = steps.step(_ARITHMETIC[type(tree.op)], left_value, right_value)
        return value, all_hold(steps, left_valid, right_valid)
    raise CatalogueError(f"{ast.unparse(tree)!r} is not an integer expression")


def all_hold(steps: Steps, *masks: Place | None) -> Place | None:
    """Add the steps of the conjunction of masks and return its place; None stands for a mask that holds everywhere."""
    all_masks: Place | None = None
    for mask in masks:
        if all_masks is None:
            all_masks = mask
        elif mask is not None and mask != all_masks:
            all_masks = steps.step(np.logical_and, all_masks, mask)
    return all_masks


def filter_steps(steps: Steps, tree: ast.expr, literal: Literal) -> Place:
    """Add the steps of a condition and return its place; a comparison with an empty value is false."""
    if isinstance(tree, ast.BoolOp):
        combine = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        conditions = [filter_steps(steps, part, literal) for part in tree.values]
        return _joined(steps, combine, conditions)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise CatalogueError(f"{ast.unparse(tree)!r} is not a condition")
    value, valid = value_steps(steps, tree.left)
    right = tree.comparators[0]
    operator = tree.ops[0]
    if isinstance(operator, ast.Is | ast.IsNot):
        is_known = steps.step(np.ones_like, value) if valid is None else valid
        return steps.step(np.logical_not, is_known) if isinstance(operator, ast.Is) else is_known
    read = literal_for(tree, literal)
    if isinstance(operator, ast.In | ast.NotIn):
        listed = right.elts if isinstance(right, ast.Tuple) else [right]
        literals = [read(item) for item in listed]
        listed_mask = _in_steps(steps, operator, value, literals)
        return _where_known(steps, listed_mask, valid)
    compare = _COMPARE[type(operator)]
    if isinstance(right, ast.Constant):
        mask = steps.step(compare, value, steps.constant(read(right)))
        return _where_known(steps, mask, valid)
    other, other_valid = value_steps(steps, right)
    mask = steps.step(compare, value, other)
    return _where_known(steps, mask, valid, other_valid)


def _in_steps(
    steps: Steps, operator: ast.In | ast.NotIn, left: Place, literals: list[int]
) -> Place:
    """Add the steps of a value being one of some literals, or none of them, and return the place."""
    if isinstance(operator, ast.In):
        masks = [steps.step(np.equal, left, steps.constant(value)) for value in literals]
        return _joined(steps, np.logical_or, masks)
    masks = [steps.step(np.not_equal, left, steps.constant(value)) for value in literals]
    return _joined(steps, np.logical_and, masks)


def _where_known(steps: Steps, mask: Place, *valid: Place | None) -> Place:
    is_known = all_hold(steps, mask, *valid)
    assert is_known is not None
    return is_known


def _joined(steps: Steps, combine: Callable[..., Mask], masks: list[Place]) -> Place:
    joined = masks[0]
    for mask in masks[1:]:
        joined = steps.step(combine, joined, mask)
    return joined
