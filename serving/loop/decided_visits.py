"""What visits and reviews found since, by unit: so decisions on lines of plans are compared with what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.arrays import NULL
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from models.policy.plan_unit import CLAIM, ENTERPRISE, PROVIDER, UnitKind


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit that examined the violation, or a review with a verdict: its day, and whether it found it."""

    opened: int
    found: bool


def kind_of_target(store: Store, target: str) -> UnitKind:
    """Return the kind of unit whose plans list a target; TargetError where neither visits nor reviews label it."""
    declared = store.source.target.get(target)
    if declared is None or declared.label not in ("visit", "review"):
        raise TargetError(
            f"overrides are scored for targets that visits or reviews label; {target!r} is none of {store.source.name!r}"
        )
    if declared.label == "review":
        return CLAIM
    return PROVIDER if declared.unit == PROVIDER.name else ENTERPRISE


def visits_by_unit(store: Store, target: str, as_of: int) -> dict[int, list[Visited]]:
    """Return the closed visits or reviews of a target as known by a day, by unit and in the order of their days."""
    kind = kind_of_target(store, target)
    visits: dict[int, list[Visited]] = {}
    declared = store.source.target[target]
    looks = _reviews(store, as_of) if kind is CLAIM else _visits(store, kind, declared, as_of)
    for unit, visit in looks:
        visits.setdefault(unit, []).append(visit)
    for of_unit in visits.values():
        of_unit.sort(key=lambda visit: visit.opened)
    return visits


def _visits(
    store: Store, kind: UnitKind, target: Target, as_of: int
) -> Iterator[tuple[int, Visited]]:
    findings = table_rows(store, "findings", as_of, ("inspection", "violation"))
    finders = {inspection for inspection, violation in findings if violation == target.violation}
    examined = f"examined_{target.violation}"
    columns = ("inspection", kind.name, "opened", "closed_on", examined)
    for inspection, unit, opened, closed, is_examined in table_rows(
        store, "inspections", as_of, columns
    ):
        if is_examined == 1 and NULL not in (closed, unit):
            yield unit, Visited(opened, inspection in finders)


def _reviews(store: Store, as_of: int) -> Iterator[tuple[int, Visited]]:
    """Yield the reviews with a verdict; the contract has no day on which one began, so that of its end stands for it."""
    if not store.has("claim_reviews"):
        return
    verdicts = store.column("claim_reviews", "outcome").choices
    found_by = {verdicts.index("fraud"): True, verdicts.index("clean"): False}
    columns = ("claim", "closed_on", "outcome")
    for claim, closed, outcome in table_rows(store, "claim_reviews", as_of, columns):
        if outcome in found_by and closed != NULL:
            yield claim, Visited(closed, found_by[outcome])


def table_rows(
    store: Store, table: str, as_of: int, columns: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    """Yield the live rows of a table as of a day; nothing where there is no such table."""
    if store.has(table):
        rows = store.live(table, as_of, columns)
        yield from zip(*(rows[name].tolist() for name in columns), strict=True)
