"""The city stepped by month is the city written by block, and what is ordered of a month changes the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.contract.tables import contract
from features.ingest.scan import files_below, files_in, read_parquet
from simulation.dynamics.letters import lettered
from simulation.ground.setting import Turn, setting_of
from simulation.inspection.visits import LOTTERY, Visits
from simulation.labour.firms import living_firms
from simulation.labour.late_registration import uncovered
from simulation.run import JOURNAL, write_city
from simulation.stepped import (
    BlockOrders,
    SteppedCity,
    begun_city,
    habit_orders,
    next_month,
    no_visits,
)

SETTING = setting_of(400, 6, until="2015-06-30", seed=3)
BEGUN = 3


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[SteppedCity, Path]:
    """A city after its first three months, and the folder of its source."""
    folder = tmp_path_factory.mktemp("begun")
    return begun_city(SETTING, BEGUN, folder), folder


def rows_of(folders: list[Path], table: str) -> pl.DataFrame:
    """Return the rows of a table in some folders without their numbers, in one order."""
    files = [file for folder in folders for file in files_in(folder / table)]
    frames = [read_parquet([file]).drop("row_id") for file in files]
    whole = pl.concat([frame.cast(pl.String) for frame in frames])
    return whole.sort(whole.columns)


def visits_to_all(city: SteppedCity, share: float | None) -> list[BlockOrders]:
    """Return a visit to every living firm, each given a share of the minutes that it needs."""
    orders = []
    for state in city.states:
        turn = Turn(city.setting, state.block, city.month + 1)
        who = np.flatnonzero(living_firms(state.firms, turn.day))
        many = np.ones(len(who))
        visits = Visits(
            firm=who,
            kind=np.full(len(who), LOTTERY),
            day=np.full(len(who), turn.day),
            planned=np.full(len(who), 240),
            probability=many,
            share=None if share is None else many * share,
        )
        orders.append(BlockOrders(visits))
    return orders


def test_a_city_stepped_by_habit_holds_the_rows_of_the_city_written_by_block(
    begun: tuple[SteppedCity, Path], tmp_path: Path
) -> None:
    city, source = begun
    write_city(tmp_path / "whole", SETTING, lambda *_: None)
    folders = [source]
    for _ in range(SETTING.months - BEGUN):
        folders.append(tmp_path / str(city.month))
        city, _ = next_month(city, habit_orders(city), folders[-1])
    for table in contract():
        if table in JOURNAL:
            continue
        having = [folder for folder in folders if (folder / table).is_dir()]
        stepped = rows_of(having, table)
        assert stepped.equals(rows_of([tmp_path / "whole"], table)), table


def test_a_month_brings_the_rows_that_become_known_in_it_and_numbers_them_anew(
    begun: tuple[SteppedCity, Path], tmp_path: Path
) -> None:
    city, source = begun
    after, _ = next_month(city, habit_orders(city), tmp_path)
    before = read_parquet(files_in(source / "contributions"))
    fresh = read_parquet(files_in(tmp_path / "contributions"))
    days = fresh["recorded_on"].cast(pl.Int32)
    assert days.min() > city.eve >= before["recorded_on"].cast(pl.Int32).max()  # type: ignore[operator]
    assert days.max() <= after.eve  # type: ignore[operator]
    assert not set(fresh["row_id"]) & set(before["row_id"])


def test_a_city_comes_back_to_where_it_stood_without_writing(
    begun: tuple[SteppedCity, Path], tmp_path: Path
) -> None:
    city, _ = begun
    again = begun_city(SETTING, BEGUN, None)
    for one, name in ((city, "first"), (again, "second")):
        next_month(one, habit_orders(one), tmp_path / name)
    for file in files_below(tmp_path / "first", "*.parquet"):
        other = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert file.read_bytes() == other.read_bytes()


def test_visits_of_a_month_are_told_with_what_they_come_to(
    begun: tuple[SteppedCity, Path],
) -> None:
    city, _ = begun
    uncovered_of = {}
    for name, orders in {
        "nobody": [BlockOrders(no_visits()) for _ in city.states],
        "all": visits_to_all(city, None),
    }.items():
        after, truths = next_month(city, orders, None)
        came_to = truths[0].visits
        assert len(came_to["enterprise"]) == len(orders[0].visits.firm)
        assert (came_to["registered"] <= came_to["workers"]).all()
        later, truths = next_month(after, habit_orders(after), None)
        later, truths = next_month(later, habit_orders(later), None)
        uncovered_of[name] = int(truths[0].enterprises["uncovered"].sum())
    assert uncovered_of["all"] < uncovered_of["nobody"] / 2


def test_a_part_of_a_visit_sees_its_part_of_the_workers(
    begun: tuple[SteppedCity, Path],
) -> None:
    city, _ = begun
    seen = {}
    for share in (None, 1.0, 0.5, 0.0):
        _, truths = next_month(city, visits_to_all(city, share), None)
        seen[share] = int(truths[0].visits["workers"].sum())
    assert seen[None] == seen[1.0] > 50
    assert seen[0.0] == 0
    assert 0.4 < seen[0.5] / seen[1.0] < 0.6


def test_letters_register_staff_and_bring_forward_the_successions_of_those_who_have_them(
    begun: tuple[SteppedCity, Path],
) -> None:
    city, _ = begun
    [state] = city.states
    turn = Turn(SETTING, 0, city.month + 1)
    firms = np.arange(len(state.firms.size))
    half = firms[::2]
    after = lettered(state, turn, half)
    is_out = uncovered(state.jobs, turn.day)
    gets_cover = is_out & (after.jobs.cover != state.jobs.cover)
    assert (after.jobs.cover[gets_cover] < turn.end).all()
    assert 0.1 < gets_cover.sum() / (is_out & (state.jobs.firm % 2 == 0)).sum() < 0.4
    assert not gets_cover[state.jobs.firm % 2 == 1].any()
    closes_early = after.firms.closed < state.firms.closed
    has_heir = state.phoenix.heir >= 0
    assert not closes_early[~has_heir].any()
    assert lettered(state, turn, half[:0]) is state
