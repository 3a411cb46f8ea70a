"""Peer tables: for every pattern that a row can have on a leaf's path, its contributions against all peers at once.

A peer with the bits z_g, a row with the bits h_g and a leaf of value v give the feature f the contribution
v (h_f - z_f) times the integral over t in [0, 1] of the product over the other g of (t h_g + (1 - t) z_g). Summed over the
peers it is a transform of how many peers have each pattern, a factor of two by two for each feature: with it a table of 2^d
rows takes d 2^d steps a quadrature point, however many peers there are.
"""

from __future__ import annotations

from numba import njit

from features.compiled import compiled
from models.bundle.tree import LEAF, UP
from models.explain.path_patterns import (
    BIT,
    DEEP,
    DO,
    FEATURES,
    KEY_BIT,
    KIND,
    NONE,
    PAIR,
    SLOT,
    START,
    WIDTH,
    write_patterns,
)


# Compiled, because it walks every tree with all peers.
@compiled()
def write_peer_tables(program, values, rule, rooms, table):  # type: ignore[no-untyped-def]
    """Write the tables of one tree, and the patterns of the peers on its deep leaves.

    `program` and `values` are of the tree's steps, `rule` the places and the weights of the quadrature. Of the rooms, `left`
    (splits, B) says which peers go left, `patterns` (slots, B) and `deep` (leaves, B) take theirs, `work` (2, 2^d) one leaf's
    numbers and `shares` (2, d, 2^d) the contributions of a leaf and its sibling.
    """
    left, patterns, deep_patterns, work, shares = rooms
    deep = 0
    for place in range(len(program)):
        step = program[place]
        if step[DO] == UP:
            continue
        write_patterns(step, left, patterns)
        at_leaf = patterns[step[SLOT]]
        if step[KIND] == DEEP:
            deep_patterns[deep] = at_leaf
            deep += 1
        elif step[DO] == LEAF:
            # the second leaf of a pair looks up nothing: its table is that of the first, the step before
            is_second = step[KIND] == NONE
            of_leaf = shares[1 if is_second else 0, : step[FEATURES], : 1 << step[FEATURES]]
            scale = values[place] / len(at_leaf)
            _write_leaf(at_leaf, scale, rule, work, of_leaf)
            if step[KIND] != PAIR:
                first = program[place - 1] if is_second else step
                _lay(first, shares, table)


# Compiled, because it counts every peer at every leaf.
@njit(nogil=True, error_model="numpy")
def _write_leaf(patterns, scale, rule, work, shares):  # type: ignore[no-untyped-def]
    """Write the contributions (d, 2^d) of one leaf by feature and pattern."""
    features, size = shares.shape
    counts = work[0, :size]
    products = work[1, :size]
    counts[:] = 0.0
    for pattern in patterns:
        counts[pattern] += 1.0
    shares[:] = 0.0
    # exact for the polynomials of so many features
    points = (features + 1) // 2
    for q in range(points):
        t = rule[0, points, q]
        weight = rule[1, points, q] * scale
        for pattern in range(size):
            products[pattern] = counts[pattern] * weight
        for feature in range(features):
            _meet(products, 1 << feature, t)
        for feature in range(features):
            _add_point(products, 1 << feature, t, shares[feature])


# Compiled, because it goes through every pattern of a leaf, for each feature and point.
@njit(nogil=True, error_model="numpy")
def _meet(products, of_feature, t):  # type: ignore[no-untyped-def]
    """Turn the peers' bit of one feature into the row's: t and 1 - t where one of both has it, 1 where both have."""
    for begin in range(0, len(products), 2 * of_feature):
        for without in range(begin, begin + of_feature):
            peers_without = products[without]
            peers_with = products[without + of_feature]
            products[without] = (1 - t) * peers_with
            products[without + of_feature] = t * peers_without + peers_with


# Compiled, because it goes through every pattern of a leaf, for each feature and point.
@njit(nogil=True, error_model="numpy")
def _add_point(products, of_feature, t, shares):  # type: ignore[no-untyped-def]
    """Add one point's part of a feature's contributions: its own factor is taken out of the product."""
    by_rest = 1 / (1 - t)
    by_t = 1 / t
    for begin in range(0, len(products), 2 * of_feature):
        for without in range(begin, begin + of_feature):
            peers_with = products[without] * by_rest
            shares[without] -= peers_with
            shares[without + of_feature] += (products[without + of_feature] - peers_with) * by_t


# Compiled, because it writes every number of a table.
@njit(nogil=True, error_model="numpy")
def _lay(step, shares, table):  # type: ignore[no-untyped-def]
    """Lay a leaf, or a pair, as a table: a row of contributions for each key, its features side by side."""
    features, width = step[FEATURES], step[WIDTH]
    all_bits = (1 << features) - 1
    of_feature = 1 << step[BIT]
    is_pair = step[KIND] == PAIR
    of_side = 1 << step[KEY_BIT] if is_pair else 0
    # a pair's row is at one of its leaves, as the key's side says, and has ceased to agree with the other
    for key in range((all_bits | of_side) + 1):
        pattern = key & all_bits
        ceased = pattern & ~of_feature
        agreeing = pattern | of_feature if of_side == of_feature else pattern
        goes_left = key & of_side
        at_first = agreeing if goes_left else ceased
        at_second = ceased if goes_left else agreeing
        row = step[START] + key * width
        for feature in range(width):
            share = 0.0
            if feature < features and is_pair:
                share = shares[0, feature, at_first] + shares[1, feature, at_second]
            elif feature < features:
                share = shares[0, feature, key]
            table[row + feature] = share
