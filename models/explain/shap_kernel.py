"""The kernel: exact SHAP values of a forest by Gauss-Legendre quadrature.

For a leaf of value v whose path splits on the features g, each with the row's own agreement h_g (0 or 1) and the share
r_g of training cases that agree, the contribution of f is v (h_f - r_f) times the integral over t in [0, 1] of the
product over the other g of (t h_g + (1 - t) r_g): a polynomial, hence exact with as many points as `Forest` says.
Products run down the path and sums over leaves run up; since h is 0 or 1, all factors stand in the forest's tables.
Rows go side by side in lanes, or one by one where they are few: the same operations in the same order, so the same bits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from features.compiled import compiled
from models.bundle.forest import Floats, Forest
from models.bundle.tree import DOWN, LEAF, UP
from models.explain.lanes import (
    LANES,
    by_mask,
    everywhere,
    everywhere_at,
    lanes_at,
    mask_at,
    put_lanes,
)

# Rows whose splits are decided together, a choice: a tree's tables are read from memory once for so many.
BLOCK = 256
# Up to this many rows are walked one by one. Measured on 500 trees of 63 leaves, cpu ms a row: one row takes 3.6 alone and
# 4.5 in lanes of which the others hold no row, two take 3.3 each one by one and 2.2 together.
NARROW = 1
# LightGBM takes a number this near to zero for zero.
ZERO = 1e-35
# Bits of LightGBM's decision type, and one kind of missing value that it holds two bits further up: 0 is none, 2 a gap.
CATEGORICAL, DEFAULT_LEFT = 1, 2
ZERO_MISSING = 1


def contributions(forest: Forest, inputs: Floats, threads: int = 1) -> Floats:
    """Return SHAP values of the raw score, float64 (n, F); the bytes depend neither on the batch nor on the threads."""
    values = np.empty(inputs.shape)
    blocks = [slice(first, first + BLOCK) for first in range(0, len(inputs), BLOCK)]

    def explain_block(block: slice) -> None:
        rows = inputs[block]
        by_feature = _by_feature(rows)
        shares = np.zeros(by_feature.shape)
        _explained(forest, by_feature, shares)
        values[block] = shares[:, : len(rows)].T

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            explain_block(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            # going through the results raises what a thread raised
            list(pool.map(explain_block, blocks))
    return values


def _by_feature(rows: Floats) -> Floats:
    """Return rows (n, F) turned round, so that one feature's values lie side by side; lanes without a row hold zeros."""
    width = len(rows)
    if width > NARROW:
        width = -(-width // LANES) * LANES
    by_feature = np.zeros((rows.shape[1], width))
    by_feature[:, : len(rows)] = rows.T
    return by_feature


# Compiled, because it walks every tree for every row; one call for a block, so that threads run it side by side.
@compiled()
def _explained(forest: Forest, by_feature: Floats, shares: Floats) -> None:
    """Add the contributions of the rows of `by_feature` (F, L) to `shares` (F, L)."""
    rows = by_feature.shape[1]
    slots = forest.depth + 1
    most_points = forest.rule.shape[1]
    lanes = 1 if rows <= NARROW else LANES
    # The room of one tree's walk, used again by the next: the walk writes each place before it reads it. Slot 0 stands
    # above the root: every row agrees there, and its product is the rule's weights.
    left = np.empty((forest.width, rows), np.uint8)
    product = np.empty(slots * most_points * lanes)
    total = np.empty(slots * most_points * lanes)
    # a bit for each lane of a row's agreement with its feature's splits
    agrees = np.full(slots, 0xFFFF, np.uint16)
    room = (agrees, product, total)
    for tree in range(len(forest.points)):
        points = np.int64(forest.points[tree])
        span = (forest.step_start[tree], forest.step_start[tree + 1], points)
        splits = (forest.node_start[tree], forest.node_start[tree + 1])
        tables = (forest.factor, forest.weight, forest.rule[points])
        decide(forest.nodes, splits[0], splits[1], by_feature, left)
        if rows <= NARROW:
            for row in range(rows):
                _narrow(forest.steps, (*span, left[:, row]), tables, room, shares[:, row])
        else:
            _wide(forest.steps, (*span, left), tables, room, shares)


# Compiled, because it goes through all rows of a block.
@njit(nogil=True, error_model="numpy")
def _wide(steps, tree, tables, room, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with all rows, LANES at a time."""
    begin, end, points, left = tree
    factors, weights, rule = tables
    agrees, product, total = room
    nodes, rows = left.shape
    for q in range(points):
        put_lanes(product, q * LANES, everywhere(rule[q]))
    of_a_slot = len(product) // len(agrees)
    goes_left = np.empty(nodes, np.uint16)
    lane_room = (goes_left, agrees, product, total, of_a_slot)
    flat_left = left.reshape(-1)
    flat_shares = shares.reshape(-1)
    for lane in range(0, rows, LANES):
        for node in range(nodes):
            goes_left[node] = mask_at(flat_left, node * rows + lane)
        span = (begin, end, points, rows, lane)
        _walk_lanes(steps, span, (factors, weights), lane_room, flat_shares)


# Compiled, because it takes every step of a tree for every row.
@njit(nogil=True, error_model="numpy")
def _walk_lanes(steps, span, tables, lane_room, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with LANES rows, whose shares of a feature begin at `lane` and lie `rows` behind those of the former."""
    goes_left, agrees, product, total, of_a_slot = lane_room
    factors, weights = tables
    begin, end, points, rows, lane = span
    for step in range(begin, end):
        do = steps.do[step]
        slot = np.int64(steps.slot[step])
        agreed = agrees[steps.before[step]]
        if do != UP:
            agrees[slot] = agreed & _on_side(goes_left[steps.node[step]], steps.side[step])
        masks = (agrees[slot], agreed)
        edge = (np.int64(steps.start[step]), points)
        at = slot * of_a_slot
        above = at - of_a_slot
        if do == DOWN:
            for q in range(points):
                numbers = lanes_at(product, above + q * LANES)
                put_lanes(product, at + q * LANES, numbers * _factor(factors, edge, q, masks))
            continue
        place = np.int64(steps.feature[step]) * rows + lane
        share = lanes_at(shares, place)
        is_first = steps.first[step] == 1
        for q in range(points):
            point_above = above + q * LANES
            if do == LEAF:
                below = lanes_at(product, point_above) * _factor(factors, edge, q, masks)
            else:
                below = lanes_at(total, at + q * LANES)
            # a row that ceased before has no share in this edge
            share = by_mask(agreed, share + below * _weight(weights, edge, q, masks), share)
            # the first child starts its parent's sum: what another path left there is written over
            if not is_first:
                below = lanes_at(total, point_above) + below
            put_lanes(total, point_above, below)
        put_lanes(shares, place, share)


# Compiled, because it is called at every step down.
@njit(nogil=True, error_model="numpy")
def _on_side(goes_left, side):  # type: ignore[no-untyped-def]
    """Return a mask of the rows that go to a side of a split."""
    return goes_left if side == 1 else ~goes_left


# Compiled, because it is called for every row, step and point.
@njit(nogil=True, error_model="numpy")
def _factor(factors, edge, q, masks):  # type: ignore[no-untyped-def]
    """Return an edge's factors at a point: of rows that agree with its feature's splits, just ceased to, or ceased before."""
    # the numbers of one state stand side by side, `points` of them
    start, points = edge
    agrees, agreed = masks
    warm = everywhere_at(factors, start + q)
    cool = everywhere_at(factors, start + points + q)
    cold = everywhere_at(factors, start + 2 * points + q)
    return by_mask(agrees, warm, by_mask(agreed, cool, cold))


# Compiled, because it is called for every row, step and point.
@njit(nogil=True, error_model="numpy")
def _weight(weights, edge, q, masks):  # type: ignore[no-untyped-def]
    """Return an edge's weights at a point, of rows that agreed before it."""
    start, points = edge
    agrees, _ = masks
    gain = everywhere_at(weights, start + q)
    loss = everywhere_at(weights, start + points + q)
    return by_mask(agrees, gain, loss)


# Compiled apart from `_walk_lanes`, because for a few rows lanes cost more than they save.
@njit(nogil=True, error_model="numpy")
def _narrow(steps, tree, tables, room, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with one row: the operations of `_walk_lanes` in the same order, so the same bits."""
    begin, end, points, left = tree
    factors, weights, rule = tables
    agrees, product, total = room
    of_a_slot = len(product) // len(agrees)
    product[:points] = rule[:points]
    for step in range(begin, end):
        do = steps.do[step]
        slot = np.int64(steps.slot[step])
        agreed = agrees[steps.before[step]]
        if do != UP:
            goes_this_way = left[steps.node[step]] == steps.side[step]
            agrees[slot] = agreed if goes_this_way else 0
        ceased = 1 if agreed else 2
        state = 0 if agrees[slot] else ceased
        start = steps.start[step] + points * state
        at = slot * of_a_slot
        above = at - of_a_slot
        if do == DOWN:
            for q in range(points):
                product[at + q] = product[above + q] * factors[start + q]
            continue
        feature = steps.feature[step]
        share = shares[feature]
        is_first = steps.first[step] == 1
        for q in range(points):
            below = total[at + q]
            if do == LEAF:
                below = product[above + q] * factors[start + q]
            share += below * weights[start + q]
            earlier = 0.0 if is_first else total[above + q]
            total[above + q] = below + earlier
        shares[feature] = share


# Compiled, because it meets every row at every split; once for a tree, so that the walk only reads the answers.
@njit(nogil=True, error_model="numpy")
def decide(nodes, begin, end, by_feature, left):  # type: ignore[no-untyped-def]
    """Write 1 where a row goes left at a split, 0 where right, as LightGBM decides."""
    for node in range(begin, end):
        values = by_feature[nodes.feature[node]]
        goes_left = left[node - begin]
        kind = nodes.kind[node]
        if kind & CATEGORICAL:
            _decide_category(nodes, node, values, goes_left)
            continue
        missing = (kind >> 2) & 3
        default = kind & DEFAULT_LEFT != 0
        threshold = nodes.threshold[node]
        # unless gaps are what is missing or zero is, a gap counts as zero
        gap_goes_left = default if missing else threshold >= 0
        # a comparison with a gap is false; loops of one comparison each become vector instructions
        if gap_goes_left:
            for row in range(len(values)):
                goes_left[row] = not values[row] > threshold
        else:
            for row in range(len(values)):
                goes_left[row] = values[row] <= threshold
        if missing == ZERO_MISSING:
            for row in range(len(values)):
                is_zero = abs(values[row]) <= ZERO
                goes_left[row] = default if is_zero else goes_left[row]


# Compiled, because `decide` calls it; the bits of a category are read without a table of all codes.
@njit(nogil=True, error_model="numpy")
def _decide_category(nodes, node, values, goes_left):  # type: ignore[no-untyped-def]
    """The same for a split on a category: left if the code's bit is set; missing, negative and unseen go right."""
    low = nodes.low[node]
    codes = 32.0 * (nodes.high[node] - low)
    for row in range(len(values)):
        value = values[row]
        goes_left[row] = 0
        # the code is cut to a whole number only here: a fraction below zero still is code 0, as LightGBM reads it
        if value > -1.0 and value < codes:
            code = np.int64(value)
            # 32 codes a word: the word of the code, then its bit
            word = nodes.words[low + (code >> 5)]
            bit = np.uint32(code & 31)
            goes_left[row] = (word >> bit) & 1
