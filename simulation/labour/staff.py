"""Who works where: people, jobs, hiring and leaving by turnover and season."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from features.calendar import day_of, first_day
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NEVER, Flags, Floats, Ints, Setting, length_of, stream
from simulation.labour.firms import Firms, living_firms

P = parameters("""
retired | .03 | share | assumed | pensioners as the city begins, a sample that bounds volume
part_time | .07 | share | assumed | part-time jobs; the law asks work injury cover alone for them
spare | .10 | share | assumed | workers of the block without a job as the city begins
from_pool | .62 | share | assumed | of the hired, those who worked in the block before
catch_up | .6 | share a month | assumed | of missing staff hired within a month
cut | .35 | share a month | assumed | of staff beyond the season's want let go within a month
wage_spread | .35 | log yuan | assumed | spread of wages inside a sector
wage_growth | .09 | a year | assumed | growth of wages
local_rural | .30 | share | assumed | rural households among workers who are not migrants
women | .44 | share | assumed | women among workers
minority | .02 | share | assumed | workers of a minority ethnicity
sex_held | .9 | share | assumed | workers whose sex and ethnicity are held at all
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
    return type(table)(*(getattr(table, field.name)[index] for field in fields(table)))


def appended(first: Arrays, second: Arrays) -> Arrays:
    """Return the entries of both, one after the other."""
    pairs = ((getattr(first, f.name), getattr(second, f.name)) for f in fields(first))
    return type(first)(*(np.concatenate(pair) for pair in pairs))


def staff_wanted(firms: Firms, month: int) -> Floats:
    """Return the staff that each enterprise wants in a month, none before it opens or after it closes."""
    angle = 2 * np.pi * (month % 12 + 1 - SECTORS.peak[firms.section]) / 12
    season = 1 + SECTORS.swing[firms.section] * np.cos(angle)
    open_ = (firms.registered < first_day(month + 1) - 5) & (firms.closed > first_day(month + 1))
    return np.where(open_, firms.size * season, 0.0)


def people(setting: Setting, chance: np.random.Generator, section: Ints) -> People:
    """Return new workers, one for each job's section."""
    count = len(section)
    migrant = chance.random(count) < SECTORS.migrant[section]
    local = np.where(chance.random(count) < P["local_rural"], RURAL, URBAN)
    held = chance.random(count) < P["sex_held"]
    year = setting.first // 12 - 18 - np.minimum(chance.gamma(3.2, 6.2, count), 41).astype(np.int64)
    return People(
        born=year,
        residence=np.where(migrant, MIGRANT, local),
        sex=np.where(held, (chance.random(count) < P["women"]).astype(np.int64), -1),
        ethnicity=np.where(chance.random(count) < P["minority"], chance.integers(1, 8, count), 0),
        home=chance.integers(0, setting.cells, count),
        died=np.full(count, NEVER),
    )


def wages(chance: np.random.Generator, firms: Firms, *, firm: Ints, day: Ints) -> Ints:
    """Return monthly wages in fen at the day of hiring, in whole yuan."""
    years = (day - day_of("2013-01-01")) / 365.25
    yuan = (
        SECTORS.wage[firms.section[firm]]
        * firms.pay[firm]
        * np.exp(
            P["wage_growth"] * np.clip(years, -5, 40)
            + P["wage_spread"] * chance.standard_normal(len(firm))
        )
    )
    return np.asarray(np.maximum(yuan, 1100).astype(np.int64) * 100)


def new_jobs(chance: np.random.Generator, firms: Firms, *, of: dict[str, Ints]) -> Jobs:
    """Return jobs of `of`: worker, firm and started; not yet registered anywhere."""
    count = len(of["worker"])
    none = np.full(count, NEVER)
    kind = np.where(chance.random(count) < P["part_time"], PART_TIME, REGULAR)
    pay = wages(chance, firms, firm=of["firm"], day=of["started"])
    return Jobs(
        worker=of["worker"],
        firm=of["firm"],
        host=np.full(count, -1),
        started=of["started"],
        kind=kind,
        wage=np.where(kind == PART_TIME, pay * 2 // 5, pay),
        cover=none,
        filed=none,
        entered=none,
        whole=np.ones(count, dtype=np.int64),
        fiction=np.zeros(count, dtype=np.int64),
        exempt=_exempt(chance, kind, firms.exempt[of["firm"]]),
    )


def spare(jobs: int) -> int:
    """Return how many workers are without a job as the city begins."""
    return int(P["spare"] * jobs) + 20


def retired(jobs: int) -> int:
    """Return how many pensioners a block has as the city begins."""
    return int(P["retired"] * jobs) + 5


def _exempt(chance: np.random.Generator, kind: Ints, share: Floats) -> Ints:
    return np.where((kind == REGULAR) & (chance.random(len(kind)) < share), 1, 0)


def begin_staff(setting: Setting, block: int, firms: Firms) -> tuple[People, Jobs]:
    """Return the people of one block and the jobs that they hold as the first month begins."""
    chance = stream(setting, block, 0, of="staff")
    want = np.where(living_firms(firms, setting.first_day), staff_wanted(firms, setting.first), 0.0)
    staff = np.maximum(chance.poisson(want), want > 0)
    firm = np.repeat(np.arange(len(staff)), staff)
    age = chance.exponential(30 / SECTORS.turnover[firms.section[firm]]).astype(np.int64)
    started = np.maximum(setting.first_day - 1 - age, firms.registered[firm])
    others = spare(len(firm)) + retired(len(firm))
    everyone = people(
        setting, chance, np.concatenate([firms.section[firm], np.zeros(others, dtype=np.int64)])
    )
    everyone.born[len(everyone.born) - retired(len(firm)) :] -= 30
    worker = np.arange(len(firm))
    return everyone, new_jobs(
        chance, firms, of={"worker": worker, "firm": firm, "started": started}
    )


def place(jobs: Jobs) -> Ints:
    """Return the enterprise at which each job is done: the host of a dispatched worker, else the employer."""
    return np.where(jobs.host >= 0, jobs.host, jobs.firm)


def leaving(
    chance: np.random.Generator, firms: Firms, jobs: Jobs, *, month: int, want: Floats
) -> Ints:
    """Return the last day of each job that ends in a month, NEVER for the others."""
    start, days = first_day(month), length_of(month)
    at = place(jobs)
    staff = np.bincount(at, minlength=len(want))
    over = np.clip(1 - want / np.maximum(staff, 1) - 0.1, 0, 1)
    hazard = SECTORS.turnover[firms.section] + P["cut"] * over
    goes = (chance.random(len(jobs.firm)) < hazard[at]) & (jobs.fiction == 0)
    day = start + chance.integers(0, days, len(jobs.firm))
    shut = np.minimum(firms.closed[jobs.firm], firms.closed[at])
    last = np.where(shut < start + days, np.maximum(shut, start), np.where(goes, day, NEVER))
    return np.where(last == NEVER, NEVER, np.maximum(last, jobs.started + 1))


def vacancies(chance: np.random.Generator, jobs: Jobs, want: Floats) -> Ints:
    """Return the enterprise of each new job of a month."""
    missing = np.clip(want - np.bincount(place(jobs), minlength=len(want)), 0, None)
    return np.repeat(np.arange(len(want)), chance.poisson(missing * P["catch_up"]))


def grown(crowd: People, more: People) -> tuple[People, Ints]:
    """Return the people with newcomers at the end, and the newcomers' local numbers."""
    return appended(crowd, more), np.arange(len(more.born)) + len(crowd.born)


def ended(jobs: Jobs, last: Ints) -> Jobs:
    """Return the jobs that go on after a month."""
    return picked(jobs, last == NEVER)


def raised(jobs: Jobs, month: int) -> Jobs:
    """Return the jobs with July's rise of wages."""
    if month % 12 != 6:
        return jobs
    return replace(jobs, wage=(jobs.wage * (1 + P["wage_growth"])).astype(np.int64) // 100 * 100)
