"""Path patterns: with which features of a leaf's path a row agrees, as the bits of one number.

The features of a path are numbered in the order in which they are first split on. A row's bit of a feature is set while
the row agrees with all splits of the path by it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.compiled import compiled
from features.errors import BundleError
from models.bundle.forest import Floats, Forest, ForestSteps, Ints, rule_of
from models.bundle.tree import LEAF, UP

Program = NDArray[np.int64]
# A path with more features has no table, because a table doubles with each: 2 MB at this number, as much as a core's
# second cache holds.
MOST_TABLED = 14
# The tables of one tree take at most so many numbers, 256 MB, a choice; where they would take more, fewer leaves have one.
MOST_NUMBERS = 2**25
# The bits of a signed number without its sign: a path with more features has no pattern.
MOST_FEATURES = 62
NONE, SINGLE, PAIR, DEEP = 0, 1, 2, 3
"""What a step looks up: nothing, the table of its leaf, one of its leaf and its sibling, or the peers one by one."""
DO, SLOT, NODE, SIDE, BEFORE, FEATURE, KIND, BIT, FEATURES, KEY_BIT, START, WIDTH = range(12)
"""The columns of a program."""
# Numbers of a table's row are filled up to a multiple of this, because so many are added by one vector instruction.
LANE = 4


class Lookups(NamedTuple):
    """The steps of a forest with what each looks up: `program` is int64 (M, 12), as the columns above say.

    BIT is the number of the step's feature on its path and FEATURES how many the path has with it. A table begins at START
    among those of its tree, a row of it has WIDTH numbers, and KEY_BIT is where a pair's side stands in its key. `places`
    are quadrature points, row k those of k; the tables of a tree need `room` numbers at most, and it has `deep` leaves
    without a table at most; no path has more than `features`.
    """

    program: Program
    places: Floats
    room: int
    deep: int
    features: int


def lookups_of(forest: Forest) -> Lookups:
    """Return what each step of a forest looks up; BundleError where a path has more than MOST_FEATURES features."""
    bit, features = _path_bits(forest.steps)
    most = int(features.max(initial=1))
    if most > MOST_FEATURES:
        raise BundleError(
            f"a path of this model splits on {most} features, at most {MOST_FEATURES} can be compared with peers; "
            "train smaller trees"
        )
    for tabled in range(MOST_TABLED, 0, -1):
        lookups = _laid_out(forest, bit, features, tabled)
        if lookups.room <= MOST_NUMBERS:
            break
    return lookups


def _laid_out(forest: Forest, bit: Ints, features: Ints, tabled: int) -> Lookups:
    """Return the look-ups of a forest of which paths of up to `tabled` features have a table."""
    steps = forest.steps
    is_new = steps.before == 0
    kind = _kinds(steps, features, tabled)
    # the side of a pair that splits on a feature anew is that feature's bit, else a bit of its own
    key_bit = np.where(is_new, bit, features)
    has_own_bit = (kind == PAIR) & ~is_new
    has_table = (kind == SINGLE) | (kind == PAIR)
    width = (features.astype(np.int64) + LANE - 1) // LANE * LANE
    rows = np.int64(1) << np.where(has_table, features + has_own_bit, 0)
    ends = np.cumsum(np.where(has_table, width * rows, 0))
    before_step = np.append(0, ends)
    before_tree = before_step[forest.step_start]
    start = before_step[:-1] - np.repeat(before_tree[:-1], np.diff(forest.step_start))
    deep_before_tree = np.append(0, np.cumsum(kind == DEEP))[forest.step_start]
    of_walk = (steps.do, steps.slot, steps.node, steps.side, steps.before, steps.feature)
    columns = (*of_walk, kind, bit, features, key_bit, start, width)
    return Lookups(
        program=np.ascontiguousarray(np.column_stack(columns), dtype=np.int64),
        places=rule_of(forest.rule.shape[1])[0],
        room=int(np.diff(before_tree).max(initial=0)),
        deep=int(np.diff(deep_before_tree).max(initial=0)),
        features=int(features.max(initial=1)),
    )


def _kinds(steps: ForestSteps, features: Ints, tabled: int) -> Ints:
    """Return what each step looks up."""
    is_leaf = steps.do == LEAF
    # a leaf on the left is followed by its sibling, which is a leaf too or the first step of a subtree
    has_leaf_next = np.zeros_like(is_leaf)
    has_leaf_next[:-1] = is_leaf[1:]
    is_first = is_leaf & has_leaf_next & (steps.side == 1)
    is_second = np.zeros_like(is_leaf)
    is_second[1:] = is_first[:-1]
    kind = np.full(len(is_leaf), NONE, np.int32)
    kind[is_leaf & ~is_second] = SINGLE
    kind[is_first] = PAIR
    kind[is_leaf & (features > tabled)] = DEEP
    return kind


# Compiled, because it looks at every step of a forest in turn.
@compiled()
def _path_bits(steps: ForestSteps) -> tuple[Ints, Ints]:
    """Return for each step the number of its feature on its path, and how many features the path has with it."""
    bit = np.zeros(len(steps.do), np.int32)
    features = np.zeros(len(steps.do), np.int32)
    bit_of_slot = np.zeros(len(steps.do) + 1, np.int32)
    features_of_slot = np.zeros(len(steps.do) + 1, np.int32)
    for step in range(len(steps.do)):
        slot = steps.slot[step]
        before = steps.before[step]
        if steps.do[step] != UP:
            above = features_of_slot[slot - 1]
            bit_of_slot[slot] = bit_of_slot[before] if before else above
            features_of_slot[slot] = above if before else above + 1
        bit[step] = bit_of_slot[slot]
        features[step] = features_of_slot[slot]
    return bit, features


# Compiled, because both the peers and the rows that are explained go through it at every split.
@njit(nogil=True, error_model="numpy")
def write_patterns(step, left, patterns):  # type: ignore[no-untyped-def]
    """Write the patterns of rows after a step down into its slot, from those of the slot above."""
    above = patterns[step[SLOT] - 1]
    below = patterns[step[SLOT]]
    goes_left = left[step[NODE]]
    side = step[SIDE]
    of_feature = np.int64(1) << step[BIT]
    # a feature that the path splits on anew adds its bit, another keeps it or loses it
    lost = 0 if step[BEFORE] == 0 else of_feature
    added = of_feature if step[BEFORE] == 0 else 0
    for row in range(len(below)):
        below[row] = above[row] | added if goes_left[row] == side else above[row] & ~lost
