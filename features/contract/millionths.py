"""Probabilities as whole millionths: stored, compared and summed as integers, as money is in fen."""

from __future__ import annotations

import ast
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.contract.tables import contract
from features.errors import CatalogueError

CERTAIN = 1_000_000
"""The millionths of what is sure to happen."""
LONGEST_TEXT = 30
"""Signs of the longest text that is read as a probability, zeros at its end aside; its last digit is still told apart."""


def millionths_of(value: float) -> int:
    """Return a probability in millionths; ValueError where it is no number of them.

    A float is a number of millionths where no other float lies nearer to it: 0.3 is one, 0.1 + 0.2 is none.

    >>> millionths_of(0.3), millionths_of(1)
    (300000, 1000000)
    >>> millionths_of(0.1 + 0.2)
    Traceback (most recent call last):
    ValueError: finer than a millionth
    """
    millionths = round(value * CERTAIN)
    if millionths / CERTAIN != value:
        raise ValueError("finer than a millionth")
    return millionths


def probabilities(millionths: NDArray[np.int64], empty: int) -> NDArray[np.float64]:
    """Return millionths (n,) as probabilities between 0 and 1, NaN where they are empty.

    >>> probabilities(np.array([250_000, -1]), -1)
    array([0.25,  nan])
    """
    return np.where(millionths == empty, np.nan, millionths / CERTAIN)


def as_decimals(column: pl.Expr) -> pl.Expr:
    """Return a column of millionths as the probabilities that a source writes: the floats nearest to them."""
    # Polars multiplies by 0.000001 where it is told to divide, and so misses the nearest float.
    return column.map_batches(_decimals, pl.Float64)


def _decimals(millionths: pl.Series) -> pl.Series:
    return pl.Series(millionths.to_numpy() / CERTAIN, nan_to_null=True)


def millionths_sql(raw: str, kind: str, text: str) -> str:
    """Return a raw column of one SQL type as millionths, NULL where it is no number of them; `text` is its text in SQL."""
    if kind in ("DOUBLE", "FLOAT"):
        millionths = f"round(CAST({raw} AS DOUBLE) * {CERTAIN})"
        nearest = f"CAST({millionths} / {CERTAIN} AS {kind})"
        # One far above 1 is told as it stands, and below 1000 its millionths fit an INTEGER.
        is_exact = f"abs({raw}) < 1000 AND {nearest} = {raw}"
        return f"CASE WHEN {is_exact} THEN CAST({millionths} AS INTEGER) END"
    # Three digits before the point, so that one far above 1 is told as it stands; 35 behind it hold every text below.
    exact = f"TRY_CAST({text} AS DECIMAL(38, 35))"
    rounded = f"CAST({exact} AS DECIMAL(10, 6))"
    pattern = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
    is_number = f"regexp_full_match({text}, '{pattern}')"
    is_short = f"length(rtrim({text}, '0')) <= {LONGEST_TEXT}"
    is_whole = f"{is_number} AND {is_short} AND {exact} = {rounded}"
    return f"CASE WHEN {is_whole} THEN CAST({rounded} * {CERTAIN} AS INTEGER) END"


@cache
def probability_columns() -> frozenset[str]:
    """Return the names of the contract's columns that hold probabilities."""
    names: set[str] = set()
    for table in contract().values():
        names |= {column.name for column in table.columns if column.kind == "probability"}
    return frozenset(names)


def in_millionths(tree: ast.expr, where: str) -> ast.expr:
    """Return a row expression in which decimals beside a probability are whole millionths, as the store holds it.

    Raises CatalogueError for one that is finer, and for a whole 1, which may mean certainty or one millionth.

    >>> ast.unparse(in_millionths(ast.parse("inclusion_probability >= 0.5", mode="eval").body, "here"))
    'inclusion_probability >= 500000'
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = (node.left, *node.comparators)
        if any(map(_is_probability, sides)):
            node.left = _stated(node.left, where)
            node.comparators = [_stated(side, where) for side in node.comparators]
    return tree


def _is_probability(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in probability_columns()


def _stated(node: ast.expr, where: str) -> ast.expr:
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_stated(item, where) for item in node.elts], ast.Load())
    if not isinstance(node, ast.Constant):
        return node
    value = node.value
    if type(value) is int and value == 1:
        raise CatalogueError(
            f"{where}: 1 beside a probability may be certainty or one millionth; write 1.0 or 0.000001"
        )
    if not isinstance(value, float):
        return node
    try:
        return ast.Constant(millionths_of(value))
    except (ValueError, OverflowError):
        raise CatalogueError(
            f"{where}: {value!r} beside a probability is finer than a millionth; "
            "give it at most 6 decimals"
        ) from None
