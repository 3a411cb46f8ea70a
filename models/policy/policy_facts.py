"""Facts for the policy: what a store knew of every enterprise by a day, and the minutes of its teams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from features.arrays import NULL, Mask
from features.store.store import Store
from models.optimum.list_rules import FieldShare
from models.optimum.travel import Place
from models.policy.campaign_rules import Appraisal
from models.policy.capacity import Member, cell_minutes, check_duties, team_minutes, working_days
from models.policy.fact_rows import (
    FactRows,
    fact_rows,
    is_refused,
    runs_on,
    sanction_rows,
    visit_rows,
)
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


def enterprise_facts(store: Store, policy: Policy, as_of: int) -> dict[int, Facts]:
    """Return, by enterprise code, the facts known by the end of a day; enterprises without any are not named."""
    fields_of: dict[int, Fields] = defaultdict(dict)
    _add_visits(fields_of, store, as_of)
    _add_sanctions(fields_of, store, policy, as_of)
    _add_appraisals(fields_of, store, as_of)
    _add_medals(fields_of, store, as_of)
    _add_exposures(fields_of, store, policy, as_of)
    _add_complaints(fields_of, store, policy, as_of)
    return {code: replace(Facts(), **fields) for code, fields in fields_of.items()}


def _rows_of(rows: FactRows, *names: str) -> Iterator[tuple[int, ...]]:
    """Yield of each row its enterprise, its day and the columns named; an empty cell is NULL."""
    columns = [rows.columns[name].tolist() for name in names]
    return zip(rows.enterprise.tolist(), rows.day.tolist(), *columns, strict=True)


def _or_none(value: int) -> int | None:
    return None if value == NULL else value


def _add_visits(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the day of each enterprise's latest visit."""
    for enterprise, opened in _rows_of(visit_rows(store, as_of).latest()):
        fields_of[enterprise]["visited"] = opened


def _add_sanctions(fields_of: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    """Add how many sanctions of the record judged there were, and how many of them answer a grave act or are refused."""
    sanctions = recent_sanctions(store, policy.appraisal, as_of)
    refused = is_refused(sanctions, policy.appraisal.term, as_of).tolist()
    for sanction, is_open in zip(_rows_of(sanctions, "grave"), refused, strict=True):
        enterprise, _, grave = sanction
        fields = fields_of[enterprise]
        fields["sanctions"] = fields.get("sanctions", 0) + 1
        fields["grave"] = fields.get("grave", 0) + int(grave == 1)
        fields["refused"] = fields.get("refused", 0) + int(is_open)


def recent_sanctions(store: Store, appraisal: Appraisal, as_of: int) -> FactRows:
    """Return the sanctions of the last years before a day, as many years as the rule set appraises."""
    # a class is given for the record of the last years only
    since = as_of - appraisal.years * YEAR
    return sanction_rows(store, appraisal, as_of).between(since + 1, as_of)


def appraisal_rows(store: Store, as_of: int) -> FactRows:
    """Return the classes that the source's own appraisals gave, with `period` and `rating`."""
    return fact_rows(store, "appraisals", as_of, day="decided_on", columns=("period", "rating"))


def _add_appraisals(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the class last given to each enterprise."""
    latest = appraisal_rows(store, as_of).latest()
    for enterprise, _, code in _rows_of(latest, "rating"):
        ratings = store.column("appraisals", "rating").choices
        fields_of[enterprise]["appraised"] = ratings[code]


def medal_rows(store: Store, as_of: int) -> FactRows:
    """Return the medals, with `ended` and `revoked_on`."""
    return fact_rows(store, "medals", as_of, day="started", columns=("ended", "revoked_on"))


def _add_medals(fields_of: dict[int, Fields], store: Store, as_of: int) -> None:
    """Add the first and last day of each enterprise's medals; one that is revoked ends the day before.

    All of them: a renewal that is known before it begins takes nothing from the medal that runs.
    """
    medals = medal_rows(store, as_of)
    for enterprise, started, ended, revoked in _rows_of(medals, "ended", "revoked_on"):
        last = _or_none(ended)
        if revoked != NULL:
            last = revoked - 1 if last is None else min(last, revoked - 1)
        if last is None or started <= last:
            fields = fields_of[enterprise]
            fields["medals"] = (*fields.get("medals", ()), (started, last))


def exposure_rows(store: Store, as_of: int) -> FactRows:
    """Return the public exposures, with their arrears, `repaid_on` and `intensified_until`."""
    columns = ("wage_arrears", "contribution_arrears", "repaid_on", "intensified_until")
    return fact_rows(store, "exposures", as_of, day="published_on", columns=columns)


def held_medals(store: Store, policy: Policy, day: int) -> FactRows:
    """Return the medal that each enterprise holds on a day, the latest that runs and was not revoked by then."""
    medals = medal_rows(store, day)
    revoked = medals.columns["revoked_on"]
    is_revoked = (revoked != NULL) & (revoked <= day)
    runs = runs_on(medals, "ended", days=policy.medal.days, day=day)
    return medals.where(runs & ~is_revoked).latest()


def is_intensified(exposed: FactRows, policy: Policy, day: int) -> Mask:
    """Return which public exposures (n,) still intensify inspection on a day."""
    return runs_on(exposed, "intensified_until", days=policy.exposure.days, day=day)


def running_exposures(store: Store, policy: Policy, day: int) -> FactRows:
    """Return the latest public exposure of each enterprise that intensifies inspection on a day."""
    exposed = exposure_rows(store, day)
    return exposed.where(is_intensified(exposed, policy, day)).latest()


def _add_exposures(fields_of: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    """Add the days of the public exposure of each enterprise that intensifies inspection on a day."""
    exposures = running_exposures(store, policy, as_of)
    for enterprise, published, until in _rows_of(exposures, "intensified_until"):
        fields_of[enterprise]["exposure"] = (published, _or_none(until))


def _add_complaints(fields_of: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    """Add the days of the complaints that still wait under the policy."""
    since = as_of - policy.complaint.days
    complaints = fact_rows(store, "complaints", as_of, day="lodged")
    for enterprise, lodged in _rows_of(complaints.where(complaints.day >= since)):
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
    minutes = minutes_of_teams(store, policy.field, as_of=as_of, monday=monday)
    return cell_minutes(minutes, teams_of_cells(store, as_of, monday), units)


def inspectors_of(
    store: Store, policy: Policy, *, as_of: int, monday: int, units: dict[str, int]
) -> dict[str, int] | None:
    """Return the minutes of inspectors among those of `capacity_of`; None where the rule set declares no duties.

    PolicyError where it names a duty that no member has.
    """
    duty = policy.duty
    if duty is None:
        return None
    members = _members(store, as_of)
    days = working_days(monday, _holidays(store, as_of))
    check_duties(policy.rule, duty, members, days)
    inspectors = [member for member in members if member.role in duty.inspector]
    minutes = team_minutes(inspectors, days, policy.field)
    return cell_minutes(minutes, teams_of_cells(store, as_of, monday), units)


def minutes_of_teams(store: Store, field: FieldShare, *, as_of: int, monday: int) -> dict[str, int]:
    """Return the person-minutes of each team for the week that begins on `monday`, as known by the end of `as_of`."""
    days = working_days(monday, _holidays(store, as_of))
    return team_minutes(_members(store, as_of), days, field)


def teams_of_cells(store: Store, as_of: int, monday: int) -> dict[str, str]:
    """Return the team that each cell has on a day, such as a Monday, by name; none where the source has no table of cells."""
    return _of_cells(store, "team", as_of, monday)


def districts_of_cells(store: Store, as_of: int) -> dict[str, str]:
    """Return the district in which each cell lies on a day, by name; none where the source has no table of cells."""
    return _of_cells(store, "district", as_of, as_of)


def _of_cells(store: Store, column: str, as_of: int, day: int) -> dict[str, str]:
    """Return what a column of identifiers says of each cell on a day, by name."""
    if not store.has("cells"):
        return {}
    cells = store.texts("cell")
    texts = store.texts(column)
    of_cell: dict[str, str] = {}
    for cell, since, code in _rows_by_day(store, "cells", as_of, ("cell", "since", column)):
        if cell is not None and code is not None and (since or 0) <= day:
            of_cell[cells[cell]] = texts[code]
    return of_cell


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
