"""Who was in the register by a day, and who shares a representative, an address or an account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from features.arrays import NULL, Column
from features.network.signed_rows import day_or, newest
from features.store.store import Store

SHARED = ("representative", "address", "account")
MOST_SHARING = 50
"""More units than these under one key are an agent's desk or an office block, not a link."""


@dataclass(frozen=True, slots=True)
class EnterpriseRegister:
    """The enterprises that are known by a day, in the order of their texts: `code` (n,), and each code's place or -1.

    `registered` and `closed` (n,) are days of the newest row, NULL where there is none.
    """

    code: Column
    place: Column
    registered: Column
    closed: Column

    def __len__(self) -> int:
        return len(self.code)


def text_order(store: Store, space: str) -> Column:
    """Return the codes of a name space in the order of their texts, which no later load changes."""
    return np.asarray(pc.sort_indices(store.dictionary(space).texts).to_numpy(), np.int64)


def placed(order: Column, codes: Column) -> tuple[Column, Column]:
    """Return the distinct codes in a given order, and for each code of the space its place among them or -1."""
    there = np.zeros(len(order), np.bool_)
    there[codes] = True
    kept = order[there[order]]
    place = np.full(len(order), -1, np.int64)
    place[kept] = np.arange(len(kept))
    return kept, place


def register_of(store: Store, day: int) -> tuple[EnterpriseRegister, csr_matrix]:
    """Return the register known by a day, and how many kinds of keys each two enterprises share or shared, int64 (n, n)."""
    rows = store.live("enterprises", day, ("enterprise", "since", "registered", "closed", *SHARED))
    held = {name: column[rows["since"] <= day] for name, column in rows.items()}
    code, place = placed(text_order(store, "enterprise"), held["enterprise"])
    own = place[held["enterprise"]]
    last = newest(own, held["since"], len(code))
    closed = day_or(held["closed"][last], NULL, until=day)
    registered = np.where(
        held["registered"][last] == NULL, held["since"][last], held["registered"][last]
    )
    register = EnterpriseRegister(code, place, registered, closed)
    shared = [pairs_sharing(own, held[name]) for name in SHARED]
    one, other = (np.concatenate(side) for side in zip(*shared, strict=True))
    return register, coo_matrix(
        (np.ones(len(one), np.int64), (one, other)), (len(code), len(code))
    ).tocsr()


def pairs_sharing(own: Column, key: Column) -> tuple[Column, Column]:
    """Return each two different units under one key, both ways round, once for a key and two units."""
    keep = key != NULL
    width = int(own.max(initial=0)) + 1
    held = np.unique(key[keep] * width + own[keep])
    unit, starts = held % width, np.flatnonzero(np.diff(held // width, prepend=-1))
    sizes = np.diff(np.append(starts, len(held)))
    chosen = (sizes > 1) & (sizes <= MOST_SHARING)
    starts, sizes = starts[chosen], sizes[chosen]
    first = np.repeat(starts, sizes) + within(sizes)
    again = np.repeat(sizes, sizes)
    one = np.repeat(first, again)
    other = np.repeat(np.repeat(starts, sizes), again) + within(again)
    pairs = np.unique(unit[one[one != other]] * width + unit[other[one != other]])
    return pairs // width, pairs % width


def within(sizes: Column) -> NDArray[np.int64]:
    """Return 0, 1, ... for each group of the given sizes, one group after another.

    >>> within(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
