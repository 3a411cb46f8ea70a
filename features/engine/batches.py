"""Stretches: the features of more cases than memory should hold, some at a time, to the same bits as all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from features.aggregates.reader import atom_values
from features.arrays import Column
from features.calendar import day_of
from features.cases import Cases
from features.catalogue import Catalogue
from features.catalogue.language import Atom
from features.engine.key_order import NarrowCases, Sweep, narrow_cases, stored_name
from features.engine.matrices import catalogue_of, check_entity, environment_of, matrix_from
from features.engine.needs import needs_of
from features.engine.population import (
    bare_cases,
    check_register,
    codes_on,
    of_register,
    registered_cases,
    still_living,
)
from features.engine.shared_keys import shared_aggregates
from features.engine.spill import Shelf
from features.errors import RequestError
from features.files import private_folder
from features.matrix import Matrix
from features.network import stored_values
from features.store.store import Store

CASES_AT_ONCE = 1 << 18
KNOWN = "known"


def check_asked(entity: str, as_of: Sequence[str]) -> None:
    """Raise RequestError unless an entity and its as-of days are such as features are written for: days, or KNOWN of claims."""
    check_entity(entity)
    if KNOWN in as_of and (entity != "claim" or len(as_of) > 1):
        raise RequestError(
            f"the as-of {KNOWN!r} is each claim's own day and stands alone; got {entity} and {', '.join(as_of)}"
        )
    for text in as_of:
        if text != KNOWN:
            day_of(text)


def stretches(store: Store, entity: str, as_of: Sequence[str]) -> Iterator[Matrix]:
    """Return the features of all living units of some days, or of every claim on the day on which it became KNOWN."""
    check_asked(entity, as_of)
    check_register(store, entity)
    if KNOWN in as_of:
        return claim_stretches(store, catalogue_of(store))
    return living_stretches(store, entity, *map(day_of, as_of))


def living_stretches(
    store: Store, entity: str, *days: int, most: int = CASES_AT_ONCE
) -> Iterator[Matrix]:
    """Yield the features of all living units of some days, ordered by unit and then by day; rows are read once for all days,
    those of a key that units have in common once for all units.

    At most `most` cases at a time, a quarter of it where there are several days, one matrix at least. Raises HistoryError when
    a day is not closed.
    """
    catalogue = catalogue_of(store)
    needs = needs_of(catalogue, catalogue.names(entity))
    codes = [codes_on(store, entity, day) for day in days]
    every = of_any(codes)
    common = shared_aggregates(store, catalogue, entity, days, needs.atoms, sum(map(len, codes)))
    own = needs.atoms - common.atoms
    attributes = frozenset(atom for atom in own if of_register(catalogue, entity, atom))
    units = most if len(days) == 1 else max(1, most // (4 * len(days)))
    for first in range(0, max(1, len(every)), units):
        ends = every[first : first + units][[0, -1]] if len(every) else (0, 0)
        here = [
            code[np.searchsorted(code, ends[0]) : np.searchsorted(code, ends[1], side="right")]
            for code in codes
        ]
        code, as_of = np.concatenate(here), np.repeat(days, [len(part) for part in here])
        order = np.lexsort((as_of, code))
        cases, found = still_living(
            store, catalogue, bare_cases(entity, code[order], as_of[order]), attributes
        )
        if len(cases) or not first:
            found |= common.of(cases) | atom_values(store, catalogue, cases, own - attributes)
            stored = stored_values(store, catalogue, cases, needs.stored)
            yield matrix_from(
                store,
                catalogue,
                cases,
                environment_of(store, catalogue, cases, needs, found, stored),
                max(days),
            )


def of_any(codes: Sequence[Column]) -> Column:
    """Return the codes that stand in any of some columns of ascending ones, ascending, each once.

    >>> of_any([np.array([1, 4]), np.array([0, 4]), np.array([], np.int64)]).tolist()
    [0, 1, 4]
    """
    there = np.zeros(
        max((int(column[-1]) + 1 for column in codes if len(column)), default=0), np.bool_
    )
    for column in codes:
        there[column] = True
    return np.flatnonzero(there)


def claim_stretches(
    store: Store, catalogue: Catalogue, most: int = CASES_AT_ONCE
) -> Iterator[Matrix]:
    """Yield the features of every claim of a history, each as of the day on which it became known, ordered by claim.

    At most `most` at a time, one stretch at least. What is found in the order of other keys than the claim's waits on disk
    beside the store.
    """
    cases = every_claim(store, catalogue, most)
    needs = needs_of(catalogue, catalogue.names("claim"))
    own = frozenset(atom for atom in needs.atoms if catalogue.measure(atom.measure).by == "claim")
    away = [*sorted(needs.atoms - own), *map(stored_name, sorted(needs.stored))]
    with put_aside(store, catalogue, cases, needs.atoms - own, needs.stored, most) as shelf:
        for stretch in range(shelf.stretches):
            here = cases.cases(slice(stretch * most, (stretch + 1) * most))
            found = shelf.take(stretch, away)
            stored = {name: found.pop(stored_name(name)) for name in needs.stored}
            found |= atom_values(store, catalogue, here, own)
            known = environment_of(store, catalogue, here, needs, found, stored)
            yield matrix_from(store, catalogue, here, known, store.complete_to)


@contextmanager
def put_aside(  # noqa: PLR0913
    store: Store,
    catalogue: Catalogue,
    cases: NarrowCases,
    atoms: frozenset[Atom],
    stored: frozenset[str],
    most: int = CASES_AT_ONCE,
) -> Iterator[Shelf]:
    """Give a shelf with aggregates and stored values of all cases, in stretches of `most`; it is cleared afterwards."""
    with private_folder(store.folder) as folder:
        shelf = Shelf(folder, [*range(0, max(len(cases), 1), most), len(cases)])
        sweep = Sweep(store, catalogue, cases, shelf, most)
        sweep.aggregates(atoms)
        sweep.stored(stored)
        yield shelf


def every_claim(store: Store, catalogue: Catalogue, most: int = CASES_AT_ONCE) -> NarrowCases:
    """Return every claim of a history on the day on which it first became known, with the keys known by then."""
    codes = range(0, max(store.dictionary("claim").size, 1), most)
    return narrow_cases(
        registered_cases(store, catalogue, first_seen(store, low, low + most))[0] for low in codes
    )


def first_seen(store: Store, low: int, high: int) -> Cases:
    """Return the claims with low <= code < high, each on the day on which it first became known."""
    rows = store.rows("claims", by="claim", low=low, high=high, columns=("claim", "known"))
    codes, begins = np.unique(rows["claim"], return_index=True)
    days = np.minimum.reduceat(rows["known"], begins) if len(begins) else rows["known"]
    return bare_cases("claim", codes, days)
