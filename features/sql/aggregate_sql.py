"""Aggregates as SQL: the statements that sum, reduce and rank a table's signed rows for each case.

Rows are the alias `t` and cases the alias `c`; sums stay BIGINT, so the order of the rows does not matter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from features.aggregates.order_statistics import ITEM_DAYS, ITEM_HALF, ITEM_VALUES
from features.aggregates.row_expressions import literal_for, whole_constant
from features.arrays import Literal
from features.catalogue.language import Atom
from features.catalogue.model import Catalogue, Measure, Window

Literals = Mapping[str, Literal]
COMPARE = {ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the compiler must know of a history: how texts are coded, and which columns hold months."""

    literals: Literals
    months: Mapping[str, frozenset[str]]


def row_sql(tree: ast.expr) -> str:
    """Return an integer row expression as SQL over the alias `t`."""
    if isinstance(tree, ast.Constant):
        return f"CAST({whole_constant(tree)} AS BIGINT)"
    if isinstance(tree, ast.Name):
        return f"CAST(t.{tree.id} AS BIGINT)"
    if isinstance(tree, ast.UnaryOp):
        return f"(- {row_sql(tree.operand)})"
    assert isinstance(tree, ast.BinOp)
    left_sql = row_sql(tree.left)
    right_sql = row_sql(tree.right)
    operator = ARITHMETIC[type(tree.op)]
    return f"({left_sql} {operator} {right_sql})"


def filter_sql(tree: ast.expr, literal: Literal) -> str:
    """Return a row condition as SQL over the alias `t`; with an empty value it is not true."""
    if isinstance(tree, ast.BoolOp):
        word_between = " AND " if isinstance(tree.op, ast.And) else " OR "
        conditions = [filter_sql(part, literal) for part in tree.values]
        return f"({word_between.join(conditions)})"
    assert isinstance(tree, ast.Compare)
    value_sql = row_sql(tree.left)
    right = tree.comparators[0]
    operator = tree.ops[0]
    negation = "NOT " if isinstance(operator, ast.IsNot | ast.NotIn) else ""
    if isinstance(operator, ast.Is | ast.IsNot):
        return f"({value_sql} IS {negation}NULL)"
    read = literal_for(tree, literal)
    if isinstance(operator, ast.In | ast.NotIn):
        listed = right.elts if isinstance(right, ast.Tuple) else [right]
        choices = ", ".join(str(read(item)) for item in listed)
        return f"({value_sql} {negation}IN ({choices}))"
    other = str(read(right)) if isinstance(right, ast.Constant) else row_sql(right)
    comparison = COMPARE[type(operator)]
    return f"({value_sql} {comparison} {other})"


def offset_sql(measure: Measure, dialect: Dialect) -> str:
    """Return how far before the as-of day (or complete month) a row lies."""
    if not measure.when:
        return "CAST(0 AS BIGINT)"
    reference = "month" if measure.when in dialect.months[measure.table] else "as_of"
    return f"(c.{reference} - CAST(t.{measure.when} AS BIGINT))"


def window_sql(window: Window, offset: str) -> str:
    """Return the condition that an offset lies in a window."""
    since_last = f"{offset} >= {window.last}"
    if not window.first:
        return since_last
    return f"{since_last} AND {offset} < {window.first}"


def passes_sql(measure: Measure, dialect: Dialect) -> str:
    """Return the condition that a row passes a measure's filter."""
    if measure.filter is None:
        return "1 = 1"
    return filter_sql(measure.filter, dialect.literals[measure.table])


def additive_sql(group: Iterable[tuple[str, Atom]], catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the columns of one scan: a signed sum for each aggregate."""
    columns = []
    for name, atom in group:
        measure = catalogue.measure(atom.measure)
        passes = passes_sql(measure, dialect)
        place = window_sql(catalogue.windows[atom.window], offset_sql(measure, dialect))
        amount = row_sql(measure.value)
        if atom.aggregate == "count":
            amount = f"CASE WHEN {amount} IS NULL THEN 0 ELSE 1 END"
        signed = f"CASE WHEN {passes} AND {place} THEN CAST(t.sign AS BIGINT) * ({amount}) END"
        columns.append(f"CAST(COALESCE(SUM({signed}), 0) AS BIGINT) AS {name}")
    return ",\n    ".join(columns)


def joined_sql(measure: Measure) -> str:
    """Return the rows of a measure's table matched to cases and known by their days."""
    return (
        f"FROM cases c JOIN {measure.table} t ON CAST(t.{measure.by} AS BIGINT) = c.k_{measure.by} "
        "WHERE CAST(t.known AS BIGINT) <= c.as_of"
    )


def series_sql(name: str, atom: Atom, catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the statement of one aggregate over monthly sums."""
    measure = catalogue.measure(atom.measure)
    window = catalogue.windows[atom.window]
    live = _live_months_sql(measure, window, dialect)
    if atom.aggregate == "last":
        newest = f"SELECT case_no, MIN(back) AS back FROM ({live}) q GROUP BY case_no"
        return (
            f"SELECT l.case_no AS case_no, CAST(l.v AS DOUBLE) AS {name} "
            f"FROM ({live}) l JOIN ({newest}) m "
            "ON l.case_no = m.case_no AND l.back = m.back"
        )
    reduced = _reduction_sql(atom.aggregate, window.first - window.last)
    return f"SELECT case_no, {reduced} AS {name} FROM ({live}) l GROUP BY case_no"


def _live_months_sql(measure: Measure, window: Window, dialect: Dialect) -> str:
    """Return the statement of each case's months that have a row: how far `back` each lies, and its sum `v`."""
    offset = offset_sql(measure, dialect)
    value = row_sql(measure.value)
    rows = joined_sql(measure)
    passes = passes_sql(measure, dialect)
    place = window_sql(window, offset)
    back = f"{offset} - {window.last}"
    total = f"CAST(SUM(CAST(t.sign AS BIGINT) * {value}) AS BIGINT)"
    live_rows = "CAST(SUM(CAST(t.sign AS BIGINT)) AS BIGINT)"
    monthly = (
        f"SELECT c.case_no AS case_no, {back} AS back, {total} AS v, {live_rows} AS n "
        f"{rows} AND {passes} AND {value} IS NOT NULL AND {place} "
        f"GROUP BY c.case_no, {offset}"
    )
    return f"SELECT case_no, back, v FROM ({monthly}) s WHERE n > 0"


def _reduction_sql(aggregate: str, width: int) -> str:
    """Return what a series of `width` months is reduced to; the integers stay whole until the last division."""
    if aggregate == "slope":
        rises = f"CAST(SUM(6 * ({width - 1} - 2 * back) * v) AS BIGINT)"
        divisor = width * (width * width - 1)
        return f"CAST({rises} AS DOUBLE) / CAST({divisor} AS DOUBLE)"
    if aggregate == "variance":
        squares = f"CAST({width} * SUM(v * v) - SUM(v) * SUM(v) AS BIGINT)"
        divisor = max(width * (width - 1), 1)
        return f"CAST({squares} AS DOUBLE) / CAST({divisor} AS DOUBLE)"
    reductions = {
        "peak": "CAST(MAX(v) AS DOUBLE)",
        "low": "CAST(MIN(v) AS DOUBLE)",
        "months": "CAST(COUNT(*) AS DOUBLE)",
    }
    return reductions[aggregate]


def multiset_sql(name: str, atom: Atom, catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the statement of one aggregate over the live members of each case's multiset."""
    measure = catalogue.measure(atom.measure)
    window = catalogue.windows[atom.window]
    value = row_sql(measure.value)
    offset = offset_sql(measure, dialect)
    item = _item_sql(atom, measure, offset, value)
    # The newest row counts even where its value is empty: then the answer is that nothing is known.
    has_value = "1 = 1" if atom.aggregate == "newest" else f"{value} IS NOT NULL"
    rows = joined_sql(measure)
    passes = passes_sql(measure, dialect)
    place = window_sql(window, offset)
    net = (
        f"SELECT c.case_no AS case_no, {item} AS item, SUM(CAST(t.sign AS BIGINT)) AS n "
        f"{rows} AND {passes} AND {has_value} AND {place} "
        f"GROUP BY c.case_no, {item} HAVING SUM(CAST(t.sign AS BIGINT)) > 0"
    )
    if atom.aggregate == "median":
        ranked = (
            "SELECT case_no, item, SUM(n) OVER (PARTITION BY case_no ORDER BY item) AS reached, "
            f"SUM(n) OVER (PARTITION BY case_no) AS total FROM ({net}) s"
        )
        return (
            f"SELECT case_no, CAST(MIN(item) AS DOUBLE) AS {name} FROM ({ranked}) r "
            "WHERE 2 * reached > total - 1 GROUP BY case_no"
        )
    newest = f"(MAX(item) % {ITEM_VALUES})"
    reduced = {
        "since": "CAST(MIN(item) AS DOUBLE)",
        "first_since": "CAST(MAX(item) AS DOUBLE)",
        "largest": "CAST(MAX(item) AS DOUBLE)",
        "smallest": "CAST(MIN(item) AS DOUBLE)",
        "distinct": "CAST(COUNT(*) AS DOUBLE)",
        "newest": f"CAST(CASE WHEN {newest} = 0 THEN NULL ELSE {newest} - {ITEM_HALF} END AS DOUBLE)",
    }
    return f"SELECT case_no, {reduced[atom.aggregate]} AS {name} FROM ({net}) s GROUP BY case_no"


def _item_sql(atom: Atom, measure: Measure, offset: str, value: str) -> str:
    if atom.aggregate in ("since", "first_since"):
        return offset
    if atom.aggregate != "newest":
        return value
    when = f"CAST(t.{measure.when} AS BIGINT)" if measure.when else "c.as_of"
    return f"(({when} + {ITEM_DAYS}) * {ITEM_VALUES} + COALESCE({value} + {ITEM_HALF}, 0))"
