"""Whole lists of one cell: for each number of visits to each group the most valuable list that fits, found exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from models.optimum.duty_rules import UNLIMITED
from models.optimum.shortlist import Candidate

LARGEST_TABLE = 20_000_000
"""Entries of the table of one cell at most, a byte each; a choice: one worker's memory hardly notices 20 MB."""


ROOMS = 2
"""The axes of a cell's table that hold minutes, those of inspectors and all; the others count visits by group."""


@dataclass(frozen=True, slots=True)
class CellList:
    """Visits of one cell that fit together: what they are worth, and how many of them each group has."""

    visits: tuple[Candidate, ...]
    value: float
    counts: tuple[int, ...]


def best_lists(
    candidates: Sequence[Candidate],
    minutes: int,
    groups: Sequence[str],
    inspectors: int = UNLIMITED,
) -> list[CellList] | None:
    """Return the lists of one cell that a best plan of the city can need; None where there are too many to find them all.

    The visits of a list fit into the minutes, and what of them only inspectors may give into those of inspectors.

    The city asks of a cell only its value and how many visits each group has, so per such count one list is enough: the best,
    found by the recurrence of the knapsack over minutes and counts. A list is left out if another has no fewer visits of
    each group and is worth no less.
    """
    # counted in the greatest step that all visits share, often 240 minutes where nobody travels
    lengths = [candidate.minutes for candidate in candidates]
    steps, room = _in_steps(lengths, minutes)
    scarce_steps, scarce_room = _in_steps(_scarce(candidates, inspectors), inspectors)
    most = _most_visits(candidates, minutes, groups)
    entries = len(candidates) * (room + 1) * (scarce_room + 1)
    for number in most:
        entries *= number + 1
    if entries > LARGEST_TABLE:
        return None
    sizes = [
        (*_counts(candidate, groups), of_inspectors, of_all)
        for candidate, of_inspectors, of_all in zip(candidates, scarce_steps, steps, strict=True)
    ]
    values = [candidate.value for candidate in candidates]
    table, is_taken = _filled_table(values, sizes, (*most, scarce_room, room))
    lists = []
    for counts in np.ndindex(*table.shape[:-ROOMS]):
        entry = (*counts, scarce_room, room)
        if np.isfinite(table[entry]):
            places = _read_back(sizes, is_taken, entry)
            visits = tuple(candidates[place] for place in places)
            lists.append(CellList(visits, float(table[entry]), counts))
    return [one for one in lists if not any(_replaces(other, one) for other in lists)]


def _scarce(candidates: Sequence[Candidate], inspectors: int) -> list[int]:
    """Return the inspectors' minutes of each visit; 0 where they suffice for all, and the table needs no such axis."""
    needed = [candidate.inspector for candidate in candidates]
    return needed if sum(needed) > inspectors else [0] * len(needed)


def _in_steps(lengths: Sequence[int], room: int) -> tuple[list[int], int]:
    """Return lengths and the room for them, counted in the greatest step that all lengths share; no room where all are 0."""
    step = gcd(*lengths)
    if not step:
        return list(lengths), 0
    return [length // step for length in lengths], room // step


def _most_visits(
    candidates: Sequence[Candidate], minutes: int, groups: Sequence[str]
) -> tuple[int, ...]:
    """Return how many visits to each group fit at most: its shortest ones."""
    most = []
    for group in groups:
        lengths = sorted(one.minutes for one in candidates if group in one.groups)
        totals = np.cumsum(np.array(lengths, np.int64))
        most.append(int((totals <= minutes).sum()))
    return tuple(most)


def _counts(candidate: Candidate, groups: Sequence[str]) -> tuple[int, ...]:
    """Return by how much a visit raises the count of each group."""
    return tuple(int(group in candidate.groups) for group in groups)


def _filled_table(
    values: Sequence[float], sizes: Sequence[tuple[int, ...]], most: tuple[int, ...]
) -> tuple[NDArray[np.float64], list[NDArray[np.bool_]]]:
    """Return the best value by counts and minutes at most, and by visit where it is taken on top of those before.

    A size is what a visit adds to each count and to the minutes.
    """
    table = np.full([number + 1 for number in most], -np.inf)
    table[(0,) * (len(most) - ROOMS)] = 0.0
    is_taken = []
    for value, size in zip(values, sizes, strict=True):
        after = tuple(slice(part, None) for part in size)
        before = tuple(
            slice(None, max(length - part, 0))
            for part, length in zip(size, table.shape, strict=True)
        )
        with_it = table[before] + value
        is_better = np.zeros(table.shape, np.bool_)
        # an equal value takes no later visit, so that names settle ties
        is_better[after] = with_it > table[after]
        table[after] = np.maximum(table[after], with_it)
        is_taken.append(is_better)
    return table, is_taken


def _read_back(
    sizes: Sequence[tuple[int, ...]],
    is_taken: Sequence[NDArray[np.bool_]],
    entry: tuple[int, ...],
) -> list[int]:
    """Return the places of the visits by which an entry of the table has its value, ascending."""
    places = []
    for place in range(len(sizes) - 1, -1, -1):
        if is_taken[place][entry]:
            places.append(place)
            entry = tuple(now - part for now, part in zip(entry, sizes[place], strict=True))
    return places[::-1]


def _replaces(other: CellList, one: CellList) -> bool:
    """Tell whether a list makes another needless: no fewer visits of each group, worth no less, and not the same list."""
    enough = all(many >= few for many, few in zip(other.counts, one.counts, strict=True))
    return enough and other.value >= one.value and other.counts != one.counts
