"""Payroll filed with the tax bureau: figures of another bureau, with habits, errors and delays of their own."""

from __future__ import annotations

import numpy as np

from simulation.ground.draws import exponential_days, happens, whole_numbers, whole_yuan
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece
from simulation.ground.setting import Floats, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import HOUSEHOLD, Firms, city_numbers, living_firms
from simulation.labour.honesty import FULL_BASE, Habits

P = parameters("""
part_time_filed | .75 | share | assumed | part-time workers who are in the filing
casual | .35 | persons | assumed | mean number of owners, relatives and casual workers in a small unit's filing
casual_share | .03 | share of staff | assumed | the same in a larger unit, as a share of its staff
missed | .035 | share | assumed | months without a filing
jitter | .03 | log persons | assumed | monthly noise of units that file roughly
usual_delay | 12 | days | assumed | days from the month's end to the filing, before the drift
later_delay | 27 | days | assumed | days from the month's end to the filing, since the drift
restated | .025 | share | assumed | filings corrected later
warned | 3 | persons | assumed | difference in staff from which the Mobile Tool warns
warned_share | .3 | share | assumed | share of the filing that the difference must reach as well
restated_after | 95 | days | assumed | mean delay of a correction
restated_from | 20 | days | assumed | shortest delay of a correction
restated_by | .12 | log persons | assumed | spread of a corrected figure around the first
owner_share | .5 | ratio | assumed | part of a larger unit's casual workers who are in the filing
exempt_filed | .9 | share | assumed | workers lawfully without cover who are in the filing
stale | 1.6 | ratio | assumed | error of an outdated filing, divided by that of a rough one
low_wages | .72 | ratio | assumed | payroll filed by units that report the wages of their low bases, divided by the true one
hidden_wages | .93 | ratio | assumed | payroll filed by units that hide their uncovered staff, divided by the true one
payroll_noise | .06 | log yuan | assumed | monthly noise of the payroll
delay_spread | .35 | log days | assumed | spread of the delay
""")
EXACT, ROUGH, STALE = range(3)


def filed_staff(chance: np.random.Generator, count: Census, habits: Habits, firms: Firms) -> Ints:
    """Return the staff that each enterprise files for a month."""
    exact = _exact_staff(chance, count, habits, firms)
    jitter = P["jitter"] * chance.standard_normal(len(exact))
    rough_error = habits.filing_error + jitter
    stale_error = habits.filing_error * P["stale"]
    rough, stale = exact * np.exp(rough_error), exact * np.exp(stale_error)
    figure = np.choose(habits.filing, [exact, rough, stale])
    persons = np.round(figure)
    return whole_numbers(np.maximum(persons, 0))


def _exact_staff(
    chance: np.random.Generator, count: Census, habits: Habits, firms: Firms
) -> Floats:
    """Return the staff that each enterprise would file without an error."""
    # a household business has twice as many
    ratio = 1 + (firms.kind == HOUSEHOLD)
    by_unit = P["casual"] * ratio
    by_staff = P["casual_share"] * count.staff * P["owner_share"]
    casual = chance.poisson(by_unit + by_staff)
    open_share = 1 - habits.hidden
    shown = chance.binomial(count.uncovered, open_share)
    exempt = chance.binomial(count.exempt, P["exempt_filed"])
    part_time = chance.binomial(count.part_time, P["part_time_filed"])
    hosted = np.round(count.hosted * habits.files_hosted)
    names_others = habits.filing != EXACT
    employed = count.covered + exempt + part_time + shown
    return np.asarray(employed + hosted + casual * names_others)


def _payroll(chance: np.random.Generator, staff: Ints, *, count: Census, habits: Habits) -> Ints:
    """Return the wages that each enterprise files for its staff, in fen."""
    wages = count.wages_seen + count.wages_unseen
    mean_wage = wages / np.maximum(count.staff, 1)
    has_low_base = habits.base != FULL_BASE
    files_low = has_low_base & (habits.files_base == 1)
    by_base = np.where(files_low, P["low_wages"], 1.0)
    hides_all = habits.hidden >= 1
    by_hiding = np.where(hides_all, P["hidden_wages"], 1.0)
    understated = by_base * by_hiding
    noise = chance.lognormal(0, P["payroll_noise"], len(staff))
    payroll = staff * mean_wage * understated * noise
    return whole_yuan(payroll)


def tax_rows(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> tuple[Ints, Rows]:
    """Return the staff filed for one month, the filings and their later corrections."""
    chance = turn.stream("tax")
    staff = filed_staff(chance, count, habits, firms)
    payroll = _payroll(chance, staff, count=count, habits=habits)
    is_filed = chance.random(len(staff)) > P["missed"]
    has_staff = count.staff > 0
    is_alive = living_firms(firms, turn.end - 1)
    who = np.flatnonzero(is_alive & is_filed & has_staff)
    recorded = _days_of_record(turn, chance, len(staff))
    rows = piece(
        recorded[who],
        enterprise=city_numbers(turn.block, who),
        month=turn.month,
        employees=staff[who],
        payroll=payroll[who],
    )
    corrections = _corrected(chance, rows)
    return staff, [("tax_payroll", rows), ("tax_payroll", corrections)]


def _days_of_record(turn: Turn, chance: np.random.Generator, count: int) -> Ints:
    has_drifted = turn.month >= turn.setting.drift
    usual = P["later_delay"] if has_drifted else P["usual_delay"]
    delay = usual * chance.lognormal(0, P["delay_spread"], count)
    return turn.end + whole_numbers(delay)


def _corrected(chance: np.random.Generator, rows: Piece) -> Piece:
    """Return the corrections that some filings get later."""
    is_restated = happens(chance, P["restated"], len(rows["recorded_on"]))
    first = kept(rows, is_restated)
    size = len(first["recorded_on"])
    shortest = int(P["restated_from"])
    delay = shortest + exponential_days(chance, P["restated_after"], size)
    later = first["recorded_on"] + delay
    ratio = chance.lognormal(0, P["restated_by"], size)
    employees = np.round(first["employees"] * ratio)
    payroll = first["payroll"] * ratio
    return corrections_of(
        rows,
        is_restated,
        later,
        employees=whole_numbers(employees),
        payroll=whole_numbers(payroll),
    )


def filing_gap(staff: Ints, count: Census) -> Ints:
    """Return 1 where a filing names so many more people than are covered that the Mobile Tool would warn."""
    excess = staff - count.covered
    is_large = excess >= P["warned"]
    is_large_share = excess > P["warned_share"] * staff
    return whole_numbers(is_large & is_large_share)
