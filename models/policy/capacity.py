"""Capacity: the minutes that each cell's team has for planned visits in one week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.calendar import date_of
from models.policy.policy import FieldShare

WEEK = 7
WORKDAYS = 5


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a team: role, minutes a week, first and last day (None: still there)."""

    team: str
    role: str
    weekly_minutes: int
    started: int
    ended: int | None


def monday_of(day: int) -> int:
    """Return the Monday of the week in which a day lies.

    >>> monday_of(0) == -3      # 1970-01-01 was a Thursday
    True
    """
    return day - date_of(day).weekday()


def working_days(monday: int, holidays: Mapping[int, bool]) -> tuple[int, ...]:
    """Return the working days of a week: Monday to Friday, but for `holidays` (day -> worked in exchange or not)."""
    return tuple(
        day for day in range(monday, monday + WEEK) if holidays.get(day, day - monday < WORKDAYS)
    )


def team_minutes(
    members: Iterable[Member], days: Sequence[int], field: FieldShare
) -> dict[str, int]:
    """Return each team's whole minutes on these days: a member gives a fifth of the field share of the week a day."""
    shares = field.model_dump()
    parts: dict[str, int] = {}
    for member in members:
        last = member.ended if member.ended is not None else days[-1] if days else 0
        present = sum(member.started <= day <= last for day in days)
        parts[member.team] = (
            parts.get(member.team, 0) + member.weekly_minutes * shares[member.role] * present
        )
    return {team: total // (100 * WORKDAYS) for team, total in sorted(parts.items())}


def cell_minutes(
    teams: Mapping[str, int], cells: Mapping[str, str], units: Mapping[str, int]
) -> dict[str, int]:
    """Share each team's minutes among its cells by their number of units; the sum over cells is never more.

    >>> cell_minutes({"t": 100}, {"a": "t", "b": "t"}, {"a": 3, "b": 1})
    {'a': 75, 'b': 25}
    """
    total: dict[str, int] = {}
    for cell, team in cells.items():
        total[team] = total.get(team, 0) + units.get(cell, 0)
    return {
        cell: teams.get(team, 0) * units.get(cell, 0) // total[team] if total[team] else 0
        for cell, team in sorted(cells.items())
    }
