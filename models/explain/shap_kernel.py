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

LANES = 256
NARROW = 3
ZERO = 1e-35
CATEGORICAL, DEFAULT_LEFT, ZERO_MISSING, NAN_MISSING = 1, 2, 1, 2


def contributions(forest: Forest, inputs: Floats, threads: int = 1) -> Floats:
    """Return SHAP values of the raw score, float64 (n, F); the bytes depend neither on the batch nor on the threads."""
    found = np.empty(inputs.shape)
    parts = [slice(first, first + LANES) for first in range(0, len(inputs), LANES)]

    def explain(part: slice) -> None:
        lanes = np.ascontiguousarray(inputs[part].T)
        shares = np.zeros(lanes.shape)
        _explained(forest, lanes, shares)
        found[part] = shares.T

    if threads == 1 or len(parts) == 1:
        for part in parts:
            explain(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(explain, parts))
    return found


@compiled()
def _explained(forest: Forest, lanes: Floats, shares: Floats) -> None:
    """Add the contributions of `lanes` (F, L) to `shares` (F, L)."""
    rows = lanes.shape[1]
    most, held = forest.rule.shape[1], rows if rows > NARROW else 1
    left, agrees = np.empty((forest.width, rows)), np.ones((forest.depth + 1, held))
    product, total = (
        np.empty((forest.depth + 1, most, held)),
        np.empty((forest.depth + 1, most, held)),
    )
    for tree in range(len(forest.points)):
        size, begin, end = forest.points[tree], forest.step_start[tree], forest.step_start[tree + 1]
        _decide(forest.nodes, forest.node_start[tree], forest.node_start[tree + 1], lanes, left)
        for q in range(size):
            product[0, q] = forest.rule[size, q]
        span = (begin, end, size)
        if rows > NARROW:
            _wide(
                forest.steps,
                span,
                (forest.factor, forest.weight),
                (left, agrees, product, total),
                shares,
            )
            continue
        for row in range(rows):
            _narrow(
                forest.steps,
                span,
                (forest.factor, forest.weight),
                (left[:, row], agrees, product, total),
                shares[:, row],
            )


@njit(nogil=True, error_model="numpy")
def _wide(steps, span, tables, slots, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with all rows side by side: one function, and loops without conditions, so that they use vectors."""
    (factors, weights), (left, agrees, product, total) = tables, slots
    begin, end, size = span
    rows = agrees.shape[1]
    for step in range(begin, end):
        do, slot, before, first = (
            steps.do[step],
            steps.slot[step],
            steps.before[step],
            steps.first[step] == 1,
        )
        feature, start, above = steps.feature[step], steps.start[step], steps.slot[step] - 1
        if do != UP:
            node, side = steps.node[step], steps.side[step]
            for row in range(rows):
                agrees[slot, row] = agrees[before, row] if left[node, row] == side else 0.0
        for q in range(size):
            warm, cool, cold = (
                factors[start + q],
                factors[start + size + q],
                factors[start + 2 * size + q],
            )
            gain, loss = weights[start + q], weights[start + size + q]
            if do == DOWN:
                for row in range(rows):
                    factor = (
                        warm
                        if agrees[slot, row] > 0
                        else (cool if agrees[before, row] > 0 else cold)
                    )
                    product[slot, q, row] = product[above, q, row] * factor
            elif do == LEAF:
                for row in range(rows):
                    factor = (
                        warm
                        if agrees[slot, row] > 0
                        else (cool if agrees[before, row] > 0 else cold)
                    )
                    total[slot, q, row] = product[above, q, row] * factor
            if do != DOWN:
                for row in range(rows):
                    weight = (
                        gain
                        if agrees[slot, row] > 0
                        else (loss if agrees[before, row] > 0 else 0.0)
                    )
                    here = total[slot, q, row]
                    shares[feature, row] += here * weight
                if first:
                    for row in range(rows):
                        total[above, q, row] = total[slot, q, row]
                else:
                    for row in range(rows):
                        total[above, q, row] += total[slot, q, row]


@njit(nogil=True, error_model="numpy")
def _narrow(steps, span, tables, slots, shares):  # type: ignore[no-untyped-def]
    """Walk one tree with one row."""
    (factors, weights), (left, agrees, product, total) = tables, slots
    begin, end, size = span
    for step in range(begin, end):
        do, slot, did, above = (
            steps.do[step],
            steps.slot[step],
            agrees[steps.before[step], 0],
            steps.slot[step] - 1,
        )
        if do != UP:
            agrees[slot, 0] = did if left[steps.node[step]] == steps.side[step] else 0.0
        start = steps.start[step] + size * (0 if agrees[slot, 0] > 0 else (1 if did > 0 else 2))
        if do == DOWN:
            for q in range(size):
                product[slot, q, 0] = product[above, q, 0] * factors[start + q]
            continue
        share, first = shares[steps.feature[step]], steps.first[step] == 1
        for q in range(size):
            here = product[above, q, 0] * factors[start + q] if do == LEAF else total[slot, q, 0]
            share += here * weights[start + q]
            total[above, q, 0] = here + (0.0 if first else total[above, q, 0])
        shares[steps.feature[step]] = share


@njit(nogil=True, error_model="numpy")
def _decide(nodes, begin, end, lanes, left):  # type: ignore[no-untyped-def]
    """Write 1.0 where a row goes left at a split, 0.0 where right, as LightGBM decides."""
    for node in range(begin, end):
        row, where, kind = lanes[nodes.feature[node]], left[node - begin], nodes.kind[node]
        if kind & CATEGORICAL:
            _decide_category(nodes, node, row, where)
            continue
        missing, default, threshold = (
            (kind >> 2) & 3,
            1.0 if kind & DEFAULT_LEFT else 0.0,
            nodes.threshold[node],
        )
        for place in range(len(row)):
            value = row[place]
            absent = np.isnan(value)
            if missing != NAN_MISSING:
                value = 0.0 if absent else value
                absent = missing == ZERO_MISSING and abs(value) <= ZERO
            where[place] = default if absent else (1.0 if value <= threshold else 0.0)


@njit(nogil=True, error_model="numpy")
def _decide_category(nodes, node, row, where):  # type: ignore[no-untyped-def]
    """The same for a split on a category: left if the code's bit is set; missing, negative and unseen go right."""
    low, high = nodes.low[node], nodes.high[node]
    for place in range(len(row)):
        value = row[place]
        where[place] = 0.0
        if value > -1.0 and value < 32.0 * (high - low):
            code = np.int64(value)
            where[place] = float((nodes.words[low + (code >> 5)] >> np.uint32(code & 31)) & 1)
