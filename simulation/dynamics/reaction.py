"""How employers react: the found enrol and pay back, some mend their ways, some relapse, some fall into bad ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NEVER, Flags, Ints, Turn
from simulation.inspection.findings import Results
from simulation.inspection.visits import Visits
from simulation.labour.contributions import back_rows
from simulation.labour.firms import PUBLIC, Firms
from simulation.labour.honesty import FULL_BASE, HONEST, LATE, ON_TIME, PARTIAL, Habits
from simulation.labour.late_registration import uncovered
from simulation.labour.staff import Jobs, picked

P = parameters("""
mends | .5 | share | assumed | found employers who register everybody from then on
softens | .45 | ratio | assumed | the share left out afterwards by the others
deterred | .85 | ratio | assumed | the share left out after a visit that found nothing
exposed_mends | .7 | share | assumed | exposed employers who mend
back_months | 6 | months | assumed | months paid back for workers enrolled after a visit
tempted | .0022 | a month | assumed | honest units that begin to leave staff out
tempted_drift | .007 | a month | assumed | the same in transport and IT since the drift, by calling staff self-employed
relapse | .004 | a month | assumed | mended units that fall back
""")
DRIFT_SECTIONS = ("G", "I")


def enrolled_after(
    turn: Turn, jobs: Jobs, *, of: tuple[Visits, Results], habits: Habits
) -> tuple[Jobs, Rows]:
    """Return the jobs with cover ordered for the workers found, and the rows of what is paid back for them."""
    visits, result = of
    chance = turn.stream("remedy")
    allowed = np.zeros(len(habits.style), dtype=np.int64)
    allowed[visits.firm] = np.where(result.complies, result.workers, 0)
    out = np.flatnonzero(uncovered(jobs, turn.end - 1) & (allowed[jobs.firm] > 0))
    out = out[np.argsort(jobs.firm[out], kind="stable")]
    rank = np.arange(len(out)) - np.searchsorted(jobs.firm[out], jobs.firm[out])
    out = out[rank < allowed[jobs.firm[out]]]
    day = np.full(len(allowed), NEVER)
    day[visits.firm] = np.maximum(result.remedied, turn.end)
    cover = jobs.cover.copy()
    cover[out] = day[jobs.firm[out]] + chance.integers(0, 5, len(out))
    jobs = replace(jobs, cover=cover)
    return jobs, _paid_back(turn, picked(jobs, out), habits)


def _paid_back(turn: Turn, jobs: Jobs, habits: Habits) -> Rows:
    rows: Rows = []
    for past in range(max(turn.setting.first, turn.month - int(P["back_months"])), turn.month):
        owed = picked(jobs, jobs.started < first_day(past))
        rows.append(
            (
                "contributions",
                back_rows(turn.block, owed, habits, month=past, booked=owed.cover + 5),
            )
        )
    return rows


def mended(turn: Turn, habits: Habits, *, of: tuple[Visits, Results]) -> Habits:
    """Return the habits after one month's visits."""
    visits, result = of
    chance = turn.stream("reaction")
    found = np.zeros(len(habits.style), dtype=bool)
    visited, paid = found.copy(), found.copy()
    visited[visits.firm] = True
    found[visits.firm] = result.workers > 0
    paid[visits.firm] = result.complies & (result.amount > 0)
    mends = found & (chance.random(len(found)) < P["mends"])
    less = np.where(found, P["softens"], np.where(visited, P["deterred"], 1.0))
    style = np.where(mends, HONEST, np.where(found, PARTIAL, habits.style))
    left_out = np.where(found & (habits.left_out == 0), 0.5, habits.left_out) * less
    return replace(
        habits,
        style=style,
        left_out=left_out,
        base=np.where(paid, FULL_BASE, habits.base),
        pays=np.where(paid, ON_TIME, habits.pays),
    )


def shamed(turn: Turn, habits: Habits, *, exposed: Flags) -> Habits:
    """Return the habits after this month's public exposures."""
    chance = turn.stream("shame")
    mends = exposed & (chance.random(len(exposed)) < P["exposed_mends"])
    return replace(
        habits,
        style=np.where(mends, HONEST, habits.style),
        pays=np.where(mends, ON_TIME, habits.pays),
    )


def drifted(turn: Turn, firms: Firms, *, habits: Habits, memory: Memory) -> Habits:
    """Return the habits after a month's temptations; since the drift some sectors cheat in a new way."""
    chance = turn.stream("drift")
    new_way = np.isin(firms.section, [SECTORS.index(letter) for letter in DRIFT_SECTIONS]) & (
        turn.month >= turn.setting.drift
    )
    rate = np.where(memory.findings > 0, P["relapse"], P["tempted"]) + P["tempted_drift"] * new_way
    falls = (habits.style == HONEST) & (chance.random(len(rate)) < rate) & (firms.kind != PUBLIC)
    late = chance.random(len(rate)) < 0.3
    style = np.where(falls, np.where(late, LATE, PARTIAL), habits.style)
    share = np.where(falls, chance.beta(1.6, 2.2, len(rate)), habits.left_out)
    return replace(
        habits,
        style=style,
        left_out=share,
        hidden=np.where(falls & new_way, 1.0, habits.hidden),
        formal=np.where(falls & new_way, habits.formal * 0.3, habits.formal),
    )


def memory_after(memory: Memory, visits: Visits, result: Results) -> Memory:
    """Return the memory after one month's visits; findings count from the day of closing."""

    def set_at(values: Ints, new: Ints) -> Ints:
        fresh = values.copy()
        fresh[visits.firm] = new
        return fresh

    found = (result.workers > 0) | (result.amount > 0)
    firm = visits.firm
    return replace(
        memory,
        visited=set_at(memory.visited, visits.day),
        visits=set_at(memory.visits, memory.visits[firm] + 1),
        found=set_at(memory.found, np.where(found, result.closed, memory.found[firm])),
        findings=set_at(memory.findings, memory.findings[firm] + found),
        in_violation=set_at(
            memory.in_violation, np.where(found, result.workers, memory.in_violation[firm])
        ),
        owed=set_at(memory.owed, np.where(found, result.amount, memory.owed[firm])),
    )
