"""Sweeps: aggregates of very many cases on days of their own, found in the order of each key, so that every row is read once.

What one key's sweep finds is put into a spill, from which each batch of cases takes its own part.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.kernels import Places, put_in_order
from features.aggregates.reader import unit_values
from features.arrays import NULL, Column, Values
from features.cases import Cases, Units, month_ends
from features.catalogue.language import Atom
from features.catalogue.model import STORED_BY
from features.engine.engine import Engine
from features.engine.matrices import stored_name
from features.engine.spill import Spill

NO_KEY = -1
"""Stands for no key in int32, which cannot hold NULL."""
DAYS = 2**20
"""A key and a day make one integer, key * DAYS + day: days stay below 2^20 (the year 4840)."""
CODE, AS_OF = "!code", "!as_of"


@dataclass(frozen=True, slots=True)
class NarrowCases:
    """Cases of a whole history, held narrow: codes, days and keys int32 (n,), NO_KEY where a case has no such key."""

    entity: str
    code: NDArray[np.int32]
    as_of: NDArray[np.int32]
    keys: Mapping[str, NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.code)

    def cases(self, rows: Any) -> Cases:
        """Return the chosen cases (positions or a slice), in the order given."""
        keys = {by: _wide(key[rows]) for by, key in self.keys.items()}
        code = self.code[rows].astype(np.int64)
        as_of = self.as_of[rows].astype(np.int64)
        return Cases(entity=self.entity, code=code, as_of=as_of, keys=keys)


def narrow_cases(parts: Iterable[Cases]) -> NarrowCases:
    """Return cases that come one part after the other, one part at least, held narrow; a key that is the code is held once."""
    pieces: dict[str, list[NDArray[np.int32]]] = {}
    entity = ""
    for part in parts:
        entity = part.entity
        for name, column in {CODE: part.code, AS_OF: part.as_of, **part.keys}.items():
            pieces.setdefault(name, []).append(_narrow(column))
    whole = {name: np.concatenate(pieces.pop(name)) for name in list(pieces)}
    code = whole.pop(CODE)
    as_of = whole.pop(AS_OF)
    for by, key in whole.items():
        if np.array_equal(key, code):
            whole[by] = code
    return NarrowCases(entity=entity, code=code, as_of=as_of, keys=whole)


def _narrow(values: Column) -> NDArray[np.int32]:
    return np.where(values == NULL, NO_KEY, values).astype(np.int32)


def _wide(values: NDArray[np.int32]) -> Column:
    return np.where(values == NO_KEY, NULL, values.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Goes through all cases, at most `most` at a time, and puts what it finds into a spill."""

    engine: Engine
    cases: NarrowCases
    spill: Spill
    most: int

    def aggregates(self, atoms: Iterable[Atom]) -> None:
        """Put aggregates into the spill, in the order of one key after another."""
        if not len(self.cases):
            return
        for by, groups in self.engine.by_key(atoms).items():
            for place, units in units_in_order(self.cases, by, self.most):
                by_unit = unit_values(self.engine, groups, units)
                self.spill.put(place, _by_case(by_unit, units))

    def stored(self, names: Iterable[str]) -> None:
        """Put stored values into the spill, in the order of the month ends that they are of, and of the key they are kept by."""
        wanted = sorted(set(names))
        if not wanted or not len(self.cases):
            return
        ends = month_ends(self.cases.as_of.astype(np.int64)).astype(np.int32)
        keys_of_values = [STORED_BY[self.engine.catalogue.stored_value(name).of] for name in wanted]
        kept_by = max(keys_of_values, key=len)[0]
        order = places_by_value(self.cases.keys[kept_by], np.arange(len(ends), dtype=np.int32))
        order = places_by_value(ends, order)
        for first in range(0, len(order), self.most):
            place = order[first : first + self.most]
            values_of = self.engine.stored_values(self.cases.cases(place), wanted)
            columns = {stored_name(name): values for name, values in values_of.items()}
            self.spill.put(place, columns)


def _by_case(by_unit: Mapping[Atom, Values], units: Units) -> dict[Hashable, Values]:
    return {atom: values[units.of_case] for atom, values in by_unit.items()}


def units_in_order(cases: NarrowCases, by: str, most: int) -> Iterator[tuple[Places, Units]]:
    """Yield the cases that have a key in the order of key and day, at most `most` at a time: their places, and their units."""
    key = cases.keys[by]
    # Ordered by day first and by key then, equal keys keep the order of their days.
    order = places_by_value(cases.as_of, np.arange(len(key), dtype=np.int32))
    order = places_by_value(key, order)
    # NO_KEY is the least of all keys, so the cases without one come first.
    without_key = int(np.count_nonzero(key == NO_KEY))
    for first in range(without_key, len(order), most):
        place = order[first : first + most]
        here = key[place].astype(np.int64) * DAYS + cases.as_of[place]
        # The first case of each key and day, from which a unit begins.
        fresh = np.append(True, here[1:] != here[:-1])
        yield place, Units(here[fresh] // DAYS, here[fresh] % DAYS, np.cumsum(fresh) - 1)


def places_by_value(values: NDArray[np.int32], given: Places) -> Places:
    """Return given places by their values, equal ones as given.

    >>> places_by_value(np.array([7, -1, 7, 3], np.int32), np.array([2, 1, 0, 3], np.int32)).tolist()
    [1, 3, 2, 0]
    """
    # A counting sort: codes and days are dense, so it takes one pass where a sort takes many.
    low = int(values.min(initial=0))
    above = values - np.int32(low)
    counts = np.bincount(above)
    order = np.empty_like(given)
    put_in_order(above, np.cumsum(counts) - counts, given, order)
    return order
