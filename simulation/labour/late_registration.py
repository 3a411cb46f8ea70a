"""Violation type 1: late, missing and partial registration, beside the short delays that are innocent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.draws import exponential_days, happens, whole
from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Flags, Floats, Ints, Setting
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
formal | .6 | share | assumed | uncovered workers whose employment is known, times the employer's own formality
part_known | .55 | share | assumed | part-time jobs whose employment is known
migrated | .45 | share | assumed | units whose older rows were entered together when they changed systems
migrated_low | 60 | days | assumed | latest such change, before the city begins
migrated_high | 400 | days | assumed | earliest such change, before the city begins
older | 40 | days | assumed | age from which a row counts as older at such a change
slow_span | 14 | days | assumed | longest delay of a slow honest registration beyond the grace
agency_grace | 90 | days | assumed | a dispatched worker with cover due within so many days is lawfully covered
""")


def cover_days(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Ints:
    """Return the day on which each job would be registered for insurance, NEVER for those left out."""
    count = len(jobs.firm)
    style = habits.style[jobs.firm]
    short_delay = _short_delay(chance, count)
    long_delay = chance.uniform(P["probation_low"], P["probation_high"], count)
    delay = np.where(style == LATE, long_delay, short_delay)
    day = jobs.started + whole(delay)
    picked_out = happens(chance, habits.left_out[jobs.firm], count)
    left_out = (style == MISSING) | ((style == PARTIAL) & picked_out)
    without_cover = left_out | _needs_no_cover(jobs)
    return whole(np.where(without_cover, NEVER, day))


def _short_delay(chance: np.random.Generator, count: int) -> Floats:
    """Return an honest employer's days from hiring to registration, a few of them beyond the grace."""
    usual = chance.exponential(P["short"], count)
    usual = np.minimum(usual, P["longest_short"])
    is_slow = happens(chance, P["slow"], count)
    slow = P["grace"] + chance.uniform(0, P["slow_span"], count)
    return np.where(is_slow, slow, usual)


def _needs_no_cover(jobs: Jobs) -> Flags:
    """Return which jobs need no cover at this employer: part-time jobs, and workers who are exempt."""
    return (jobs.kind == PART_TIME) | (jobs.exempt == 1)


def registered_jobs(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Jobs:
    """Return new jobs with their days of cover and the day on which their employment will be known."""
    count = len(jobs.firm)
    cover = cover_days(chance, jobs, habits)
    is_cheat = habits.style[jobs.firm] != HONEST
    pension_only = is_cheat & happens(chance, P["pension_only"], count)
    formal_share = P["formal"] * habits.formal[jobs.firm]
    filed_share = np.where(_needs_no_cover(jobs), P["part_known"], formal_share)
    filed_alone = (cover == NEVER) & happens(chance, filed_share, count)
    filed_first = (cover < NEVER) & happens(chance, P["filed_first"], count)
    filing_day = jobs.started + 1 + exponential_days(chance, P["filed_after"], count)
    filed = np.where(filed_alone | filed_first, filing_day, NEVER)
    whole_cover = np.where(pension_only, 0, 1)
    return replace(jobs, cover=cover, filed=filed, whole=whole_cover)


def migrated(setting: Setting, chance: np.random.Generator, jobs: Jobs) -> tuple[Jobs, Ints]:
    """Return the jobs and the days, 0 for most, on which a unit's older rows were entered together."""
    firms = int(jobs.firm.max(initial=0)) + 1
    changes_system = happens(chance, P["migrated"], firms)
    span = P["migrated_high"] - P["migrated_low"]
    days_before = P["migrated_low"] + span * chance.random(firms)
    day = setting.first_day - whole(days_before)
    day_of_job = day[jobs.firm]
    is_older = jobs.started < day_of_job - P["older"]
    together = changes_system[jobs.firm] & is_older
    bulk = np.where(together, day_of_job, 0)
    is_filed = jobs.filed < NEVER
    filed = np.where(is_filed, np.maximum(jobs.filed, bulk), NEVER)
    return replace(jobs, filed=filed), bulk


def uncovered(jobs: Jobs, day: int) -> Flags:
    """Return which jobs break the duty to register on a day: regular, past the grace, without cover."""
    real = (jobs.fiction == 0) & (jobs.exempt == 0)
    past_grace = jobs.started + P["grace"] < day
    regular = (jobs.kind == REGULAR) & real & past_grace & (jobs.cover > day)
    dispatched = (jobs.kind == DISPATCHED) & (jobs.cover > day + P["agency_grace"])
    return np.asarray(regular | dispatched)
