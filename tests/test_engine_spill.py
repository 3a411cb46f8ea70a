"""What is put into a spill comes back to the bit, in the cases' own order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import NULL
from features.cases import Cases
from features.engine.spill import CodeTable, Spill, narrowed

EDGES = [0, 3, 6, 7]
NOBODY = Cases("claim", np.array([], np.int64), np.array([], np.int64), {})
VALUES = st.one_of(
    st.integers(-(2**40), 2**40).map(float),
    st.integers(-130, 130).map(float),
    st.just(np.nan),
    st.just(0.25),
)


def test_columns_put_on_disk_in_any_order_come_back_by_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    whole = {
        "few": rng.integers(0, 100, 7).astype(float),
        "gaps": np.where(rng.random(7) < 0.5, np.nan, 40_000.0),
        "parts": rng.random(7),
        "large": rng.integers(2**40, 2**41, 7).astype(float),
    }
    spill = Spill(tmp_path, EDGES, list(whole))
    for place in (np.array([6, 0, 4]), np.array([2, 1, 5])):
        spill.put(place, {name: values[place] for name, values in whole.items()})
    missing = {name: np.where(np.arange(7) == 3, np.nan, values) for name, values in whole.items()}
    for batch in range(spill.batches):
        taken = spill.take(batch, NOBODY)
        for name, values in missing.items():
            assert taken[name].tobytes() == values[EDGES[batch] : EDGES[batch + 1]].tobytes()


def test_columns_kept_by_code_and_day_come_back_for_the_key_of_each_case(tmp_path: Path) -> None:
    spill = Spill(tmp_path, [0, 4])
    spill.keep(CodeTable("cell", np.array([10, 20]), {"sum": np.array([1.0, 2.0, 3.0, 4.0])}))
    keys = {"cell": np.array([1, NULL, 0, 1])}
    cases = Cases("enterprise", np.arange(4), np.array([10, 10, 20, 20]), keys)
    np.testing.assert_array_equal(spill.take(0, cases)["sum"], [3.0, np.nan, 2.0, 4.0])
    assert not list(tmp_path.iterdir())


def test_blocks_take_the_room_of_their_narrowest_type(tmp_path: Path) -> None:
    spill = Spill(tmp_path, [0, 1_000], ["flag", "count"])
    spill.put(np.arange(1_000), {"flag": np.ones(1_000), "count": np.full(1_000, 300.0)})
    (block,) = tmp_path.iterdir()
    assert block.stat().st_size == 1_000 * (4 + 1 + 2)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_narrow_values_are_the_values(values: list[float]) -> None:
    given_values = np.array(values)
    held, gaps = narrowed(given_values)
    wide = (
        np.where(held == np.iinfo(held.dtype).min, np.nan, held)
        if gaps
        else held.astype(np.float64)
    )
    assert wide.tobytes() == given_values.tobytes() or np.array_equal(
        wide, given_values, equal_nan=True
    )
    assert held.dtype.kind == "f" or held.dtype.itemsize <= 4


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1.0, 127.0], "int8"),
        ([1.0, 128.0], "int16"),
        ([-128.0], "int16"),
        ([2.0**31], "float64"),
        ([0.5], "float64"),
        ([np.nan], "int8"),
    ],
)
def test_the_type_keeps_its_least_value_free(values: list[float], dtype: str) -> None:
    assert narrowed(np.array(values))[0].dtype.name == dtype
