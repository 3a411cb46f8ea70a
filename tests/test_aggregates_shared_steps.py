"""Steps: what expressions share is worked out once, and nothing else is taken for the same."""

from __future__ import annotations

import numpy as np
import pytest

from features.aggregates.row_expressions import row_filter, row_values
from features.aggregates.shared_steps import Steps
from features.arrays import NULL
from features.catalogue.syntax import parse_formula, parse_row
from features.engine.formulas import Environment, Program, formula_values

COLUMNS = {"a": np.array([3, NULL, 5, 0]), "b": np.array([1, 2, NULL, 0])}


def test_a_part_that_two_expressions_share_is_worked_out_once() -> None:
    seen: list[int] = []

    def doubled(value: int) -> int:
        seen.append(value)
        return 2 * value

    steps = Steps()
    once, again = (steps.step(doubled, steps.leaf("x")) for _ in range(2))
    other = steps.step(doubled, steps.leaf("y"))
    values = steps.run({"x": 3, "y": 4})
    assert (values[once], values[again], values[other], seen) == (6, 6, 8, [3, 4])


def test_a_constant_is_not_taken_for_one_of_another_kind() -> None:
    steps = Steps()
    assert (
        len({steps.constant(1), steps.constant(True), steps.constant(1.0), steps.constant(1)}) == 3
    )


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("a > b", [True, False, False, False]),
        ("a + b == 4", [True, False, False, False]),
        ("a is None or b is None", [False, True, True, False]),
        ("a in (0, 5) and b not in (1, 2)", [False, False, False, True]),
        ("a not in (3, 4)", [False, False, True, True]),
        ("-a <= -3", [True, False, True, False]),
        ("a is not None", [True, False, True, True]),
    ],
)
def test_a_condition_with_an_empty_value_is_false(condition: str, met: list[bool]) -> None:
    assert (
        row_filter(parse_row(condition, "here"), COLUMNS, 4, lambda _column, _text: -1).tolist()
        == met
    )


def test_a_value_is_empty_where_one_that_it_reads_is() -> None:
    found = row_values(parse_row("a * 2 - b", "here"), COLUMNS, 4)
    assert found.valid.tolist() == [True, False, False, True]
    assert found.values[found.valid].tolist() == [5, 0]


def known(**features: list[float]) -> Environment:
    """Return an environment of three cases that holds some features."""
    return Environment(
        3,
        np.full(3, 100.0),
        {},
        {},
        {},
        {name: np.array(values) for name, values in features.items()},
    )


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("x / y", [0.5, np.nan, np.nan]),
        ("default(x / y, -1)", [0.5, -1, -1]),
        ("where(x > 1, x, y)", [2, 2, np.nan]),
        ("known(x) + lesser(x, y)", [2, 1, np.nan]),
        ("as_of - 1", [99, 99, 99]),
        ("2 > 1", [1, 1, 1]),
        ("3", [3, 3, 3]),
    ],
)
def test_a_formula_gives_one_value_for_each_case(formula: str, values: list[float]) -> None:
    here = known(x=[1, 2, np.nan], y=[2, 0, 0])
    np.testing.assert_array_equal(
        formula_values(parse_formula(formula, "here"), here), np.array(values)
    )


@pytest.mark.parametrize("few", [0, 64])
def test_formulas_by_name_stand_side_by_side_in_the_order_asked(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("features.engine.formulas.AT_ONCE", 2)
    monkeypatch.setattr("features.engine.formulas.FEW", few)
    program = Program(
        {"twice": parse_formula("x * 2", "here"), "less": parse_formula("twice - x / y", "here")}
    )
    found = program.values(known(x=[1, 2, 6], y=[1, 0, 4]), ["less", "twice"])
    np.testing.assert_array_equal(found, np.array([[1, 2], [np.nan, 4], [10.5, 12]]))
