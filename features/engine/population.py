"""The register as of a day: which units exist, which of them live, and the keys under which their rows are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features.aggregates.reader import atom_values
from features.aggregates.row_ranges import Rows
from features.arrays import NULL, Column, Values
from features.calendar import date_of
from features.cases import Cases
from features.catalogue.language import Atom
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from features.catalogue.parameters import population_parameters
from features.contract.tables import contract
from features.engine.engine import Engine
from features.errors import HistoryError, UnknownId
from features.store.store import Store


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
    own_key, *_ = KEYS[entity]
    return Cases(entity=entity, code=code, as_of=as_of, keys={own_key: code})


def registered_cases(engine: Engine, bare: Cases, rows: Rows | None = None) -> tuple[Cases, Column]:
    """Return, with all their keys, the cases that the register knows by their days, and when each closed (NULL if open)."""
    entity, code = bare.entity, bare.code
    table, _ = ENTITIES[entity]
    own_key, *other_keys = KEYS[entity]
    columns = {column.name for column in contract()[table].columns}
    ending = next((name for name in ("closed", "ended") if name in columns), None)
    keys = [name for name in other_keys if name in columns]
    attributes = [*keys, ending] if ending else keys
    atoms = {name: Atom("newest", f"{entity}_{name}", "all") for name in attributes}
    exists = Atom("count", f"{entity}_rows", "all")
    # One read of the register for all of it: its rows are the same for every attribute.
    values = atom_values(engine, bare, {*atoms.values(), exists}, rows)
    as_code = {name: _whole_or_null(values[atom]) for name, atom in atoms.items()}
    case_keys = {name: as_code[name] for name in keys}
    case_keys |= dict.fromkeys((own_key, *ALIASES[entity]), code)
    cases = Cases(entity=entity, code=code, as_of=bare.as_of, keys=case_keys)
    registered = np.flatnonzero(values[exists] > 0)
    # Units of a register that declares no ending never close.
    closed = as_code[ending] if ending else np.full(len(code), NULL, np.int64)
    return cases.take(registered), closed[registered]


def _whole_or_null(values: Values) -> Column:
    or_null = np.where(np.isnan(values), NULL, values)
    return or_null.astype(np.int64)


def living(engine: Engine, entity: str, as_of: int) -> Cases:
    """Return the units that live on a day: registered and not closed; of claims, those first known in the last 90 days."""
    code = codes_on(engine.store, entity, as_of)
    days = np.full(len(code), as_of, np.int64)
    return still_living(engine, bare_cases(entity, code, days))


def codes_on(store: Store, entity: str, as_of: int) -> Column:
    """Return the codes, ascending, among which the living units of a day are; HistoryError when it is not closed."""
    check_register(store, entity)
    check_day(store, as_of)
    if entity == "claim":
        return recent_claims(store, as_of)
    return np.arange(store.dictionary(entity).size, dtype=np.int64)


def still_living(engine: Engine, bare: Cases) -> Cases:
    """Return the cases that are registered by their days and not closed on them."""
    cases, closed = registered_cases(engine, bare)
    # An ending that is recorded but lies after the day has not closed the unit yet.
    open_on_day = np.flatnonzero((closed == NULL) | (closed > cases.as_of))
    return cases.take(open_on_day)


def recent_claims(store: Store, as_of: int) -> Column:
    """Return the codes of claims first known in the `recent_claims` days up to a day, ascending."""
    recent_days = population_parameters().recent_claims
    first_known_lately = (
        f"SELECT claim FROM claims WHERE sign = 1 GROUP BY claim "
        f"HAVING MIN(known) > {as_of - recent_days} AND MIN(known) <= {as_of} ORDER BY claim"
    )
    claims = store.sql(first_known_lately)["claim"]
    return np.asarray(claims.to_numpy(), np.int64)


def codes_of(store: Store, entity: str, ids: Iterable[str]) -> Column:
    """Return the codes of ids; raise UnknownId for the first that no row of the history has."""
    codes = [store.code(entity, text) for text in ids]
    return np.array(codes, np.int64)


def cases_of(
    engine: Engine,
    entity: str,
    ids: Sequence[str],
    as_of: Column,
    rows: Rows | None = None,
) -> Cases:
    """Return the cases of ids on their days; raise UnknownId when one is not in the register of its day."""
    store = engine.store
    check_register(store, entity)
    if len(as_of):
        check_day(store, int(as_of.min()))
        check_day(store, int(as_of.max()))
    bare = bare_cases(entity, codes_of(store, entity, ids), as_of)
    cases, _ = registered_cases(engine, bare, rows)
    if len(cases) < len(ids):
        raise _not_registered(store, cases, ids, as_of)
    return cases


def _not_registered(store: Store, cases: Cases, ids: Sequence[str], as_of: Column) -> UnknownId:
    """Return the error of the first id that is not among the registered cases of its day."""
    entity = cases.entity
    codes = cases.code.tolist()
    days = cases.as_of.tolist()
    registered = set(zip(codes, days, strict=True))
    pairs = zip(ids, as_of.tolist(), strict=True)
    unknown = (pair for pair in pairs if (store.code(entity, pair[0]), pair[1]) not in registered)
    text, day = next(unknown)
    return UnknownId(
        f"{entity} {text!r} is not in the register of {date_of(day)}; "
        "load the register or check the number"
    )
