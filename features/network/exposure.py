"""Exposure to enterprises with findings: through moves and links directly, and by personalised PageRank."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from features.arrays import NULL, Column, Mask, Values
from features.network.moves import Moves
from features.network.register import EnterpriseRegister
from features.network.signed_rows import WHOLE, sums_by_place, weight
from features.store.store import Store

DAMPING = 0.85
ROUNDS = 20
MOVES_OF_A_LINK = 5
YEAR = 365


def found_days(store: Store, register: EnterpriseRegister, day: int) -> tuple[Column, Column]:
    """Return for each enterprise the day of its latest finding of violation 1, and of any; NULL where there is none."""
    rows = store.live("found", day, ("enterprise", "violation", "closed_on"))
    keep = (rows["enterprise"] != NULL) & (rows["closed_on"] != NULL) & (rows["closed_on"] <= day)
    keep[keep] = register.place[rows["enterprise"][keep]] >= 0
    own, closed, first = (
        register.place[rows["enterprise"][keep]],
        rows["closed_on"][keep],
        rows["violation"][keep] == 1,
    )
    latest = [np.full(len(register), NULL, np.int64) for _ in range(2)]
    np.maximum.at(latest[0], own[first], closed[first])
    np.maximum.at(latest[1], own, closed)
    return latest[0], latest[1]


def linked(links: csr_matrix, marked: Mask) -> Column:
    """Return with how many marked enterprises each shares a key."""
    one, other = links.nonzero()
    return sums_by_place(one, marked[other].astype(np.int64), len(marked))


def movers(moves: Moves, day: int, size: int) -> dict[str, Column]:
    """Return how many came and went in a year, and the decayed weight of all moves of each enterprise."""
    recent, held = day - moves.began < YEAR, weight((day - moves.began).astype(np.int64))
    ones = recent.astype(np.int64)
    return {
        "movers_in_365d": sums_by_place(moves.target, ones, size),
        "movers_out_365d": sums_by_place(moves.source, ones, size),
        "move_weight": sums_by_place(moves.target, held, size)
        + sums_by_place(moves.source, held, size),
    }


def exposure_of(moves: Moves, marked: Mask, day: int) -> tuple[Column, Column]:
    """Return the decayed weight of moves from and to marked enterprises, and how many came from one in a year."""
    held, size = weight((day - moves.began).astype(np.int64)), len(marked)
    both = sums_by_place(moves.target, held * marked[moves.source], size) + sums_by_place(
        moves.source, held * marked[moves.target], size
    )
    came = marked[moves.source] & (day - moves.began < YEAR)
    return both, sums_by_place(moves.target, came.astype(np.int64), size)


def ties(moves: Moves, links: csr_matrix, day: int) -> csr_matrix:
    """Return the symmetric weights between enterprises, float64 (n, n): moves both ways, and shared keys."""
    held = weight((day - moves.began).astype(np.int64)).astype(np.float64)
    flow = coo_matrix((held, (moves.source, moves.target)), links.shape).tocsr()
    return flow + flow.T + links * float(MOVES_OF_A_LINK * WHOLE)


def ranks(weights: csr_matrix, starts: Values) -> Values:
    """Return what a walk from each of k sets of starts brings to each enterprise, (n, k): personalised PageRank times n.

    An enterprise's own start is not counted, a start without ties is none. Sums run over sorted edges in ROUNDS rounds,
    so the same graph gives the same bits.
    """
    degree = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
    tied = np.where(degree > 0, starts, 0.0)
    total = tied.sum(axis=0)
    begin = np.divide(tied, total, out=np.zeros_like(tied), where=total > 0) * (1 - DAMPING)
    share = np.divide(DAMPING, degree, out=np.zeros_like(degree), where=degree > 0)
    rank = begin
    for _ in range(ROUNDS):
        rank = weights @ (rank * share) + begin
    found: Values = (rank - begin) * len(starts)
    return found


def starts_of(days: Column, day: int) -> Values:
    """Return the decayed weight of each enterprise's latest finding, 0 where there is none."""
    age = np.where(days == NULL, 0, day - days)
    return np.where(days == NULL, 0, weight(age)).astype(np.float64)
