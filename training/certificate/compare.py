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
        return {"units": self.units, "largest": self.largest if np.isfinite(self.largest) else None}

    def __or__(self, other: Moved) -> Moved:
        return Moved(max(self.units, other.units), max(self.largest, other.largest))


Moves = Mapping[str, Moved]


def greater_moves(first: Moves, second: Moves) -> dict[str, Moved]:
    """Return the greater move of each feature."""
    return {
        name: first.get(name, Moved(0, 0.0)) | second.get(name, Moved(0, 0.0))
        for name in {**first, **second}
    }


def compared_matrices(
    before: Mapping[str, Matrix], after: Mapping[str, Matrix]
) -> dict[str, Moved]:
    """Return by `view: feature` whatever is not identical in two sets of matrices of the same names."""
    found: dict[str, Moved] = {}
    for view, matrix in before.items():
        found |= {
            f"{view}: {name}": moved for name, moved in differing(matrix, after[view]).items()
        }
    return found


def cases_in(matrix: Matrix) -> list[tuple[str, int]]:
    """Return the identifier and day of each row."""
    return list(zip(matrix.keys.tolist(), matrix.as_of.tolist(), strict=True))


def differing(before: Matrix, after: Matrix) -> dict[str, Moved]:
    """Return the features that moved between two matrices, with units that came or went under REGISTER."""
    places = {case: place for place, case in enumerate(cases_in(after))}
    cases = cases_in(before)
    shared = [place for place, case in enumerate(cases) if case in places]
    gone = len(cases) - len(shared) + len(places) - len(shared)
    found = {REGISTER: Moved(gone, 1.0)} if gone else {}
    there = np.array([places[cases[place]] for place in shared], np.int64)
    here = np.array(shared, np.int64)
    for name in dict.fromkeys((*before.names, *after.names)):
        if name not in before.names or name not in after.names:
            found[name] = Moved(max(len(shared), 1), 1.0)
            continue
        moved = _moved(_plain(before, name)[here], _plain(after, name)[there])
        if moved is not None:
            found[name] = moved
    return found


def _plain(matrix: Matrix, name: str) -> NDArray[Any]:
    """Return a feature's values: float64, or texts for a category, "" where missing."""
    values = matrix.column(name)
    if name not in matrix.categories:
        return values
    texts = np.array(["", *matrix.categories[name]], np.str_)
    return texts[np.where(np.isnan(values), -1.0, values).astype(np.int64) + 1]


def _moved(first: NDArray[Any], second: NDArray[Any]) -> Moved | None:
    if first.dtype.kind != "f":
        other = first != second
        return Moved(int(other.sum()), 1.0) if other.any() else None
    other = np.ascontiguousarray(first).view(np.int64) != np.ascontiguousarray(second).view(
        np.int64
    )
    if not other.any():
        return None
    gap = np.abs(first[other] - second[other])
    return Moved(int(other.sum()), float(np.where(np.isnan(gap), 1.0, gap).max()))


def digest_of_matrix(matrix: Matrix) -> str:
    """Return the SHA-256 of a matrix by identifier and day, categories as texts, numbers to the bit."""
    order = np.lexsort((matrix.as_of, matrix.keys))
    total = hashlib.sha256(repr((matrix.entity, matrix.names)).encode())
    total.update("\n".join(matrix.keys[order].tolist()).encode())
    total.update(np.ascontiguousarray(matrix.as_of[order]).tobytes())
    for name in matrix.names:
        values = _plain(matrix, name)[order]
        total.update(
            values.tobytes() if values.dtype.kind == "f" else "\n".join(values.tolist()).encode()
        )
    return total.hexdigest()
