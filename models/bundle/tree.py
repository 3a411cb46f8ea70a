"""A tree of a LightGBM model text, and the walk through it from which contributions are computed."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import BundleError

DOWN, LEAF, UP = 0, 1, 2
"""The codes of the steps of a walk."""


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


def tree_of(lines: dict[str, str]) -> Tree:
    """Return the tree that the lines `name=words` of a model text say; BundleError for one with linear leaves."""
    if lines.get("is_linear", "0") != "0":
        raise BundleError(
            "a tree with linear leaves cannot be explained; train without linear_tree"
        )
    names = (
        "split_feature",
        "decision_type",
        "left_child",
        "right_child",
        "leaf_count",
        "internal_count",
        "cat_boundaries",
        "cat_threshold",
    )
    integers = {name: [int(word) for word in lines.get(name, "").split()] for name in names}
    thresholds = lines.get("threshold", "").split()
    leaf_values = lines["leaf_value"].split()
    return Tree(
        feature=integers["split_feature"],
        threshold=[float(word) for word in thresholds],
        kind=integers["decision_type"],
        left=integers["left_child"],
        right=integers["right_child"],
        value=[float(word) for word in leaf_values],
        leaf_count=integers["leaf_count"],
        node_count=integers["internal_count"],
        boundaries=integers["cat_boundaries"],
        words=integers["cat_threshold"],
    )


def mean_of(tree: Tree) -> float:
    """Return a tree's mean output over its training cases."""
    if not tree.feature:
        return tree.value[0]
    total = tree.node_count[0]
    leaves = zip(tree.leaf_count, tree.value, strict=True)
    return sum(count / total * value for count, value in leaves)


def tree_walk(tree: Tree) -> Walk:
    """Return a tree's walk: down to a split, into a leaf, up again, depth first and left first."""
    steps: list[tuple[int, ...]] = []
    edges: list[int] = []
    shares: list[tuple[float, float]] = []
    values: list[float] = []
    most = 1

    def visit(node: int, slot: int, path: dict[int, tuple[int, float]]) -> None:
        nonlocal most
        feature = tree.feature[node]
        cases = tree.node_count[node]
        # no split by this feature above: every row agrees, as slot 0 says
        before, old = path.get(feature, (0, 1.0))
        most = max(most, len({*path, feature}))
        for side, child in ((1, tree.left[node]), (0, tree.right[node])):
            # a split without training cases has no shares
            new = old * (tree.count(child) / cases) if cases else 0.0
            edge = len(shares)
            # the left child, side 1, is the first: `first` equals `side`
            step = (slot, node, side, before, side, feature)
            shares.append((old, new))
            edges.append(edge)
            if child < 0:
                values.append(tree.value[~child])
                steps.append((LEAF, *step))
                continue
            values.append(1.0)
            steps.append((DOWN, *step))
            visit(child, slot + 1, {**path, feature: (slot, new)})
            steps.append((UP, *step))
            edges.append(edge)

    if tree.feature:
        visit(0, 1, {})
    # the polynomial's degree is one less than the most features on a path; k points are exact up to degree 2k - 1
    points = (most + 1) // 2
    return Walk(steps, edges, shares, values, points)
