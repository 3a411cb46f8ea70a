"""Who was in the register by a day, and who shares a representative, an address or an account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from features.arrays import NULL, Column
from features.catalogue.parameters import network_parameters
from features.network.signed_rows import Rows, day_or, newest
from features.store.store import Store

SHARED = ("representative", "address", "account")


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
    order = pc.sort_indices(store.dictionary(space).texts)
    return np.asarray(order.to_numpy(), np.int64)


def placed(order: Column, codes: Column) -> tuple[Column, Column]:
    """Return the distinct codes in a given order, and for each code of the space its place among them or -1."""
    there = np.zeros(len(order), np.bool_)
    there[codes] = True
    distinct = order[there[order]]
    place = np.full(len(order), -1, np.int64)
    place[distinct] = np.arange(len(distinct))
    return distinct, place


def register_of(store: Store, day: int) -> tuple[EnterpriseRegister, csr_matrix]:
    """Return the register known by a day, and how many kinds of keys each two enterprises share or shared, int64 (n, n)."""
    rows = store.live("enterprises", day, ("enterprise", "since", "registered", "closed", *SHARED))
    begun = rows["since"] <= day
    rows = {name: column[begun] for name, column in rows.items()}
    code, place = placed(text_order(store, "enterprise"), rows["enterprise"])
    enterprise = place[rows["enterprise"]]
    last = newest(enterprise, rows["since"], len(code))
    since = rows["since"][last]
    stated = rows["registered"][last]
    closed = day_or(rows["closed"][last], NULL, until=day)
    registered = np.where(stated == NULL, since, stated)
    register = EnterpriseRegister(
        code=code,
        place=place,
        registered=registered,
        closed=closed,
    )
    return register, _links(enterprise, rows, len(code))


def _links(enterprise: Column, rows: Rows, size: int) -> csr_matrix:
    """Return how many kinds of keys each two enterprises share, int64 (size, size)."""
    ones: list[Column] = []
    others: list[Column] = []
    for name in SHARED:
        one, other = pairs_sharing(enterprise, rows[name])
        ones.append(one)
        others.append(other)
    places = (np.concatenate(ones), np.concatenate(others))
    # Each pair of each kind counts 1; equal places add up.
    counts = np.ones(len(places[0]), np.int64)
    return coo_matrix((counts, places), (size, size)).tocsr()


def pairs_sharing(own: Column, key: Column) -> tuple[Column, Column]:
    """Return each two different units under one key, both ways round, once for a key and two units."""
    has_key = key != NULL
    # A key and a unit are packed into one integer, so that sorting one column sorts both.
    width = int(own.max(initial=0)) + 1
    packed = np.unique(key[has_key] * width + own[has_key])
    unit = packed % width
    starts = np.flatnonzero(np.diff(packed // width, prepend=-1))
    sizes = np.diff(np.append(starts, len(packed)))
    # More units under one key are an agent's desk or an office block, and no link.
    shared = (sizes > 1) & (sizes <= network_parameters().most_sharing)
    starts = starts[shared]
    sizes = sizes[shared]
    # Every unit of a group of n stands n times, each time beside another unit of the group.
    first = np.repeat(starts, sizes) + within(sizes)
    size_of_group = np.repeat(sizes, sizes)
    start_of_group = np.repeat(starts, sizes)
    one = np.repeat(first, size_of_group)
    other = np.repeat(start_of_group, size_of_group) + within(size_of_group)
    different = one != other
    unit_one = unit[one[different]]
    unit_other = unit[other[different]]
    pairs = np.unique(unit_one * width + unit_other)
    return pairs // width, pairs % width


def within(sizes: Column) -> NDArray[np.int64]:
    """Return 0, 1, ... for each group of the given sizes, one group after another.

    >>> within(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
