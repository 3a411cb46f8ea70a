"""The clock of the command line; below it, time is an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


def timestamp() -> str:
    """Return this moment as text in ISO 8601, in UTC and to the second."""
    return now().isoformat(timespec="seconds")


def today() -> int:
    """Return the day that it is in UTC, as the days of histories are counted."""
    from features.calendar import day_of

    return day_of(timestamp()[:10])
