"""A second engine for scores: it walks the trees of a model's text by itself, and shares no code with LightGBM.

A score that both engines compute to the same bits rests on the text of the model alone, on no library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleError
from models.bundle.bundle import Bundle
from models.bundle.forest import trees_of
from models.bundle.score import Scores, scores_of_models
from models.bundle.tree import Tree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
"""Bits of a split's decision type. Two bits further up it says what is missing: nothing, zero, or a gap."""
_ZERO_MISSING, _GAP_MISSING = 1, 2
"""What is missing, in the numbers of the format."""
_ZERO = float(np.float32(1e-35))
"""Up to here a value is zero where zero is missing, as the format of the text has it."""
_AT_ONCE = 512
"""Rows that are walked together: a choice, which bounds the memory at a few megabytes for hundreds of trees."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeSum:
    """Trees end to end: a node c >= 0 is a split of the arrays, c < 0 the leaf ~c of `value`; `root` (T,) begins each tree.

    A category's bits are `words[low:high]`. `objective` says how a sum becomes a mean.
    """

    root: Ints
    feature: Ints
    threshold: Floats
    kind: Ints
    left: Ints
    right: Ints
    low: Ints
    high: Ints
    words: Ints
    value: Floats
    objective: str

    def margins(self, inputs: Floats) -> Floats:
        """Return the sum of the trees for encoded inputs (n, F), float64 (n,), added tree by tree in their order."""
        blocks = [self._sums(inputs[first : first + _AT_ONCE]) for first in _firsts(len(inputs))]
        return np.concatenate([np.empty(0), *blocks])

    def means(self, inputs: Floats) -> Floats:
        """Return the sums on the scale of the objective, float64 (n,); BundleError for one that is not known."""
        link = _link(self.objective)
        return np.array([link(margin) for margin in self.margins(inputs).tolist()])

    def _sums(self, inputs: Floats) -> Floats:
        node = np.tile(self.root, (len(inputs), 1))
        while (inner := node >= 0).any():
            rows, _ = np.nonzero(inner)
            at = node[inner]
            goes_left = self._goes_left(at, inputs[rows, self.feature[at]])
            node[inner] = np.where(goes_left, self.left[at], self.right[at])
        # added one after another, as the text lists them: another order would round otherwise
        sums: Floats = np.cumsum(self.value[~node], axis=1)[:, -1]
        return sums

    def _goes_left(self, at: Ints, values: Floats) -> NDArray[np.bool_]:
        kind = self.kind[at]
        missing = (kind >> 2) & 3
        is_gap = np.isnan(values)
        # a gap counts as zero unless gaps are what is missing
        numbers = np.where(is_gap & (missing != _GAP_MISSING), 0.0, values)
        is_zero = (missing == _ZERO_MISSING) & (np.abs(numbers) <= _ZERO)
        is_missing = np.isnan(numbers) | is_zero
        default = (kind & _DEFAULT_LEFT) > 0
        by_number = np.where(is_missing, default, numbers <= self.threshold[at])
        return np.where((kind & _CATEGORICAL) > 0, self._has_category(at, values), by_number)

    def _has_category(self, at: Ints, values: Floats) -> NDArray[np.bool_]:
        """Tell whether the bit of a category's code is set; a gap, a negative and an unseen code have none."""
        low, high = self.low[at], self.high[at]
        is_code = (values > -1.0) & (values < 32.0 * (high - low))
        code = np.where(is_code, values, 0.0).astype(np.int64)
        # 32 codes a word; where there is no code, the first word of all is read and not used
        word = self.words[np.where(is_code, low + (code >> 5), 0)]
        return is_code & ((word >> (code & 31)) & 1 > 0)


@dataclass(frozen=True, slots=True, eq=False)
class SecondEngine:
    """The models of a bundle, as the second engine reads them."""

    any_trees: TreeSum
    count_trees: TreeSum | None

    def scores(self, bundle: Bundle, inputs: Floats) -> Scores:
        """Return the scores of encoded inputs (n, F) by the bundle's own tables, the models asked by this engine."""
        means = None if self.count_trees is None else self.count_trees.means(inputs)
        return scores_of_models(bundle, inputs, self.any_trees.margins(inputs), means)


def second_engine(any_text: str, count_text: str | None) -> SecondEngine:
    """Return the second engine of the texts of a bundle's models."""
    count_trees = None if count_text is None else tree_sum(count_text)
    return SecondEngine(tree_sum(any_text), count_trees)


def tree_sum(text: str) -> TreeSum:
    """Return the trees of a model's text, end to end."""
    trees = trees_of(text)
    splits = _begins([len(tree.feature) for tree in trees])
    leaves = _begins([len(tree.value) for tree in trees])
    low, high = _word_bounds(trees)
    root: list[int] = []
    left_nodes: list[int] = []
    right_nodes: list[int] = []
    for tree, first_split, first_leaf in zip(trees, splits, leaves, strict=True):
        moved = partial(_moved, splits_before=first_split, leaves_before=first_leaf)
        # a tree without splits is its one leaf
        root.append(moved(0 if tree.feature else ~0))
        left_nodes += map(moved, tree.left)
        right_nodes += map(moved, tree.right)
    return TreeSum(
        root=np.array(root, np.int64),
        feature=_joined([tree.feature for tree in trees]),
        threshold=np.array(list(chain.from_iterable(tree.threshold for tree in trees))),
        kind=_joined([tree.kind for tree in trees]),
        left=np.array(left_nodes, np.int64),
        right=np.array(right_nodes, np.int64),
        low=np.array(low, np.int64),
        high=np.array(high, np.int64),
        words=_joined([*(tree.words for tree in trees), [0]]),
        value=np.array(list(chain.from_iterable(tree.value for tree in trees))),
        objective=_objective(text),
    )


def _moved(child: int, splits_before: int, leaves_before: int) -> int:
    """Return a child of one tree as a node of all trees."""
    if child < 0:
        return ~(~child + leaves_before)
    return child + splits_before


def _word_bounds(trees: list[Tree]) -> tuple[list[int], list[int]]:
    """Return where each split's bits begin and end among the words of all trees."""
    low: list[int] = []
    high: list[int] = []
    first_word = 0
    for tree in trees:
        for begin, end in _bounds(tree):
            low.append(first_word + begin)
            high.append(first_word + end)
        first_word += len(tree.words)
    return low, high


def _bounds(tree: Tree) -> list[tuple[int, int]]:
    """Return where the bits of each split's categories begin and end among the tree's words; none for a number."""
    bounds = []
    for kind, threshold in zip(tree.kind, tree.threshold, strict=True):
        place = int(threshold) if kind & _CATEGORICAL else None
        bounds.append((0, 0) if place is None else _category_bounds(tree, place))
    return bounds


def _category_bounds(tree: Tree, place: int) -> tuple[int, int]:
    return tree.boundaries[place], tree.boundaries[place + 1]


def _begins(sizes: list[int]) -> list[int]:
    ends = accumulate(sizes, initial=0)
    return list(ends)[:-1]


def _joined(lists: list[list[int]]) -> Ints:
    return np.array(list(chain.from_iterable(lists)), np.int64)


def _firsts(rows: int) -> range:
    return range(0, rows, _AT_ONCE)


def _objective(text: str) -> str:
    """Return the first word of the objective that a model's text names, "" where it names none."""
    for line in text.split("\nTree=", 1)[0].splitlines():
        if line.startswith("objective="):
            return line.removeprefix("objective=").split()[0]
    return ""


def _sigmoid(margin: float) -> float:
    return 1.0 / (1.0 + math.exp(-margin))


def _identity(margin: float) -> float:
    return margin


LINKS = {
    "cross_entropy": _sigmoid,
    "gamma": math.exp,
    "poisson": math.exp,
    "regression": _identity,
    "tweedie": math.exp,
}
"""How a sum of trees becomes a mean, by objective."""


def _link(objective: str) -> Callable[[float], float]:
    try:
        return LINKS[objective]
    except KeyError:
        raise BundleError(
            f"the second engine knows no objective {objective!r}; it knows {', '.join(LINKS)}"
        ) from None
