"""Moves of workers: who left one enterprise and began at another within `move_gap` days, as known by a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, Mask
from features.catalogue.parameters import network_parameters
from features.network.signed_rows import live_rows, sums_by_place
from features.store.store import Store

WORKERS_AT_ONCE = 1 << 19
"""Workers whose spells are in memory together: with 19 bits for them a packed event fits an int64."""
UNIT_BITS, DAY_BITS = 24, 17
"""An event is one int64 - worker, day, whether it begins, unit - so that sorting it sorts all four."""
DAY_ZERO = 1 << (DAY_BITS - 1)
"""Added to a day, so that a day before 1970 is no negative number."""
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
    """Yield the spells known by a day at registered enterprises, in batches of WORKERS_AT_ONCE workers."""
    names = ("enterprise", "started", "ended", "known", "sign", "worker")
    for low in range(0, store.dictionary("worker").size, WORKERS_AT_ONCE):
        high = low + WORKERS_AT_ONCE
        rows = store.rows("employment", by="worker", low=low, high=high, columns=names)
        live = live_rows(rows, day, "worker")
        registered = place[rows["enterprise"]] >= 0
        keep = live & (rows["started"] <= day) & registered
        yield Spells(
            worker=rows["worker"][keep] - low,
            unit=place[rows["enterprise"][keep]],
            started=rows["started"][keep],
            ended=rows["ended"][keep],
        )


def moves_among(spells: Spells, day: int) -> Moves:
    """Return the moves that began in the `move_span` days up to a day."""
    declared = network_parameters()
    first_day = day - declared.move_span
    often = np.bincount(spells.worker, minlength=1)[spells.worker]
    many = (often > 1) & (often <= declared.most_spells)
    began_recently = spells.started > first_day
    has_ended = (spells.ended != NULL) & (spells.ended <= day)
    ended_recently = has_ended & (spells.ended > first_day - declared.move_gap)
    beginning = np.flatnonzero(many & began_recently)
    leaving = np.flatnonzero(many & ended_recently)
    leavings = _packed(spells, leaving, spells.ended, 0)
    beginnings = _packed(spells, beginning, spells.started, 1)
    events = np.concatenate([leavings, beginnings])
    events.sort()
    return _paired(events, declared.move_gap)


def _packed(spells: Spells, which: Column, days: Column, begins: int) -> Column:
    worker_day = (spells.worker[which] << DAY_BITS) | (days[which] + DAY_ZERO)
    worker_day_begins = worker_day << 1 | begins
    return (worker_day_begins << UNIT_BITS) | spells.unit[which]


def _paired(events: Column, gap: int) -> Moves:
    """Return each beginning with every leaving of the same worker at most `gap` days before it."""
    here = np.flatnonzero(events >> UNIT_BITS & 1)
    units = (1 << UNIT_BITS) - 1
    places: list[Column] = []
    earlier: list[Column] = []
    back = 1
    # Each round looks one event further back, and only from where the last one was still near enough.
    while len(here):
        here = here[here >= back]
        # Of one worker the difference is of days; of two workers it is far above any gap.
        day = events[here] >> (UNIT_BITS + 1)
        day_before = events[here - back] >> (UNIT_BITS + 1)
        here = here[day - day_before <= gap]
        before = events[here - back]
        is_leaving = before >> UNIT_BITS & 1 == 0
        is_elsewhere = (before ^ events[here]) % (1 << UNIT_BITS) != 0
        leaves = is_leaving & is_elsewhere
        places.append(here[leaves])
        earlier.append(before[leaves])
        back += 1
    # Where nobody begins there was no round: `here` is empty, and so are the moves.
    at = np.concatenate(places) if places else here
    before = np.concatenate(earlier) if earlier else here
    source = before & units
    target = events[at] & units
    began = (events[at] >> (UNIT_BITS + 1)) % (1 << DAY_BITS) - DAY_ZERO
    order = np.argsort(at, kind="stable")
    return Moves(
        source=source.astype(np.int32)[order],
        target=target.astype(np.int32)[order],
        began=began.astype(np.int32)[order],
    )


def moves_of(store: Store, place: Column, exits: Column, day: int) -> tuple[Moves, Column]:
    """Return all moves known by a day, and for each enterprise with an exit day its spells around that day."""
    staff = np.zeros(len(exits), np.int64)
    # Empty arrays first, so that a store without workers has moves, too: none.
    source = [np.empty(0, np.int32)]
    target = [np.empty(0, np.int32)]
    began = [np.empty(0, np.int32)]
    for spells in spells_of(store, place, day):
        moves = moves_among(spells, day)
        source.append(moves.source)
        target.append(moves.target)
        began.append(moves.began)
        unit = spells.unit[_around_exits(spells, exits[spells.unit])]
        ones = np.ones(len(unit), np.int64)
        staff += sums_by_place(unit, ones, len(exits))
    all_moves = Moves(
        source=np.concatenate(source),
        target=np.concatenate(target),
        began=np.concatenate(began),
    )
    return all_moves, staff


def _around_exits(spells: Spells, exit_day: Column) -> Mask:
    """Return which spells lie within `exit_span` days of the exit of their unit; (n,) exit days, NULL where there is none."""
    declared = network_parameters()
    began_by_then = (exit_day != NULL) & (spells.started <= exit_day + declared.exit_span)
    earliest_end = exit_day - declared.exit_span - declared.move_gap
    still_there = (spells.ended == NULL) | (spells.ended >= earliest_end)
    around: Mask = began_by_then & still_there
    return around
