"""How the city carries out an arm's orders: by block, on days of the month, and only where the firm is still open."""

from __future__ import annotations

import numpy as np

from features.calendar import first_day
from lssi.policy_trial.orders import LOT, MonthOrders, VisitOrder, local_numbers
from simulation.dynamics.state import State
from simulation.ground.setting import BLOCK, Flags, Ints, Turn
from simulation.inspection.visits import COMPLAINT, LOTTERY, ROUTINE, Visits
from simulation.labour.firms import living_firms
from simulation.stepped import BlockOrders, SteppedCity

KIND_OF = {"score": ROUTINE, "exposure": ROUTINE, "complaint": COMPLAINT, LOT: LOTTERY}
"""As what kind of visit the city makes each: it has no kind of its own for a score, and examines no more for it."""
SATURDAY = 5
"""Monday is 0, so that the five days before it are those on which teams work."""
# 1970-01-01, day 0, was a Thursday
WEEKDAY_OF_DAY_0 = 3
WEEK = 7


def block_orders(city: SteppedCity, orders: MonthOrders) -> list[BlockOrders]:
    """Return the orders of a month by block of the city."""
    return [_of_block(state, orders) for state in city.states]


def _of_block(state: State, orders: MonthOrders) -> BlockOrders:
    turn = Turn(state.setting, state.block, orders.month)
    is_open = living_firms(state.firms, turn.day) & living_firms(state.firms, turn.end)
    visits = [visit for visit in orders.visits if _is_in(visit, state.block, is_open)]
    letters = local_numbers(orders.letters, state.block)
    probability = [visit.probability or np.nan for visit in visits]
    return BlockOrders(
        Visits(
            firm=local_numbers([visit.enterprise for visit in visits], state.block),
            kind=np.array([KIND_OF[visit.why] for visit in visits], dtype=np.int64),
            day=workdays(turn, len(visits)),
            planned=np.array([visit.minutes for visit in visits], dtype=np.int64),
            probability=np.array(probability, dtype=np.float64),
            share=np.array([visit.share for visit in visits], dtype=np.float64),
        ),
        letters[is_open[letters]],
    )


def _is_in(visit: VisitOrder, block: int, is_open: Flags) -> bool:
    """Tell whether a visit goes to an enterprise of a block that is open all month: nobody is met at a closed door."""
    number = int(visit.enterprise[1:]) - 1
    return number // BLOCK == block and bool(is_open[number % BLOCK])


def workdays(turn: Turn, count: int) -> Ints:
    """Return so many days of a month by chance, Monday to Friday."""
    days = np.arange(first_day(turn.month), first_day(turn.month + 1))
    at_work = days[(days + WEEKDAY_OF_DAY_0) % WEEK < SATURDAY]
    return np.asarray(turn.stream("days of orders").choice(at_work, count))
