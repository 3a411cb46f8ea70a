"""The register as of a day: which units exist, which of them live, and the keys under which their rows are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features.aggregates.reader import Rows, atom_values
from features.arrays import NULL, Column, Values
from features.calendar import date_of
from features.cases import Cases
from features.catalogue import Catalogue
from features.catalogue.language import Atom
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from features.contract.tables import contract
from features.errors import HistoryError, UnknownId
from features.store.store import Store

RECENT_DAYS = 90


def check_register(store: Store, entity: str) -> None:
    """Raise HistoryError where a source does not hold the register of an entity: then nobody knows which units there are."""
    table, _ = ENTITIES[entity]
    if not store.has(table):
        raise HistoryError(
            f"source {store.source.name!r} holds no table {table!r}, the register of every {entity}; "
            "add the table or ask for another entity"
        )


def check_day(store: Store, as_of: int) -> None:
    """Raise HistoryError unless a day is closed in this history and not before its first row."""
    if as_of > store.complete_to:
        raise HistoryError(
            f"the history is complete to {date_of(store.complete_to)}; got the as-of day {date_of(as_of)}; "
            "load later days first or ask for an earlier one"
        )
    if as_of < store.first_known:
        raise HistoryError(
            f"the history begins on {date_of(store.first_known)}; got the as-of day {date_of(as_of)}"
        )


def bare_cases(entity: str, code: Column, as_of: Column) -> Cases:
    """Return cases that know only their own codes."""
    return Cases(entity, code, as_of, {KEYS[entity][0]: code})


def registered_cases(
    store: Store, catalogue: Catalogue, bare: Cases, rows: Rows | None = None
) -> tuple[Cases, Column]:
    """Return, with all their keys, the cases that the register knows by their days, and when each closed (NULL if open)."""
    cases, closed, _ = _read(store, catalogue, bare, rows, frozenset())
    return cases, closed


def _read(
    store: Store, catalogue: Catalogue, bare: Cases, rows: Rows | None, also: frozenset[Atom]
) -> tuple[Cases, Column, dict[Atom, Values]]:
    entity, code = bare.entity, bare.code
    table, _ = ENTITIES[entity]
    own = KEYS[entity][0]
    names = {column.name for column in contract()[table].columns}
    ending = next((name for name in ("closed", "ended") if name in names), None)
    keys = [name for name in KEYS[entity][1:] if name in names]
    wanted = [*keys, ending] if ending else keys
    atoms = {name: Atom("newest", f"{entity}_{name}", "all") for name in wanted}
    exists = Atom("count", f"{entity}_rows", "all")
    found = atom_values(store, catalogue, bare, {*atoms.values(), exists, *also}, rows)
    known = found[exists] > 0
    as_code = {
        name: np.where(np.isnan(found[atom]), NULL, found[atom]).astype(np.int64)
        for name, atom in atoms.items()
    }
    keyed = {name: as_code[name] for name in keys} | dict.fromkeys((own, *ALIASES[entity]), code)
    cases = Cases(entity, code, bare.as_of, keyed)
    kept = np.flatnonzero(known)
    closed = as_code[ending] if ending else np.full(len(code), NULL, np.int64)
    return cases.take(kept), closed[kept], {atom: found[atom][kept] for atom in also}


def living(store: Store, catalogue: Catalogue, entity: str, as_of: int) -> Cases:
    """Return the units that live on a day: registered and not closed; of claims, those first known in the last 90 days."""
    code = codes_on(store, entity, as_of)
    return still_living(
        store, catalogue, bare_cases(entity, code, np.full(len(code), as_of, np.int64))
    )[0]


def codes_on(store: Store, entity: str, as_of: int) -> Column:
    """Return the codes, ascending, among which the living units of a day are; HistoryError when it is not closed."""
    check_register(store, entity)
    check_day(store, as_of)
    return (
        recent_claims(store, as_of)
        if entity == "claim"
        else np.arange(store.dictionary(entity).size, dtype=np.int64)
    )


def of_register(catalogue: Catalogue, entity: str, atom: Atom) -> bool:
    """Tell whether an aggregate is one of the register's rows of a unit itself."""
    measure = catalogue.measure(atom.measure)
    return (measure.table, measure.by) == (ENTITIES[entity][0], KEYS[entity][0])


def still_living(
    store: Store, catalogue: Catalogue, bare: Cases, also: frozenset[Atom] = frozenset()
) -> tuple[Cases, dict[Atom, Values]]:
    """Return the cases that are registered by their days and not closed on them, and what `also` says of each, float64 (n,).

    `also` are aggregates of the register's own rows, which are read for both at once.
    """
    cases, closed, found = _read(store, catalogue, bare, None, also)
    living = np.flatnonzero((closed == NULL) | (closed > cases.as_of))
    return cases.take(living), {atom: values[living] for atom, values in found.items()}


def recent_claims(store: Store, as_of: int) -> Column:
    """Return the codes of claims first known in the RECENT_DAYS days up to a day, ascending."""
    first = (
        f"SELECT claim FROM claims WHERE sign = 1 GROUP BY claim "
        f"HAVING MIN(known) > {as_of - RECENT_DAYS} AND MIN(known) <= {as_of} ORDER BY claim"
    )
    return np.asarray(store.sql(first)["claim"].to_numpy(), np.int64)


def codes_of(store: Store, entity: str, ids: Iterable[str]) -> Column:
    """Return the codes of ids; raise UnknownId for the first that no row of the history has."""
    return np.array([store.code(entity, text) for text in ids], np.int64)


def cases_of(
    store: Store, catalogue: Catalogue, entity: str, ids: Sequence[str], as_of: Column
) -> Cases:
    """Return the cases of ids on their days; raise UnknownId when one is not in the register of its day."""
    check_register(store, entity)
    if len(as_of):
        check_day(store, int(as_of.min()))
        check_day(store, int(as_of.max()))
    cases, _ = registered_cases(
        store, catalogue, bare_cases(entity, codes_of(store, entity, ids), as_of)
    )
    if len(cases) < len(ids):
        there = set(zip(cases.code.tolist(), cases.as_of.tolist(), strict=True))
        lost = next(
            i
            for i, text in enumerate(ids)
            if (store.code(entity, text), int(as_of[i])) not in there
        )
        raise UnknownId(
            f"{entity} {ids[lost]!r} is not in the register of {date_of(int(as_of[lost]))}; "
            "load the register or check the number"
        )
    return cases
