"""Stretches: the features of more cases than memory should hold, some at a time, to the same bits as all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from features.aggregates.reader import atom_values
from features.arrays import Column, Values
from features.calendar import day_of
from features.cases import Cases
from features.catalogue.language import Atom
from features.catalogue.model import Catalogue
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
from features.network.stored import stored_values
from features.store.store import Store

CASES_AT_ONCE = 1 << 18
"""How many cases are described at a time, so that memory never holds the features of all."""
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
    case_count = sum(map(len, codes))
    common = shared_aggregates(store, catalogue, entity, days, needs.atoms, case_count)
    of_units = needs.atoms - common.atoms
    attributes = frozenset(atom for atom in of_units if of_register(catalogue, entity, atom))
    units = most
    if len(days) > 1:
        # Each unit is a case on each of the days.
        units = max(1, most // (4 * len(days)))
    for first in range(0, max(1, len(every)), units):
        stretch = every[first : first + units]
        # The register is read for who lives; its other attributes come from the same rows.
        cases, atoms = still_living(
            store, catalogue, cases_between(entity, days, codes, stretch), attributes
        )
        if len(cases) or not first:
            atoms |= common.of(cases)
            atoms |= atom_values(store, catalogue, cases, of_units - attributes)
            yield _matrix_of_atoms(store, catalogue, cases, atoms, max(days))


def _matrix_of_atoms(
    store: Store, catalogue: Catalogue, cases: Cases, atoms: Mapping[Atom, Values], last: int
) -> Matrix:
    """Return the features of cases whose aggregates are computed; categories are those known on the day `last`."""
    needs = needs_of(catalogue, catalogue.names(cases.entity))
    stored = stored_values(store, catalogue, cases, needs.stored)
    inputs = environment_of(store, catalogue, cases, needs, atoms, stored)
    return matrix_from(store, catalogue, cases, inputs, last)


def cases_between(
    entity: str, days: Sequence[int], codes: Sequence[Column], stretch: Column
) -> Cases:
    """Return the cases of each day's codes from the first to the last of a stretch, ordered by code and then by day."""
    first, last = 0, 0
    if len(stretch):
        first = int(stretch[0])
        last = int(stretch[-1])
    by_day = []
    for codes_of_day in codes:
        begin = np.searchsorted(codes_of_day, first)
        end = np.searchsorted(codes_of_day, last, side="right")
        by_day.append(codes_of_day[begin:end])
    code = np.concatenate(by_day)
    as_of = np.repeat(days, [len(part) for part in by_day])
    order = np.lexsort((as_of, code))
    return bare_cases(entity, code[order], as_of[order])


def of_any(codes: Sequence[Column]) -> Column:
    """Return the codes that stand in any of some columns of ascending ones, ascending, each once.

    >>> of_any([np.array([1, 4]), np.array([0, 4]), np.array([], np.int64)]).tolist()
    [0, 1, 4]
    """
    # Codes are dense, so a flag for each is smaller and quicker than sorting them.
    size = max((int(column[-1]) + 1 for column in codes if len(column)), default=0)
    present = np.zeros(size, np.bool_)
    for column in codes:
        present[column] = True
    return np.flatnonzero(present)


def claim_stretches(
    store: Store, catalogue: Catalogue, most: int = CASES_AT_ONCE
) -> Iterator[Matrix]:
    """Yield the features of every claim of a history, each as of the day on which it became known, ordered by claim.

    At most `most` at a time, one stretch at least. What is found in the order of other keys than the claim's waits on disk
    beside the store.
    """
    cases = every_claim(store, catalogue, most)
    needs = needs_of(catalogue, catalogue.names("claim"))
    keys = {atom: catalogue.measure(atom.measure).by for atom in needs.atoms}
    of_claims = frozenset(atom for atom in needs.atoms if keys[atom] == "claim")
    of_other_keys = needs.atoms - of_claims
    on_shelf = [*sorted(of_other_keys), *map(stored_name, sorted(needs.stored))]
    with put_aside(store, catalogue, cases, of_other_keys, needs.stored, most) as shelf:
        for stretch in range(shelf.stretches):
            first = stretch * most
            here = cases.cases(slice(first, first + most))
            atoms = shelf.take(stretch, on_shelf)
            stored = {name: atoms.pop(stored_name(name)) for name in needs.stored}
            atoms |= atom_values(store, catalogue, here, of_claims)
            inputs = environment_of(store, catalogue, here, needs, atoms, stored)
            yield matrix_from(store, catalogue, here, inputs, store.complete_to)


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
        # One stretch at least, though it be empty, so that a file with the columns is written.
        first_cases = range(0, max(len(cases), 1), most)
        shelf = Shelf(folder, [*first_cases, len(cases)])
        sweep = Sweep(store, catalogue, cases, shelf, most)
        sweep.aggregates(atoms)
        sweep.stored(stored)
        yield shelf


def every_claim(store: Store, catalogue: Catalogue, most: int = CASES_AT_ONCE) -> NarrowCases:
    """Return every claim of a history on the day on which it first became known, with the keys known by then."""

    def parts() -> Iterator[Cases]:
        for low in range(0, max(store.dictionary("claim").size, 1), most):
            claims = first_seen(store, low, low + most)
            cases, _ = registered_cases(store, catalogue, claims)
            yield cases

    return narrow_cases(parts())


def first_seen(store: Store, low: int, high: int) -> Cases:
    """Return the claims with low <= code < high, each on the day on which it first became known."""
    rows = store.rows("claims", by="claim", low=low, high=high, columns=("claim", "known"))
    codes, begins = np.unique(rows["claim"], return_index=True)
    days = rows["known"]
    if len(begins):
        days = np.minimum.reduceat(days, begins)
    return bare_cases("claim", codes, days)
