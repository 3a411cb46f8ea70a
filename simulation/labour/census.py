"""The true count of one month: who works, who is covered, who is left out, and at what wage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.calendar import first_day
from simulation.ground.setting import Flags, Floats, Ints
from simulation.labour.agency import hosted
from simulation.labour.late_registration import uncovered
from simulation.labour.staff import PART_TIME, Jobs, place


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of persons per enterprise at a month's end; wages in fen a month."""

    staff: Ints
    covered: Ints
    part_time: Ints
    exempt: Ints
    hosted: Ints
    uncovered: Ints
    wages_seen: Floats
    wages_unseen: Floats
    owed: Ints


def census(jobs: Jobs, *, month: int, owed: Ints) -> Census:
    """Return the counts of the jobs held as a month ends."""
    count, day = len(owed), first_day(month + 1) - 1
    real = jobs.fiction == 0
    out = uncovered(jobs, day)
    covered = (jobs.cover <= day) & (jobs.host < 0)

    def persons(mask: Flags, weights: Ints | None = None) -> Ints:
        return np.bincount(
            jobs.firm[mask], weights=None if weights is None else weights[mask], minlength=count
        )

    return Census(
        staff=np.bincount(place(jobs)[real], minlength=count),
        covered=persons(covered),
        part_time=persons(jobs.kind == PART_TIME),
        exempt=persons(jobs.exempt == 1),
        hosted=hosted(jobs, count),
        uncovered=persons(out),
        wages_seen=persons(covered & real, jobs.wage).astype(float),
        wages_unseen=persons(~covered & real, jobs.wage).astype(float),
        owed=owed,
    )
