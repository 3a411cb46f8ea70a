"""Facts for the policy: what a store knew of every enterprise by a day, and the minutes of its teams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from features.arrays import NULL
from features.contract.tables import Column
from features.store.store import Store
from models.policy.capacity import Member, cell_minutes, team_minutes, working_days
from models.policy.policy import Policy
from models.policy.policy_status import Facts

YEAR = 365
Fields = dict[str, Any]


def live_rows_of(
    store: Store, table: str, as_of: int, columns: tuple[str, ...]
) -> Iterator[tuple[int | None, ...]]:
    """Yield the rows that hold as of a day, empty cells as None; nothing where the source has no such table."""
    if store.has(table):
        live = store.live(table, as_of, columns)
        for row in zip(*(live[name].tolist() for name in columns), strict=True):
            yield tuple(None if value == NULL else value for value in row)


def choice(column: Column, code: int | None) -> str | None:
    """Return the text of a choice code."""
    return None if code is None else column.choices[code]


def enterprise_facts(store: Store, policy: Policy, as_of: int) -> dict[int, Facts]:
    """Return, by enterprise code, the facts known by the end of a day; enterprises without any are not named."""
    found: dict[int, Fields] = defaultdict(dict)
    _add_visits(found, store, policy, as_of)
    _add_awards(found, store, as_of)
    for enterprise, lodged in live_rows_of(store, "complaints", as_of, ("enterprise", "lodged")):
        if (
            enterprise is not None
            and lodged is not None
            and lodged >= as_of - policy.complaint.days
        ):
            found[enterprise]["complaints"] = (*found[enterprise].get("complaints", ()), lodged)
    return {code: replace(Facts(), **fields) for code, fields in found.items()}


def _add_visits(found: dict[int, Fields], store: Store, policy: Policy, as_of: int) -> None:
    visited: dict[int, int] = {}
    for inspection, enterprise, opened in live_rows_of(
        store, "inspections", as_of, ("inspection", "enterprise", "opened")
    ):
        if inspection is None or enterprise is None or opened is None or opened > as_of:
            continue
        visited[inspection] = enterprise
        found[enterprise]["visited"] = max(opened, found[enterprise].get("visited", opened))
    since = as_of - policy.appraisal.years * YEAR
    for inspection, decided, grave in live_rows_of(
        store, "sanctions", as_of, ("inspection", "decided_on", "grave")
    ):
        if inspection in visited and decided is not None and since < decided <= as_of:
            fields = found[visited[inspection]]
            fields["sanctions"] = fields.get("sanctions", 0) + 1
            fields["grave"] = fields.get("grave", 0) + (grave or 0)


def _add_awards(found: dict[int, Fields], store: Store, as_of: int) -> None:
    """The latest class, medal and exposure of each enterprise: rows are taken in the order of their days."""
    awards = ("enterprise", "decided_on", "rating")
    for enterprise, _, code in sorted(
        live_rows_of(store, "appraisals", as_of, awards), key=_by_day
    ):
        if enterprise is not None:
            found[enterprise]["appraised"] = choice(store.column("appraisals", "rating"), code)
    medals = ("enterprise", "started", "ended", "revoked_on")
    for enterprise, started, ended, revoked in sorted(
        live_rows_of(store, "medals", as_of, medals), key=_by_day
    ):
        if enterprise is not None:
            found[enterprise]["medal"] = (
                None if revoked is not None and revoked <= as_of else (started, ended)
            )
    exposures = ("enterprise", "published_on", "intensified_until")
    for enterprise, published, until in sorted(
        live_rows_of(store, "exposures", as_of, exposures), key=_by_day
    ):
        if enterprise is not None:
            found[enterprise]["exposure"] = (published, until)


def _by_day(row: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(NULL if value is None else value for value in (row[1], row[0], *row[2:]))


def cells_of(store: Store, as_of: int) -> dict[int, int]:
    """Return the cell in which each enterprise lies on a day, by code; enterprises without a cell are not named."""
    columns = ("enterprise", "since", "cell")
    placed = sorted(live_rows_of(store, "enterprises", as_of, columns), key=_by_day)
    latest = {
        unit: cell for unit, since, cell in placed if unit is not None and (since or 0) <= as_of
    }
    return {unit: cell for unit, cell in latest.items() if cell is not None}


def capacity_of(
    store: Store, policy: Policy, *, as_of: int, monday: int, units: dict[str, int]
) -> dict[str, int]:
    """Return the person-minutes of each cell for the week that begins on `monday`, as known by the end of `as_of`."""
    cells, teams = store.texts("cell"), store.texts("team")
    rows = sorted(live_rows_of(store, "cells", as_of, ("cell", "since", "team")), key=_by_day)
    team_of = {
        cells[cell]: teams[team]
        for cell, since, team in rows
        if cell is not None and team is not None and (since or 0) <= monday
    }
    roles = store.column("members", "role")
    members = [
        Member(teams[team or 0], roles.choices[role or 0], minutes or 0, started or 0, ended)
        for team, role, minutes, started, ended in live_rows_of(
            store, "members", as_of, ("team", "role", "weekly_minutes", "started", "ended")
        )
    ]
    holidays = {
        day: bool(worked)
        for day, worked in live_rows_of(store, "holidays", as_of, ("holiday", "worked"))
        if day is not None
    }
    minutes = team_minutes(members, working_days(monday, holidays), policy.field)
    return cell_minutes(minutes, team_of, units)
