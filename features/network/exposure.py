"""Exposure to enterprises with findings: through moves and links directly, and by personalised PageRank."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from features.arrays import NULL, Column, Mask, Values
from features.catalogue.parameters import network_parameters
from features.network.moves import Moves
from features.network.register import EnterpriseRegister
from features.network.signed_rows import full_weight, sums_by_place, weight
from features.store.store import Store

ROUNDS = 20
"""Rounds after which a walk ends: a fixed number, so that the same graph gives the same bits; that it is 20 is a choice."""
YEAR = 365
"""Days back from the day within which movers are counted, as the names of the values state (`movers_in_365d`)."""


def found_days(store: Store, register: EnterpriseRegister, day: int) -> tuple[Column, Column]:
    """Return for each enterprise the day of its latest finding of violation 1, and of any; NULL where there is none."""
    rows = store.live("found", day, ("enterprise", "violation", "closed_on"))
    enterprise = rows["enterprise"]
    closed_on = rows["closed_on"]
    keep = (enterprise != NULL) & (closed_on != NULL) & (closed_on <= day)
    keep[keep] = register.place[enterprise[keep]] >= 0
    place = register.place[enterprise[keep]]
    closed = closed_on[keep]
    is_first_kind = rows["violation"][keep] == 1
    latest_first_kind = np.full(len(register), NULL, np.int64)
    latest_any = np.full(len(register), NULL, np.int64)
    np.maximum.at(latest_first_kind, place[is_first_kind], closed[is_first_kind])
    np.maximum.at(latest_any, place, closed)
    return latest_first_kind, latest_any


def linked(links: csr_matrix, marked: Mask) -> Column:
    """Return with how many marked enterprises each shares a key."""
    one, other = links.nonzero()
    ones = marked[other].astype(np.int64)
    return sums_by_place(one, ones, len(marked))


def movers(moves: Moves, day: int, size: int) -> dict[str, Column]:
    """Return how many came and went in a year, and the decayed weight of all moves of each enterprise."""
    age = day - moves.began
    recent = (age < YEAR).astype(np.int64)
    weights = weight(age.astype(np.int64))
    weight_in = sums_by_place(moves.target, weights, size)
    weight_out = sums_by_place(moves.source, weights, size)
    return {
        "movers_in_365d": sums_by_place(moves.target, recent, size),
        "movers_out_365d": sums_by_place(moves.source, recent, size),
        "move_weight": weight_in + weight_out,
    }


def exposure_of(moves: Moves, marked: Mask, day: int) -> tuple[Column, Column]:
    """Return the decayed weight of moves from and to marked enterprises, and how many came from one in a year."""
    size = len(marked)
    age = day - moves.began
    weights = weight(age.astype(np.int64))
    from_marked = marked[moves.source]
    to_marked = marked[moves.target]
    weight_in = sums_by_place(moves.target, weights * from_marked, size)
    weight_out = sums_by_place(moves.source, weights * to_marked, size)
    came = (from_marked & (age < YEAR)).astype(np.int64)
    return weight_in + weight_out, sums_by_place(moves.target, came, size)


def ties(moves: Moves, links: csr_matrix, day: int) -> csr_matrix:
    """Return the symmetric weights between enterprises, float64 (n, n): moves both ways, and shared keys."""
    age = (day - moves.began).astype(np.int64)
    weights = weight(age).astype(np.float64)
    edges = (moves.source, moves.target)
    flow = coo_matrix((weights, edges), links.shape).tocsr()
    weight_of_a_link = float(network_parameters().link_moves * full_weight())
    return flow + flow.T + links * weight_of_a_link


def ranks(weights: csr_matrix, starts: Values) -> Values:
    """Return what a walk from each of k sets of starts brings to each enterprise, (n, k): personalised PageRank times n.

    An enterprise's own start is not counted, a start without ties is none. Sums run over sorted edges in ROUNDS rounds,
    so the same graph gives the same bits.
    """
    goes_on = network_parameters().walk_share
    degree = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
    tied = np.where(degree > 0, starts, 0.0)
    total = tied.sum(axis=0)
    share_of_starts = np.divide(tied, total, out=np.zeros_like(tied), where=total > 0)
    begin = share_of_starts * (1 - goes_on)
    share = np.divide(goes_on, degree, out=np.zeros_like(degree), where=degree > 0)
    rank = begin
    for _ in range(ROUNDS):
        rank = weights @ (rank * share) + begin
    brought: Values = (rank - begin) * len(starts)
    return brought


def starts_of(days: Column, day: int) -> Values:
    """Return the decayed weight of each enterprise's latest finding, 0 where there is none."""
    none = days == NULL
    age = np.where(none, 0, day - days)
    weights = np.where(none, 0, weight(age))
    return weights.astype(np.float64)
