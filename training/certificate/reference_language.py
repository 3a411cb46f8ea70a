"""Row conditions, values, aggregates and arithmetic of the language in plain Python: None is missing, choices are texts."""

from __future__ import annotations

import ast
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Value = float | str | None
Row = Mapping[str, Any]
Member = tuple[int, Any]
OF_MONTHS = ("peak", "low", "last", "months", "slope", "variance")
"""Aggregates of the totals of whole months."""
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def recording_order(row: Row) -> tuple[int, int, str]:
    """Return what the versions of a key are ordered by: the day, then the row id, a shorter id first."""
    row_id = row["row_id"]
    return row["recorded_on"], len(row_id), row_id


def days_of_hold(versions: list[Row]) -> list[int]:
    """Return the days from which versions of one key, in their order, held.

    >>> days_of_hold([{"recorded_on": 3, "retracted": 0}, {"recorded_on": 3, "retracted": 1}, {"recorded_on": 9, "retracted": 0}])
    [9]
    """
    days = [row["recorded_on"] for row in versions]
    next_days = [*days[1:], None]
    days_held = []
    for row, day, next_day in zip(versions, days, next_days, strict=True):
        # a version superseded on its own day never held
        if not row["retracted"] and day != next_day:
            days_held.append(day)
    return days_held


def integer_value(tree: ast.expr, row: Row) -> Any:
    """Return an integer expression over one row, None where it reads something empty."""
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return row[tree.id]
    if isinstance(tree, ast.UnaryOp):
        operand = integer_value(tree.operand, row)
        if operand is None:
            return None
        return -operand
    assert isinstance(tree, ast.BinOp)
    left_value = integer_value(tree.left, row)
    right_value = integer_value(tree.right, row)
    if left_value is None or right_value is None:
        return None
    operation = _ARITHMETIC[type(tree.op)]
    return operation(left_value, right_value)


def passes(tree: ast.expr, row: Row) -> bool:
    """Tell whether a row meets a condition; a comparison with something empty is not met."""
    if isinstance(tree, ast.BoolOp):
        parts = [passes(part, row) for part in tree.values]
        return all(parts) if isinstance(tree.op, ast.And) else any(parts)
    assert isinstance(tree, ast.Compare)
    comparison = tree.ops[0]
    right = tree.comparators[0]
    value = integer_value(tree.left, row)
    if isinstance(comparison, ast.Is | ast.IsNot):
        return (value is None) == isinstance(comparison, ast.Is)
    if value is None:
        return False
    if isinstance(comparison, ast.In | ast.NotIn):
        items = right.elts if isinstance(right, ast.Tuple) else [right]
        listed = [integer_value(item, row) for item in items]
        return (value in listed) == isinstance(comparison, ast.In)
    other = integer_value(right, row)
    return other is not None and _COMPARE[type(comparison)](value, other)


def reduced(
    aggregate: str,
    members: Sequence[Member],
    span: tuple[int, int | None],
    order: Callable[[Any], Any],
) -> Value:
    """Return one aggregate of (offset, value) members of a window."""
    filled = [(offset, value) for offset, value in members if value is not None]
    values = [value for _, value in filled]
    if aggregate == "count":
        return float(len(values))
    if aggregate == "sum":
        return float(sum(values))
    if aggregate in OF_MONTHS:
        return _of_months(aggregate, filled, span)
    if aggregate == "distinct":
        return float(len(set(values)))
    if aggregate == "newest":
        return _newest(members, order)
    if not filled:
        return None
    offsets = [offset for offset, _ in filled]
    if aggregate == "since":
        return float(min(offsets))
    if aggregate == "first_since":
        return float(max(offsets))
    places = {"smallest": 0, "largest": -1, "median": (len(values) - 1) // 2}
    return float(sorted(values)[places[aggregate]])


def _newest(members: Sequence[Member], order: Callable[[Any], Any]) -> Value:
    """Return the largest value of the members nearest to the day, None where these have none."""
    if not members:
        return None
    nearest = min(offset for offset, _ in members)
    values = [value for offset, value in members if offset == nearest and value is not None]
    if not values:
        return None
    largest = max(values, key=order)
    return largest if isinstance(largest, str) else float(largest)


def _of_months(aggregate: str, filled: Sequence[Member], span: tuple[int, int | None]) -> Value:
    """Return an aggregate of the totals of months; a month without a member counts as 0 in slope and variance."""
    last, first = span
    totals: dict[int, int] = defaultdict(int)
    for offset, value in filled:
        totals[offset - last] += value
    width = (first or 0) - last
    if aggregate == "months":
        return float(len(totals))
    if aggregate == "slope":
        return _slope(totals, width)
    if aggregate == "variance":
        return _variance(totals, width)
    if not totals:
        return None
    if aggregate == "last":
        return float(totals[min(totals)])
    largest_or_smallest = max if aggregate == "peak" else min
    return float(largest_or_smallest(totals.values()))


def _slope(totals: Mapping[int, int], width: int) -> float:
    """Return the least-squares slope of months, multiplied out so that only one division is rounded."""
    tilt = sum(6 * (width - 1 - 2 * back) * total for back, total in totals.items())
    return float(tilt) / float(width * (width * width - 1))


def _variance(totals: Mapping[int, int], width: int) -> float:
    """Return the sample variance of months, multiplied out so that only one division is rounded."""
    squares = sum(total * total for total in totals.values())
    total = sum(totals.values())
    spread = width * squares - total**2
    return float(spread) / float(width * (width - 1))


def operands(tree: ast.expr) -> list[ast.expr]:
    """Return what a formula's outermost operation works on."""
    if isinstance(tree, ast.UnaryOp):
        return [tree.operand]
    if isinstance(tree, ast.Compare):
        return [tree.left, *tree.comparators]
    if isinstance(tree, ast.BinOp):
        return [tree.left, tree.right]
    assert isinstance(tree, ast.Call)
    return list(tree.args)


def applied(tree: ast.expr, parts: Sequence[Any]) -> Value:
    """Return one operation of a formula on numbers, None where it has no value."""
    if isinstance(tree, ast.Call):
        name = getattr(tree.func, "id", "")
        return _called(str(name), parts)
    if any(part is None for part in parts):
        return None
    if isinstance(tree, ast.UnaryOp):
        return float(-parts[0])
    if isinstance(tree, ast.Compare):
        comparison = _COMPARE[type(tree.ops[0])]
        return float(comparison(*parts))
    assert isinstance(tree, ast.BinOp)
    left_value, right_value = parts
    if isinstance(tree.op, ast.Div):
        if right_value == 0:
            return None
        return float(left_value / right_value)
    operation = _ARITHMETIC[type(tree.op)]
    return float(operation(left_value, right_value))


def _called(name: str, parts: Sequence[Any]) -> Value:
    first: Value = parts[0]
    if name == "known":
        return float(first is not None)
    if name == "default":
        if first is not None:
            return first
        default: Value = parts[1]
        return default
    if name == "where":
        if first is None:
            return None
        _, if_met, if_not = parts
        return if_met if first != 0 else if_not  # type: ignore[no-any-return]
    if None in parts:
        return None
    smallest_or_largest = min if name == "lesser" else max
    return float(smallest_or_largest(parts))
