"""The peer kernel: exact interventional SHAP values of a forest's raw score, against the rows of chosen peers.

A row costs one look-up a leaf, or a pair of leaves, whatever the number of peers: `peer_tables` says what each pattern on
a leaf's path contributes against all of them.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numba import njit

from features.compiled import compiled
from models.bundle.forest import Floats, Forest
from models.bundle.tree import DOWN, UP
from models.explain.lanes import four_at, put_lanes
from models.explain.path_patterns import (
    BEFORE,
    BIT,
    DEEP,
    DO,
    FEATURE,
    FEATURES,
    KEY_BIT,
    KIND,
    LANE,
    MOST_TABLED,
    NODE,
    NONE,
    PAIR,
    SIDE,
    SLOT,
    START,
    WIDTH,
    lookups_of,
    write_patterns,
)
from models.explain.peer_tables import write_peer_tables
from models.explain.shap_kernel import decide

# Rows that are walked side by side, a choice: their sums and patterns fit a core's first cache.
ROWS = 128
# Numbers of a path's sums: a tabled path's features, filled up as a table's row is.
SUMS = (MOST_TABLED + LANE - 1) // LANE * LANE
# Patterns of so many features, with a bit of a pair's side, fit 32 bits, of which a vector holds twice as many as of 64.
FEATURES_OF_32_BITS = 30


def contributions_against(forest: Forest, inputs: Floats, peers: Floats) -> Floats:
    """Return SHAP values of the raw score against the rows of peers (B, F), float64 (n, F); B is at least 1.

    With the mean raw score of the peers they add up to the row's. The bytes do not depend on the batch.
    """
    lookups = lookups_of(forest)
    pattern = np.int32 if lookups.features <= FEATURES_OF_32_BITS else np.int64
    most = min(lookups.features, MOST_TABLED)
    peer_lanes = np.ascontiguousarray(peers.T)
    left = np.empty((forest.width, len(peers)), np.uint8)
    peer_patterns = np.zeros((forest.depth + 1, len(peers)), pattern)
    deep = np.empty((lookups.deep, len(peers)), pattern)
    rooms = (left, peer_patterns, deep, np.empty((2, 2**most)), np.empty((2, most, 2**most)))
    table = np.empty(lookups.room)
    rule = np.stack([lookups.places, forest.rule])
    weights = _weights(lookups.features)
    lanes = _lanes(inputs)
    shares = np.zeros(lanes.shape)
    for tree in range(len(forest.points)):
        span = slice(forest.step_start[tree], forest.step_start[tree + 1])
        splits = (forest.node_start[tree], forest.node_start[tree + 1])
        program, values = lookups.program[span], forest.value[span]
        decide(forest.nodes, *splits, peer_lanes, left)
        write_peer_tables(program, values, rule, rooms, table)  # type: ignore[no-untyped-call]
        steps = (program, values)
        looked_up = (table, deep, weights)
        _walk_blocks((forest.nodes, *splits), steps, looked_up, lanes, shares)  # type: ignore[no-untyped-call]
    by_row = shares.transpose(0, 2, 1).reshape(-1, inputs.shape[1])
    return np.ascontiguousarray(by_row[: len(inputs)])


def _lanes(inputs: Floats) -> Floats:
    """Return rows in blocks (k, F, ROWS), one feature's values side by side; the last block is filled up with zeros."""
    blocks = -(-len(inputs) // ROWS)
    filled = np.zeros((blocks * ROWS, inputs.shape[1]))
    filled[: len(inputs)] = inputs
    return np.ascontiguousarray(filled.reshape(blocks, ROWS, inputs.shape[1]).transpose(0, 2, 1))


def _weights(features: int) -> Floats:
    """Return what a peer that lacks a of a row's bits and has b others gives each of the a (a, b): the Shapley weight."""
    weights = np.zeros((features + 1, features + 1))
    for less in range(1, features + 1):
        for more in range(features + 1 - less):
            weights[less, more] = factorial(less - 1) * factorial(more) / factorial(less + more)
    return weights


# Compiled, because it walks a tree with every row; one call for all blocks, so that a tree's tables are used while cached.
@compiled()
def _walk_blocks(splits, steps, peers, lanes, shares):  # type: ignore[no-untyped-def]
    """Add the contributions of one tree to the shares of all blocks (k, F, ROWS)."""
    nodes, first_node, last_node = splits
    program, values = steps
    left = np.empty((last_node - first_node, ROWS), np.uint8)
    patterns = np.zeros((len(program) + 1, ROWS), peers[1].dtype)
    sums = np.zeros((ROWS, SUMS))
    path = np.zeros(len(program) + 1, np.int64)
    for block in range(len(lanes)):
        decide(nodes, first_node, last_node, lanes[block], left)
        _walk(program, values, peers, (left, patterns, sums, path), shares[block])


# Compiled, because it takes every step of a tree for every row.
@njit(nogil=True, error_model="numpy")
def _walk(program, values, peers, room, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with one block of rows."""
    table, deep_patterns, weights = peers
    left, patterns, sums, path = room
    deep = 0
    for place in range(len(program)):
        step = program[place]
        bit = step[BIT]
        is_new = step[BEFORE] == 0
        if is_new and step[DO] != UP:
            path[bit] = step[FEATURE]
        if step[KIND] == PAIR:
            _write_keys(step, left, patterns)
        elif step[DO] == DOWN or step[KIND] != NONE:
            write_patterns(step, left, patterns)
        if step[KIND] == DEEP:
            leaf = (
                deep_patterns[deep],
                values[place] / deep_patterns.shape[1],
                path[: step[FEATURES]],
            )
            _add_deep(patterns[step[SLOT]], leaf, weights, shares)
            deep += 1
        elif step[KIND] != NONE:
            _add_rows(step, patterns[step[SLOT]], table, sums)
        # the right child is the last under its parent: the sum of the parent's feature is complete
        if step[DO] != DOWN and step[SIDE] == 0 and is_new and bit < SUMS:
            _hand_over(sums, bit, shares[step[FEATURE]])


# Compiled, because it meets every row at every pair of leaves.
@njit(nogil=True, error_model="numpy")
def _write_keys(step, left, patterns):  # type: ignore[no-untyped-def]
    """Write the keys of a pair: the pattern of its parent, with the side that a row takes."""
    above = patterns[step[SLOT] - 1]
    keys = patterns[step[SLOT]]
    goes_left = left[step[NODE]]
    of_side = np.int64(1) << step[KEY_BIT]
    for row in range(len(keys)):
        keys[row] = above[row] | of_side if goes_left[row] else above[row]


# Compiled, because most of the time is spent here: one look-up a row for each table.
@njit(nogil=True, error_model="numpy")
def _add_rows(step, keys, table, sums):  # type: ignore[no-untyped-def]
    """Add to each row's sums the row of a table that its key names."""
    start, width = step[START], step[WIDTH]
    flat_sums = sums.reshape(-1)
    for row in range(len(keys)):
        begin = start + width * np.int64(keys[row])
        row_sums = row * SUMS
        for lane in range(0, width, LANE):
            place = row_sums + lane
            added = four_at(flat_sums, place) + four_at(table, begin + lane)
            put_lanes(flat_sums, place, added)


# Compiled, because it meets every row at every split.
@njit(nogil=True, error_model="numpy")
def _hand_over(sums, bit, shares):  # type: ignore[no-untyped-def]
    """Add a bit's sums to the shares of its feature and clear them for the next path."""
    place = np.uint64(bit)
    for row in range(len(shares)):
        shares[row] += sums[row, place]
        sums[row, place] = 0.0


# Compiled apart, because only leaves of very many features are compared peer by peer.
@njit(nogil=True, error_model="numpy")
def _add_deep(patterns, leaf, weights, shares):  # type: ignore[no-untyped-def]
    """Add what a leaf without a table contributes: a peer counts where on every feature the row or the peer agrees."""
    peers, scale, path = leaf
    everything = (np.int64(1) << len(path)) - 1
    for row in range(len(patterns)):
        pattern = np.int64(patterns[row])
        for place in range(len(peers)):
            peer = np.int64(peers[place])
            differing = pattern ^ peer
            if pattern | peer != everything or differing == 0:
                continue
            less = _bits_of(pattern & differing)
            more = _bits_of(peer & differing)
            gain = scale * weights[less, more]
            loss = scale * weights[more, less]
            for bit in range(len(path)):
                of_feature = np.int64(1) << bit
                if differing & of_feature:
                    share = gain if pattern & of_feature else -loss
                    shares[path[bit], row] += share


# Compiled, because `_add_deep` calls it for every peer.
@njit(nogil=True, error_model="numpy")
def _bits_of(number):  # type: ignore[no-untyped-def]
    """Return how many bits of a number are set."""
    bits = 0
    while number:
        number &= number - 1
        bits += 1
    return bits
