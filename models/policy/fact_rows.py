"""The rows of facts that a policy rests on: what a store knew of enterprises by a day, with the number of each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, Mask
from features.store.store import Store
from models.policy.campaign_rules import Appraisal


@dataclass(frozen=True, slots=True, eq=False)
class FactRows:
    """Rows of one table that hold as of a day and each concern one enterprise, by its code and then by their day.

    `enterprise` and `day` (n,) int64, `row_id` (n,) texts; other columns (n,) int64 by name, NULL where empty.
    """

    table: str
    enterprise: Column
    day: Column
    row_id: NDArray[Any]
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.enterprise)

    def where(self, mask: Mask) -> FactRows:
        """Return the rows that a mask (n,) picks, in the same order."""
        return self.take(np.flatnonzero(mask))

    def take(self, places: Column) -> FactRows:
        """Return the rows at some places."""
        return FactRows(
            table=self.table,
            enterprise=self.enterprise[places],
            day=self.day[places],
            row_id=self.row_id[places],
            columns={name: values[places] for name, values in self.columns.items()},
        )

    def between(self, first: int, last: int) -> FactRows:
        """Return the rows whose day lies from `first` to `last`."""
        return self.where((self.day >= first) & (self.day <= last))

    def latest(self) -> FactRows:
        """Return the last row of each enterprise."""
        following = np.append(self.enterprise[1:], -1)
        return self.where(self.enterprise != following)

    def counts(self, codes: Column, among: Mask | None = None) -> Column:
        """Return how many rows each of some enterprises has, (n,); of those rows that a mask picks, if one is given."""
        enterprises = self.enterprise if among is None else self.enterprise[among]
        most = int(max(codes.max(initial=0), enterprises.max(initial=0))) + 1
        return np.bincount(enterprises, minlength=most)[codes]

    def row_ids(self) -> dict[int, list[str]]:
        """Return the numbers of the rows of each enterprise that has any, by its code."""
        ids: dict[int, list[str]] = defaultdict(list)
        for code, row_id in zip(self.enterprise.tolist(), self.row_id.tolist(), strict=True):
            ids[code].append(row_id)
        return dict(ids)


def fact_rows(
    store: Store, table: str, as_of: int, *, day: str, columns: Sequence[str] = ()
) -> FactRows:
    """Return the rows of a table as known by the end of a day, placed by one of its days; none where it is absent.

    Rows that name no enterprise or have no such day are left out.
    """
    names = dict.fromkeys(("enterprise", day, *columns))
    if not store.has(table):
        nothing = np.zeros(0, np.int64)
        return FactRows(table, nothing, nothing, nothing, dict.fromkeys(names, nothing))
    rows = store.live(table, as_of, (*names, "row_id"))
    enterprises, days = rows["enterprise"], rows[day]
    placed = np.flatnonzero((enterprises != NULL) & (days != NULL))
    # The sort is stable, and rows lie stored by their keys: so the order in which they came does not matter.
    order = placed[np.lexsort((days[placed], enterprises[placed]))]
    return FactRows(
        table=table,
        enterprise=enterprises[order],
        day=days[order],
        row_id=rows["row_id"][order],
        columns={name: rows[name][order] for name in names},
    )


def visit_rows(store: Store, as_of: int) -> FactRows:
    """Return the visits opened by a day, with `closed_on` and `inspection`."""
    columns = ("inspection", "closed_on")
    visits = fact_rows(store, "inspections", as_of, day="opened", columns=columns)
    return visits.where(visits.day <= as_of)


def sanction_rows(store: Store, appraisal: Appraisal, as_of: int) -> FactRows:
    """Return the sanctions decided by a day that a rule set counts, with `grave`, `complied_on` and their visit.

    The table is that of sanctions joined with their visits, which name the enterprise.
    """
    columns = ("inspection", "violation", "act", "grave", "complied_on")
    rows = fact_rows(store, "sanctioned", as_of, day="decided_on", columns=columns)
    if not len(rows):
        return rows
    choices = store.column("sanctioned", "act").choices
    counted = [choices.index(act) for act in appraisal.acts]
    return rows.where(np.isin(rows.columns["act"], counted) & (rows.day <= as_of))


def is_refused(sanctions: FactRows, term: int, day: int) -> Mask:
    """Return which sanctions (n,) are refused on a day: its term of days is over, and it was not obeyed by then."""
    complied = sanctions.columns["complied_on"]
    is_open: Mask = (complied == NULL) | (complied > day)
    is_over: Mask = sanctions.day + term < day
    return np.logical_and(is_open, is_over)


def is_grave(sanctions: FactRows) -> Mask:
    """Return which sanctions (n,) answer a grave act."""
    return np.asarray(sanctions.columns["grave"] == 1)


def runs_on(rows: FactRows, last: str, *, days: int, day: int) -> Mask:
    """Return which rows (n,) run on a day: begun by it, and not past their `last` day, or `days` where none is given."""
    last_day = rows.columns[last]
    until = np.where(last_day == NULL, rows.day + days, last_day)
    return (rows.day <= day) & (day <= until)
