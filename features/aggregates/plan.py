"""The plan of an aggregation: aggregates of rows placed by one column, sorted by how they are computed before rows are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from features.aggregates.buckets import Buckets, buckets_of
from features.arrays import Column
from features.catalogue.language import ADDITIVE, LIMIT, MULTISET, SERIES, Atom
from features.catalogue.model import Window

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
        """All the aggregates of the plan, the summed ones first."""
        of_multisets = chain.from_iterable(group.atoms for group in self.members)
        return (*self.summed, *of_multisets)


def aggregation_plan(atoms: Sequence[Atom], windows: Windows) -> AggregationPlan:
    """Return aggregates sorted by how they are found."""
    additive = tuple(atom for atom in atoms if atom.aggregate in ADDITIVE)
    series = tuple(atom for atom in atoms if atom.aggregate in SERIES)
    multisets = [atom for atom in atoms if atom.aggregate in MULTISET]
    places = places_of_sums(additive, series)
    spans = [windows[atom.window] for atom in (*additive, *series)]
    buckets = buckets_of(months_in(spans))
    window_rows: dict[Atom, tuple[int, ...]] = {}
    for atom in additive:
        place = places[atom.aggregate, atom.measure]
        first, beyond = buckets.of(windows[atom.window])
        window_rows[atom] = (place, first, beyond)
    series_rows: dict[Atom, tuple[int, ...]] = {}
    for atom in series:
        totals = places["sum", atom.measure]
        counts = places["count", atom.measure]
        first, beyond = buckets.of(windows[atom.window])
        reduction = SERIES.index(atom.aggregate)
        series_rows[atom] = (totals, counts, first, beyond, reduction)
    # Sorted, rows that share all but their end lie side by side, the shorter first: the loop then
    # goes on from one to the next instead of summing anew.
    summed = (
        *sorted(window_rows, key=window_rows.__getitem__),
        *sorted(series_rows, key=series_rows.__getitem__),
    )
    # Without any row numpy could not tell how many columns a row has.
    rows_of_windows = np.array(sorted(window_rows.values()), np.int64).reshape(-1, 3)
    rows_of_series = np.array(sorted(series_rows.values()), np.int64).reshape(-1, 5)
    return AggregationPlan(
        buckets=buckets,
        sums=tuple(places),
        summed=summed,
        windows=going_on(rows_of_windows, 2),
        series=going_on(rows_of_series, 3),
        members=tuple(members_of(multisets, windows)),
    )


def places_of_sums(additive: Sequence[Atom], series: Sequence[Atom]) -> dict[tuple[str, str], int]:
    """Return the place of each (kind, measure) that some aggregates sum; a series needs both its sums and its counts."""
    sums = [(atom.aggregate, atom.measure) for atom in additive]
    for kind in ADDITIVE:
        sums += [(kind, atom.measure) for atom in series]
    return {sum_: place for place, sum_ in enumerate(dict.fromkeys(sums))}


def going_on(rows: Column, parts: int) -> Column:
    """Return rows with a column more: 1 where one begins with the same parts as the one before it.

    >>> going_on(np.array([[4, 0, 3], [4, 0, 6], [4, 3, 6]]), 2).tolist()
    [[4, 0, 3, 0], [4, 0, 6, 1], [4, 3, 6, 0]]
    """
    equal_parts = rows[1:, :parts] == rows[:-1, :parts]
    same = equal_parts.all(axis=1)
    # The first row, if there is one, has none before it to go on from.
    first = np.zeros(min(len(rows), 1), np.int64)
    return np.column_stack([rows, np.append(first, same)])


def months_in(windows: Sequence[Window]) -> list[Window]:
    """Return some windows, and each month up to the first that one of them holds as one of its own."""
    farthest = max((window.first for window in windows if window.unit == "month"), default=0)
    months = [
        Window(name="", unit="month", first=month + 1, last=month, zh="", en="")
        for month in range(farthest)
    ]
    return [*windows, *months]


def members_of(atoms: Sequence[Atom], windows: Windows) -> Iterator[Members]:
    """Yield aggregates of multisets, those of one measure and kind together."""
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        kind = KINDS.get(atom.aggregate, "value")
        groups[kind, atom.measure].append(atom)
    for (kind, measure), group in groups.items():
        edges: list[int] = []
        for atom in group:
            window = windows[atom.window]
            # A window without a first day reaches back without end.
            edges += [window.last, window.first or LIMIT]
        yield Members(
            kind=kind, measure=measure, atoms=tuple(group), edges=np.array(edges, np.int64)
        )
