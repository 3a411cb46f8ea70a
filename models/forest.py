"""A forest: LightGBM's trees read from their text and laid out as arrays that a kernel walks without looking back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleError

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
DOWN, LEAF, UP = 0, 1, 2
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


class Steps(NamedTuple):
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
    steps: Steps
    node_start: Ints
    step_start: Ints
    points: Ints
    rule: Floats
    factor: Floats
    weight: Floats
    depth: int
    width: int
    base: float


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as its text says it: child c >= 0 is a split, c < 0 the leaf ~c."""

    feature: list[int]
    threshold: list[float]
    kind: list[int]
    left: list[int]
    right: list[int]
    value: list[float]
    leaf_count: list[int]
    node_count: list[int]
    boundaries: list[int]
    words: list[int]

    def count(self, child: int) -> int:
        """Return the number of training cases under a child."""
        return self.node_count[child] if child >= 0 else self.leaf_count[~child]


@dataclass(frozen=True, slots=True)
class Walk:
    """A tree's steps in order, the edge (parent to child) that each goes along, and the edges' shares and values.

    `shares` (edges, 2) are the shares of training cases that agree with the feature's splits on the path, without and
    with the edge; `values` are 1 for an edge to a split; `points` make the tree's quadrature exact.
    """

    steps: list[tuple[int, ...]]
    edges: list[int]
    shares: list[tuple[float, float]]
    values: list[float]
    points: int


def forest_of(text: str) -> Forest:
    """Return the forest of a LightGBM model text; BundleError where it holds trees that cannot be explained."""
    bodies = text.split("\nend of trees\n", 1)[0].split("\nTree=")[1:]
    trees = [_tree(dict(line.split("=", 1) for line in body.splitlines()[1:] if "=" in line)) for body in bodies]
    walks = [walked(tree) for tree in trees]
    points = np.array([walk.points for walk in walks], np.int32)
    places, rule = rule_of(int(points.max(initial=1)))
    starts, factor, weight = numbers_of(walks, places)
    rows = np.array([step for walk in walks for step in walk.steps], np.int32).reshape(-1, 7)
    return Forest(
        _nodes(trees), Steps(*np.vstack([rows.T, starts]).astype(np.int32)), _starts([len(tree.feature) for tree in trees]),
        _starts([len(walk.steps) for walk in walks]), points, rule, factor, weight,
        int(rows[:, 1].max(initial=0)), max(len(tree.feature) for tree in trees), sum(map(_mean, trees)))


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _tree(lines: dict[str, str]) -> Tree:
    if lines.get("is_linear", "0") != "0":
        raise BundleError("a tree with linear leaves cannot be explained; train without linear_tree")
    names = ("split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count",
             "cat_boundaries", "cat_threshold")
    whole = {name: [int(word) for word in lines.get(name, "").split()] for name in names}
    return Tree(whole["split_feature"], [float(word) for word in lines.get("threshold", "").split()],
                whole["decision_type"], whole["left_child"], whole["right_child"],
                [float(word) for word in lines["leaf_value"].split()], whole["leaf_count"], whole["internal_count"],
                whole["cat_boundaries"], whole["cat_threshold"])


def _nodes(trees: list[Tree]) -> Nodes:
    low: list[int] = []
    high: list[int] = []
    words: list[int] = []
    for tree in trees:
        for kind, threshold in zip(tree.kind, tree.threshold, strict=True):
            bits = tree.boundaries[int(threshold):int(threshold) + 2] if kind & 1 else (0, 0)
            low.append(len(words) + bits[0])
            high.append(len(words) + bits[1])
        words.extend(tree.words)
    return Nodes(
        np.array([feature for tree in trees for feature in tree.feature], np.int32),
        np.array([threshold for tree in trees for threshold in tree.threshold], np.float64),
        np.array([kind for tree in trees for kind in tree.kind], np.int32),
        np.array(low, np.int32), np.array(high, np.int32), np.array(words, np.uint32))


def _mean(tree: Tree) -> float:
    if not tree.feature:
        return tree.value[0]
    total = tree.node_count[0]
    return sum(count / total * value for count, value in zip(tree.leaf_count, tree.value, strict=True))


def walked(tree: Tree) -> Walk:
    """Return a tree's walk: down to a split, into a leaf, up again, depth first and left first."""
    steps: list[tuple[int, ...]] = []
    edges: list[int] = []
    shares: list[tuple[float, float]] = []
    values: list[float] = []
    most = 1

    def visit(node: int, slot: int, path: dict[int, tuple[int, float]]) -> None:
        nonlocal most
        feature, held = tree.feature[node], tree.node_count[node]
        before, old = path.get(feature, (0, 1.0))
        most = max(most, len({*path, feature}))
        for side, child in ((1, tree.left[node]), (0, tree.right[node])):
            new = old * (tree.count(child) / held) if held else 0.0
            edge, step = len(shares), (slot, node, side, before, side, feature)
            shares.append((old, new))
            values.append(1.0 if child >= 0 else tree.value[~child])
            steps.append((DOWN if child >= 0 else LEAF, *step))
            edges.append(edge)
            if child >= 0:
                visit(child, slot + 1, {**path, feature: (slot, new)})
                steps.append((UP, *step))
                edges.append(edge)

    if tree.feature:
        visit(0, 1, {})
    return Walk(steps, edges, shares, values, (most + 1) // 2)


def rule_of(most: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre points and weights on [0, 1], row k those of k points, float64 (most + 1, most)."""
    places, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for size in range(1, most + 1):
        place, weight = np.polynomial.legendre.leggauss(size)
        places[size, :size], weights[size, :size] = (place + 1) / 2, weight / 2
    return places, weights


def numbers_of(walks: list[Walk], places: Floats) -> tuple[Ints, Floats, Floats]:
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
        t, value = places[walk.points, :walk.points], np.array(walk.values)[:, None]
        was, now = t + (1 - t) * old, t + (1 - t) * new
        cold = np.divide(new, old, out=np.zeros_like(new), where=old > 0) + 0 * t
        factors.append(value[:, None] * np.stack([now / was, (1 - t) * new / was, cold], axis=1))
        weights.append(np.stack([(1 / now - 1 / was) / (1 - t), -1 / was / (1 - t), 0 * was], axis=1))
    flat = [np.concatenate([part.ravel() for part in parts]) for parts in (factors, weights)]
    return np.concatenate(starts).astype(np.int32), flat[0], flat[1]
