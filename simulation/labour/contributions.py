"""Violation type 2: contributions of each month, paid on the wage, on the lowest base, late, or not at all."""

from __future__ import annotations

import numpy as np

from features.calendar import first_day
from simulation.ground.draws import happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece, where_day
from simulation.ground.setting import Flags, Ints, Turn, length_of
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
growth | .09 | a year | assumed | yearly growth of the average wage, each July
low | .6 | ratio | public | lowest base, of the average wage
high | 3 | ratio | public | highest base, of the average wage
lowest_for | .65 | share | assumed | staff for whom a unit with this habit declares the lowest base
late_months | .22 | share | assumed | months that an often late unit pays late
unpaid_months | .45 | share | assumed | months that a unit with arrears leaves unpaid
slip | .012 | share | assumed | months that any unit pays late by mistake
latest | 100 | days | assumed | longest delay of a late payment
sample | 4 | workers | assumed | one in so many workers also has rows of the medical scheme
refund | .0006 | share | assumed | rows of a month that are refunded in the month after
""")
NORMAL, BACK, REFUND = range(3)


def bounds(month: int) -> tuple[int, int]:
    """Return the lowest and the highest base of a month in fen."""
    # the average wage is raised in July, which is month 6
    years = (month - 6) // 12 - 2013
    growth = (1 + P["growth"]) ** years
    average = P["average_wage"] * growth
    return int(average * P["low"]) * 100, int(average * P["high"]) * 100


def right_base(jobs: Jobs, month: int) -> Ints:
    """Return the lawful base of each job in fen."""
    low, high = bounds(month)
    return np.clip(jobs.wage, low, high)


def declared_base(jobs: Jobs, habits: Habits, month: int) -> Ints:
    """Return the base that the employer declares for each job in fen."""
    low, high = bounds(month)
    habit = habits.base[jobs.firm]
    part_wage = whole_numbers(jobs.wage * habits.declared[jobs.firm])
    part_base = np.clip(part_wage, low, high)
    # chosen by the worker's number in place of a draw, so that every month declares the same for a worker
    is_chosen = jobs.worker * 613 % 100 < P["lowest_for"] * 100
    is_lowest = (habit == LOWEST_BASE) & is_chosen
    is_part = habit == PART_BASE
    return np.select([is_lowest, is_part], [low, part_base], right_base(jobs, month))


def charge_day(firm: Ints, month: int) -> Ints:
    """Return the day of a month on which each enterprise's contributions are booked."""
    return np.asarray(first_day(month) + 13 + firm * 7 % 11)


def contribution_rows(turn: Turn, *, jobs: Jobs, habits: Habits) -> tuple[Rows, Ints]:
    """Return the rows of one month and what each enterprise owes short for it, in fen."""
    chance = turn.stream("contributions")
    day = charge_day(jobs.firm, turn.month)
    is_covered = (jobs.cover <= day) & (jobs.kind != PART_TIME) & (jobs.started <= day)
    jobs, day = picked(jobs, is_covered), day[is_covered]
    base = declared_base(jobs, habits, turn.month)
    late, unpaid = _payers(chance, habits)
    is_paid = ~(late | unpaid)[jobs.firm]
    rows = _rows(turn.block, jobs, month=turn.month, day=day, base=base)
    rows |= {
        "paid_unit": np.where(is_paid, rows["due_unit"], 0),
        "paid_person": np.where(is_paid, rows["due_person"], 0),
        "paid_on": where_day(is_paid, day),
    }
    delay = chance.integers(20, int(P["latest"]), len(late))
    late_payments = _late_payments(rows, late[jobs.firm], day + delay[jobs.firm])
    refunds = _refunds(chance, rows, month=turn.month)
    parts = [rows, late_payments, _medical(rows, jobs), refunds]
    paid_base = np.where(unpaid[jobs.firm], 0, base)
    missing_base = right_base(jobs, turn.month) - paid_base
    owed = _owed(jobs.firm, missing_base, len(late))
    return [("contributions", part) for part in parts], owed


def _late_payments(rows: Piece, is_late: Flags, arrived: Ints) -> Piece:
    """Return the later versions of the rows that are paid late."""
    paid_on = arrived[is_late]
    paid = corrections_of(rows, is_late, paid_on, paid_on=paid_on)
    return paid | {"paid_unit": paid["due_unit"], "paid_person": paid["due_person"]}


def _owed(firm: Ints, missing_base: Ints, firms: int) -> Ints:
    """Return what each enterprise owes short of the pension scheme's contributions, in fen."""
    short = missing_base * (P["unit_rate"] + P["person_rate"])
    return whole_numbers(np.bincount(firm, weights=short, minlength=firms))


def _payers(chance: np.random.Generator, habits: Habits) -> tuple[Flags, Flags]:
    draw = chance.random(len(habits.pays))
    unpaid = (habits.pays == ARREARS) & (draw < P["unpaid_months"])
    late_share = np.where(habits.pays == TARDY, P["late_months"], P["slip"])
    late = draw < late_share
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
        due_unit=whole_numbers(base * P["unit_rate"]),
        due_person=whole_numbers(base * P["person_rate"]),
    )


def _medical(rows: Piece, jobs: Jobs) -> Piece:
    is_sampled = jobs.worker % int(P["sample"]) == 0
    sample = kept(rows, is_sampled & (jobs.whole == 1))
    due_unit = whole_numbers(sample["base"] * P["medical_unit"])
    due_person = whole_numbers(sample["base"] * P["medical_person"])
    is_paid = sample["paid_unit"] > 0
    return {
        **sample,
        "scheme": np.full(len(due_unit), MEDICAL),
        "due_unit": due_unit,
        "due_person": due_person,
        "paid_unit": due_unit * is_paid,
        "paid_person": due_person * is_paid,
    }


def _refunds(chance: np.random.Generator, rows: Piece, *, month: int) -> Piece:
    is_drawn = happens(chance, P["refund"], len(rows["base"]))
    mask = is_drawn & (rows["paid_unit"] > 0)
    day = rows["recorded_on"][mask] + length_of(month)
    refunds = corrections_of(
        rows,
        mask,
        day,
        kind=REFUND,
        booked=month + 1,
        paid_on=day,
        due_unit=0,
        due_person=0,
    )
    unit, individual = -refunds["paid_unit"], -refunds["paid_person"]
    return {**refunds, "paid_unit": unit, "paid_person": individual}


def back_rows(block: int, jobs: Jobs, habits: Habits, *, month: int, booked: Ints) -> Piece:
    """Return back-payments for one past month of jobs that got cover later, booked on the given days."""
    base = declared_base(jobs, habits, month)
    rows = _rows(block, jobs, month=month, day=booked, base=base)
    months_since_1970 = booked.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return {
        **rows,
        "kind": np.full(len(base), BACK),
        "booked": months_since_1970 + 1970 * 12,
        "paid_unit": rows["due_unit"],
        "paid_person": rows["due_person"],
        "paid_on": booked,
    }
