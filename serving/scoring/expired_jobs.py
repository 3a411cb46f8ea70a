"""Batch jobs that have ended and are past their days: they go when the payloads of their records go, by the same rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.calendar import day_of
from features.errors import HistoryError
from serving.scoring.batch_job import Job, JobFolder
from serving.scoring.transcript import KEPT_DAYS


def expired_jobs(jobs: JobFolder, until: int) -> list[Path]:
    """Return the folders of the jobs that have ended and are kept only until before a day, by number.

    A job is kept KEPT_DAYS from the moment when it was asked for, as the payload of its record is: until then its
    idempotency key leads to it. One that cannot be read is kept as long from the day on which it ended: nobody knows its
    moment. One that has not ended stays.
    """
    return [job.folder for job in jobs.ended() if _kept_until(job) < until]


def unreadable_jobs(folders: Iterable[Path]) -> int:
    """Return how many of some jobs say no more what they were asked for."""
    return sum(_asked_at(Job(folder)) is None for folder in folders)


def _kept_until(job: Job) -> int:
    asked_at = _asked_at(job)
    if asked_at is None:
        asked_at = datetime.fromtimestamp((job.folder / "ending.json").stat().st_mtime, UTC)
    last_moment = asked_at + timedelta(days=KEPT_DAYS)
    return day_of(last_moment.date())


def _asked_at(job: Job) -> datetime | None:
    """Return the moment when a job was asked for; None where its file does not tell."""
    try:
        return datetime.fromisoformat(job.asked.at)
    except (HistoryError, ValueError):
        return None
