"""The compiler by itself: a formula as SQL gives what a person computes, a feature comes after those that it names."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue.language import names_of
from features.catalogue.parse import read_catalogue
from features.catalogue.syntax import parse_formula
from features.sql.compile import constant_sql, formula_sql, layers

VALUES = {"a": 6.0, "b": 4.0, "zero": 0.0, "gone": None}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as one:
        yield one


def computed(connection: duckdb.DuckDBPyConnection, formula: str) -> float | None:
    """Return what DuckDB gives for a formula over VALUES, the as-of day being 10."""
    statement = formula_sql(parse_formula(formula, "here"), {}, {})
    columns = [
        f"CAST({'NULL' if value is None else value} AS DOUBLE) AS f_{name}"
        for name, value in VALUES.items()
    ]
    query = f"SELECT {statement} FROM (SELECT 10 AS as_of, {', '.join(columns)})"
    [[value]] = connection.execute(query).fetchall()
    return value


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a + b * 2", 14.0),
        ("-a / b", -1.5),
        ("a / zero", None),
        ("a + gone", None),
        ("as_of - a", 4.0),
        ("a >= b", 1.0),
        ("a < b", 0.0),
        ("a == gone", None),
        ("lesser(a, b)", 4.0),
        ("greater(a, b)", 6.0),
        ("lesser(a, gone)", None),
        ("known(a)", 1.0),
        ("known(gone)", 0.0),
        ("default(gone, b)", 4.0),
        ("default(a, b)", 6.0),
        ("where(a > b, a, b)", 6.0),
        ("where(a < b, a, gone)", None),
        ("where(gone, a, b)", None),
    ],
)
def test_a_formula_in_sql_gives_what_a_person_computes(
    connection: duckdb.DuckDBPyConnection, formula: str, expected: float | None
) -> None:
    assert computed(connection, formula) == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_a_constant_keeps_its_bits(connection: duckdb.DuckDBPyConnection, value: float) -> None:
    statement = f"SELECT {constant_sql(ast.Constant(abs(value)))}"
    [[read]] = connection.execute(statement).fetchall()
    assert struct.pack("d", read) == struct.pack("d", abs(value))


@pytest.mark.parametrize("entity", ["enterprise", "claim", "provider"])
def test_a_feature_names_only_features_of_earlier_layers(entity: str) -> None:
    features = read_catalogue(lambda _table: True).features(entity)
    ready = {"as_of"}
    for layer in layers(features):
        for feature in layer:
            assert set(names_of(feature.tree)) <= ready
        ready |= {feature.name for feature in layer}
    assert ready == {"as_of", *(feature.name for feature in features)}
