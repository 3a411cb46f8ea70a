"""Who works where: people, their jobs, and how turnover and season lead to hiring and leaving."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from features.calendar import day_of, first_day
from simulation.ground.draws import happens, whole_numbers, whole_yuan
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NEVER, Flags, Floats, Ints, Setting, length_of, stream
from simulation.labour.firms import Firms, living_firms

P = parameters("""
retired | .03 | share | assumed | pensioners when the city begins, a sample so that the tables stay small
part_time | .07 | share | assumed | part-time jobs; the law requires only work injury cover for them
spare | .10 | share | assumed | workers of the block without a job when the city begins
from_pool | .62 | share | assumed | of the hired, those who have worked in the block before
catch_up | .6 | share a month | assumed | of the missing staff, those hired within a month
cut | .35 | share a month | assumed | of the staff beyond what the season needs, those let go within a month
wage_spread | .35 | log yuan | assumed | spread of wages within a sector
wage_growth | .09 | a year | assumed | growth of wages
local_rural | .30 | share | assumed | rural households among workers who are not migrants
women | .44 | share | assumed | women among workers
minority | .02 | share | assumed | workers of a minority ethnicity
lowest_wage | 1100 | yuan a month | assumed | lowest wage that anybody is paid
part_time_wage | 2 | fifths | assumed | wage of a part-time job, in fifths of a regular wage
tolerated | .1 | share | assumed | staff beyond what the season needs that is not let go
sex_held | .9 | share | assumed | workers whose sex and ethnicity are recorded
""")
REGULAR, PART_TIME, DISPATCHED = range(3)
URBAN, RURAL, MIGRANT = range(3)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs held, one entry each: days of start, cover, filing; wage in fen a month; `host` is -1 if not sent."""

    worker: Ints
    firm: Ints
    host: Ints
    started: Ints
    kind: Ints
    wage: Ints
    cover: Ints
    filed: Ints
    entered: Ints
    whole: Ints
    fiction: Ints
    exempt: Ints


@dataclass(frozen=True, slots=True)
class People:
    """Workers of one block by local number."""

    born: Ints
    residence: Ints
    sex: Ints
    ethnicity: Ints
    home: Ints
    died: Ints


Arrays = TypeVar("Arrays", Jobs, People)


def picked(table: Arrays, index: Ints | Flags) -> Arrays:
    """Return the entries that an index or a mask picks."""
    columns = [getattr(table, field.name) for field in fields(table)]
    return type(table)(*(column[index] for column in columns))


def appended(first: Arrays, second: Arrays) -> Arrays:
    """Return the entries of both, one after the other."""
    pairs = ((getattr(first, f.name), getattr(second, f.name)) for f in fields(first))
    return type(first)(*(np.concatenate(pair) for pair in pairs))


def staff_wanted(firms: Firms, month: int) -> Floats:
    """Return the staff that each enterprise wants in a month, none before it opens or after it closes."""
    months_from_peak = month % 12 + 1 - SECTORS.peak[firms.section]
    angle = 2 * np.pi * months_from_peak / 12
    season = 1 + SECTORS.swing[firms.section] * np.cos(angle)
    end = first_day(month + 1)
    is_open = (firms.registered < end - 5) & (firms.closed > end)
    return np.where(is_open, firms.size * season, 0.0)


def people(setting: Setting, chance: np.random.Generator, section: Ints) -> People:
    """Return new workers, one for each job's section."""
    count = len(section)
    is_migrant = happens(chance, SECTORS.migrant[section], count)
    is_rural = happens(chance, P["local_rural"], count)
    local = np.where(is_rural, RURAL, URBAN)
    has_sex = happens(chance, P["sex_held"], count)
    # workers are 18 to 59 years old as the city begins
    years_beyond = np.minimum(chance.gamma(3.2, 6.2, count), 41)
    age = 18 + whole_numbers(years_beyond)
    sex = whole_numbers(happens(chance, P["women"], count))
    is_minority = happens(chance, P["minority"], count)
    minority = chance.integers(1, 8, count)
    return People(
        born=setting.first // 12 - age,
        residence=np.where(is_migrant, MIGRANT, local),
        sex=np.where(has_sex, sex, -1),
        ethnicity=np.where(is_minority, minority, 0),
        home=chance.integers(0, setting.cells, count),
        died=np.full(count, NEVER),
    )


def wages(chance: np.random.Generator, firms: Firms, *, firm: Ints, day: Ints) -> Ints:
    """Return monthly wages in fen at the day of hiring, in whole yuan."""
    years = (day - day_of("2013-01-01")) / 365.25
    # jobs of before 2008 have wages of 2008; no city goes on for 40 years after 2013
    growth = P["wage_growth"] * np.clip(years, -5, 40)
    spread = P["wage_spread"] * chance.standard_normal(len(firm))
    usual = SECTORS.wage[firms.section[firm]] * firms.pay[firm]
    yuan = usual * np.exp(growth + spread)
    return whole_numbers(np.maximum(yuan, P["lowest_wage"])) * 100


def new_jobs(chance: np.random.Generator, firms: Firms, *, of: dict[str, Ints]) -> Jobs:
    """Return jobs of `of`: worker, firm and started; not yet registered anywhere."""
    firm, started = of["firm"], of["started"]
    count = len(firm)
    none = np.full(count, NEVER)
    is_part_time = happens(chance, P["part_time"], count)
    kind = np.where(is_part_time, PART_TIME, REGULAR)
    full_wage = wages(chance, firms, firm=firm, day=started)
    part_wage = full_wage * int(P["part_time_wage"]) // 5
    return Jobs(
        worker=of["worker"],
        firm=firm,
        host=np.full(count, -1),
        started=started,
        kind=kind,
        wage=np.where(is_part_time, part_wage, full_wage),
        cover=none,
        filed=none,
        entered=none,
        whole=np.ones(count, dtype=np.int64),
        fiction=np.zeros(count, dtype=np.int64),
        exempt=_exempt(chance, kind, firms.exempt[firm]),
    )


def spare(jobs: int) -> int:
    """Return how many workers are without a job as the city begins."""
    return int(P["spare"] * jobs) + 20


def retired(jobs: int) -> int:
    """Return how many pensioners a block has as the city begins."""
    return int(P["retired"] * jobs) + 5


def _exempt(chance: np.random.Generator, kind: Ints, share: Floats) -> Ints:
    is_exempt = (kind == REGULAR) & happens(chance, share, len(kind))
    return whole_numbers(is_exempt)


def begin_staff(setting: Setting, block: int, firms: Firms) -> tuple[People, Jobs]:
    """Return the people of one block and the jobs that they hold as the first month begins."""
    chance = stream(setting, block, 0, of="staff")
    is_alive = living_firms(firms, setting.first_day)
    want = np.where(is_alive, staff_wanted(firms, setting.first), 0.0)
    # a living unit has one worker at least
    staff = np.maximum(chance.poisson(want), want > 0)
    firm = np.repeat(np.arange(len(staff)), staff)
    section = firms.section[firm]
    days_held = whole_numbers(chance.exponential(30 / SECTORS.turnover[section]))
    started = np.maximum(setting.first_day - 1 - days_held, firms.registered[firm])
    everyone = _everyone(setting, chance, section)
    job_columns = {"worker": np.arange(len(firm)), "firm": firm, "started": started}
    return everyone, new_jobs(chance, firms, of=job_columns)


def _everyone(setting: Setting, chance: np.random.Generator, section: Ints) -> People:
    """Return the workers of jobs in the given sections, then the idle, then the pensioners."""
    jobs = len(section)
    pensioners = retired(jobs)
    others = np.zeros(spare(jobs) + pensioners, dtype=np.int64)
    everyone = people(setting, chance, np.concatenate([section, others]))
    # pensioners are drawn as workers, then made a working life older
    everyone.born[len(everyone.born) - pensioners :] -= 30
    return everyone


def place(jobs: Jobs) -> Ints:
    """Return the enterprise at which each job is done: the host of a dispatched worker, else the employer."""
    return np.where(jobs.host >= 0, jobs.host, jobs.firm)


def leaving(
    chance: np.random.Generator, firms: Firms, jobs: Jobs, *, month: int, want: Floats
) -> Ints:
    """Return the last day of each job that ends in a month, NEVER for the others."""
    start, days = first_day(month), length_of(month)
    count, workplace = len(jobs.firm), place(jobs)
    hazard = _hazard(firms, workplace, want)
    goes = happens(chance, hazard[workplace], count) & (jobs.fiction == 0)
    day = start + chance.integers(0, days, count)
    chosen_day = np.where(goes, day, NEVER)
    shut = np.minimum(firms.closed[jobs.firm], firms.closed[workplace])
    closing_day = np.maximum(shut, start)
    shuts = shut < start + days
    last = np.where(shuts, closing_day, chosen_day)
    # nobody leaves on the day of hiring
    not_before = np.maximum(last, jobs.started + 1)
    return np.where(last == NEVER, NEVER, not_before)


def _hazard(firms: Firms, workplace: Ints, want: Floats) -> Floats:
    """Return each enterprise's chance that one of its workers leaves in a month: turnover, and cuts."""
    staff = np.bincount(workplace, minlength=len(want))
    excess = 1 - want / np.maximum(staff, 1)
    cut_share = np.clip(excess - P["tolerated"], 0, 1)
    return np.asarray(SECTORS.turnover[firms.section] + P["cut"] * cut_share)


def vacancies(chance: np.random.Generator, jobs: Jobs, want: Floats) -> Ints:
    """Return the enterprise of each new job of a month."""
    staff = np.bincount(place(jobs), minlength=len(want))
    missing = np.clip(want - staff, 0, None)
    hires = chance.poisson(missing * P["catch_up"])
    return np.repeat(np.arange(len(want)), hires)


def grown(crowd: People, more: People) -> tuple[People, Ints]:
    """Return the people with newcomers at the end, and the newcomers' local numbers."""
    first = len(crowd.born)
    numbers = np.arange(len(more.born)) + first
    return appended(crowd, more), numbers


def ended(jobs: Jobs, last: Ints) -> Jobs:
    """Return the jobs that go on after a month."""
    return picked(jobs, last == NEVER)


def raised(jobs: Jobs, month: int) -> Jobs:
    """Return the jobs with July's rise of wages."""
    if month % 12 != 6:
        return jobs
    wage = jobs.wage * (1 + P["wage_growth"])
    return replace(jobs, wage=whole_yuan(wage))
