"""Two matrices of the same cases compared to the bit: by identifier and day, categories by their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix

REGISTER = "(register)"
"""The name under which units that came or went are counted."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many units a feature moved for, and by how much at most (categories and gaps count as 1, an infinite move as inf)."""

    units: int
    largest: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values; a move that no number tells is None."""
        largest = self.largest if np.isfinite(self.largest) else None
        return {"units": self.units, "largest": largest}

    def __or__(self, other: Moved) -> Moved:
        units = max(self.units, other.units)
        largest = max(self.largest, other.largest)
        return Moved(units, largest)


Moves = Mapping[str, Moved]


def greater_moves(first: Moves, second: Moves) -> dict[str, Moved]:
    """Return the greater move of each feature."""
    greater = dict(first)
    for name, move in second.items():
        greater[name] = greater.get(name, move) | move
    return greater


def compared_matrices(
    before: Mapping[str, Matrix], after: Mapping[str, Matrix]
) -> dict[str, Moved]:
    """Return by `view: feature` whatever is not identical in two sets of matrices of the same names."""
    moves: dict[str, Moved] = {}
    for view, matrix in before.items():
        for name, move in differing(matrix, after[view]).items():
            moves[f"{view}: {name}"] = move
    return moves


def cases_in(matrix: Matrix) -> list[tuple[str, int]]:
    """Return the identifier and day of each row."""
    return list(zip(matrix.keys.tolist(), matrix.as_of.tolist(), strict=True))


def differing(before: Matrix, after: Matrix) -> dict[str, Moved]:
    """Return the features that moved between two matrices, with units that came or went under REGISTER."""
    cases = cases_in(before)
    places = {case: place for place, case in enumerate(cases_in(after))}
    shared_places = [place for place, case in enumerate(cases) if case in places]
    here = np.array(shared_places, np.int64)
    there = np.array([places[cases[place]] for place in shared_places], np.int64)
    shared = len(shared_places)
    unshared = len(cases) + len(places) - 2 * shared
    moves = {REGISTER: Moved(unshared, 1.0)} if unshared else {}
    for name in dict.fromkeys((*before.names, *after.names)):
        if name not in before.names or name not in after.names:
            moves[name] = Moved(max(shared, 1), 1.0)
            continue
        first = _plain(before, name)[here]
        second = _plain(after, name)[there]
        move = _moved(first, second)
        if move is not None:
            moves[name] = move
    return moves


def _plain(matrix: Matrix, name: str) -> NDArray[Any]:
    """Return a feature's values: float64, or texts for a category, "" where missing."""
    values = matrix.column(name)
    if name not in matrix.categories:
        return values
    # a missing value has place -1, and so the text before the first
    texts = np.array(["", *matrix.categories[name]], np.str_)
    places = np.where(np.isnan(values), -1.0, values).astype(np.int64)
    return texts[places + 1]


def _moved(first: NDArray[Any], second: NDArray[Any]) -> Moved | None:
    """Return how far apart two columns are, None where all bits are the same."""
    if first.dtype.kind != "f":
        other_text = first != second
        return Moved(int(other_text.sum()), 1.0) if other_text.any() else None
    is_unlike = _bits(first) != _bits(second)
    if not is_unlike.any():
        return None
    units = int(is_unlike.sum())
    gap = np.abs(first[is_unlike] - second[is_unlike])
    return Moved(units, float(np.where(np.isnan(gap), 1.0, gap).max()))


def _bits(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return float64 as integers, so that a missing value equals itself and -0.0 is not 0.0."""
    return np.ascontiguousarray(values).view(np.int64)


def digest_of_matrix(matrix: Matrix) -> str:
    """Return the SHA-256 of a matrix by identifier and day, categories as texts, numbers to the bit."""
    order = np.lexsort((matrix.as_of, matrix.keys))
    head = repr((matrix.entity, matrix.names))
    total = hashlib.sha256(head.encode())
    total.update(_joined_texts(matrix.keys[order]))
    total.update(np.ascontiguousarray(matrix.as_of[order]).tobytes())
    for name in matrix.names:
        values = _plain(matrix, name)[order]
        total.update(_bytes_of(values))
    return total.hexdigest()


def _bytes_of(values: NDArray[Any]) -> bytes:
    """Return what a digest reads of a column: the bits of numbers, texts in UTF-8."""
    if values.dtype.kind == "f":
        return values.tobytes()
    return _joined_texts(values)


def _joined_texts(texts: NDArray[Any]) -> bytes:
    return "\n".join(texts.tolist()).encode()
