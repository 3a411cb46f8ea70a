"""Panels answer as the rows do, to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.engine import matrix
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
    assert list((store.folder / "panels").glob("*.parquet"))
