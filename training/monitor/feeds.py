"""Feeds: whether every table that a model rests on still brings rows, as it did before the model was trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from features.connection import named
from features.store.store import Store
from training.monitor.limits import MonitorLimits

COMES, THIN, STOPPED = "comes", "thin", "stopped"


@dataclass(frozen=True, slots=True)
class Feed:
    """A table's rows that became known in the last span of days, and in the leanest such span before training.

    `least` is None where the history before training holds no such span; `last_day` is that of the newest row, None without.
    """

    table: str
    rows: int
    least: int | None
    last_day: int | None
    word: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The days by which a model is watched: that of its training, the one before it that is compared, and the one asked."""

    trained: int
    compared: int
    today: int


def feeds(store: Store, tables: Iterable[str], days: Watched, limits: MonitorLimits) -> list[Feed]:
    """Return how each table that the store holds comes in, by name."""
    return [_feed(store, table, days, limits) for table in sorted(tables) if store.has(table)]


def _feed(store: Store, table: str, days: Watched, limits: MonitorLimits) -> Feed:
    begin = store.begins(table)
    rows, last_day = _newest(store, table, days.today, limits)
    spans: list[int] = []
    end = days.trained
    # the first day of a table holds all that was there before it, so that day is part of no span
    while len(spans) < limits.feed_spans and begin is not None and end - limits.feed_days >= begin:
        spans.append(_rows_between(store, table, end - limits.feed_days, end))
        end -= limits.feed_days
    least = min(spans, default=None)
    return Feed(table, rows, least, last_day, feed_word(rows, least, limits))


def feed_word(rows: int, least: int | None, limits: MonitorLimits) -> str:
    """Return whether a feed comes, runs thin or has stopped; a table that was lean before may be empty by chance."""
    if least is None or least < limits.least_rows:
        return COMES
    if not rows:
        return STOPPED
    return THIN if rows < limits.thin * least else COMES


def _newest(store: Store, table: str, today: int, limits: MonitorLimits) -> tuple[int, int | None]:
    """Return how many rows became known in the last span, and the day of the newest row of all."""
    rows = _rows_between(store, table, today - limits.feed_days, today)
    newest = store.sql(f"SELECT max(known) AS day FROM {named(table)} WHERE known <= {today}")
    return rows, newest["day"][0].as_py()


def _rows_between(store: Store, table: str, after: int, until: int) -> int:
    """Return how many rows of a table became known after one day and until another."""
    counted = store.sql(
        f"SELECT count(*) AS rows FROM {named(table)} "
        f"WHERE sign = 1 AND known > {after} AND known <= {until}"
    )
    return int(counted["rows"][0].as_py())
