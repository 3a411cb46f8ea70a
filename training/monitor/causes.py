"""Causes: features that moved told by the table that they rest on, so that a broken feed is one thing and not fifty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.monitor.limits import MonitorLimits

TablesOf = Mapping[str, tuple[str, ...]]
"""By feature the tables of the contract on which it rests."""


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table most of whose features moved: these, and how many rest on it and on no table named before it."""

    table: str
    moved: tuple[str, ...]
    features: int

    @property
    def rank(self) -> tuple[float, int, str]:
        """The place among tables: the greatest share of moved features first, then the most, then the name."""
        number = len(self.moved)
        return -number / self.features, -number, self.table


def moved_tables(tables_of: TablesOf, moved: set[str], limits: MonitorLimits) -> list[MovedTable]:
    """Return the tables that explain what moved, the one with the greatest share of its features first.

    A feature is told once, of the first table that has it.
    """
    unexplained = dict(tables_of)
    leaders: list[MovedTable] = []
    while candidates := _most_moved(unexplained, moved, limits):
        leader = min(candidates, key=lambda table: table.rank)
        leaders.append(leader)
        for name in _resting(unexplained, leader.table):
            del unexplained[name]
    return leaders


def _most_moved(tables_of: TablesOf, moved: set[str], limits: MonitorLimits) -> list[MovedTable]:
    """Return the tables of which most features, and enough, moved."""
    every_table = set().union(*tables_of.values())
    candidates = []
    for table in every_table:
        resting = _resting(tables_of, table)
        changed = sorted(moved.intersection(resting))
        is_most = len(changed) >= limits.least_share * len(resting)
        if is_most and len(changed) >= limits.least_moved:
            candidates.append(MovedTable(table, tuple(changed), len(resting)))
    return candidates


def _resting(tables_of: TablesOf, table: str) -> list[str]:
    """Return the features that rest on a table."""
    return [name for name, tables in tables_of.items() if table in tables]
