"""Rows of employment and enrolment: the day each becomes known, how each ends, and ends that nobody reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.draws import exponential_days, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, kept, piece
from simulation.ground.setting import NEVER, NULL, WORKERS_A_BLOCK, Flags, Ints
from simulation.labour.firms import city_numbers
from simulation.labour.staff import Jobs, picked

P = parameters("""
enter_delay | 3 | days | assumed | mean delay from the start of cover to its row
leave_delay | 12 | days | assumed | mean delay from leaving to the row that says so
stale | .08 | share | assumed | employments whose end nobody reports
sample | 8 | workers | assumed | one in so many workers has rows of all five schemes; the rest have pension and medical
contract_covered | 88 | percent | assumed | covered jobs with a registered labour contract
contract_other | 55 | percent | assumed | other known jobs with a registered labour contract
""")
PENSION, MEDICAL, UNEMPLOYMENT, INJURY, MATERNITY = range(5)


def person(block: int, local: Ints) -> Ints:
    """Return the city-wide numbers of a block's workers."""
    return np.asarray(local + block * WORKERS_A_BLOCK + 1)


def contract_flag(jobs: Jobs) -> Ints:
    """Return whether each job's labour contract is registered, the same at every look."""
    # two primes mix worker and day into a lot from 0 to 99, in place of a draw that would have to be remembered
    lot = (jobs.worker * 7919 + jobs.started * 104729) % 100
    is_covered = jobs.cover < NEVER
    percent = np.where(is_covered, P["contract_covered"], P["contract_other"])
    return whole_numbers(lot < percent)


def employment_rows(block: int, jobs: Jobs, *, known: Ints, ended: Ints | int) -> Piece:
    """Return employment rows of the given jobs."""
    return piece(
        known,
        worker=person(block, jobs.worker),
        enterprise=city_numbers(block, jobs.firm),
        started=jobs.started,
        ended=ended,
        kind=jobs.kind,
        contract_registered=contract_flag(jobs),
    )


def enrolment_rows(block: int, jobs: Jobs, *, known: Ints, ended: Ints | int) -> list[Piece]:
    """Return enrolment rows: pension for all, medical unless pension only, the other schemes of the sample."""
    rows = piece(
        known,
        worker=person(block, jobs.worker),
        enterprise=city_numbers(block, jobs.firm),
        scheme=PENSION,
        started=jobs.cover,
        ended=ended,
    )
    has_all = jobs.whole == 1
    is_sampled = has_all & (jobs.worker % int(P["sample"]) == 0)
    sample = kept(rows, is_sampled)
    by_scheme = [rows, kept(rows, has_all), sample, sample, sample]
    pieces = []
    for scheme, part in enumerate(by_scheme):
        column = np.full(len(part["scheme"]), scheme)
        pieces.append({**part, "scheme": column})
    return pieces


def openings(
    chance: np.random.Generator, block: int, jobs: Jobs, *, opened: Flags, bulk: Ints | int = 0
) -> tuple[Jobs, Rows]:
    """Return the jobs with their days of record, and the rows of those whose cover opens."""
    count = len(jobs.firm)
    entered = jobs.cover + exponential_days(chance, P["enter_delay"], count)
    entered = np.maximum(entered, bulk)
    is_new = opened & (jobs.filed == NEVER)
    jobs = replace(
        jobs,
        entered=np.where(opened, entered, jobs.entered),
        filed=np.where(is_new, entered, jobs.filed),
    )
    new, covered = picked(jobs, is_new), picked(jobs, opened)
    employment = employment_rows(block, new, known=new.filed, ended=NULL)
    enrolments = enrolment_rows(block, covered, known=covered.entered, ended=NULL)
    return jobs, [("employment", employment), *_as_enrolments(enrolments)]


def _as_enrolments(pieces: list[Piece]) -> Rows:
    return [("enrolments", part) for part in pieces]


def known_jobs(block: int, jobs: Jobs) -> Rows:
    """Return employment rows of new jobs that are known though no cover has opened."""
    filed = picked(jobs, jobs.filed < NEVER)
    rows = employment_rows(block, filed, known=filed.filed, ended=NULL)
    return [("employment", rows)]


def closings(chance: np.random.Generator, block: int, jobs: Jobs, last: Ints) -> Rows:
    """Return the rows that end employment and cover of the jobs whose last day is in `last`."""
    count = len(last)
    delay = 1 + exponential_days(chance, P["leave_delay"], count)
    is_filed = chance.random(count) > P["stale"]
    ends = last < NEVER
    employment_ends = ends & (jobs.filed < NEVER) & is_filed
    cover_ends = ends & (jobs.entered < NEVER)
    finished, end = picked(jobs, employment_ends), last[employment_ends]
    recorded = np.maximum(end, finished.filed) + delay[employment_ends]
    employment = employment_rows(block, finished, known=recorded, ended=end)
    covered, end = picked(jobs, cover_ends), np.maximum(last, jobs.cover)[cover_ends]
    recorded = np.maximum(end, covered.entered) + delay[cover_ends]
    enrolments = enrolment_rows(block, covered, known=recorded, ended=end)
    return [("employment", employment), *_as_enrolments(enrolments)]
