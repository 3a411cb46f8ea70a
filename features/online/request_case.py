"""The case of a unit whose history was sent: its keys, and where each of its rows comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from features.aggregates.reader import store_rows
from features.aggregates.row_ranges import Rows
from features.calendar import date_of
from features.cases import Cases
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from features.engine.engine import Engine
from features.engine.population import check_day, registered_cases
from features.errors import RequestError
from features.online.request_rows import Sent
from features.store.store import Store

History = Mapping[str, Sequence[Mapping[str, Any]]]


def _own_keys(entity: str) -> tuple[str, ...]:
    keys = (KEYS[entity][0], *ALIASES[entity])
    return (*keys, "worker") if entity == "claim" else keys


OWN = {entity: _own_keys(entity) for entity in ENTITIES}
"""The keys under which rows are a unit's own, and so come from the request alone."""


def sent_case(engine: Engine, bare: Cases, sent: Sent) -> Cases:
    """Return, with all its keys, the case whose register row was sent; RequestError where none is known by its day."""
    entity = bare.entity
    as_of = int(bare.as_of[0])
    check_day(engine.store, as_of)
    table, _ = ENTITIES[entity]
    if table not in sent.tables:
        raise RequestError(
            f"history should hold table {table!r} with the register row of the {entity}"
        )
    case, _ = registered_cases(engine, bare, sent.rows)
    if not len(case):
        raise RequestError(
            f"history table {table!r} has no row of this {entity} recorded by {date_of(as_of)}"
        )
    return case


def rows_beside(store: Store, entity: str, sent: Sent) -> Rows:
    """Return where rows come from: a unit's own rows from the request, all others from the store."""
    others = store_rows(store)

    def read(
        table: str, by: str, low: int, high: int, columns: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        if by not in OWN[entity]:
            return others(table, by, low, high, columns)
        if table in sent.tables:
            return sent.rows(table, by, low, high, columns)
        return others(table, by, 0, 0, columns)

    return read
