"""A forest: LightGBM's trees read from their text and laid out as arrays that a kernel walks without looking back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.tree import Tree, Walk, mean_of, tree_of, tree_walk

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
STATES = 3
"""Of a row on its way: it agrees with the feature's splits so far, it just ceased to, or it had ceased before."""


class Nodes(NamedTuple):
    """Splits of all trees (N,): `kind` is LightGBM's decision type; a category's bits are `words[low:high]`."""

    feature: Ints
    threshold: Floats
    kind: Ints
    low: Ints
    high: Ints
    words: NDArray[np.uint32]


class ForestSteps(NamedTuple):
    """What to do at each step (M,), trees one after another, each in depth-first order.

    `slot` is the depth of the step's child, `node` its parent's split within the tree, `side` 1 for left, `before` the
    slot of the last split by the same feature on the path (0 = none), `first` 1 for the first child of its parent,
    `start` where its numbers begin in `Forest.factor` and `Forest.weight`: STATES rows of one number a point.
    """

    do: Ints
    slot: Ints
    node: Ints
    side: Ints
    before: Ints
    first: Ints
    feature: Ints
    start: Ints


class Forest(NamedTuple):
    """Trees as arrays: tree t has nodes node_start[t]:node_start[t + 1] and steps step_start[t]:step_start[t + 1].

    `points` (T,) is how many quadrature points make each tree exact, `rule` their weights, row k those of k points;
    `depth` is the deepest slot, `width` the most splits of a tree, `base` the mean score.
    """

    nodes: Nodes
    steps: ForestSteps
    node_start: Ints
    step_start: Ints
    points: Ints
    rule: Floats
    factor: Floats
    weight: Floats
    depth: int
    width: int
    base: float


def forest_of(text: str) -> Forest:
    """Return the forest of a LightGBM model text; BundleError where it holds trees that cannot be explained."""
    bodies = text.split("\nend of trees\n", 1)[0].split("\nTree=")[1:]
    trees = [
        tree_of(dict(line.split("=", 1) for line in body.splitlines()[1:] if "=" in line))
        for body in bodies
    ]
    walks = [tree_walk(tree) for tree in trees]
    points = np.array([walk.points for walk in walks], np.int32)
    places, rule = rule_of(int(points.max(initial=1)))
    starts, factor, weight = step_factors(walks, places)
    rows = np.array([step for walk in walks for step in walk.steps], np.int32).reshape(-1, 7)
    return Forest(
        _nodes(trees),
        ForestSteps(*np.vstack([rows.T, starts]).astype(np.int32)),
        _starts([len(tree.feature) for tree in trees]),
        _starts([len(walk.steps) for walk in walks]),
        points,
        rule,
        factor,
        weight,
        int(rows[:, 1].max(initial=0)),
        max(len(tree.feature) for tree in trees),
        sum(map(mean_of, trees)),
    )


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _nodes(trees: list[Tree]) -> Nodes:
    low: list[int] = []
    high: list[int] = []
    words: list[int] = []
    for tree in trees:
        for kind, threshold in zip(tree.kind, tree.threshold, strict=True):
            bits = tree.boundaries[int(threshold) : int(threshold) + 2] if kind & 1 else (0, 0)
            low.append(len(words) + bits[0])
            high.append(len(words) + bits[1])
        words.extend(tree.words)
    return Nodes(
        np.array([feature for tree in trees for feature in tree.feature], np.int32),
        np.array([threshold for tree in trees for threshold in tree.threshold], np.float64),
        np.array([kind for tree in trees for kind in tree.kind], np.int32),
        np.array(low, np.int32),
        np.array(high, np.int32),
        np.array(words, np.uint32),
    )


def rule_of(most: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre points and weights on [0, 1], row k those of k points, float64 (most + 1, most)."""
    places, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for size in range(1, most + 1):
        place, weight = np.polynomial.legendre.leggauss(size)
        places[size, :size], weights[size, :size] = (place + 1) / 2, weight / 2
    return places, weights


def step_factors(walks: list[Walk], places: Floats) -> tuple[Ints, Floats, Floats]:
    """Return each step's start (M,) and the factors and weights of all edges, one after another.

    With A = t h + (1 - t) r an edge multiplies the product by A_new / A_old, a leaf's edge also by its value, and adds
    to the contribution the sum below it times (h_new / A_new - h_old / A_old) / (1 - t).
    """
    starts, factors, weights, begun = [], [], [], 0
    for walk in walks:
        size = STATES * walk.points
        starts.append(begun + size * np.array(walk.edges, np.int64))
        begun += size * len(walk.shares)
        old, new = np.array(walk.shares).reshape(-1, 2).T[:, :, None]
        t, value = places[walk.points, : walk.points], np.array(walk.values)[:, None]
        was, now = t + (1 - t) * old, t + (1 - t) * new
        cold = np.divide(new, old, out=np.zeros_like(new), where=old > 0) + 0 * t
        factors.append(value[:, None] * np.stack([now / was, (1 - t) * new / was, cold], axis=1))
        weights.append(
            np.stack([(1 / now - 1 / was) / (1 - t), -1 / was / (1 - t), 0 * was], axis=1)
        )
    flat = [np.concatenate([part.ravel() for part in parts]) for parts in (factors, weights)]
    return np.concatenate(starts).astype(np.int32), flat[0], flat[1]
