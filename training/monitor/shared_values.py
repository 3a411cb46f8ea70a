"""Values that units share: a feature that all units of a cell or sector have in common is compared once for each of these.

Else one firm that opens in a cell would move the feature of all firms there, and chance would seem to explain nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
FEWEST_SHARING = 2
"""Units of a key on average below which it is the unit's own, so that a value it holds is no shared one; a choice."""


@dataclass(frozen=True, slots=True, eq=False)
class DayUnits:
    """The units of a day with their features, and by name the codes (n,) of the keys that they may share."""

    matrix: Matrix
    keys: Mapping[str, Codes]

    def __len__(self) -> int:
        return len(self.matrix)

    def take(self, rows: Codes | NDArray[np.bool_]) -> DayUnits:
        """Return the chosen units."""
        return DayUnits(
            self.matrix.take(rows), {name: codes[rows] for name, codes in self.keys.items()}
        )

    def sharing(self) -> dict[str, Sharing]:
        """Return the keys that units share."""
        shared = {}
        for name, codes in self.keys.items():
            _, first, member = np.unique(codes, return_index=True, return_inverse=True)
            if len(first) * FEWEST_SHARING <= len(codes):
                shared[name] = Sharing(first, member)
        return shared


@dataclass(frozen=True, slots=True, eq=False)
class Sharing:
    """The first unit of each code of a key, and the place of each unit's code among them, (n,)."""

    first: Codes
    member: Codes

    def holds(self, values: Floats) -> bool:
        """Tell whether all units of a code have one value."""
        of_code = values[self.first][self.member]
        return bool(((values == of_code) | (np.isnan(values) & np.isnan(of_code))).all())


def compared_once(
    then: tuple[Floats, dict[str, Sharing]], now: tuple[Floats, dict[str, Sharing]]
) -> tuple[Floats, Floats]:
    """Return a feature's values of two days, one for each code of the key of fewest codes that tells them on both days."""
    values_then, shared_then = then
    values_now, shared_now = now
    both = shared_then.keys() & shared_now.keys()
    fewest_first = sorted(both, key=lambda name: (len(shared_then[name].first), name))
    for name in fewest_first:
        before, after = shared_then[name], shared_now[name]
        if before.holds(values_then) and after.holds(values_now):
            return values_then[before.first], values_now[after.first]
    return values_then, values_now
