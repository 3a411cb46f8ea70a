"""A scorecard as a bundle keeps it: whole points by bin, and the same as a LightGBM model text of one tree a feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt, model_validator

from features.errors import BundleError
from models.bundle.number import BundlePart

NAN_RIGHT, PLAIN, CATEGORICAL = 8, 0, 1
"""LightGBM's decision types: a missing value goes right, a number goes by its size alone, a category by its bits."""
LARGEST = 1.7976931348623157e308
"""The greatest float64: every number is at most that."""
FINEST = 2**32
"""Steps of a log-odd: a million points times it still has fewer than the 53 bits of a float64; a choice."""
BITS = 32
"""Codes that one word of a set of categories holds."""


class CardLine(BundlePart):
    """One feature of a scorecard: a bin for numbers up to each of `edges`, or for each of `values`; then all others, and missing.

    `points` and `cases`, the training cases, stand bin by bin.
    """

    feature: str
    edges: tuple[FiniteFloat, ...] = ()
    values: tuple[str, ...] | None = None
    points: tuple[NonNegativeInt, ...]
    cases: tuple[NonNegativeInt, ...]

    @model_validator(mode="after")
    def _fits(self) -> CardLine:
        """Refuse bins that do not follow each other, or points and cases of other bins."""
        parts = self.edges if self.values is None else self.values
        bins = len(parts) + 2
        if len(self.points) != bins or len(self.cases) != bins:
            raise ValueError("points and cases should have one number for each bin")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges should rise")
        if self.values is not None and self.edges:
            raise ValueError("a feature has edges or values, not both")
        return self


class Card(BundlePart):
    """A scorecard: the points that all cases have, those of each feature, and how many points double the odds."""

    start: int
    points_to_double: PositiveInt
    lines: tuple[CardLine, ...] = Field(min_length=1)

    @property
    def log_odds_a_point(self) -> float:
        """What one point adds to the raw score.

        It is rounded to 2 ** -32, so that sums of points are exact: equal points are equal raw scores, to the bit.
        """
        return round(log(2) / self.points_to_double * FINEST) / FINEST


@dataclass(frozen=True, slots=True)
class _Split:
    """A step of a chain: whoever fits goes left into a leaf, all others go on to the right.

    A split on a category has the place of its set of codes where one on a number has its threshold.
    """

    kind: int
    threshold: float
    codes: tuple[int, ...] = ()


def card_text(
    card: Card, names: Sequence[str], categories: Sequence[tuple[str, ...] | None]
) -> str:
    """Return a scorecard as a LightGBM model of these inputs, so that whatever scores and explains trees does so with it.

    The first tree is the start; then one for each feature, a chain of splits of which each cuts one bin off. A leaf's value is
    its points times `log_odds_a_point`. BundleError where a feature or a value is not among the inputs.
    """
    trees = [_constant(card.start * card.log_odds_a_point)]
    for line in card.lines:
        if line.feature not in names:
            raise BundleError(
                f"the scorecard reads {line.feature}, which is no input of its bundle"
            )
        place = list(names).index(line.feature)
        splits = list(_splits(line, categories[place]))
        trees.append(_chain(line, place, splits, card.log_odds_a_point))
    bodies = [f"Tree={number}\n{tree}\n" for number, tree in enumerate(trees)]
    return "".join([*_head(names), *bodies, "end of trees\n"])


def _head(names: Sequence[str]) -> Iterator[str]:
    """Yield the lines before the trees."""
    yield "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
    yield f"max_feature_idx={len(names) - 1}\nobjective=binary sigmoid:1\n"
    yield f"feature_names={' '.join(names)}\n"
    yield f"feature_infos={' '.join(['none'] * len(names))}\n\n"


def _splits(line: CardLine, categories: tuple[str, ...] | None) -> Iterator[_Split]:
    """Yield the splits that cut off one bin after another; the last one parts all others from missing values."""
    if line.values is None:
        for edge in (*line.edges, LARGEST):
            yield _Split(NAN_RIGHT, edge)
        return
    if categories is None or not set(line.values) <= set(categories):
        raise BundleError(f"the scorecard reads a value of {line.feature} that its bundle lacks")
    codes = [categories.index(value) for value in line.values]
    others = set(range(len(categories))) - set(codes)
    sets = [*((code,) for code in codes), tuple(sorted(others))]
    for place, each in enumerate(sets):
        yield _Split(CATEGORICAL, float(place), each)


def _chain(line: CardLine, place: int, splits: Sequence[_Split], log_odds_a_point: float) -> str:
    """Return the tree of one feature: split k has leaf k to its left, and the last one its last leaf to the right."""
    number = len(splits)
    below = [sum(line.cases[first:]) for first in range(number)]
    fields: dict[str, Sequence[float]] = {
        "num_leaves": [number + 1],
        "num_cat": [0 if line.values is None else number],
        "split_feature": [place] * number,
        "split_gain": [0] * number,
        "threshold": [split.threshold for split in splits],
        "decision_type": [split.kind for split in splits],
        "left_child": [~leaf for leaf in range(number)],
        "right_child": [*range(1, number), ~number],
        "leaf_value": [points * log_odds_a_point for points in line.points],
        "leaf_weight": line.cases,
        "leaf_count": line.cases,
        "internal_value": [0] * number,
        "internal_weight": below,
        "internal_count": below,
    }
    if line.values is not None:
        fields |= _sets_of_codes(splits)
    return _fields(fields)


def _sets_of_codes(splits: Sequence[_Split]) -> dict[str, Sequence[float]]:
    """Return the sets of codes of splits on a category, one after another, and where each begins."""
    words: list[int] = []
    starts = [0]
    for split in splits:
        words += _words(split.codes)
        starts.append(len(words))
    return {"cat_boundaries": starts, "cat_threshold": words}


def _constant(value: float) -> str:
    """Return a tree of a single leaf."""
    return _fields({"num_leaves": [1], "num_cat": [0], "leaf_value": [value]})


def _fields(fields: dict[str, Sequence[float]]) -> str:
    """Return the lines of a tree; floats as they read back to the bit."""
    lines = [f"{name}={' '.join(map(repr, values))}" for name, values in fields.items()]
    return "\n".join([*lines, "is_linear=0", "shrinkage=1", "", ""])


def _words(codes: Sequence[int]) -> list[int]:
    """Return a set of codes as bits of words.

    >>> _words([0, 2, 33]), _words([])
    ([5, 2], [0])
    """
    words = [0] * (max(codes, default=0) // BITS + 1)
    for code in codes:
        words[code // BITS] |= 1 << (code % BITS)
    return words
