"""Violation type 1: late, missing and partial registration; and the short delays that are no violation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.draws import exponential_days, happens, whole_numbers
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
pension_only | .08 | share | assumed | cheats' registered workers who get only the pension scheme
filed_first | .35 | share | assumed | covered jobs whose labour contract was filed before the cover
filed_after | 12 | days | assumed | mean days from hiring to the filing of a labour contract
formal | .6 | share | assumed | uncovered workers whose employment is known; multiplied by the employer's own formality
part_known | .55 | share | assumed | part-time jobs whose employment is known
migrated | .45 | share | assumed | units that entered their older rows all on one day, when they changed systems
migrated_low | 60 | days | assumed | fewest days before the city begins at which such a change happened
migrated_high | 400 | days | assumed | most days before the city begins at which such a change happened
older | 40 | days | assumed | age from which a row counts as older at such a change
slow_span | 14 | days | assumed | longest delay beyond the grace of a slow honest registration
agency_grace | 90 | days | assumed | a dispatched worker whose cover begins within so many days counts as covered
""")


def cover_days(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Ints:
    """Return the day on which each job would be registered for insurance, NEVER for those left out."""
    count = len(jobs.firm)
    style = habits.style[jobs.firm]
    short_delay = _short_delay(chance, count)
    long_delay = chance.uniform(P["probation_low"], P["probation_high"], count)
    delay = np.where(style == LATE, long_delay, short_delay)
    day = jobs.started + whole_numbers(delay)
    is_drawn = happens(chance, habits.left_out[jobs.firm], count)
    is_left_out_in_part = (style == PARTIAL) & is_drawn
    is_left_out = (style == MISSING) | is_left_out_in_part
    without_cover = is_left_out | _needs_no_cover(jobs)
    cover = np.where(without_cover, NEVER, day)
    return whole_numbers(cover)


def _short_delay(chance: np.random.Generator, count: int) -> Floats:
    """Return an honest employer's days from hiring to registration, a few of them beyond the grace."""
    usual = chance.exponential(P["short"], count)
    usual = np.minimum(usual, P["longest_short"])
    is_slow = happens(chance, P["slow"], count)
    beyond_grace = chance.uniform(0, P["slow_span"], count)
    slow = P["grace"] + beyond_grace
    return np.where(is_slow, slow, usual)


def _needs_no_cover(jobs: Jobs) -> Flags:
    """Return which jobs need no cover at this employer: part-time jobs, and workers who are exempt."""
    return np.asarray((jobs.kind == PART_TIME) | (jobs.exempt == 1))


def registered_jobs(chance: np.random.Generator, jobs: Jobs, habits: Habits) -> Jobs:
    """Return new jobs with their days of cover and the day on which their employment will be known."""
    count = len(jobs.firm)
    cover = cover_days(chance, jobs, habits)
    is_cheat = habits.style[jobs.firm] != HONEST
    is_limited = happens(chance, P["pension_only"], count)
    pension_only = is_cheat & is_limited
    is_filed = _is_filed(chance, jobs, habits, cover=cover)
    delay = 1 + exponential_days(chance, P["filed_after"], count)
    filing_day = jobs.started + delay
    return replace(
        jobs,
        cover=cover,
        filed=np.where(is_filed, filing_day, NEVER),
        whole=np.where(pension_only, 0, 1),
    )


def _is_filed(chance: np.random.Generator, jobs: Jobs, habits: Habits, *, cover: Ints) -> Flags:
    """Return which jobs' labour contracts are filed: some without any cover, some before it."""
    count = len(cover)
    formal_share = P["formal"] * habits.formal[jobs.firm]
    share = np.where(_needs_no_cover(jobs), P["part_known"], formal_share)
    is_filed_alone = happens(chance, share, count)
    is_filed_first = happens(chance, P["filed_first"], count)
    has_cover = cover < NEVER
    return np.where(has_cover, is_filed_first, is_filed_alone)


def migrated(setting: Setting, chance: np.random.Generator, jobs: Jobs) -> tuple[Jobs, Ints]:
    """Return the jobs and the days, 0 for most, on which a unit's older rows were entered together."""
    firms = int(jobs.firm.max(initial=0)) + 1
    changes_system = happens(chance, P["migrated"], firms)
    span = P["migrated_high"] - P["migrated_low"]
    days_before = P["migrated_low"] + span * chance.random(firms)
    day_of_change = setting.first_day - whole_numbers(days_before)
    day = day_of_change[jobs.firm]
    is_older = jobs.started < day - P["older"]
    together = changes_system[jobs.firm] & is_older
    bulk = np.where(together, day, 0)
    is_filed = jobs.filed < NEVER
    not_before = np.maximum(jobs.filed, bulk)
    filed = np.where(is_filed, not_before, NEVER)
    return replace(jobs, filed=filed), bulk


def uncovered(jobs: Jobs, day: int) -> Flags:
    """Return which jobs break the duty to register on a day: regular, past the grace, without cover."""
    is_regular = jobs.kind == REGULAR
    has_duty = (jobs.fiction == 0) & (jobs.exempt == 0)
    is_past_grace = jobs.started + P["grace"] < day
    has_no_cover = jobs.cover > day
    regular = is_regular & has_duty & is_past_grace & has_no_cover
    is_dispatched = jobs.kind == DISPATCHED
    cover_is_late = jobs.cover > day + P["agency_grace"]
    dispatched = is_dispatched & cover_is_late
    return np.asarray(regular | dispatched)
