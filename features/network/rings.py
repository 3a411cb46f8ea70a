"""Rings of claimants: who of one employer goes to one provider, and which claimants two providers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix

from features.arrays import NULL, Column
from features.network.signed_rows import live_rows, sums_by_place
from features.store.store import Store

YEAR = 365
RING = 3
"""Fewer claimants of one employer at one provider than these are chance."""
PLACEHOLDER = 200
"""A claimant of more providers than these in a year is a number that stands for many."""
PROVIDERS_AT_ONCE = 64
WORKER_BITS, EMPLOYER_BITS = 28, 26
Columns = dict[str, Column]


@dataclass(frozen=True, slots=True)
class ClaimTies:
    """The distinct (provider, employer, claimant) of a year's claims; employer -1 where none is named."""

    provider: Column
    employer: Column
    worker: Column


def visits_of(store: Store, day: int) -> Iterator[ClaimTies]:
    """Yield who of which employer went to which provider in the YEAR days up to a day, as known by it."""
    names = ("enterprise", "worker", "filed_on", "known", "sign", "provider")
    for low in range(0, store.dictionary("provider").size, PROVIDERS_AT_ONCE):
        rows = store.rows(
            "claims", by="provider", low=low, high=low + PROVIDERS_AT_ONCE, columns=names
        )
        there = rows["worker"] != NULL
        rows = {name: column[there] for name, column in rows.items()}
        keep = (
            live_rows(rows, day, "worker")
            & (rows["filed_on"] <= day)
            & (rows["filed_on"] > day - YEAR)
        )
        employer = np.maximum(rows["enterprise"][keep], -1) + 1
        packed = distinct_values(
            ((rows["provider"][keep] - low) << EMPLOYER_BITS | employer) << WORKER_BITS
            | rows["worker"][keep]
        )
        pair, worker = packed >> WORKER_BITS, packed % (1 << WORKER_BITS)
        yield ClaimTies((pair >> EMPLOYER_BITS) + low, pair % (1 << EMPLOYER_BITS) - 1, worker)


def distinct_values(packed: Column) -> Column:
    """Return sorted distinct values; what it is given is overwritten."""
    packed.sort()
    kept: Column = packed[np.append(np.ones(min(1, len(packed)), np.bool_), np.diff(packed) != 0)]
    return kept


def counted(packed: Column) -> tuple[Column, Column]:
    """Return sorted distinct values and how often each stands in a sorted column."""
    first = np.flatnonzero(np.append(np.ones(min(1, len(packed)), np.bool_), np.diff(packed) != 0))
    return packed[first], np.diff(np.append(first, len(packed)))


def rings(store: Store, day: int) -> dict[str, Columns]:
    """Return by `provider`, `pair` (provider, enterprise) and `cover` (enterprise) what a year's claims say of rings."""
    pairs, own, covered = [], [], []
    for visits in visits_of(store, day):
        named = visits.employer >= 0
        pairs.append(visits.provider[named] << EMPLOYER_BITS | visits.employer[named])
        own.append(distinct_values(visits.provider << WORKER_BITS | visits.worker))
        covered.append(visits.employer[named] << WORKER_BITS | visits.worker[named])
    empty = np.empty(0, np.int64)
    pair, claimants = counted(np.concatenate([empty, *pairs]))
    employer, employed = counted(distinct_values(np.concatenate([empty, *covered])) >> WORKER_BITS)
    visited = np.concatenate([empty, *own])
    found = {
        "provider": pair >> EMPLOYER_BITS,
        "enterprise": pair % (1 << EMPLOYER_BITS),
        "pair_claimants": claimants,
    }
    cover = {"enterprise": employer, "employer_claimants": employed}
    return {"pair": found, "cover": cover, "provider": provider_rings(found, cover, visited)}


def provider_rings(pairs: Columns, cover: Columns, visited: Column) -> Columns:
    """Return for each provider with claimants its largest ring, its concentration of employers, and whom it shares."""
    code, claimants = counted(visited >> WORKER_BITS)
    own = np.searchsorted(code, pairs["provider"])
    together = pairs["pair_claimants"]
    employed = cover["employer_claimants"][
        np.searchsorted(cover["enterprise"], pairs["enterprise"])
    ]
    ring = np.flatnonzero(together >= RING)
    order = ring[np.lexsort((together[ring], together[ring] ** 2 / employed[ring], own[ring]))]
    best = order[np.append(np.diff(own[order]) > 0, np.ones(min(1, len(order)), np.bool_))]
    found = {
        "provider": code,
        "provider_claimants": claimants,
        "covered_claimants": sums_by_place(own, together, len(code)),
        "covered_squares": sums_by_place(own, together * together, len(code)),
        "shared_claimants": most_shared(
            np.searchsorted(code, visited >> WORKER_BITS), visited % (1 << WORKER_BITS)
        ),
    }
    for name, values in (("ring_claimants", together), ("ring_employed", employed)):
        found[name] = np.zeros(len(code), np.int64)
        found[name][own[best]] = values[best]
    return found


def most_shared(provider: Column, worker: Column) -> Column:
    """Return for each provider 0 .. n - 1 how many claimants it shares with the other of which it shares most."""
    often = np.bincount(worker, minlength=1)[worker]
    keep = (often > 1) & (often <= PLACEHOLDER)
    size = int(provider.max(initial=-1)) + 1
    rows, columns = provider[keep], np.unique(worker[keep], return_inverse=True)[1]
    goes = coo_matrix(
        (np.ones(len(rows), np.int64), (rows, columns)), (size, int(columns.max(initial=-1)) + 1)
    ).tocsr()
    both = (goes @ goes.T).tocoo()
    apart = both.row != both.col
    most = np.zeros(size, np.int64)
    np.maximum.at(most, both.row[apart], both.data[apart])
    return most
