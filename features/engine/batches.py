"""Batches: the features of more cases than memory should hold, some at a time, to the same bits as all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from features.arrays import Column
from features.calendar import day_of
from features.cases import Cases
from features.catalogue.language import Atom
from features.catalogue.model import ALIASES, KEYS
from features.engine.engine import Engine, engine_of
from features.engine.key_order import NarrowCases, Sweep, narrow_cases
from features.engine.matrices import (
    check_entity,
    matrix_for,
    stored_name,
)
from features.engine.population import (
    bare_cases,
    check_register,
    codes_on,
    registered_cases,
    still_living,
)
from features.engine.shared_keys import code_tables
from features.engine.spill import Spill
from features.errors import RequestError
from features.files import private_folder
from features.matrix import Matrix
from features.store.store import Store

CASES_AT_ONCE = 1 << 18
"""How many cases are described at a time, so that memory never holds the features of all."""
FEW_DAYS = 32
"""Days up to which a shared key is valued on every day of every code, in memory. Days of a plan or a year of month ends are
fewer; the days on which claims become known are hundreds, and most codes have no case on most of them."""
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


def feature_batches(store: Store, entity: str, as_of: Sequence[str]) -> Iterator[Matrix]:
    """Return the features of all living units of some days, or of every claim on the day on which it became KNOWN."""
    check_asked(entity, as_of)
    check_register(store, entity)
    engine = engine_of(store)
    if KNOWN in as_of:
        return claim_batches(engine)
    return living_batches(engine, entity, *map(day_of, as_of))


def in_batches(engine: Engine, cases: NarrowCases, most: int, last: int) -> Iterator[Matrix]:
    """Yield the features of cases in their order, `most` at a time, one matrix at least.

    Under a batch's own key they are computed with the batch, under keys that batches have in common once for all of
    them. Categories are those known on the day `last`.
    """
    if len(cases) <= most:
        yield matrix_for(engine, cases.cases(slice(None)), last=last)
        return
    needs = engine.needs_of_entity(cases.entity)
    own_keys = (KEYS[cases.entity][0], *ALIASES[cases.entity])
    of_other_keys = frozenset(
        atom for atom in needs.atoms if engine.catalogue.measure(atom.measure).by not in own_keys
    )
    with spilled(engine, cases, of_other_keys, needs.stored, most) as spill:
        for batch in range(spill.batches):
            first = batch * most
            here = cases.cases(slice(first, first + most))
            computed = spill.take(batch, here)
            yield matrix_for(engine, here, last=last, computed=computed)


@contextmanager
def spilled(
    engine: Engine,
    cases: NarrowCases,
    atoms: frozenset[Atom],
    stored: frozenset[str],
    most: int = CASES_AT_ONCE,
) -> Iterator[Spill]:
    """Give a spill with those aggregates and stored values of all cases that are cheaper computed at once than by batch.

    On few days these are the aggregates of shared keys, kept in memory; on many all, found in the order of each key and
    kept on disk beside the store until the end.
    """
    with private_folder(engine.store.folder) as folder:
        edges = [*range(0, len(cases), most), len(cases)]
        if len(np.unique(cases.as_of)) <= FEW_DAYS:
            spill = Spill(folder, edges)
            for table in code_tables(engine, cases, atoms):
                spill.keep(table)
        else:
            spill = Spill(folder, edges, [*sorted(atoms), *map(stored_name, sorted(stored))])
            sweep = Sweep(engine, cases, spill, most)
            sweep.aggregates(atoms)
            sweep.stored(stored)
        yield spill


def living_batches(
    place: Store | Engine, entity: str, *days: int, most: int = CASES_AT_ONCE
) -> Iterator[Matrix]:
    """Yield the features of all living units of some days, ordered by unit and then by day; rows are read once for all days.

    At most `most` cases at a time, a quarter of it where there are several days, one matrix at least. Raises HistoryError when
    a day is not closed.
    """
    engine = engine_of(place)
    codes = [codes_on(engine.store, entity, day) for day in days]
    every = of_any(codes)
    cases_at_once = most if len(days) == 1 else max(1, most // 4)

    def parts() -> Iterator[Cases]:
        # Each unit is a case on each of the days.
        units = max(1, cases_at_once // len(days))
        for first in range(0, max(1, len(every)), units):
            bare = cases_between(entity, days, codes, every[first : first + units])
            yield still_living(engine, bare)

    yield from in_batches(engine, narrow_cases(parts()), cases_at_once, max(days))


def cases_between(
    entity: str, days: Sequence[int], codes: Sequence[Column], batch: Column
) -> Cases:
    """Return the cases of each day's codes from the first to the last of a batch, ordered by code and then by day."""
    first, last = 0, 0
    if len(batch):
        first = int(batch[0])
        last = int(batch[-1])
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


def claim_batches(place: Store | Engine, most: int = CASES_AT_ONCE) -> Iterator[Matrix]:
    """Yield the features of every claim of a history, each as of the day on which it became known, ordered by claim.

    At most `most` at a time, one matrix at least.
    """
    engine = engine_of(place)
    cases = every_claim(engine, most)
    yield from in_batches(engine, cases, most, engine.store.complete_to)


def every_claim(engine: Engine, most: int = CASES_AT_ONCE) -> NarrowCases:
    """Return every claim of a history on the day on which it first became known, with the keys known by then."""

    def parts() -> Iterator[Cases]:
        for low in range(0, max(engine.store.dictionary("claim").size, 1), most):
            claims = first_seen(engine.store, low, low + most)
            cases, _ = registered_cases(engine, claims)
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
