"""Phoenix firms: staff of a closed or found enterprise that moved together to a newer one."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from features.arrays import NULL, Column
from features.network.moves import AROUND, Moves
from features.network.register import EnterpriseRegister

NEWER = 365
TOGETHER = 2


def exit_days(closed: Column, found: Column) -> Column:
    """Return the day from which an enterprise may be left for another: of its closing, else of its latest finding."""
    return np.where(closed != NULL, closed, found)


def phoenix(
    moves: Moves, register: EnterpriseRegister, exits: Column, *, staff: Column, links: csr_matrix
) -> dict[str, Column]:
    """Return for each enterprise what it took over from the one of which it most looks the successor; 0 where none.

    `phoenix_moved` of its `phoenix_base` staff moved within AROUND days of its exit, `phoenix_links` kinds of keys are shared.
    """
    size = len(register)
    out = exits[moves.source]
    near = np.flatnonzero((out != NULL) & (np.abs(moves.began - out) <= AROUND))
    source, target = moves.source[near].astype(np.int64), moves.target[near].astype(np.int64)
    born, old = register.registered[target], register.registered[source]
    newer = (born > old) & (born >= out[near] - NEWER)
    pairs, moved = np.unique(source[newer] * size + target[newer], return_counts=True)
    pairs, moved = pairs[moved >= TOGETHER], moved[moved >= TOGETHER]
    elder, heir = pairs // max(size, 1), pairs % max(size, 1)
    shared = np.asarray(links[elder, heir]).reshape(-1).astype(np.int64) if len(pairs) else pairs
    score = moved * (1 + shared) / np.maximum(staff[elder], 1)
    order = np.lexsort((exits[elder], shared, moved, score, heir))
    best = order[np.append(np.diff(heir[order]) > 0, np.ones(min(1, len(order)), np.bool_))]
    found = {}
    for name, values in (("moved", moved), ("base", staff[elder]), ("links", shared)):
        found[f"phoenix_{name}"] = np.zeros(size, np.int64)
        found[f"phoenix_{name}"][heir[best]] = values[best]
    return found
