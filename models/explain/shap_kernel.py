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

# Rows explained side by side. Measured in rows a second: 32 lanes 3,500, 64 5,100, 128 6,800, 256 about 8,000.
LANES = 256
# Up to this many rows are walked one by one: so few do not pay for loops over lanes.
NARROW = 3
# LightGBM takes a number this near to zero for zero.
ZERO = 1e-35
# Bits of LightGBM's decision type, and the two kinds of missing value that it holds two bits further up.
CATEGORICAL, DEFAULT_LEFT = 1, 2
ZERO_MISSING, NAN_MISSING = 1, 2


def contributions(forest: Forest, inputs: Floats, threads: int = 1) -> Floats:
    """Return SHAP values of the raw score, float64 (n, F); the bytes depend neither on the batch nor on the threads."""
    values = np.empty(inputs.shape)
    blocks = [slice(first, first + LANES) for first in range(0, len(inputs), LANES)]

    def explain_block(block: slice) -> None:
        # one feature's values of all rows lie side by side, as the loops over rows read them
        lanes = np.ascontiguousarray(inputs[block].T)
        shares = np.zeros(lanes.shape)
        _explained(forest, lanes, shares)
        values[block] = shares.T

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            explain_block(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            # going through the results raises what a thread raised
            list(pool.map(explain_block, blocks))
    return values


# Compiled, because it walks every tree for every row; one call for a block, so that threads run it side by side.
@compiled()
def _explained(forest: Forest, lanes: Floats, shares: Floats) -> None:
    """Add the contributions of `lanes` (F, L) to `shares` (F, L)."""
    rows = lanes.shape[1]
    wide = rows > NARROW
    width = rows if wide else 1
    slots = forest.depth + 1
    most_points = forest.rule.shape[1]
    # The room of one tree's walk, used again by the next: the walk writes each place before it reads it. Slot 0 stands
    # above the root: every row agrees there, and its product is the rule's weights.
    left = np.empty((forest.width, rows))
    agrees = np.ones((slots, width))
    product = np.empty((slots, most_points, width))
    total = np.empty((slots, most_points, width))
    for tree in range(len(forest.points)):
        points = forest.points[tree]
        span = (forest.step_start[tree], forest.step_start[tree + 1], points)
        decide(forest.nodes, forest.node_start[tree], forest.node_start[tree + 1], lanes, left)
        for q in range(points):
            product[0, q] = forest.rule[points, q]
        if wide:
            arrays = (forest.factor, forest.weight, left, agrees, product, total)
            _wide(forest.steps, span, arrays, shares)
            continue
        for row in range(rows):
            row_arrays = (forest.factor, forest.weight, left[:, row], agrees, product, total)
            _narrow(forest.steps, span, row_arrays, shares[:, row])


# Compiled, because the walk below calls it for every row of every step.
@njit(nogil=True, error_model="numpy")
def _by_state(agrees, agreed, warm, cool, cold):  # type: ignore[no-untyped-def]
    """Return the number of a row's state: it agrees with its feature's splits, just ceased to, or ceased before."""
    if agrees > 0:
        return warm
    if agreed > 0:
        return cool
    return cold


@njit(nogil=True, error_model="numpy")
def _wide(steps, span, arrays, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with all rows side by side.

    The inner loops go over rows without a branch, so that they use vector instructions.
    """
    factors, weights, left, agrees, product, total = arrays
    begin, end, points = span
    rows = agrees.shape[1]
    for step in range(begin, end):
        do = steps.do[step]
        slot = steps.slot[step]
        above = slot - 1
        before = steps.before[step]
        start = steps.start[step]
        feature = steps.feature[step]
        if do != UP:
            node = steps.node[step]
            side = steps.side[step]
            for row in range(rows):
                agrees[slot, row] = agrees[before, row] if left[node, row] == side else 0.0
        # a split hands its product down, a leaf begins the sum that goes up
        reached = product if do == DOWN else total
        for q in range(points):
            # a point's numbers stand `points` apart, one for each state
            warm = factors[start + q]
            cool = factors[start + points + q]
            cold = factors[start + 2 * points + q]
            gain = weights[start + q]
            loss = weights[start + points + q]
            if do != UP:
                for row in range(rows):
                    factor = _by_state(agrees[slot, row], agrees[before, row], warm, cool, cold)
                    reached[slot, q, row] = product[above, q, row] * factor
            if do != DOWN:
                for row in range(rows):
                    weight = _by_state(agrees[slot, row], agrees[before, row], gain, loss, 0.0)
                    shares[feature, row] += total[slot, q, row] * weight
                # the first child starts its parent's sum: what another path left there is written over
                if steps.first[step] == 1:
                    for row in range(rows):
                        total[above, q, row] = total[slot, q, row]
                else:
                    for row in range(rows):
                        total[above, q, row] += total[slot, q, row]


# Compiled apart from `_wide`, because for a few rows loops over lanes cost more than they save.
@njit(nogil=True, error_model="numpy")
def _narrow(steps, span, arrays, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with one row: the operations of `_wide` in the same order, so the same bits."""
    factors, weights, left, agrees, product, total = arrays
    begin, end, points = span
    for step in range(begin, end):
        do = steps.do[step]
        slot = steps.slot[step]
        above = slot - 1
        agreed = agrees[steps.before[step], 0]
        if do != UP:
            goes_this_way = left[steps.node[step]] == steps.side[step]
            agrees[slot, 0] = agreed if goes_this_way else 0.0
        state = _by_state(agrees[slot, 0], agreed, 0, 1, 2)
        start = steps.start[step] + points * state
        if do == DOWN:
            for q in range(points):
                product[slot, q, 0] = product[above, q, 0] * factors[start + q]
            continue
        feature = steps.feature[step]
        share = shares[feature]
        is_first = steps.first[step] == 1
        for q in range(points):
            below = total[slot, q, 0]
            if do == LEAF:
                below = product[above, q, 0] * factors[start + q]
            share += below * weights[start + q]
            earlier = 0.0 if is_first else total[above, q, 0]
            total[above, q, 0] = below + earlier
        shares[feature] = share


# Compiled, because it meets every row at every split; once for a tree, so that the walk only reads the answers.
@njit(nogil=True, error_model="numpy")
def decide(nodes, begin, end, lanes, left):  # type: ignore[no-untyped-def]
    """Write 1.0 where a row goes left at a split, 0.0 where right, as LightGBM decides."""
    for node in range(begin, end):
        values = lanes[nodes.feature[node]]
        goes_left = left[node - begin]
        kind = nodes.kind[node]
        if kind & CATEGORICAL:
            _decide_category(nodes, node, values, goes_left)
            continue
        missing = (kind >> 2) & 3
        default = 1.0 if kind & DEFAULT_LEFT else 0.0
        threshold = nodes.threshold[node]
        for row in range(len(values)):
            value = values[row]
            absent = np.isnan(value)
            # unless gaps are what is missing, a gap counts as zero; and zero may be what is missing
            if missing != NAN_MISSING:
                value = 0.0 if absent else value
                absent = missing == ZERO_MISSING and abs(value) <= ZERO
            by_threshold = 1.0 if value <= threshold else 0.0
            goes_left[row] = default if absent else by_threshold


# Compiled, because `decide` calls it; the bits of a category are read without a table of all codes.
@njit(nogil=True, error_model="numpy")
def _decide_category(nodes, node, values, goes_left):  # type: ignore[no-untyped-def]
    """The same for a split on a category: left if the code's bit is set; missing, negative and unseen go right."""
    low = nodes.low[node]
    codes = 32.0 * (nodes.high[node] - low)
    for row in range(len(values)):
        value = values[row]
        goes_left[row] = 0.0
        # the code is cut to a whole number only here: a fraction below zero still is code 0, as LightGBM reads it
        if value > -1.0 and value < codes:
            code = np.int64(value)
            # 32 codes a word: the word of the code, then its bit
            word = nodes.words[low + (code >> 5)]
            bit = np.uint32(code & 31)
            goes_left[row] = float((word >> bit) & 1)
