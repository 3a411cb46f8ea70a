"""A forest: LightGBM's trees read from their text and laid out as arrays that a kernel walks without looking back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.bundle.tree import Tree, Walk, mean_of, tree_of, tree_walk

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Item = TypeVar("Item")
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
    `value` (M,) is what the leaf of a step adds to the score, 1 where a step ends at a split; `depth` is the deepest
    slot, `width` the most splits of a tree, `base` the mean score.
    """

    nodes: Nodes
    steps: ForestSteps
    node_start: Ints
    step_start: Ints
    points: Ints
    rule: Floats
    factor: Floats
    weight: Floats
    value: Floats
    depth: int
    width: int
    base: float


def forest_of(text: str) -> Forest:
    """Return the forest of a LightGBM model text; BundleError where it holds trees that cannot be explained."""
    trees = trees_of(text)
    walks = [tree_walk(tree) for tree in trees]
    points = np.array([walk.points for walk in walks], np.int32)
    places, rule = rule_of(int(points.max(initial=1)))
    starts, factor, weight = step_factors(walks, places)
    # one row a step, with the seven columns of ForestSteps before `start`
    step_rows = np.array(_end_to_end(walk.steps for walk in walks), np.int32).reshape(-1, 7)
    slots = step_rows[:, 1]
    return Forest(
        nodes=_nodes(trees),
        steps=ForestSteps(*np.vstack([step_rows.T, starts]).astype(np.int32)),
        node_start=_starts([len(tree.feature) for tree in trees]),
        step_start=_starts([len(walk.steps) for walk in walks]),
        points=points,
        rule=rule,
        factor=factor,
        weight=weight,
        value=np.array(_end_to_end(_step_values(walk) for walk in walks), np.float64),
        depth=int(slots.max(initial=0)),
        width=max(len(tree.feature) for tree in trees),
        base=sum(map(mean_of, trees)),
    )


def _step_values(walk: Walk) -> list[float]:
    """Return the value of the edge that each step goes along."""
    return [walk.values[edge] for edge in walk.edges]


def trees_of(text: str) -> list[Tree]:
    """Return the trees of a LightGBM model text, in order; BundleError where one has linear leaves."""
    before_end = text.split("\nend of trees\n", 1)[0]
    _, *bodies = before_end.split("\nTree=")
    return [tree_of(_assignments(body)) for body in bodies]


def _assignments(body: str) -> dict[str, str]:
    """Return the lines `name=value` of one tree's text; its first line holds its number alone."""
    lines = body.splitlines()[1:]
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    return dict(pairs)


def _end_to_end(lists: Iterable[list[Item]]) -> list[Item]:
    """Return the items of all lists, one list after another."""
    return list(chain.from_iterable(lists))


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _nodes(trees: list[Tree]) -> Nodes:
    low: list[int] = []
    high: list[int] = []
    words: list[int] = []
    for tree in trees:
        words_before = len(words)
        for kind, threshold in zip(tree.kind, tree.threshold, strict=True):
            begin, end = _category_words(tree, kind, threshold)
            low.append(words_before + begin)
            high.append(words_before + end)
        words.extend(tree.words)
    return Nodes(
        feature=np.array(_end_to_end(tree.feature for tree in trees), np.int32),
        threshold=np.array(_end_to_end(tree.threshold for tree in trees), np.float64),
        kind=np.array(_end_to_end(tree.kind for tree in trees), np.int32),
        low=np.array(low, np.int32),
        high=np.array(high, np.int32),
        words=np.array(words, np.uint32),
    )


def _category_words(tree: Tree, kind: int, threshold: float) -> tuple[int, int]:
    """Return where the bits of a split's categories begin and end among its tree's words; none for a number."""
    is_categorical = kind & 1
    if not is_categorical:
        return 0, 0
    # such a split's threshold is not a value but its place in the list of boundaries
    place = int(threshold)
    return tree.boundaries[place], tree.boundaries[place + 1]


def rule_of(most: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre points and weights on [0, 1], row k those of k points, float64 (most + 1, most)."""
    places = np.zeros((most + 1, most))
    weights = np.zeros((most + 1, most))
    for size in range(1, most + 1):
        # numpy's rule is for [-1, 1]: moved and halved to [0, 1]
        place, weight = np.polynomial.legendre.leggauss(size)
        places[size, :size] = (place + 1) / 2
        weights[size, :size] = weight / 2
    return places, weights


def step_factors(walks: list[Walk], places: Floats) -> tuple[Ints, Floats, Floats]:
    """Return each step's start (M,) and the factors and weights of all edges, one after another.

    With A = t h + (1 - t) r an edge multiplies the product by A_new / A_old, a leaf's edge also by its value, and adds
    to the contribution the sum below it times (h_new / A_new - h_old / A_old) / (1 - t).
    """
    starts = []
    factors = []
    weights = []
    numbers_before = 0
    for walk in walks:
        numbers_an_edge = STATES * walk.points
        starts.append(numbers_before + numbers_an_edge * np.array(walk.edges, np.int64))
        numbers_before += numbers_an_edge * len(walk.shares)
        tree_factors, tree_weights = _edge_numbers(walk, places[walk.points, : walk.points])
        factors.append(tree_factors.ravel())
        weights.append(tree_weights.ravel())
    step_starts = np.concatenate(starts).astype(np.int32)
    return step_starts, np.concatenate(factors), np.concatenate(weights)


def _edge_numbers(walk: Walk, t: Floats) -> tuple[Floats, Floats]:
    """Return the factors and the weights of one tree's edges at the points t, each float64 (edges, STATES, points)."""
    old, new = np.array(walk.shares).reshape(-1, 2).T[:, :, None]
    # A of a row that agreed before the edge, and of one that still does after it
    agreed_before = t + (1 - t) * old
    agrees_now = t + (1 - t) * new
    warm = agrees_now / agreed_before
    cool = (1 - t) * new / agreed_before
    # of a row that ceased before, A is (1 - t) r and t cancels out; `0 * t` gives it a value a point all the same
    cold = np.divide(new, old, out=np.zeros_like(new), where=old > 0) + 0 * t
    values = np.array(walk.values)[:, None, None]
    factors = values * np.stack([warm, cool, cold], axis=1)
    gain = (1 / agrees_now - 1 / agreed_before) / (1 - t)
    loss = -1 / agreed_before / (1 - t)
    none = 0 * agreed_before
    return factors, np.stack([gain, loss, none], axis=1)
