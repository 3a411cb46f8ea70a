"""Batch jobs that have ended and are past their days: they go when the payloads of their records go, by the same rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from features.calendar import day_of
from features.errors import HistoryError
from serving.scoring.batch_job import Job, JobFolder
from serving.scoring.transcript import KEPT_DAYS


def expired_jobs(jobs: JobFolder, until: int) -> list[Path]:
    """Return the folders of the jobs that have ended and are kept only until before a day, by number.

    A job is kept KEPT_DAYS from the moment when it was asked for, as the payload of its record is: until then its
    idempotency key leads to it. One that has not ended stays, and so does one that cannot be read: nobody knows its moment.
    """
    return [job.folder for job in jobs.ended() if _kept_until(job) < until]


def _kept_until(job: Job) -> float:
    try:
        asked_at = datetime.fromisoformat(job.asked.at)
    except HistoryError:
        return float("inf")
    last_moment = asked_at + timedelta(days=KEPT_DAYS)
    return day_of(last_moment.date())
