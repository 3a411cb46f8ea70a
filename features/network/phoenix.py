"""Phoenix firms: staff of a closed or found enterprise that moved together to a newer one."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from features.arrays import NULL, Column
from features.catalogue.parameters import network_parameters
from features.network.moves import Moves
from features.network.register import EnterpriseRegister
from features.network.signed_rows import ends_runs


def exit_days(closed: Column, found: Column) -> Column:
    """Return the day from which an enterprise may be left for another: of its closing, else of its latest finding."""
    return np.where(closed != NULL, closed, found)


def phoenix(
    moves: Moves, register: EnterpriseRegister, exits: Column, *, staff: Column, links: csr_matrix
) -> dict[str, Column]:
    """Return for each enterprise what it took over from the one of which it most looks the successor; 0 where none.

    `phoenix_moved` of its `phoenix_base` staff moved within `exit_span` days of its exit; `phoenix_links` kinds of keys are
    shared.
    """
    elder, heir, moved = _moved_together(moves, register, exits)
    base = staff[elder]
    shared = _links_between(links, elder, heir)
    score = moved * (1 + shared) / np.maximum(base, 1)
    # The best pair of each heir comes last: by score, then staff moved, keys shared, and the latest exit.
    order = np.lexsort((exits[elder], shared, moved, score, heir))
    best = order[ends_runs(heir[order])]
    values: dict[str, Column] = {}
    for name, of_pairs in (("moved", moved), ("base", base), ("links", shared)):
        of_heirs = np.zeros(len(register), np.int64)
        of_heirs[heir[best]] = of_pairs[best]
        values[f"phoenix_{name}"] = of_heirs
    return values


def _moved_together(
    moves: Moves, register: EnterpriseRegister, exits: Column
) -> tuple[Column, Column, Column]:
    """Return each enterprise left and the newer one begun at, with how many moved around the exit."""
    declared = network_parameters()
    exit_day = exits[moves.source]
    has_exit = exit_day != NULL
    near = np.flatnonzero(has_exit & (np.abs(moves.began - exit_day) <= declared.exit_span))
    source = moves.source[near].astype(np.int64)
    target = moves.target[near].astype(np.int64)
    registered = register.registered[target]
    newer = registered > register.registered[source]
    newer &= registered >= exit_day[near] - declared.heir_lead
    # An empty register has no pairs; its size only must not be a divisor of 0.
    size = max(len(register), 1)
    pair_of_move = source[newer] * size + target[newer]
    pairs, moved = np.unique(pair_of_move, return_counts=True)
    together = moved >= declared.moved_together
    pairs = pairs[together]
    return pairs // size, pairs % size, moved[together]


def _links_between(links: csr_matrix, elder: Column, heir: Column) -> Column:
    """Return how many kinds of keys the two enterprises of each pair share."""
    if not len(elder):
        return elder
    shared = np.asarray(links[elder, heir])
    return shared.reshape(-1).astype(np.int64)
