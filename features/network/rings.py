"""Rings of claimants: who of one employer goes to one provider, and which claimants two providers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix

from features.arrays import NULL, Column
from features.catalogue.parameters import network_parameters
from features.network.signed_rows import begins_runs, ends_runs, live_rows, sums_by_place
from features.store.store import Store

YEAR = 365
"""Days back from the day within which a claim counts, by the day on which it was filed: the year that stored.txt states."""
PROVIDERS_AT_ONCE = 64
"""Providers whose claims are in memory together; their number takes the first bits of a packed integer."""
WORKER_BITS, EMPLOYER_BITS = 28, 26
"""Provider, employer and claimant are packed into one int64, so that sorting it sorts all three."""
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
        high = low + PROVIDERS_AT_ONCE
        rows = store.rows("claims", by="provider", low=low, high=high, columns=names)
        has_worker = rows["worker"] != NULL
        rows = {name: column[has_worker] for name, column in rows.items()}
        live = live_rows(rows, day, "worker")
        of_the_year = (rows["filed_on"] <= day) & (rows["filed_on"] > day - YEAR)
        keep = live & of_the_year
        # 0 stands for no employer, since a part of a packed integer must not be negative.
        employer = np.maximum(rows["enterprise"][keep], -1) + 1
        provider = rows["provider"][keep] - low
        pair = provider << EMPLOYER_BITS | employer
        packed = distinct_values(pair << WORKER_BITS | rows["worker"][keep])
        pair = packed >> WORKER_BITS
        yield ClaimTies(
            provider=(pair >> EMPLOYER_BITS) + low,
            employer=pair % (1 << EMPLOYER_BITS) - 1,
            worker=packed % (1 << WORKER_BITS),
        )


def distinct_values(packed: Column) -> Column:
    """Return sorted distinct values; what it is given is overwritten."""
    # Sorted in place, since a second copy of a year's claims would double the memory.
    packed.sort()
    distinct: Column = packed[begins_runs(packed)]
    return distinct


def counted(packed: Column) -> tuple[Column, Column]:
    """Return sorted distinct values and how often each stands in a sorted column."""
    first = np.flatnonzero(begins_runs(packed))
    sizes = np.diff(np.append(first, len(packed)))
    return packed[first], sizes


def rings(store: Store, day: int) -> dict[str, Columns]:
    """Return by `provider`, `pair` (provider, enterprise) and `cover` (enterprise) what a year's claims say of rings."""
    # Empty columns first, so that a store without providers has rings, too: none.
    empty = np.empty(0, np.int64)
    pairs = [empty]
    workers_of_providers = [empty]
    workers_of_employers = [empty]
    for visits in visits_of(store, day):
        has_employer = visits.employer >= 0
        provider = visits.provider[has_employer]
        employer = visits.employer[has_employer]
        worker = visits.worker[has_employer]
        visitors = visits.provider << WORKER_BITS | visits.worker
        pairs.append(provider << EMPLOYER_BITS | employer)
        workers_of_providers.append(distinct_values(visitors))
        workers_of_employers.append(employer << WORKER_BITS | worker)
    pair, claimants = counted(np.concatenate(pairs))
    covered = distinct_values(np.concatenate(workers_of_employers))
    employers, employed = counted(covered >> WORKER_BITS)
    by_pair = {
        "provider": pair >> EMPLOYER_BITS,
        "enterprise": pair % (1 << EMPLOYER_BITS),
        "pair_claimants": claimants,
    }
    cover = {"enterprise": employers, "employer_claimants": employed}
    by_provider = provider_rings(by_pair, cover, np.concatenate(workers_of_providers))
    return {"pair": by_pair, "cover": cover, "provider": by_provider}


def provider_rings(pairs: Columns, cover: Columns, visited: Column) -> Columns:
    """Return for each provider with claimants its largest ring, its concentration of employers, and whom it shares."""
    providers = visited >> WORKER_BITS
    code, claimants = counted(providers)
    place = np.searchsorted(code, pairs["provider"])
    together = pairs["pair_claimants"]
    place_of_employer = np.searchsorted(cover["enterprise"], pairs["enterprise"])
    employed = cover["employer_claimants"][place_of_employer]
    ring = np.flatnonzero(together >= network_parameters().ring_claimants)
    # The largest ring of each provider comes last: by claimants times their share of the employer's.
    weight_of_ring = together[ring] ** 2 / employed[ring]
    order = ring[np.lexsort((together[ring], weight_of_ring, place[ring]))]
    best = order[ends_runs(place[order])]
    place_of_visit = np.searchsorted(code, providers)
    workers = visited % (1 << WORKER_BITS)
    values = {
        "provider": code,
        "provider_claimants": claimants,
        "covered_claimants": sums_by_place(place, together, len(code)),
        "covered_squares": sums_by_place(place, together * together, len(code)),
        "shared_claimants": most_shared(place_of_visit, workers),
    }
    for name, of_pairs in (("ring_claimants", together), ("ring_employed", employed)):
        of_providers = np.zeros(len(code), np.int64)
        of_providers[place[best]] = of_pairs[best]
        values[name] = of_providers
    return values


def most_shared(provider: Column, worker: Column) -> Column:
    """Return for each provider 0 .. n - 1 how many claimants it shares with the other of which it shares most."""
    often = np.bincount(worker, minlength=1)[worker]
    keep = (often > 1) & (often <= network_parameters().most_providers)
    rows = provider[keep]
    _, columns = np.unique(worker[keep], return_inverse=True)
    size = int(provider.max(initial=-1)) + 1
    width = int(columns.max(initial=-1)) + 1
    ones = np.ones(len(rows), np.int64)
    goes = coo_matrix((ones, (rows, columns)), (size, width)).tocsr()
    # The product counts for each two providers the claimants who go to both.
    both = (goes @ goes.T).tocoo()
    apart = both.row != both.col
    most = np.zeros(size, np.int64)
    np.maximum.at(most, both.row[apart], both.data[apart])
    return most
