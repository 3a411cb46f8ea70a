"""Violation type 1: late, missing and partial registration, beside the short delays that are innocent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Flags, Ints, Setting
from simulation.labour.honesty import HONEST, LATE, MISSING, PARTIAL, Habits
from simulation.labour.staff import DISPATCHED, PART_TIME, REGULAR, Jobs

P = parameters("""
grace | 30 | days | public | the Social Insurance Law gives 30 days from hiring to register
short | 9 | days | assumed | mean of an honest employer's delay
longest_short | 29 | days | assumed | longest innocent delay
slow | .03 | share | assumed | honest registrations that take up to two weeks beyond the grace
probation_low | 60 | days | assumed | shortest delay of an employer who registers after probation only
probation_high | 300 | days | assumed | longest delay of one
pension_only | .08 | share | assumed | cheats' registered workers who get the pension scheme alone
filed_first | .35 | share | assumed | covered jobs whose labour contract was filed before the cover
filed_after | 12 | days | assumed | mean days from hiring to the filing of a labour contract
formal | .3 | share | assumed | uncovered workers whose employment is known, times the employer's own formality
part_known | .55 | share | assumed | part-time jobs whose employment is known
migrated | .45 | share | assumed | units whose older rows were entered together when they changed systems
""")


def cover_days(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Ints:
    """Return the day on which each job would be registered for insurance, NEVER for those left out."""
    count = len(jobs.firm)
    style = habits.style[jobs.firm]
    short = np.minimum(chance.exponential(P["short"], count), P["longest_short"])
    short = np.where(
        chance.random(count) < P["slow"], P["grace"] + chance.uniform(0, 14, count), short
    )
    long = chance.uniform(P["probation_low"], P["probation_high"], count)
    day = jobs.started + np.where(style == LATE, long, short).astype(np.int64)
    out = (style == MISSING) | (
        (style == PARTIAL) & (chance.random(count) < habits.left_out[jobs.firm])
    )
    return np.where(out | (jobs.kind == PART_TIME) | (jobs.exempt == 1), NEVER, day).astype(
        np.int64
    )


def registered_jobs(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Jobs:
    """Return new jobs with their days of cover and the day on which their employment will be known."""
    count = len(jobs.firm)
    cover = cover_days(chance, jobs, habits)
    pension_only = (habits.style[jobs.firm] != HONEST) & (chance.random(count) < P["pension_only"])
    share = np.where(
        (jobs.kind == PART_TIME) | (jobs.exempt == 1),
        P["part_known"],
        P["formal"] * habits.formal[jobs.firm] * 2,
    )
    known = (cover == NEVER) & (chance.random(count) < share)
    known |= (cover < NEVER) & (chance.random(count) < P["filed_first"])
    filed = np.where(
        known,
        jobs.started + 1 + chance.exponential(P["filed_after"], count).astype(np.int64),
        NEVER,
    )
    return replace(jobs, cover=cover, filed=filed, whole=np.where(pension_only, 0, 1))


def migrated(setting: Setting, chance: np.random.Generator, jobs: Jobs) -> tuple[Jobs, Ints]:
    """Return the jobs and the days, 0 for most, on which a unit's older rows were entered together."""
    firm = chance.random(int(jobs.firm.max(initial=0)) + 1)
    day = setting.first_day - (60 + 340 * chance.random(len(firm))).astype(np.int64)
    together = (firm < P["migrated"])[jobs.firm] & (jobs.started < day[jobs.firm] - 40)
    bulk = np.where(together, day[jobs.firm], 0)
    return replace(
        jobs, filed=np.where(jobs.filed < NEVER, np.maximum(jobs.filed, bulk), NEVER)
    ), bulk


def uncovered(jobs: Jobs, day: int) -> Flags:
    """Return which jobs break the duty to register on a day: regular, past the grace, without cover."""
    return np.asarray(
        (jobs.kind == REGULAR)
        & (jobs.fiction == 0)
        & (jobs.exempt == 0)
        & (jobs.cover > day)
        & (jobs.started + P["grace"] < day)
        | (jobs.kind == DISPATCHED) & (jobs.cover > day + 90)
    )
