"""What is asked of rows placed by one column: aggregates sorted by how they are found, laid out before any row is seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.aggregates.buckets import Buckets, buckets_of
from features.arrays import Column
from features.catalogue import Window
from features.catalogue.language import ADDITIVE, LIMIT, MULTISET, SERIES, Atom

Windows = Mapping[str, Window]
KINDS = {"newest": "dated", "since": "placed", "first_since": "placed"}


@dataclass(frozen=True, slots=True)
class Members:
    """Aggregates of one measure's multiset, whose members are its `value`s, `dated` values or the days that are `placed`.

    The window of the aggregate at w holds the distances edges[2w] to below edges[2w + 1].
    """

    kind: str
    measure: str
    atoms: tuple[Atom, ...]
    edges: Column


@dataclass(frozen=True, slots=True)
class AggregationPlan:
    """Aggregates sorted by how they are found: from `sums`, each a count or a sum of a measure by bucket, or from multisets.

    Of the summed ones, first come those that are sums of buckets, as rows of `windows` say (place among `sums`, first
    bucket, bucket beyond, whether it goes on from the one before); then those that reduce months, as rows of `series` say
    (place of the totals, place of the counts, first bucket, bucket beyond, kind, whether it goes on).
    """

    buckets: Buckets
    sums: tuple[tuple[str, str], ...]
    summed: tuple[Atom, ...]
    windows: Column
    series: Column
    members: tuple[Members, ...]

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """All that is asked."""
        return (*self.summed, *(atom for group in self.members for atom in group.atoms))


def aggregation_plan(atoms: Sequence[Atom], windows: Windows) -> AggregationPlan:
    """Return aggregates sorted by how they are found."""
    additive = tuple(atom for atom in atoms if atom.aggregate in ADDITIVE)
    series = tuple(atom for atom in atoms if atom.aggregate in SERIES)
    sums = [(atom.aggregate, atom.measure) for atom in additive]
    sums += [(kind, atom.measure) for kind in ADDITIVE for atom in series]
    places = {sum_: place for place, sum_ in enumerate(dict.fromkeys(sums))}
    buckets = buckets_of(months_in([windows[atom.window] for atom in (*additive, *series)]))
    windowed = {
        atom: (places[atom.aggregate, atom.measure], *buckets.of(windows[atom.window]))
        for atom in additive
    }
    reduced = {
        atom: (
            *(places[kind, atom.measure] for kind in ADDITIVE),
            *buckets.of(windows[atom.window]),
            SERIES.index(atom.aggregate),
        )
        for atom in series
    }
    return AggregationPlan(
        buckets,
        tuple(places),
        (*sorted(windowed, key=windowed.__getitem__), *sorted(reduced, key=reduced.__getitem__)),
        going_on(np.array(sorted(windowed.values()), np.int64).reshape(-1, 3), 2),
        going_on(np.array(sorted(reduced.values()), np.int64).reshape(-1, 5), 3),
        tuple(members_of([atom for atom in atoms if atom.aggregate in MULTISET], windows)),
    )


def going_on(rows: Column, parts: int) -> Column:
    """Return rows with a column more: 1 where one begins with the same parts as the one before it.

    >>> going_on(np.array([[4, 0, 3], [4, 0, 6], [4, 3, 6]]), 2).tolist()
    [[4, 0, 3, 0], [4, 0, 6, 1], [4, 3, 6, 0]]
    """
    same = (rows[1:, :parts] == rows[:-1, :parts]).all(axis=1)
    return np.column_stack([rows, np.append(np.zeros(min(len(rows), 1), np.int64), same)])


def months_in(windows: Sequence[Window]) -> list[Window]:
    """Return some windows, and each month up to the first that one of them holds as one of its own."""
    first = max((window.first for window in windows if window.unit == "month"), default=0)
    return [*windows, *(Window("", "month", month + 1, month, "", "") for month in range(first))]


def members_of(atoms: Sequence[Atom], windows: Windows) -> Iterator[Members]:
    """Yield aggregates of multisets, those of one measure and kind together."""
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        groups[KINDS.get(atom.aggregate, "value"), atom.measure].append(atom)
    for (kind, measure), group in groups.items():
        edges = [
            edge
            for atom in group
            for edge in (windows[atom.window].last, windows[atom.window].first or LIMIT)
        ]
        yield Members(kind, measure, tuple(group), np.array(edges, np.int64))
