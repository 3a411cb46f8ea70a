"""Arrays: how columns, masks and values are typed, what stands for no value, and where sorted keys lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NULL = -(2**62)
"""Stands for an empty cell: below every value, and the sum of two of them still fits an int64."""
Column = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Literal = Callable[[str, str], int]
"""Maps (column, text) to the integer that stands for the text in that column."""
FEW = 64
"""Fewer keys than this are found one by one; a table of all keys pays only for more."""


def located(kept: Column, key: Column) -> tuple[Column, NDArray[np.bool_]]:
    """Return each key's place among the sorted kept ones, none twice, and whether it is there.

    >>> place, held = located(np.array([2, 5]), np.array([5, 3]))
    >>> int(place[0]), held.tolist()
    (1, [True, False])
    """
    if not len(kept):
        nowhere = np.zeros(len(key), np.int64)
        return nowhere, np.zeros(len(key), np.bool_)
    last = int(kept[-1])
    # A table of all keys up to the last is faster than searching, but must not be mostly empty.
    sparse = last > 8 * (len(kept) + len(key))
    if len(key) < FEW or kept[0] < 0 or sparse:
        after = np.searchsorted(kept, key)
        place = np.minimum(after, len(kept) - 1)
    else:
        places = np.zeros(last + 1, np.int64)
        places[kept] = np.arange(len(kept))
        inside = np.clip(key, 0, last)
        place = places[inside]
    return place, kept[place] == key
