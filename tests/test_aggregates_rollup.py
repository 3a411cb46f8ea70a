"""Rollups answer as the rows do, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.arrays import NULL, Column
from features.calendar import date_of, day_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix, matrix_for
from features.engine.population import bare_cases, registered_cases
from features.home import home
from features.ingest.scan import files_below, files_in, scan_parquet
from features.ingest.source import find_source
from features.store.append import feed
from features.store.column_files import FlatColumns
from features.store.column_writer import write_flat
from features.store.opening import open_store
from simulation.ground.setting import setting_of
from simulation.run import write_city
from tests.random_history import LAST, loaded_history, write_history

Write = Callable[..., Path]


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_a_rollup_gives_the_bits_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    store = loaded_history(tmp_path_factory, seed=5)
    rows = [matrix(store, entity, day).values.tobytes() for day in (LAST - 200, LAST - 13)]
    monkeypatch.setattr("features.aggregates.reader.MANY_UNITS", 0)
    monkeypatch.setattr("features.aggregates.reader.WORTHWHILE", 0)
    rollups = [matrix(store, entity, day).values.tobytes() for day in (LAST - 200, LAST - 13)]
    assert rollups == rows
    assert list(files_below(store.folder / "panels", "*.column"))


def test_a_rollup_keeps_no_row_that_says_nothing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = loaded_history(tmp_path_factory, seed=5)
    monkeypatch.setattr("features.aggregates.reader.MANY_UNITS", 0)
    monkeypatch.setattr("features.aggregates.reader.WORTHWHILE", 0)
    matrix(store, "enterprise", LAST)
    placed, kept = 0, 0
    for folder in (store.folder / "panels").iterdir():
        table, by, when, _ = folder.name.split(".")
        sums = sorted(path.name.split(".")[0] for path in files_in(folder, "[ns][0-9]*.column"))
        rollup = FlatColumns(folder, by).every(sums)
        assert np.logical_or.reduce([rollup[name] != 0 for name in sums]).all(), folder.name
        rows = store.all_rows(table, (by, when, "known"))
        there = (rows[by] != NULL) & (rows[when] != NULL)
        placed += len(
            set(zip(*(rows[name][there].tolist() for name in (by, when, "known")), strict=True))
        )
        kept += len(rollup[sums[0]])
    assert kept < placed


def test_what_is_asked_of_claims_alone_is_no_part_of_the_enterprises_rollups(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    measures = engine_of(loaded_history(tmp_path_factory, seed=5)).rollup_measures
    assert {measure.name for measure in measures["injury_claims"]} == {
        "unemployment_claims",
        "injury_claims",
        "maternity_claims",
    }
    assert {measure.name for measure in measures["cover_claims"]} == {
        "cover_claims",
        "cover_claimed",
    }


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


@pytest.mark.parametrize(
    "batches", [[], [{"unit": np.array([], np.int64), "amount": np.array([], np.int64)}]]
)
def test_columns_of_no_rows_are_empty_columns(
    tmp_path: Path, batches: list[dict[str, Column]]
) -> None:
    write_flat(tmp_path / "flat", ("unit", "amount"), batches)
    flat = FlatColumns(tmp_path / "flat", "unit")
    assert flat.size == 0
    assert flat.every(("unit", "amount"))["amount"].tolist() == []
    assert flat.between(0, 7, ("amount",))["amount"].tolist() == []


def test_columns_that_an_older_version_left_out_for_want_of_rows_are_empty(tmp_path: Path) -> None:
    write_flat(tmp_path / "flat", ("unit",), [])
    assert FlatColumns(tmp_path / "flat", "unit").every(("amount",))["amount"].tolist() == []


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_totals_of_many_days_give_the_bits_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    store = loaded_history(tmp_path_factory, seed=5)
    engine, draw = engine_of(store), np.random.default_rng(1)
    codes = np.repeat(np.arange(len(store.texts(entity)), dtype=np.int64), 9)
    cases, _ = registered_cases(
        engine, bare_cases(entity, codes, draw.integers(LAST - 500, LAST + 1, len(codes)))
    )
    rows = matrix_for(engine, cases).values.tobytes()
    for name, value in (
        ("reader.MANY_UNITS", 0),
        ("reader.WORTHWHILE", 0),
        ("prefix_sums.PAIRS_A_ROW", 0),
    ):
        monkeypatch.setattr(f"features.aggregates.{name}", value)
    assert matrix_for(engine, cases).values.tobytes() == rows
    monkeypatch.setattr("features.aggregates.reader.MOST_ROWS", 1)
    assert matrix_for(engine, cases).values.tobytes() == rows


@pytest.fixture
def rollups_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every aggregate that a rollup can answer come from one, as in a large history."""
    monkeypatch.setattr("features.aggregates.reader.MANY_UNITS", 0)
    monkeypatch.setattr("features.aggregates.reader.WORTHWHILE", 0)


def matrices(folder: Path, day: int) -> list[bytes]:
    """Return the values of every unit of a fed source, by entity."""
    return [
        matrix(open_store(folder), entity, day).values.tobytes()
        for entity in ("enterprise", "provider", "claim")
    ]


@pytest.mark.usefixtures("rollups_always")
@pytest.mark.slow
def test_rollups_of_later_days_say_the_same_from_memory_and_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_history(tmp_path / "source", seed=7, size=40)
    for day in (LAST - 150, LAST):
        feed(find_source(folder), day)
    summed = matrices(folder, LAST)
    days = open_store(folder).folder / "days"
    assert (
        not files_below(days, "*.column")
        and not (days / date_of(LAST).isoformat() / "panels").exists()
    )
    monkeypatch.setattr("features.aggregates.rollup.FEW_ROWS", 0)
    assert matrices(folder, LAST) == summed
    assert files_in(days / date_of(LAST).isoformat() / "panels", "*.parquet")
    monkeypatch.setattr("features.aggregates.rollup_writer.rollup_rows", None)
    assert matrices(folder, LAST) == summed


def sizes(folder: Path) -> dict[Path, int]:
    """Return how many bytes each file below a folder has."""
    return {path: path.stat().st_size for path in files_below(folder)}


def rows_of_a_day(city: Path, place: Path, day: int, most: Mapping[str, int]) -> Path:
    """Write a folder with rows of a city's own that were recorded within a week until a day, at most so many a table."""
    place.mkdir()
    within = pl.col("recorded_on").is_between(date_of(day - 7), date_of(day), closed="right")
    for table, rows in most.items():
        held = scan_parquet(files_in(city / table, "*.parquet")).filter(within).head(rows)
        held.collect().write_parquet(place / f"{table}.parquet")
    return place


MIXED = {
    "contributions": 200,
    "claims": 80,
    "enrolments": 60,
    "employment": 60,
    "tax_payroll": 50,
    "medical_lines": 40,
}


@pytest.mark.usefixtures("rollups_always")
@pytest.mark.slow
def test_a_fed_day_takes_at_most_three_times_its_own_bytes_after_its_features(
    tmp_path: Path,
) -> None:
    """Its own bytes are the files of its rows and of their new identifiers as the feed left them.

    The day lies within a month: what is kept of a month end (peers, network values) belongs to no single day.
    """
    city, first = tmp_path / "city", day_of("2015-06-08")
    write_city(city, setting_of(1000, 5, until="2015-06-30", seed=5), lambda _done, _of: None)
    feed(find_source(city), first)
    matrices(city, first)
    for day, most in ((first + 7, MIXED), (first + 14, {"claims": 500})):
        before = sizes(home() / "stores")
        fed = feed(find_source(city), day, rows_of_a_day(city, tmp_path / str(day), day, most))
        assert fed.counted("accepted") > 300
        name = date_of(day).isoformat()
        own = sum(
            size for part in ("days", "tails") for size in sizes(fed.store / part / name).values()
        )
        matrices(city, day)
        after = sizes(home() / "stores")
        assert sum(after.values()) - sum(before.values()) <= 3 * own


def test_rollups_that_an_earlier_version_laid_out_beside_a_day_are_cleared_by_the_next_load(
    write_source: Write,
) -> None:
    row = {"enterprise": "e1", "month": "2015-04", "employees": 3, "payroll": 9}
    recorded = ("2015-05-20", "2015-06-02", "2015-06-03")
    folder = write_source(
        {"tax_payroll": [row | {"recorded_on": day, "employees": day[-1]} for day in recorded]}
    )
    for day in ("2015-06-01", "2015-06-02"):
        feed(find_source(folder), day_of(day))
    part = open_store(folder).folder / "days" / "2015-06-02"
    flat = {
        "enterprise": np.array([0]),
        "placed": np.array([1]),
        "known": np.array([1]),
        "n0": np.array([99]),
    }
    write_flat(part / "panels" / "tax_payroll.enterprise.month.0123456789ab", tuple(flat), [flat])
    feed(find_source(folder), day_of("2015-06-03"))
    assert [path.name for path in files_below(part, "*.parquet")] == ["tax_payroll.parquet"]
