"""Capacity: the minutes that each cell's team has for planned visits in one week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.calendar import date_of
from features.errors import PolicyError
from models.optimum.duty_rules import Duties
from models.optimum.list_rules import FieldShare

# Teams work from Monday to Friday, where no holiday falls on the day.
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
    days = []
    for day in range(monday, monday + WEEK):
        is_weekday = day - monday < WORKDAYS
        if holidays.get(day, is_weekday):
            days.append(day)
    return tuple(days)


def team_minutes(
    members: Iterable[Member], days: Sequence[int], field: FieldShare
) -> dict[str, int]:
    """Return each team's whole minutes on these days: a member gives a fifth of the field share of the week a day."""
    percent_of_role = field.model_dump()
    # summed in whole units of a percent of a fifth of a week, and divided once: whole minutes are cut only at the end
    totals: dict[str, int] = {}
    for member in members:
        percent = percent_of_role[member.role]
        parts = member.weekly_minutes * percent * _days_present(member, days)
        totals[member.team] = totals.get(member.team, 0) + parts
    return {team: total // (100 * WORKDAYS) for team, total in sorted(totals.items())}


def check_duties(rule: str, duty: Duties, members: Sequence[Member], days: Sequence[int]) -> None:
    """Raise PolicyError where a rule set names a duty that no member of any team has on these days."""
    present = {member.role for member in members if _days_present(member, days)}
    for name, roles in duty.roles_needed().items():
        if days and present.isdisjoint(roles):
            raise PolicyError(
                f"rule set {rule!r}: visits need an {name}, which is a member of role {' or '.join(roles)}, and no team "
                f"has one in the week of {date_of(days[0])}; name the roles of your members in [duty], or change who makes "
                "those visits"
            )


def _days_present(member: Member, days: Sequence[int]) -> int:
    """Return on how many of these days a member belongs to the team."""
    if member.ended is None:
        return sum(member.started <= day for day in days)
    return sum(member.started <= day <= member.ended for day in days)


def cell_minutes(
    teams: Mapping[str, int], cells: Mapping[str, str], units: Mapping[str, int]
) -> dict[str, int]:
    """Share each team's minutes among its cells by their number of units; the sum over cells is never more.

    >>> cell_minutes({"t": 100}, {"a": "t", "b": "t"}, {"a": 3, "b": 1})
    {'a': 75, 'b': 25}
    """
    units_of_team: dict[str, int] = {}
    for cell, team in cells.items():
        units_of_team[team] = units_of_team.get(team, 0) + units.get(cell, 0)
    minutes: dict[str, int] = {}
    for cell, team in sorted(cells.items()):
        # a team without units has none in this cell either: its share is 0 of 1
        all_units = max(units_of_team[team], 1)
        minutes[cell] = teams.get(team, 0) * units.get(cell, 0) // all_units
    return minutes
