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


def days_of_hold(versions: list[Row]) -> list[int]:
    """Return the days from which versions of one key, in their order, held.

    >>> days_of_hold([{"recorded_on": 3, "retracted": 0}, {"recorded_on": 3, "retracted": 1}, {"recorded_on": 9, "retracted": 0}])
    [9]
    """
    until = [*(row["recorded_on"] for row in versions[1:]), None]
    return [
        row["recorded_on"]
        for row, ends in zip(versions, until, strict=True)
        if not row["retracted"] and row["recorded_on"] != ends
    ]


def integer_value(tree: ast.expr, row: Row) -> Any:
    """Return an integer expression over one row, None where it reads something empty."""
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return row[tree.id]
    if isinstance(tree, ast.UnaryOp):
        inner = integer_value(tree.operand, row)
        return None if inner is None else -inner
    assert isinstance(tree, ast.BinOp)
    left, right = integer_value(tree.left, row), integer_value(tree.right, row)
    return None if left is None or right is None else _ARITHMETIC[type(tree.op)](left, right)


def passes(tree: ast.expr, row: Row) -> bool:
    """Tell whether a row meets a condition; a comparison with something empty is not met."""
    if isinstance(tree, ast.BoolOp):
        parts = [passes(part, row) for part in tree.values]
        return all(parts) if isinstance(tree.op, ast.And) else any(parts)
    assert isinstance(tree, ast.Compare)
    left, how, right = integer_value(tree.left, row), tree.ops[0], tree.comparators[0]
    if isinstance(how, ast.Is | ast.IsNot):
        return (left is None) == isinstance(how, ast.Is)
    if left is None:
        return False
    if isinstance(how, ast.In | ast.NotIn):
        listed = [
            integer_value(item, row)
            for item in (right.elts if isinstance(right, ast.Tuple) else [right])
        ]
        return (left in listed) == isinstance(how, ast.In)
    other = integer_value(right, row)
    return other is not None and _COMPARE[type(how)](left, other)


def reduced(
    aggregate: str,
    members: Sequence[Member],
    span: tuple[int, int | None],
    order: Callable[[Any], Any],
) -> Value:
    """Return one aggregate of (offset, value) members of a window."""
    known = [(offset, value) for offset, value in members if value is not None]
    if aggregate == "count":
        return float(len(known))
    if aggregate == "sum":
        return float(sum(value for _, value in known))
    if aggregate in ("peak", "low", "last", "months", "slope", "variance"):
        return _of_months(aggregate, known, span)
    if aggregate == "distinct":
        return float(len({value for _, value in known}))
    if aggregate == "newest":
        return _newest(members, order)
    if not known:
        return None
    if aggregate in ("since", "first_since"):
        return float((min if aggregate == "since" else max)(offset for offset, _ in known))
    ranked = sorted(value for _, value in known)
    place = {"smallest": 0, "largest": -1, "median": (len(ranked) - 1) // 2}[aggregate]
    return float(ranked[place])


def _newest(members: Sequence[Member], order: Callable[[Any], Any]) -> Value:
    if not members:
        return None
    nearest = min(offset for offset, _ in members)
    values = [value for offset, value in members if offset == nearest and value is not None]
    best = max(values, key=order, default=None)
    return best if best is None or isinstance(best, str) else float(best)


def _of_months(aggregate: str, known: Sequence[Member], span: tuple[int, int | None]) -> Value:
    totals: dict[int, int] = defaultdict(int)
    for offset, value in known:
        totals[offset - span[0]] += value
    width = (span[1] or 0) - span[0]
    if aggregate == "months":
        return float(len(totals))
    if aggregate == "slope":
        tilt = sum(6 * (width - 1 - 2 * back) * total for back, total in totals.items())
        return float(tilt) / float(width * (width * width - 1))
    if aggregate == "variance":
        spread = width * sum(total * total for total in totals.values()) - sum(totals.values()) ** 2
        return float(spread) / float(width * (width - 1))
    if not totals:
        return None
    if aggregate == "last":
        return float(totals[min(totals)])
    return float((max if aggregate == "peak" else min)(totals.values()))


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
        return _called(str(getattr(tree.func, "id", "")), parts)
    if any(part is None for part in parts):
        return None
    if isinstance(tree, ast.UnaryOp):
        return float(-parts[0])
    if isinstance(tree, ast.Compare):
        return float(_COMPARE[type(tree.ops[0])](*parts))
    assert isinstance(tree, ast.BinOp)
    if isinstance(tree.op, ast.Div):
        return None if parts[1] == 0 else float(parts[0] / parts[1])
    return float(_ARITHMETIC[type(tree.op)](*parts))


def _called(name: str, parts: Sequence[Any]) -> Value:
    if name == "known":
        return float(parts[0] is not None)
    if name == "default":
        return parts[1] if parts[0] is None else parts[0]  # type: ignore[no-any-return]
    if name == "where":
        return None if parts[0] is None else parts[1] if parts[0] != 0 else parts[2]
    if None in parts:
        return None
    return float(min(parts) if name == "lesser" else max(parts))
