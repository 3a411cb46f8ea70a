"""Panels answer as the rows do, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.engine import matrix
from features.flat import FlatColumns
from features.flat_writer import write_flat
from features.store import open_store
from tests.random_history import LAST, write_history


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_a_panel_gives_the_bits_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str) -> None:
    store = open_store(write_history(tmp_path / "source", seed=5))
    rows = [matrix(store, entity, day).values.tobytes() for day in (LAST - 200, LAST - 13)]
    monkeypatch.setattr("features.evaluate.MANY_UNITS", 0)
    monkeypatch.setattr("features.evaluate.WORTHWHILE", 0)
    panels = [matrix(store, entity, day).values.tobytes() for day in (LAST - 200, LAST - 13)]
    assert panels == rows
    assert list((store.folder / "panels").glob("*/*.column"))


def test_columns_widen_as_their_values_do(tmp_path: Path) -> None:
    first = {"unit": np.array([0, 0, 2]), "amount": np.array([1, -2, 3])}
    then = {"unit": np.array([2, 5]), "amount": np.array([70_000, 2**40])}
    write_flat(tmp_path / "flat", "unit", [first, then])
    flat = FlatColumns(tmp_path / "flat", "unit")
    assert flat.every(("amount",))["amount"].tolist() == [1, -2, 3, 70_000, 2**40]
    assert flat.between(2, 4, ("amount",))["amount"].tolist() == [3, 70_000]
    names = sorted(path.name for path in (tmp_path / "flat").glob("*.column"))
    assert names == ["amount.int64.full.column", "unit.int8.full.column"]
    write_flat(tmp_path / "flat", "unit", [])
    assert flat.size == 5
