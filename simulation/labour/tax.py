"""Payroll as filed with the tax bureau: another bureau's figure, with its own habits, errors and delays."""

from __future__ import annotations

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.setting import Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import HOUSEHOLD, Firms, city_numbers, living_firms
from simulation.labour.honesty import FULL_BASE, Habits

P = parameters("""
part_time_filed | .75 | share | assumed | part-time workers in the filing
casual | .35 | persons | assumed | mean of owners, relatives and casual hands in a small unit's filing
casual_share | .03 | share of staff | assumed | the same in a larger unit
missed | .035 | share | assumed | months without a filing
jitter | .03 | log persons | assumed | monthly noise of units that file roughly
usual_delay | 12 | days | assumed | days after the month before the drift
later_delay | 27 | days | assumed | days after the month since the drift
restated | .025 | share | assumed | filings corrected later
warned | 3 | persons | assumed | difference from which the Mobile Tool warns
warned_share | .3 | share | assumed | and that share of the filing
restated_after | 95 | days | assumed | mean delay of a correction
""")
EXACT, ROUGH, STALE = range(3)


def filed_staff(chance: np.random.Generator, count: Census, habits: Habits, firms: Firms) -> Ints:
    """Return the staff that each enterprise files for a month."""
    size = len(habits.filing)
    casual = chance.poisson(
        P["casual"] * (1 + (firms.kind == HOUSEHOLD)) + P["casual_share"] * count.staff * 0.5
    )
    open_share = 1 - habits.hidden
    hidden = chance.binomial(count.uncovered, open_share)
    exact = (
        count.covered
        + chance.binomial(count.exempt, 0.9)
        + chance.binomial(count.part_time, P["part_time_filed"])
        + hidden
        + np.round(count.hosted * habits.files_hosted)
        + casual * (habits.filing != EXACT)
    )
    rough = exact * np.exp(habits.filing_error + P["jitter"] * chance.standard_normal(size))
    stale = exact * np.exp(habits.filing_error * 1.6)
    figure = np.choose(habits.filing, [exact, rough, stale])
    return np.maximum(np.round(figure), 0).astype(np.int64)


def tax_rows(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> tuple[Ints, Rows]:
    """Return the staff filed for one month, the filings and their later corrections."""
    chance = turn.stream("tax")
    staff = filed_staff(chance, count, habits, firms)
    mean = (count.wages_seen + count.wages_unseen) / np.maximum(count.staff, 1)
    understated = np.where(
        (habits.base != FULL_BASE) & (habits.files_base == 1), 0.72, 1.0
    ) * np.where(habits.hidden >= 1, 0.93, 1.0)
    payroll = (
        (staff * mean * understated * chance.lognormal(0, 0.06, len(staff))).astype(np.int64)
        // 100
        * 100
    )
    files = (
        living_firms(firms, turn.end - 1)
        & (chance.random(len(staff)) > P["missed"])
        & (count.staff > 0)
    )
    delay = P["usual_delay"] if turn.month < turn.setting.drift else P["later_delay"]
    known = turn.end + (delay * chance.lognormal(0, 0.35, len(staff))).astype(np.int64)
    who = np.flatnonzero(files)
    rows = piece(
        known[who],
        enterprise=city_numbers(turn.block, who),
        month=turn.month,
        employees=staff[who],
        payroll=payroll[who],
    )
    again = chance.random(len(who)) < P["restated"]
    later = (
        known[who][again]
        + 20
        + chance.exponential(P["restated_after"], int(again.sum())).astype(np.int64)
    )
    ratio = chance.lognormal(0, 0.12, len(later))
    mended = corrections_of(
        rows,
        again,
        later,
        employees=np.round(staff[who][again] * ratio).astype(np.int64),
        payroll=(payroll[who][again] * ratio).astype(np.int64),
    )
    return staff, [("tax_payroll", rows), ("tax_payroll", mended)]


def filing_gap(staff: Ints, count: Census) -> Ints:
    """Return 1 where a filing names so many more people than are covered that the Mobile Tool would warn."""
    more = staff - count.covered
    return ((more >= P["warned"]) & (more > P["warned_share"] * staff)).astype(np.int64)
