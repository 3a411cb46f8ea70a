"""Rows of employment and enrolment: openings when they become known, closings, and ends that nobody files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, kept, piece
from simulation.ground.setting import NEVER, NULL, WORKERS_A_BLOCK, Flags, Ints
from simulation.labour.firms import city_numbers
from simulation.labour.staff import Jobs

P = parameters("""
enter_delay | 3 | days | assumed | mean delay from cover to the database
leave_delay | 12 | days | assumed | mean delay from leaving to the database
stale | .08 | share | assumed | employment ends that nobody files
sample | 8 | workers | assumed | one in so many workers has rows of all five schemes; the rest have pension and medical
contract_covered | 88 | percent | assumed | covered jobs with a registered labour contract
contract_other | 55 | percent | assumed | other known jobs with one
""")
PENSION, MEDICAL, UNEMPLOYMENT, INJURY, MATERNITY = range(5)


def person(block: int, local: Ints) -> Ints:
    """Return the city-wide numbers of a block's workers."""
    return np.asarray(local + block * WORKERS_A_BLOCK + 1)


def contract_flag(jobs: Jobs) -> Ints:
    """Return whether each job's labour contract is registered, the same at every look."""
    lot = (jobs.worker * 7919 + jobs.started * 104729) % 100
    return (lot < np.where(jobs.cover < NEVER, P["contract_covered"], P["contract_other"])).astype(
        np.int64
    )


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
    whole = jobs.whole == 1
    sampled = whole & (jobs.worker % int(P["sample"]) == 0)
    pieces = [rows, kept(rows, whole)] + [kept(rows, sampled)] * 3
    return [
        {**part, "scheme": np.full(len(part["scheme"]), scheme)}
        for scheme, part in enumerate(pieces)
    ]


def openings(
    chance: np.random.Generator, block: int, jobs: Jobs, *, opened: Flags, bulk: Ints | int = 0
) -> tuple[Jobs, Rows]:
    """Return the jobs with their days of record, and the rows of those whose cover opens."""
    count = len(jobs.firm)
    entered = jobs.cover + chance.exponential(P["enter_delay"], count).astype(np.int64)
    entered = np.maximum(entered, bulk)
    first = opened & (jobs.filed == NEVER)
    jobs = replace(
        jobs,
        entered=np.where(opened, entered, jobs.entered),
        filed=np.where(first, entered, jobs.filed),
    )
    rows: Rows = []
    for name, mask in (("employment", first), ("enrolments", opened)):
        some = _some(jobs, mask)
        if name == "employment":
            rows.append((name, employment_rows(block, some, known=some.filed, ended=NULL)))
        else:
            rows += [
                (name, part) for part in enrolment_rows(block, some, known=some.entered, ended=NULL)
            ]
    return jobs, rows


def known_jobs(block: int, jobs: Jobs) -> Rows:
    """Return employment rows of new jobs that are known though no cover has opened."""
    some = _some(jobs, jobs.filed < NEVER)
    return [("employment", employment_rows(block, some, known=some.filed, ended=NULL))]


def closings(chance: np.random.Generator, block: int, jobs: Jobs, last: Ints) -> Rows:
    """Return the rows that end employment and cover of the jobs whose last day is in `last`."""
    count = len(last)
    delay = 1 + chance.exponential(P["leave_delay"], count).astype(np.int64)
    filed = (last < NEVER) & (jobs.filed < NEVER) & (chance.random(count) > P["stale"])
    entered = (last < NEVER) & (jobs.entered < NEVER)
    some, end = _some(jobs, filed), last[filed]
    rows: Rows = [
        (
            "employment",
            employment_rows(
                block, some, known=np.maximum(end, some.filed) + delay[filed], ended=end
            ),
        )
    ]
    some, end = _some(jobs, entered), np.maximum(last, jobs.cover)[entered]
    known = np.maximum(end, some.entered) + delay[entered]
    return rows + [
        ("enrolments", part) for part in enrolment_rows(block, some, known=known, ended=end)
    ]


def _some(jobs: Jobs, mask: Flags) -> Jobs:
    return Jobs(*(getattr(jobs, name)[mask] for name in Jobs.__slots__))
