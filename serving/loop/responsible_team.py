"""Which team answers for a unit: that of the grid cell in which it lies on the day, or on whose list it stands."""

from __future__ import annotations

from features.arrays import NULL
from features.calendar import date_of
from features.catalogue.model import ENTITIES
from features.store.store import Store
from models.policy.plan_unit import CLAIM, UnitKind
from models.policy.policy_facts import teams_of_cells
from models.reviews.review_units import REVIEWED_WHERE
from serving.errors import TeamRefused


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


def team_of_unit(store: Store, kind: str, unit: str, day: int) -> str | None:
    """Return the team that answers for a unit on a day, as known by then; None where no team does.

    A claim is the work of the team in whose cell its provider lies, else of that of its enterprise of cover, as in the
    week's lists. UnknownId where the history never names the unit.
    """
    as_of = min(day, store.complete_to)
    cells = [cell_of_unit(store, *place, as_of) for place in _places_of(store, kind, unit, as_of)]
    cell = next((one for one in cells if one is not None), None)
    return team_of_cell(store, cell, as_of)


def _places_of(store: Store, kind: str, unit: str, day: int) -> list[tuple[str, str]]:
    """Return the units in whose cells a unit may lie, the one that decides first: itself, or those that place a claim."""
    if kind != CLAIM.name:
        return [(kind, unit)]
    versions = versions_in_force(store, kind, unit, day, REVIEWED_WHERE)
    if not versions:
        return []
    named_by = zip(REVIEWED_WHERE, versions[-1], strict=True)
    return [(placing, store.texts(placing)[code]) for placing, code in named_by if code != NULL]


def team_of_cell(store: Store, cell: str | None, day: int) -> str | None:
    """Return the team that a cell has on a day; None where it has none."""
    as_of = min(day, store.complete_to)
    return teams_of_cells(store, as_of, as_of).get(cell or "")


def team_of_room(store: Store, kind: UnitKind, room: str | None, day: int) -> str | None:
    """Return the team of a list: of lists of a cell the team that the cell has on a day, of others the one they are of."""
    return room if kind.room == "team" else team_of_cell(store, room, day)


def check_team(team: str | None, responsible: str | None, day: int) -> None:
    """Raise TeamRefused unless a team is the one that answers; None stands for any team."""
    if team is not None and team != responsible:
        raise TeamRefused(
            f"on {date_of(day)} another team answers for this; its own team should send it"
        )
