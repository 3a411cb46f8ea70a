"""Novelty: how unlike its peers the history of a unit is, for acts that no label tells of yet.

An isolation forest parts units by cuts drawn at random; a unit that few cuts leave alone is unlike the others. It
learns from no label, so what it gives is neither a probability nor a score: the order in which people may look.
Values are compared among peers of like size, or else the queue would list the largest units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from features.catalogue.model import Catalogue, Feature
from features.errors import RequestError
from features.matrix import Matrix

TREES = 300
"""Trees of the forest; a choice: with more the first hundred of a city hardly change places."""
DIRECTIONS = 20
"""Independent directions in which units are compared, so that one fact told by many windows counts once; of 20 and 60,
20 brought more of the planted schemes to the front."""
LEAST_PEERS = 50
"""Units below which nobody can be called unusual among them; a choice."""
MOST_GROUPS = 20
"""Groups of like size at most; a choice: more would compare the largest units with none but themselves."""
RAREST = 0.02
"""The share of peers up to which a value is told as rare; a choice: one in fifty."""
MOST_TOLD = 3
"""Rare values of one unit that are told, the rarest first."""
SIZES = {"enterprise": "staff", "provider": "billed_claims_365d", "claim": "claim_amount"}
"""By entity, the feature that says how large a unit is."""
Floats = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Oddity:
    """A value that few peers share: how many of them have as much or more (`is_high`), or as little or less."""

    feature: Feature
    value: float
    is_high: bool
    units: int
    peers: int


@dataclass(frozen=True, slots=True)
class Novelty:
    """One unit of the queue: its place from 1 on, how unusual it is (0 to 1), and its rarest values."""

    place: int
    unit: str
    unusual: float
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """The most unusual units of a day, in order, out of `units` that were compared by `features` features."""

    units: int
    features: int
    seed: int
    lines: tuple[Novelty, ...]


def novelty_queue(matrix: Matrix, catalogue: Catalogue, *, top: int, seed: int) -> Queue:
    """Return the `top` most unusual units of a matrix, whatever the order of its rows; equal ones by identifier.

    Raises RequestError when there are too few units to compare, or no feature tells them apart.
    """
    if len(matrix) < LEAST_PEERS:
        raise RequestError(
            f"a unit is unusual only among at least {LEAST_PEERS} units; "
            f"got {len(matrix)}: ask for another day or entity"
        )
    # the forest draws rows by their place, so each unit gets one that does not depend on how it was asked for
    matrix = matrix.take(np.argsort(matrix.keys, kind="stable"))
    columns = varying_numbers(matrix)
    if not columns:
        raise RequestError(
            f"no feature differs between the {len(matrix)} units of this day; ask for another day"
        )
    values = matrix.values[:, columns]
    peers = groups_of_like_size(matrix)
    unusual = unusualness(values, peers, seed)
    order = np.lexsort((matrix.keys, -unusual))[:top]
    declared = {feature.name: feature for feature in catalogue.features(matrix.entity)}
    rarity = Rarity([declared[matrix.names[column]] for column in columns], values, peers)
    lines = tuple(
        Novelty(place, str(matrix.keys[row]), float(unusual[row]), tuple(rarity.oddities(row)))
        for place, row in enumerate(order.tolist(), start=1)
    )
    return Queue(len(matrix), len(columns), seed, lines)


def varying_numbers(matrix: Matrix) -> list[int]:
    """Return the places of the columns that are numbers and differ between units."""
    columns = []
    for column, name in enumerate(matrix.names):
        if name in matrix.categories:
            continue
        values = matrix.values[:, column]
        present = values[~np.isnan(values)]
        if len(present) and present.min() < present.max():
            columns.append(column)
    return columns


def groups_of_like_size(matrix: Matrix) -> Groups:
    """Return the group of each unit, (n,): units of equal size are in one, and each has LEAST_PEERS or more.

    A unit whose size is missing counts as smaller than all; a source without the feature has one group.
    """
    name = SIZES[matrix.entity]
    if name not in matrix.names:
        return np.zeros(len(matrix), np.int64)
    size = np.nan_to_num(matrix.column(name), nan=-np.inf)
    groups = min(MOST_GROUPS, len(matrix) // LEAST_PEERS)
    ascending = np.sort(size)
    places = np.linspace(0, len(size), groups, endpoint=False).astype(np.int64)
    group = np.searchsorted(np.unique(ascending[places]), size, side="right") - 1
    return _with_enough(group.astype(np.int64))


def _with_enough(group: Groups) -> Groups:
    """Return groups of which each that has too few units has joined the one before it, the first the next."""
    sizes = np.bincount(group)
    joined = np.zeros(len(sizes), np.int64)
    current = 0
    members = 0
    for place, size in enumerate(sizes.tolist()):
        # what remains above must be a group by itself, or else it belongs to this one
        above = int(sizes[place:].sum())
        if members >= LEAST_PEERS and above >= LEAST_PEERS:
            current += 1
            members = 0
        joined[place] = current
        members += size
    return joined[group]


def unusualness(values: Floats, peers: Groups, seed: int) -> Floats:
    """Return how unusual each row of (n, F) is among all, from 0 to 1."""
    rarity = np.zeros_like(values)
    for group in np.unique(peers):
        is_member = peers == group
        rarity[is_member] = rarity_of(values[is_member])
    directions = PCA(min(DIRECTIONS, *rarity.shape), whiten=True, svd_solver="covariance_eigh")
    # each tree is grown on 256 units, the authors' own value, or on all where they are fewer
    forest = IsolationForest(n_estimators=TREES, max_samples="auto", random_state=seed)
    compared = make_pipeline(directions, forest).fit(rarity)
    return np.asarray(-compared.score_samples(rarity), dtype=np.float64)


def rarity_of(values: Floats) -> Floats:
    """Return how rare each value of (n, F) is in its column: 0 in the middle, above it for high values, else below.

    One further from 0 by log 2 is half as common. Only the order of values counts, so no unit or long tail does; a
    missing value is as common as the middle.

    >>> rarity_of(np.array([[1.0], [2.0], [2.0], [900.0]])).round(2).ravel().tolist()
    [-0.69, 0.0, 0.0, 0.69]
    """
    present = np.count_nonzero(~np.isnan(values), axis=0)
    as_little = rankdata(values, method="max", axis=0, nan_policy="omit")
    as_much = present + 1 - rankdata(values, method="min", axis=0, nan_policy="omit")
    low = np.log(present / (2 * as_little))
    high = np.log(present / (2 * as_much))
    rarity = np.where(high >= low, np.maximum(high, 0.0), -np.maximum(low, 0.0))
    return np.asarray(np.nan_to_num(rarity, nan=0.0))


class Rarity:
    """How many peers have as much of a feature as a unit, or as little."""

    def __init__(self, features: list[Feature], values: Floats, peers: Groups) -> None:
        self._features = features
        self._values = values
        self._peers = peers

    def oddities(self, row: int) -> Iterator[Oddity]:
        """Yield the rarest values of a unit, at most MOST_TOLD, the rarest first."""
        of_peers = self._values[self._peers == self._peers[row]]
        values = [self._oddity(column, row, of_peers) for column in range(len(self._features))]
        rare = [odd for odd in values if odd is not None and odd.units <= RAREST * odd.peers]
        rare.sort(key=lambda odd: odd.units)
        yield from rare[:MOST_TOLD]

    def _oddity(self, column: int, row: int, of_peers: Floats) -> Oddity | None:
        """Return how few peers go as far as a unit in one feature; None where its value is missing."""
        value = float(self._values[row, column])
        if np.isnan(value):
            return None
        as_much = int((of_peers[:, column] >= value).sum())
        as_little = int((of_peers[:, column] <= value).sum())
        is_high = as_much <= as_little
        few = min(as_much, as_little)
        return Oddity(self._features[column], value, is_high, few, len(of_peers))
