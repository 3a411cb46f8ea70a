"""Which team answers for an enterprise: that of the grid cell in which it lies on the day."""

from __future__ import annotations

from features.arrays import NULL
from features.calendar import date_of
from features.catalogue.model import ENTITIES
from features.store.store import Store
from models.policy.policy_facts import teams_of_cells
from serving.errors import TeamRefused


def cell_of_enterprise(store: Store, enterprise: str, day: int) -> str | None:
    """Return the cell in which an enterprise lies on a day, as known by then; None where it lies in none.

    UnknownId where the history never names the enterprise.
    """
    return cell_of_unit(store, "enterprise", enterprise, day)


def cell_of_unit(store: Store, kind: str, unit: str, day: int) -> str | None:
    """Return the cell in which an enterprise or a provider lies on a day; UnknownId where the history never names it."""
    in_force = versions_in_force(store, kind, unit, day, ("since", "cell"))
    dated = [(since, cell) for since, cell in in_force if since <= day]
    if not dated:
        return None
    _, cell = max(dated)
    return None if cell == NULL else store.texts("cell")[cell]


def versions_in_force(
    store: Store, kind: str, unit: str, day: int, columns: tuple[str, ...]
) -> list[tuple[int, ...]]:
    """Return columns of the register's rows of a unit that were known by a day and not taken back."""
    table, _ = ENTITIES[kind]
    code = store.code(kind, unit)
    names = (*columns, "row_id", "known", "sign")
    rows = store.rows(table, by=kind, low=code, high=code + 1, columns=names)
    columns_of_rows = [rows[name].tolist() for name in names]
    versions = [row for row in zip(*columns_of_rows, strict=True) if row[-2] <= day]
    taken_back = {row_id for *_, row_id, _, sign in versions if sign < 0}
    return [
        tuple(values)
        for *values, row_id, _, sign in versions
        if sign > 0 and row_id not in taken_back
    ]


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
