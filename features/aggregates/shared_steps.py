"""Steps: expressions as a flat list of operations, in which a part that several expressions share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from operator import itemgetter
from typing import Any

Place = int
"""Where a leaf, a constant or a step's outcome stands among all of them."""
Operands = Callable[[list[Any]], Any]
"""Takes from the values at all places those on which a step works."""


class Steps:
    """Leaves, constants and steps on them, in an order in which they can be taken."""

    def __init__(self) -> None:
        self._places: dict[Hashable, Place] = {}
        self._constants: list[tuple[Place, Any]] = []
        self._leaves: list[tuple[Place, Any]] = []
        self._steps: list[tuple[Place, Callable[..., Any], Operands]] = []

    def _place(self, key: Hashable) -> tuple[Place, bool]:
        fresh = key not in self._places
        return self._places.setdefault(key, len(self._places)), fresh

    def leaf(self, name: Hashable) -> Place:
        """Return the place of a value that `run` takes by name."""
        place, fresh = self._place(("leaf", name))
        if fresh:
            self._leaves.append((place, name))
        return place

    @property
    def leaves(self) -> list[Any]:
        """The names of the values that `run` takes."""
        return [name for _, name in self._leaves]

    def constant(self, value: Any) -> Place:
        """Return the place of a constant."""
        place, fresh = self._place(("constant", type(value), value))
        if fresh:
            self._constants.append((place, value))
        return place

    def step(self, work: Callable[..., Any], *of: Place) -> Place:
        """Return the place of what some work makes of the values at some places."""
        place, fresh = self._place((work, of))
        if fresh:
            # An itemgetter of one place would give the value itself: a slice gives it as operands.
            operands: Operands = itemgetter(*of)
            if len(of) == 1:
                (only,) = of
                operands = itemgetter(slice(only, only + 1))
            self._steps.append((place, work, operands))
        return place

    def run(self, leaves: Mapping[Any, Any]) -> list[Any]:
        """Return the value at every place; `leaves` holds those of the leaves by name."""
        values: list[Any] = [None] * len(self._places)
        for place, value in self._constants:
            values[place] = value
        for place, name in self._leaves:
            values[place] = leaves[name]
        for place, work, operands in self._steps:
            values[place] = work(*operands(values))
        return values
