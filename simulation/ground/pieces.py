"""Rows on their way to a table: pieces of named integer arrays, NULL where a value is empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.ground.setting import NULL

Values = npt.NDArray[Any]
Piece = dict[str, Values]
Rows = list[tuple[str, Piece]]


def piece(recorded_on: Values, **columns: Values | int | float) -> Piece:
    """Return a piece whose columns all have the length of `recorded_on`; scalars are repeated."""
    size = len(recorded_on)
    rows: Piece = {"recorded_on": np.asarray(recorded_on)}
    for name, value in columns.items():
        is_repeated = np.isscalar(value)
        rows[name] = np.full(size, value) if is_repeated else np.asarray(value)
    return rows


def kept(part: Piece, mask: Values) -> Piece:
    """Return the rows of a piece that a mask or an index picks."""
    return {name: values[mask] for name, values in part.items()}


def corrections_of(
    part: Piece, mask: Values, recorded_on: Values, **columns: Values | int
) -> Piece:
    """Return corrections: the picked rows with the same key, another day of record and other values."""
    before = kept(part, mask)
    changed = piece(recorded_on, **columns)
    return {**before, **changed}


def joined_pieces(parts: Iterable[Piece], names: Iterable[str]) -> Piece:
    """Return the pieces one after the other; a column that one of them lacks is NULL there, `retracted` is 0."""
    pieces = [part for part in parts if len(part["recorded_on"])]
    if not pieces:
        return {name: np.empty(0, dtype=np.int64) for name in names}
    joined: Piece = {}
    for name in names:
        joined[name] = np.concatenate([_column(part, name) for part in pieces])
    return joined


def _column(part: Piece, name: str) -> Values:
    if name in part:
        return part[name]
    value = 0 if name == "retracted" else NULL
    return np.full(len(part["recorded_on"]), value, dtype=np.int64)


def where_day(mask: Values, days: Values) -> Values:
    """Return the days where the mask holds and NULL elsewhere."""
    return np.where(mask, days, NULL)
