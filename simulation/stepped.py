"""A city stepped month by month: all blocks live one month, and only then does anybody choose the visits of the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.calendar import first_day
from simulation.begin import begin
from simulation.dynamics.letters import NO_LETTERS
from simulation.dynamics.state import State
from simulation.ground.pieces import Rows, kept
from simulation.ground.setting import Ints, Setting
from simulation.inspection.visits import Visits
from simulation.month import HABIT, Inspectorate, Truth, advance
from simulation.output.parquet import write_tables
from simulation.run import ground_rows, write_declaration


@dataclass(frozen=True, slots=True)
class SteppedCity:
    """A city after a month: each block, and the rows by block that no database knows by the end of that month."""

    setting: Setting
    month: int
    states: tuple[State, ...]
    unknown: tuple[Rows, ...]

    @property
    def eve(self) -> int:
        """The last day of the month that was lived."""
        return first_day(self.month + 1) - 1


@dataclass(frozen=True, slots=True)
class BlockOrders:
    """What is ordered of one block in a month: visits, and letters that go out as the month begins."""

    visits: Visits
    letters: Ints = field(default_factory=NO_LETTERS.copy)


def begun_city(
    setting: Setting, months: int, folder: Path | None, inspectorate: Inspectorate = HABIT
) -> SteppedCity:
    """Return a city after its first months under one inspectorate, one at least, written to a folder as a source.

    Without a folder nothing is written: so a run that was stopped comes back to where its city stood.
    """
    month = setting.first + months - 1
    eve = first_day(month + 1) - 1
    of_all = ground_rows(setting)
    if folder is not None:
        write_tables(folder, 0, list(of_all), until=eve)
    states, unknown = [], []
    for block in range(setting.blocks):
        state, rows = begin(setting, block)
        for lived in range(setting.first, month + 1):
            state, rows_of_month, _ = advance(state, lived, inspectorate.choose(state, lived))
            rows += rows_of_month
        if folder is not None:
            write_tables(folder, block + 1, list(rows), until=eve)
        states.append(state)
        unknown.append(rows_known_after(rows, eve))
    # what belongs to the whole city comes with the rows of its first block
    unknown[0] += rows_known_after(of_all, eve)
    if folder is not None:
        write_declaration(folder, setting)
    return SteppedCity(setting, month, tuple(states), tuple(unknown))


def next_month(
    city: SteppedCity, orders: Sequence[BlockOrders], folder: Path | None
) -> tuple[SteppedCity, list[Truth]]:
    """Return a city after one more month with the orders of each block, and its truth by block.

    The rows that databases come to know in this month are written to a folder, if one is given.
    """
    month = city.month + 1
    eve = first_day(month + 1) - 1
    # numbers of rows follow from the part, so no two months share one
    first_part = (month - city.setting.first) * city.setting.blocks + 1
    states, unknown, truths = [], [], []
    for block, of_block in enumerate(orders):
        state, rows, truth = advance(city.states[block], month, of_block.visits, of_block.letters)
        known_later = city.unknown[block] + rows
        if folder is not None:
            write_tables(folder, first_part + block, list(known_later), until=eve)
        states.append(state)
        unknown.append(rows_known_after(known_later, eve))
        truths.append(truth)
    return SteppedCity(city.setting, month, tuple(states), tuple(unknown)), truths


def rows_known_after(rows: Rows, day: int) -> Rows:
    """Return the rows that a database comes to know after a day."""
    later = [(name, kept(part, part["recorded_on"] > day)) for name, part in rows]
    return [(name, part) for name, part in later if len(part["recorded_on"])]


def habit_orders(city: SteppedCity) -> list[BlockOrders]:
    """Return what inspectors order of a city's next month by habit."""
    return [BlockOrders(HABIT.choose(state, city.month + 1)) for state in city.states]


def no_visits() -> Visits:
    """Return the visits of a month in which nobody is visited."""
    none = np.zeros(0, dtype=np.int64)
    return Visits(firm=none, kind=none, day=none, planned=none, probability=np.zeros(0))
