"""Which team answers for an enterprise: that of the grid cell in which it lies on the day."""

from __future__ import annotations

from features.arrays import NULL
from features.calendar import date_of
from features.store.store import Store
from models.policy.policy_facts import teams_of_cells
from serving.errors import TeamRefused


def cell_of_enterprise(store: Store, enterprise: str, day: int) -> str | None:
    """Return the cell in which an enterprise lies on a day, as known by then; None where it lies in none.

    UnknownId where the history never names the enterprise.
    """
    code = store.code("enterprise", enterprise)
    columns = ("since", "cell", "row_id", "known", "sign")
    rows = store.rows("enterprises", by="enterprise", low=code, high=code + 1, columns=columns)
    columns_of_rows = [rows[name].tolist() for name in columns]
    versions = [row for row in zip(*columns_of_rows, strict=True) if row[3] <= day]
    taken_back = {row_id for _, _, row_id, _, sign in versions if sign < 0}
    in_force = [
        (since, cell)
        for since, cell, row_id, _, sign in versions
        if sign > 0 and row_id not in taken_back and since <= day
    ]
    if not in_force:
        return None
    _, cell = max(in_force)
    return None if cell == NULL else store.texts("cell")[cell]


def check_team(store: Store, team: str | None, cell: str | None, day: int) -> None:
    """Raise TeamRefused unless a team answers for a cell on a day; None stands for any team."""
    if team is None:
        return
    as_of = min(day, store.complete_to)
    responsible = teams_of_cells(store, as_of, as_of).get(cell or "")
    if responsible != team:
        raise TeamRefused(
            f"on {date_of(day)} another team answers for this enterprise's cell; "
            "its own team should send this"
        )


def check_reviewing_team(team: str | None, of_list: str | None) -> None:
    """Raise TeamRefused unless a team is the one on whose list a review stands; None stands for any team."""
    if team is not None and team != of_list:
        raise TeamRefused(
            "this review is on the list of another team; that team should send its outcome"
        )
