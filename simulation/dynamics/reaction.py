"""How employers react to a visit: those found enrol workers and pay back; some stop, some relapse, some honest ones begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.draws import happens
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NEVER, Flags, Floats, Ints, Turn
from simulation.inspection.findings import Results
from simulation.inspection.visits import Visits
from simulation.labour.contributions import back_rows
from simulation.labour.firms import PUBLIC, Firms
from simulation.labour.honesty import FULL_BASE, HONEST, LATE, ON_TIME, PARTIAL, Habits
from simulation.labour.late_registration import uncovered
from simulation.labour.staff import Jobs, picked

P = parameters("""
mends | .5 | share | assumed | employers with a finding who register everybody from then on
softens | .45 | ratio | assumed | share that the other employers with a finding leave out afterwards, divided by the share before
deterred | .85 | ratio | assumed | the same ratio after a visit that found nothing
exposed_mends | .7 | share | assumed | exposed employers who register everybody from then on
back_months | 6 | months | assumed | months paid back for workers enrolled after a visit
tempted | .0022 | a month | assumed | honest units that begin to leave staff out
tempted_drift | .007 | a month | assumed | the same in transport and IT since the drift: staff is called self-employed
starts_at | .5 | share | assumed | share taken as the one before, where an employer with a finding left out nobody
new_cheats_late | .3 | share | assumed | of the honest units that begin, those that register late; the others register only a part
new_way_formal | .3 | ratio | assumed | formality of staff called self-employed, divided by that of before
relapse | .004 | a month | assumed | units that had stopped and begin again
""")
DRIFT_SECTIONS = ("G", "I")


def enrolled_after(
    turn: Turn, jobs: Jobs, *, of: tuple[Visits, Results], habits: Habits
) -> tuple[Jobs, Rows]:
    """Return the jobs with cover ordered for the workers found, and the rows of what is paid back for them."""
    visits, result = of
    chance = turn.stream("remedy")
    firms = len(habits.style)
    allowed = np.zeros(firms, dtype=np.int64)
    allowed[visits.firm] = np.where(result.complies, result.workers, 0)
    chosen = _first_uncovered(jobs, allowed, turn.end - 1)
    day = np.full(firms, NEVER)
    day[visits.firm] = np.maximum(result.remedied, turn.end)
    cover = jobs.cover.copy()
    cover[chosen] = day[jobs.firm[chosen]] + chance.integers(0, 5, len(chosen))
    jobs = replace(jobs, cover=cover)
    return jobs, _paid_back(turn, picked(jobs, chosen), habits)


def _first_uncovered(jobs: Jobs, allowed: Ints, day: int) -> Ints:
    """Return the uncovered jobs by enterprise, of each as many as are allowed there, in the order of the jobs."""
    is_candidate = uncovered(jobs, day) & (allowed[jobs.firm] > 0)
    candidates = np.flatnonzero(is_candidate)
    # stable, so that a job's rank inside its enterprise is that of its place among the jobs
    by_firm = np.argsort(jobs.firm[candidates], kind="stable")
    candidates = candidates[by_firm]
    firm = jobs.firm[candidates]
    first_of_firm = np.searchsorted(firm, firm)
    rank = np.arange(len(firm)) - first_of_firm
    return candidates[rank < allowed[firm]]


def _paid_back(turn: Turn, jobs: Jobs, habits: Habits) -> Rows:
    rows: Rows = []
    earliest = turn.month - int(P["back_months"])
    for month in range(max(turn.setting.first, earliest), turn.month):
        worked = picked(jobs, jobs.started < first_day(month))
        booked = worked.cover + 5
        payments = back_rows(turn.block, worked, habits, month=month, booked=booked)
        rows.append(("contributions", payments))
    return rows


def mended(turn: Turn, habits: Habits, *, of: tuple[Visits, Results]) -> Habits:
    """Return the habits after one month's visits."""
    visits, result = of
    chance = turn.stream("reaction")
    firms, firm = len(habits.style), visits.firm
    is_visited = _flags_at(firms, firm, np.ones(len(firm), dtype=bool))
    is_caught = _flags_at(firms, firm, result.workers > 0)
    repays = _flags_at(firms, firm, result.complies & (result.amount > 0))
    mends = is_caught & happens(chance, P["mends"], firms)
    return replace(
        habits,
        style=np.select([mends, is_caught], [HONEST, PARTIAL], habits.style),
        left_out=_left_out_after(habits, is_visited=is_visited, is_caught=is_caught),
        base=np.where(repays, FULL_BASE, habits.base),
        pays=np.where(repays, ON_TIME, habits.pays),
    )


def _flags_at(size: int, index: Ints, values: Flags) -> Flags:
    flags = np.zeros(size, dtype=bool)
    flags[index] = values
    return flags


def _left_out_after(habits: Habits, *, is_visited: Flags, is_caught: Flags) -> Floats:
    """Return the shares left out after visits: smaller for all who were visited."""
    ratios = [P["softens"], P["deterred"]]
    ratio = np.select([is_caught, is_visited], ratios, 1.0)
    is_first_time = is_caught & (habits.left_out == 0)
    share = np.where(is_first_time, P["starts_at"], habits.left_out)
    return np.asarray(share * ratio)


def shamed(turn: Turn, habits: Habits, *, exposed: Flags) -> Habits:
    """Return the habits after this month's public exposures."""
    chance = turn.stream("shame")
    mends = exposed & happens(chance, P["exposed_mends"], len(exposed))
    return replace(
        habits,
        style=np.where(mends, HONEST, habits.style),
        pays=np.where(mends, ON_TIME, habits.pays),
    )


def drifted(turn: Turn, firms: Firms, *, habits: Habits, memory: Memory) -> Habits:
    """Return the habits after a month's temptations; since the drift some sectors cheat in a new way."""
    chance = turn.stream("drift")
    count = len(firms.section)
    sections = [SECTORS.index(letter) for letter in DRIFT_SECTIONS]
    has_drifted = turn.month >= turn.setting.drift
    new_way = np.isin(firms.section, sections) & has_drifted
    usual_rate = np.where(memory.findings > 0, P["relapse"], P["tempted"])
    rate = usual_rate + P["tempted_drift"] * new_way
    may_fall = (habits.style == HONEST) & (firms.kind != PUBLIC)
    falls = may_fall & happens(chance, rate, count)
    is_late = happens(chance, P["new_cheats_late"], count)
    cheating_style = np.where(is_late, LATE, PARTIAL)
    share = chance.beta(1.6, 2.2, count)
    falls_new_way = falls & new_way
    less_formal = habits.formal * P["new_way_formal"]
    return replace(
        habits,
        style=np.where(falls, cheating_style, habits.style),
        left_out=np.where(falls, share, habits.left_out),
        hidden=np.where(falls_new_way, 1.0, habits.hidden),
        formal=np.where(falls_new_way, less_formal, habits.formal),
    )


def memory_after(memory: Memory, visits: Visits, result: Results) -> Memory:
    """Return the memory after one month's visits; findings count from the day of closing."""

    firm = visits.firm
    in_violation = (result.workers > 0) | (result.amount > 0)
    visit_numbers = memory.visits[firm] + 1
    finding_numbers = memory.findings[firm] + in_violation
    day_found = np.where(in_violation, result.closed, memory.found[firm])
    workers = np.where(in_violation, result.workers, memory.in_violation[firm])
    owed = np.where(in_violation, result.amount, memory.owed[firm])
    return replace(
        memory,
        visited=_set_at(memory.visited, firm, visits.day),
        visits=_set_at(memory.visits, firm, visit_numbers),
        found=_set_at(memory.found, firm, day_found),
        findings=_set_at(memory.findings, firm, finding_numbers),
        in_violation=_set_at(memory.in_violation, firm, workers),
        owed=_set_at(memory.owed, firm, owed),
    )


def _set_at(values: Ints, index: Ints, new: Ints) -> Ints:
    """Return a copy of values with others at an index: a month changes none of its arguments."""
    changed = values.copy()
    changed[index] = new
    return changed
