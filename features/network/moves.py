"""Moves of workers: who left one enterprise and began at another within GAP days, as known by a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column
from features.network.signed_rows import live_rows, sums_by_place
from features.store.store import Store

GAP = 90
SPAN = 1095
PLACEHOLDER = 200
"""A worker with more spells than these is no person: a number that stands for many."""
AROUND = 180
WORKERS_AT_ONCE = 1 << 19
UNIT_BITS, DAY_BITS = 24, 17
DAY_ZERO = 1 << (DAY_BITS - 1)
Small = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves (m,): places of the enterprise left and of the one begun at, and the day begun; ordered by worker and day."""

    source: Small
    target: Small
    began: Small

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Spells:
    """Live spells of some workers that had begun by the day, `unit` the enterprise's place."""

    worker: Column
    unit: Column
    started: Column
    ended: Column


def spells_of(store: Store, place: Column, day: int) -> Iterator[Spells]:
    """Yield the spells known by a day at registered enterprises, workers in stretches of WORKERS_AT_ONCE."""
    names = ("enterprise", "started", "ended", "known", "sign", "worker")
    for low in range(0, store.dictionary("worker").size, WORKERS_AT_ONCE):
        rows = store.rows(
            "employment", by="worker", low=low, high=low + WORKERS_AT_ONCE, columns=names
        )
        keep = (
            live_rows(rows, day, "worker")
            & (rows["started"] <= day)
            & (place[rows["enterprise"]] >= 0)
        )
        unit = place[rows["enterprise"][keep]]
        yield Spells(rows["worker"][keep] - low, unit, rows["started"][keep], rows["ended"][keep])


def moves_among(spells: Spells, day: int) -> Moves:
    """Return the moves that began in the SPAN days up to a day."""
    often = np.bincount(spells.worker, minlength=1)[spells.worker]
    many = (often > 1) & (often <= PLACEHOLDER)
    began = np.flatnonzero(many & (spells.started > day - SPAN))
    left = np.flatnonzero(
        many & (spells.ended != NULL) & (spells.ended <= day) & (spells.ended > day - SPAN - GAP)
    )
    events = np.concatenate(
        [_packed(spells, left, spells.ended, 0), _packed(spells, began, spells.started, 1)]
    )
    events.sort()
    return _paired(events)


def _packed(spells: Spells, which: Column, days: Column, begins: int) -> Column:
    worker_day = (spells.worker[which] << DAY_BITS) | (days[which] + DAY_ZERO)
    return ((worker_day << 1 | begins) << UNIT_BITS) | spells.unit[which]


def _paired(events: Column) -> Moves:
    """Return each beginning with every leaving of the same worker at most GAP days before it."""
    here = np.flatnonzero(events >> UNIT_BITS & 1)
    found: list[tuple[Column, Column]] = []
    back = 1
    while len(here):
        here = here[here >= back]
        gap = (events[here] >> (UNIT_BITS + 1)) - (events[here - back] >> (UNIT_BITS + 1))
        here = here[gap <= GAP]
        before = events[here - back]
        leaves = (before >> UNIT_BITS & 1 == 0) & ((before ^ events[here]) % (1 << UNIT_BITS) != 0)
        found.append((here[leaves], before[leaves]))
        back += 1
    at = np.concatenate([at for at, _ in found]) if found else here
    before = np.concatenate([before for _, before in found]) if found else here
    began = (events[at] >> (UNIT_BITS + 1)) % (1 << DAY_BITS) - DAY_ZERO
    units = (1 << UNIT_BITS) - 1
    order = np.argsort(at, kind="stable")
    return Moves(
        (before & units).astype(np.int32)[order],
        (events[at] & units).astype(np.int32)[order],
        began.astype(np.int32)[order],
    )


def moves_of(store: Store, place: Column, exits: Column, day: int) -> tuple[Moves, Column]:
    """Return all moves known by a day, and for each enterprise with an exit day its spells around that day."""
    parts, staff = [], np.zeros(len(exits), np.int64)
    for spells in spells_of(store, place, day):
        parts.append(moves_among(spells, day))
        out = exits[spells.unit]
        there = (out != NULL) & (spells.started <= out + AROUND)
        there &= (spells.ended == NULL) | (spells.ended >= out - AROUND - GAP)
        staff += sums_by_place(spells.unit[there], np.ones(int(there.sum()), np.int64), len(exits))
    empty = np.empty(0, np.int32)
    source, target, began = (
        np.concatenate([empty, *(getattr(part, name) for part in parts)])
        for name in ("source", "target", "began")
    )
    return Moves(source, target, began), staff
