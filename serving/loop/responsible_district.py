"""In which district a unit lies: that of the grid cell of an enterprise or provider; a claim lies where its enterprise does."""

from __future__ import annotations

from features.arrays import NULL
from features.errors import UnknownId
from features.store.store import Store
from models.policy.policy_facts import districts_of_cells
from serving.loop.responsible_team import cell_of_unit, versions_in_force

PLACED_BY = ("enterprise", "provider")
"""What places a claim: its enterprise of cover, or its provider where it names none."""


def district_of_unit(store: Store, kind: str, unit: str, day: int) -> str | None:
    """Return the district of a unit on a day, as known by then; None where no cell says it, or no such unit is known."""
    try:
        if kind == "claim":
            return _district_of_claim(store, unit, day)
        cell = cell_of_unit(store, kind, unit, day)
    except UnknownId:
        return None
    return districts_of_cells(store, day).get(cell or "")


def _district_of_claim(store: Store, claim: str, day: int) -> str | None:
    versions = versions_in_force(store, "claim", claim, day, PLACED_BY)
    if not versions:
        return None
    for kind, code in zip(PLACED_BY, versions[-1], strict=True):
        if code != NULL:
            return district_of_unit(store, kind, store.texts(kind)[code], day)
    return None
