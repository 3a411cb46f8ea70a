"""Panels answer as the rows do, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.engine import catalogue_of, matrix, matrix_for
from features.flat import FlatColumns
from features.flat_writer import write_flat
from features.ingest.scan import files_below, files_in
from features.panel import kin_of
from features.register import bare_cases, registered
from features.rowwise import NULL, Column
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
    assert list(files_below(store.folder / "panels", "*.column"))


def test_a_panel_keeps_no_row_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(write_history(tmp_path / "source", seed=5))
    monkeypatch.setattr("features.evaluate.MANY_UNITS", 0)
    monkeypatch.setattr("features.evaluate.WORTHWHILE", 0)
    matrix(store, "enterprise", LAST)
    placed, kept = 0, 0
    for folder in (store.folder / "panels").iterdir():
        table, by, when, _ = folder.name.split(".")
        sums = sorted(path.name.split(".")[0] for path in files_in(folder, "[ns][0-9]*.column"))
        panel = FlatColumns(folder, by).every(sums)
        assert np.logical_or.reduce([panel[name] != 0 for name in sums]).all(), folder.name
        rows = store.all_rows(table, (by, when, "known"))
        there = (rows[by] != NULL) & (rows[when] != NULL)
        placed += len(set(zip(*(rows[name][there].tolist() for name in (by, when, "known")), strict=True)))
        kept += len(panel[sums[0]])
    assert kept < placed


def test_what_is_asked_of_claims_alone_is_no_part_of_the_enterprises_panels(tmp_path: Path) -> None:
    kin = kin_of(catalogue_of(open_store(write_history(tmp_path / "source", seed=5))))
    assert {measure.name for measure in kin["injury_claims"]} == {"unemployment_claims", "injury_claims", "maternity_claims"}
    assert {measure.name for measure in kin["cover_claims"]} == {"cover_claims", "cover_claimed"}


def test_columns_widen_as_their_values_do(tmp_path: Path) -> None:
    first = {"unit": np.array([0, 0, 2]), "amount": np.array([1, -2, 3])}
    then = {"unit": np.array([2, 5]), "amount": np.array([70_000, 2**40])}
    write_flat(tmp_path / "flat", ("unit", "amount"), [first, then])
    flat = FlatColumns(tmp_path / "flat", "unit")
    assert flat.every(("amount",))["amount"].tolist() == [1, -2, 3, 70_000, 2**40]
    assert flat.between(2, 4, ("amount",))["amount"].tolist() == [3, 70_000]
    names = sorted(path.name for path in files_in(tmp_path / "flat", "*.column"))
    assert names == ["amount.int64.full.column", "unit.int8.full.column"]
    write_flat(tmp_path / "flat", ("unit", "amount"), [])
    assert flat.size == 5


@pytest.mark.parametrize("stretches", [[], [{"unit": np.array([], np.int64), "amount": np.array([], np.int64)}]])
def test_columns_of_no_rows_are_empty_columns(tmp_path: Path, stretches: list[dict[str, Column]]) -> None:
    write_flat(tmp_path / "flat", ("unit", "amount"), stretches)
    flat = FlatColumns(tmp_path / "flat", "unit")
    assert flat.size == 0
    assert flat.every(("unit", "amount"))["amount"].tolist() == []
    assert flat.between(0, 7, ("amount",))["amount"].tolist() == []


def test_columns_that_an_older_version_left_out_for_want_of_rows_are_empty(tmp_path: Path) -> None:
    write_flat(tmp_path / "flat", ("unit",), [])
    assert FlatColumns(tmp_path / "flat", "unit").every(("amount",))["amount"].tolist() == []


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_totals_of_many_days_give_the_bits_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str) -> None:
    store = open_store(write_history(tmp_path / "source", seed=6))
    catalogue, draw = catalogue_of(store), np.random.default_rng(1)
    codes = np.repeat(np.arange(len(store.texts(entity)), dtype=np.int64), 9)
    cases, _ = registered(store, catalogue, bare_cases(entity, codes, draw.integers(LAST - 500, LAST + 1, len(codes))))
    rows = matrix_for(store, catalogue, cases).values.tobytes()
    for name, value in (("evaluate.MANY_UNITS", 0), ("evaluate.WORTHWHILE", 0), ("totals.PAIRS_A_ROW", 0)):
        monkeypatch.setattr(f"features.{name}", value)
    assert matrix_for(store, catalogue, cases).values.tobytes() == rows
    monkeypatch.setattr("features.evaluate.MOST_ROWS", 1)
    assert matrix_for(store, catalogue, cases).values.tobytes() == rows
