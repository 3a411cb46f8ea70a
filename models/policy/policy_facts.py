"""Facts for the policy: what a store knew of every enterprise by a day, and the minutes of its teams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from features.arrays import NULL
from features.contract.tables import Column
from features.store.store import Store
from models.optimum.travel import Place
from models.policy.capacity import Member, cell_minutes, team_minutes, working_days
from models.policy.policy import Policy
from models.policy.policy_status import Facts

YEAR = 365
"""Days of a year of the rule set's appraisal; a choice: leap days are not counted."""
MICRODEGREES = 10**6
"""Microdegrees of a degree, as the contract counts coordinates: since a store holds whole numbers alone."""
Fields = dict[str, Any]


def live_rows_of(
    store: Store, table: str, as_of: int, columns: tuple[str, ...]
) -> Iterator[tuple[int | None, ...]]:
    """Yield the rows that hold as of a day, empty cells as None; nothing where the source has no such table."""
    if not store.has(table):
        return
    live_columns = store.live(table, as_of, columns)
    values = [live_columns[name].tolist() for name in columns]
    for row in zip(*values, strict=True):
        yield tuple(None if value == NULL else value for value in row)


def _rows_by_day(
    store: Store, table: str, as_of: int, columns: tuple[str, ...]
) -> list[tuple[int | None, ...]]:
    """Return the rows that hold as of a day, in the order of their second column, a day; so the latest comes last."""
    return sorted(live_rows_of(store, table, as_of, columns), key=_by_day)


def _by_day(row: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return a row's place in the order: by its day, then by the other columns, an empty cell first."""
    key, day, *others = row
    return tuple(NULL if value is None else value for value in (day, key, *others))


def choice(column: Column, code: int | None) -> str | None:
    """Return the text of a choice code."""
    return None if code is None else column.choices[code]


def enterprise_facts(store: Store, policy: Policy, as_of: int) -> dict[int, Facts]:
    """Return, by enterprise code, the facts known by the end of a day; enterprises without any are not named."""
    fields_of: dict[int, Fields] = defaultdict(dict)
    _add_visits(fields_of, store, policy, as_of)
    _add_appraisals(fields_of, store, as_of)
    _add_medals(fields_of, store, as_of)
    _add_exposures(fields_of, store, as_of)
    _add_complaints(fields_of, store, policy, as_of)
    return {code: replace(Facts(), **fields) for code, fields in fields_of.items()}


def _add_visits(fields_of: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    """Add the day of each enterprise's latest visit, and the sanctions that followed its visits."""
    visited: dict[int, int] = {}
    inspections = ("inspection", "enterprise", "opened")
    for inspection, enterprise, opened in live_rows_of(store, "inspections", as_of, inspections):
        if inspection is None or enterprise is None or opened is None or opened > as_of:
            continue
        visited[inspection] = enterprise
        fields = fields_of[enterprise]
        fields["visited"] = max(opened, fields.get("visited", opened))
    # a class is given for the record of the last years only
    since = as_of - policy.appraisal.years * YEAR
    sanctions = ("inspection", "decided_on", "grave")
    for inspection, decided, grave in live_rows_of(store, "sanctions", as_of, sanctions):
        if inspection in visited and decided is not None and since < decided <= as_of:
            fields = fields_of[visited[inspection]]
            fields["sanctions"] = fields.get("sanctions", 0) + 1
            fields["grave"] = fields.get("grave", 0) + (grave or 0)


def _add_appraisals(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the class last given to each enterprise."""
    columns = ("enterprise", "decided_on", "rating")
    for enterprise, _, code in _rows_by_day(store, "appraisals", as_of, columns):
        if enterprise is not None:
            rating = store.column("appraisals", "rating")
            fields_of[enterprise]["appraised"] = choice(rating, code)


def _add_medals(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the first and last day of each enterprise's latest medal, None where it was revoked."""
    columns = ("enterprise", "started", "ended", "revoked_on")
    for enterprise, started, ended, revoked in _rows_by_day(store, "medals", as_of, columns):
        if enterprise is None:
            continue
        is_revoked = revoked is not None and revoked <= as_of
        fields_of[enterprise]["medal"] = None if is_revoked else (started, ended)


def _add_exposures(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the days of each enterprise's latest public exposure."""
    columns = ("enterprise", "published_on", "intensified_until")
    for enterprise, published, until in _rows_by_day(store, "exposures", as_of, columns):
        if enterprise is not None:
            fields_of[enterprise]["exposure"] = (published, until)


def _add_complaints(fields_of: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    """Add the days of the complaints that still wait under the policy."""
    since = as_of - policy.complaint.days
    for enterprise, lodged in live_rows_of(store, "complaints", as_of, ("enterprise", "lodged")):
        if enterprise is None or lodged is None or lodged < since:
            continue
        fields = fields_of[enterprise]
        fields["complaints"] = (*fields.get("complaints", ()), lodged)


@dataclass(frozen=True, slots=True)
class EnterpriseGround:
    """Where an enterprise lies: the code of its cell, whether in the country, and its longitude and latitude."""

    cell: int | None
    rural: bool
    place: Place | None


def grounds_of(store: Store, as_of: int) -> dict[int, EnterpriseGround]:
    """Return where each enterprise of the register of a day lies, by code, those that are closed too."""
    columns = ("enterprise", "since", "cell", "rural", "longitude", "latitude")
    rows = _rows_by_day(store, "enterprises", as_of, columns)
    return {
        enterprise: EnterpriseGround(cell, rural == 1, _place(longitude, latitude))
        for enterprise, since, cell, rural, longitude, latitude in rows
        if enterprise is not None and (since or 0) <= as_of
    }


def _place(longitude: int | None, latitude: int | None) -> Place | None:
    """Return coordinates in degrees, None where one is missing."""
    if longitude is None or latitude is None:
        return None
    return longitude / MICRODEGREES, latitude / MICRODEGREES


def cells_of(store: Store, as_of: int) -> dict[int, int]:
    """Return the cell in which each enterprise lies on a day, by code; enterprises without a cell are not named."""
    grounds = grounds_of(store, as_of)
    return {code: ground.cell for code, ground in grounds.items() if ground.cell is not None}


def capacity_of(
    store: Store, policy: Policy, *, as_of: int, monday: int, units: dict[str, int]
) -> dict[str, int]:
    """Return the person-minutes of each cell for the week that begins on `monday`, as known by the end of `as_of`."""
    days = working_days(monday, _holidays(store, as_of))
    minutes = team_minutes(_members(store, as_of), days, policy.field)
    return cell_minutes(minutes, teams_of_cells(store, as_of, monday), units)


def teams_of_cells(store: Store, as_of: int, monday: int) -> dict[str, str]:
    """Return the team that each cell has on a Monday, by name; none where the source has no table of cells."""
    if not store.has("cells"):
        return {}
    cells = store.texts("cell")
    teams = store.texts("team")
    team_of: dict[str, str] = {}
    for cell, since, team in _rows_by_day(store, "cells", as_of, ("cell", "since", "team")):
        if cell is not None and team is not None and (since or 0) <= monday:
            team_of[cells[cell]] = teams[team]
    return team_of


def _members(store: Store, as_of: int) -> list[Member]:
    """Return the members of all teams, those of before too."""
    teams = store.texts("team")
    roles = store.column("members", "role").choices
    columns = ("team", "role", "weekly_minutes", "started", "ended")
    members = []
    for team, role, minutes, started, ended in live_rows_of(store, "members", as_of, columns):
        member = Member(teams[team or 0], roles[role or 0], minutes or 0, started or 0, ended)
        members.append(member)
    return members


def _holidays(store: Store, as_of: int) -> dict[int, bool]:
    """Return the days that are declared holidays or, True, worked in exchange for one."""
    holidays: dict[int, bool] = {}
    for day, worked in live_rows_of(store, "holidays", as_of, ("holiday", "worked")):
        if day is not None:
            holidays[day] = bool(worked)
    return holidays
