"""Violation type 2: contributions month by month, on the wage, on the lowest base, late, or not at all."""

from __future__ import annotations

import numpy as np

from features.calendar import first_day
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece, where_day
from simulation.ground.setting import Ints, Turn, length_of
from simulation.labour.firms import city_numbers
from simulation.labour.honesty import ARREARS, LOWEST_BASE, PART_BASE, TARDY, Habits
from simulation.labour.registrations import MEDICAL, PENSION, person
from simulation.labour.staff import PART_TIME, Jobs, picked

P = parameters("""
unit_rate | .18 | ratio | assumed | pension, due from the unit
person_rate | .08 | ratio | assumed | pension, due from the person
medical_unit | .09 | ratio | assumed | medical, due from the unit
medical_person | .02 | ratio | assumed | medical, due from the person
average_wage | 3900 | yuan a month | assumed | average wage of 2013
growth | .09 | a year | assumed | its growth, each July
low | .6 | ratio | public | lowest base, of the average wage
high | 3 | ratio | public | highest base, of the average wage
lowest_for | .65 | share | assumed | staff for whom a unit with the habit declares the lowest base
late_months | .22 | share | assumed | months that a tardy unit pays late
unpaid_months | .45 | share | assumed | months that a unit with arrears leaves unpaid
slip | .012 | share | assumed | months that any unit pays late, innocent
latest | 100 | days | assumed | longest delay of a late payment
sample | 4 | workers | assumed | one in so many workers has rows of the medical scheme beside pension
refund | .0006 | share | assumed | rows of a month that are refunded the month after
""")
NORMAL, BACK, REFUND = range(3)


def bounds(month: int) -> tuple[int, int]:
    """Return the lowest and the highest base of a month in fen."""
    years = (month - 6) // 12 - 2013
    average = P["average_wage"] * (1 + P["growth"]) ** years
    return int(average * P["low"]) * 100, int(average * P["high"]) * 100


def right_base(jobs: Jobs, month: int) -> Ints:
    """Return the lawful base of each job in fen."""
    low, high = bounds(month)
    return np.clip(jobs.wage, low, high)


def declared_base(jobs: Jobs, habits: Habits, month: int) -> Ints:
    """Return the base that the employer declares for each job in fen."""
    low, high = bounds(month)
    habit = habits.base[jobs.firm]
    part = np.clip((jobs.wage * habits.declared[jobs.firm]).astype(np.int64), low, high)
    lowest = (habit == LOWEST_BASE) & (jobs.worker * 613 % 100 < P["lowest_for"] * 100)
    return np.where(lowest, low, np.where(habit == PART_BASE, part, right_base(jobs, month)))


def charge_day(firm: Ints, month: int) -> Ints:
    """Return the day of a month on which each enterprise's contributions are booked."""
    return np.asarray(first_day(month) + 13 + firm * 7 % 11)


def contribution_rows(turn: Turn, *, jobs: Jobs, habits: Habits) -> tuple[Rows, Ints]:
    """Return the rows of one month and what each enterprise owes short for it, in fen."""
    chance = turn.stream("contributions")
    day = charge_day(jobs.firm, turn.month)
    covered = (jobs.cover <= day) & (jobs.kind != PART_TIME) & (jobs.started <= day)
    jobs, day = picked(jobs, covered), day[covered]
    base = declared_base(jobs, habits, turn.month)
    late, unpaid = _payers(chance, habits)
    held = (late | unpaid)[jobs.firm]
    rows = _rows(turn.block, jobs, month=turn.month, day=day, base=base)
    rows |= {
        "paid_unit": np.where(held, 0, rows["due_unit"]),
        "paid_person": np.where(held, 0, rows["due_person"]),
        "paid_on": where_day(~held, day),
    }
    arrived = day + chance.integers(20, int(P["latest"]), len(late))[jobs.firm]
    mended = corrections_of(
        rows, late[jobs.firm], arrived[late[jobs.firm]], paid_on=arrived[late[jobs.firm]]
    )
    mended |= {"paid_unit": mended["due_unit"], "paid_person": mended["due_person"]}
    short = (right_base(jobs, turn.month) - np.where(unpaid[jobs.firm], 0, base)) * (
        P["unit_rate"] + P["person_rate"]
    )
    owed = np.bincount(jobs.firm, weights=short, minlength=len(late)).astype(np.int64)
    parts = [rows, mended, _medical(rows, jobs), _refunds(chance, rows, month=turn.month)]
    return [("contributions", part) for part in parts], owed


def _payers(chance: np.random.Generator, habits: Habits) -> tuple[Ints, Ints]:
    draw = chance.random(len(habits.pays))
    unpaid = (habits.pays == ARREARS) & (draw < P["unpaid_months"])
    late = np.where(habits.pays == TARDY, draw < P["late_months"], draw < P["slip"])
    return late & ~unpaid, unpaid


def _rows(block: int, jobs: Jobs, *, month: int, day: Ints, base: Ints) -> Piece:
    return piece(
        day,
        worker=person(block, jobs.worker),
        enterprise=city_numbers(block, jobs.firm),
        scheme=PENSION,
        month=month,
        booked=month,
        kind=NORMAL,
        base=base,
        due_unit=(base * P["unit_rate"]).astype(np.int64),
        due_person=(base * P["person_rate"]).astype(np.int64),
    )


def _medical(rows: Piece, jobs: Jobs) -> Piece:
    part = kept(rows, (jobs.worker % int(P["sample"]) == 0) & (jobs.whole == 1))
    unit = (part["base"] * P["medical_unit"]).astype(np.int64)
    own = (part["base"] * P["medical_person"]).astype(np.int64)
    paid = part["paid_unit"] > 0
    return {
        **part,
        "scheme": np.full(len(unit), MEDICAL),
        "due_unit": unit,
        "due_person": own,
        "paid_unit": unit * paid,
        "paid_person": own * paid,
    }


def _refunds(chance: np.random.Generator, rows: Piece, *, month: int) -> Piece:
    mask = (chance.random(len(rows["base"])) < P["refund"]) & (rows["paid_unit"] > 0)
    day = rows["recorded_on"][mask] + length_of(month)
    size = int(mask.sum())
    part = corrections_of(
        rows, mask, day, kind=REFUND, booked=month + 1, paid_on=day, due_unit=0, due_person=0
    )
    return (
        {**part, "paid_unit": -part["paid_unit"], "paid_person": -part["paid_person"]}
        if size
        else part
    )


def back_rows(block: int, jobs: Jobs, habits: Habits, *, month: int, booked: Ints) -> Piece:
    """Return back-payments for one past month of jobs that got cover later, booked on the given days."""
    base = declared_base(jobs, habits, month)
    rows = _rows(block, jobs, month=month, day=booked, base=base)
    months = booked.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12
    return {
        **rows,
        "kind": np.full(len(base), BACK),
        "booked": months,
        "paid_unit": rows["due_unit"],
        "paid_person": rows["due_person"],
        "paid_on": booked,
    }
