"""The neighbour of a day: another on which what is rounded to the ends of months shows, where it does not on the day itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.cases import month_ends
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices
from training.certificate.read_paths import city, inquiry_of
from training.certificate.visible_rows import Holdings, holdings, unlike

MIDDLE = 17
"""Days before a month's end that lie in the middle of the month."""


def neighbour(day: int) -> int:
    """Return the month end before a day; where the day is one itself, a day in the middle of its month.

    >>> from features.calendar import date_of, day_of
    >>> [str(date_of(neighbour(day_of(day)))) for day in ("2015-03-22", "2015-03-31")]
    ['2015-02-28', '2015-03-14']
    """
    [end] = month_ends(np.array([day])).tolist()
    if end == day:
        return day - MIDDLE
    return int(end)


def said_of(store: Store, day: int) -> tuple[Mapping[str, Matrix], Holdings]:
    """Return what a store says of the city of a day, and what its tables held by then."""
    return city(store, inquiry_of(store, day)), holdings(store, day)


def moved_on(
    day: int, before: tuple[Mapping[str, Matrix], Holdings], store: Store
) -> dict[str, Moved]:
    """Return what another store says otherwise of a day."""
    matrices_before, rows_before = before
    matrices, rows = said_of(store, day)
    moves = compared_matrices(matrices_before, matrices)
    return moves | unlike(rows_before, rows)


def labelled_moves(kind: str, moved: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moved under names that say by which kind of poison."""
    return {f"{kind} {name}": much for name, much in moved.items()}
