"""What is asked of rows placed by one column: aggregates sorted by how they are found, laid out before any row is seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.catalogue import Window
from features.grid import Buckets, buckets_of
from features.language import ADDITIVE, LIMIT, MULTISET, SERIES, Atom
from features.rowwise import Column

Windows = Mapping[str, Window]
KINDS = {"newest": "dated", "since": "placed", "first_since": "placed"}


@dataclass(frozen=True, slots=True)
class Series:
    """One reduction of monthly totals, asked of several measures: where their totals and counts stand among the sums."""

    aggregate: str
    atoms: tuple[Atom, ...]
    totals: list[int]
    counts: list[int]
    buckets: slice


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
class Asked:
    """Aggregates sorted by how they are found: from `sums`, each a count or a sum of a measure by bucket, or from multisets.

    An additive one is the sum of buckets `low` to below `high` of the one at `place`.
    """

    buckets: Buckets
    sums: tuple[tuple[str, str], ...]
    additive: tuple[Atom, ...]
    place: Column
    low: Column
    high: Column
    series: tuple[Series, ...]
    members: tuple[Members, ...]

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """All that is asked."""
        grouped: tuple[Series | Members, ...] = (*self.series, *self.members)
        return (*self.additive, *(atom for group in grouped for atom in group.atoms))


def asked_of(atoms: Sequence[Atom], windows: Windows) -> Asked:
    """Return aggregates sorted by how they are found."""
    additive = tuple(atom for atom in atoms if atom.aggregate in ADDITIVE)
    series = [atom for atom in atoms if atom.aggregate in SERIES]
    sums = [(atom.aggregate, atom.measure) for atom in additive]
    sums += [(kind, atom.measure) for kind in ADDITIVE for atom in series]
    places = {sum_: place for place, sum_ in enumerate(dict.fromkeys(sums))}
    buckets = buckets_of([windows[atom.window] for atom in additive] + months_of([windows[atom.window] for atom in series]))
    ends = np.array([buckets.of(windows[atom.window]) for atom in additive], np.int64).reshape(-1, 2)
    place = np.array([places[atom.aggregate, atom.measure] for atom in additive], np.int64)
    return Asked(buckets, tuple(places), additive, place, ends[:, 0], ends[:, 1],
                 tuple(series_of(series, windows, buckets, places)),
                 tuple(members_of([atom for atom in atoms if atom.aggregate in MULTISET], windows)))


def months_of(windows: Sequence[Window]) -> list[Window]:
    """Return some windows of months, and each month up to the first of them as one of its own."""
    first = max((window.first for window in windows), default=0)
    return [*windows, *(Window("", "month", month + 1, month, "", "") for month in range(first))]


def series_of(atoms: Sequence[Atom], windows: Windows, buckets: Buckets,
              places: Mapping[tuple[str, str], int]) -> Iterator[Series]:
    """Yield reductions of months, one for each aggregate and window."""
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        groups[atom.aggregate, atom.window].append(atom)
    for (aggregate, window), group in groups.items():
        totals, counts = ([places[kind, atom.measure] for atom in group] for kind in ADDITIVE)
        yield Series(aggregate, tuple(group), totals, counts, slice(*buckets.of(windows[window])))


def members_of(atoms: Sequence[Atom], windows: Windows) -> Iterator[Members]:
    """Yield aggregates of multisets, those of one measure and kind together."""
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        groups[KINDS.get(atom.aggregate, "value"), atom.measure].append(atom)
    for (kind, measure), group in groups.items():
        edges = [edge for atom in group for edge in (windows[atom.window].last, windows[atom.window].first or LIMIT)]
        yield Members(kind, measure, tuple(group), np.array(edges, np.int64))
