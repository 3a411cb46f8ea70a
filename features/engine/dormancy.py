"""Dormant firms: living enterprises that filed, paid and employed nobody for a stated number of months, as known on a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from features.aggregates.reader import atom_values
from features.arrays import NULL, Column, Values
from features.calendar import date_of, first_day, month_of_day
from features.catalogue.language import Atom
from features.engine.engine import Engine
from features.engine.population import bare_cases, codes_on, still_living
from features.store.store import Store

ACTIVE = {
    "tax_payroll": "month >= {month} AND (employees > 0 OR payroll > 0)",
    "employment": "ended IS NULL OR ended >= {day}",
    "contributions": "kind <> {refund} AND CASE WHEN paid_on IS NULL THEN booked >= {month} ELSE paid_on >= {day} END "
    "AND (coalesce(paid_unit, paid_person) IS NULL OR coalesce(paid_unit, 0) + coalesce(paid_person, 0) > 0)",
}
"""By table, the rows by which an enterprise is active; a contribution that names no amount counts as paid."""
REACHES = {
    "tax_payroll": "month <= {month}",
    "employment": "started <= {day}",
    "contributions": "month <= {month}",
}
"""By table, the rows that show that it reaches back to the first month of the silence."""
REGISTERED = Atom("newest", "enterprise_registered", "all")
IN_REGISTER = Atom("first_since", "enterprise_rows", "all")


@dataclass(frozen=True, slots=True, eq=False)
class Dormancy:
    """The dormant firms of the day `as_of` among its `living` enterprises: nothing of them since the day `since`.

    `codes` (n,) ascending; `untold` names the tables for want of which no firm can be called dormant, and then none is.
    """

    as_of: int
    months: int
    since: int
    living: int
    codes: Column
    untold: tuple[str, ...]

    def of(self, code: int) -> bool | None:
        """Tell whether an enterprise is dormant, by its code; None where no firm can be called so."""
        if self.untold:
            return None
        place = int(np.searchsorted(self.codes, code))
        return place < len(self.codes) and int(self.codes[place]) == code

    @property
    def words(self) -> dict[str, str]:
        """What it means of one firm that it is dormant, in both languages."""
        since = date_of(self.since)
        return {
            "zh": f"休眠：自 {since} 起无人申报、无人缴费、无人用工（至少 {self.months} 个月）；只因投诉或抽签列入计划",
            "en": f"dormant: has filed, paid and employed nobody since {since} (at least {self.months} months); "
            "on a list only by complaint or lottery",
        }


def dormancy(engine: Engine, as_of: int) -> Dormancy:
    """Return the dormant firms of a day, by what was known on it; HistoryError when the day is not closed.

    The silence is the source's `dormant_months` months before the month of the day, and the days since. A firm is not
    dormant that entered the register later than that begins: on its day of registration, or its first row if earlier.
    """
    store = engine.store
    months = store.source.dormant_months
    month = month_of_day(as_of) - months
    since = first_day(month)
    living, entered = living_since(engine, as_of)
    bounds = {"month": month, "day": since, "refund": _refund(store)}
    untold = []
    for table, rows in REACHES.items():
        if not _holds(store, table, as_of, rows.format(**bounds)):
            untold.append(table)
    silent = living[:0] if untold else living[entered < since]
    for table, rows in ACTIVE.items():
        # Each table is asked only for the firms that all before it left silent.
        if len(silent):
            active = _named_by(store, table, as_of, rows.format(**bounds), silent)
            silent = np.setdiff1d(silent, active, assume_unique=True)
    return Dormancy(
        as_of=as_of,
        months=months,
        since=since,
        living=len(living),
        codes=silent,
        untold=tuple(untold),
    )


def living_since(engine: Engine, as_of: int) -> tuple[Column, Values]:
    """Return the codes (n,) of the enterprises that live on a day, ascending, and the day (n,) on which each entered."""
    code = codes_on(engine.store, "enterprise", as_of)
    bare = bare_cases("enterprise", code, np.full(len(code), as_of, np.int64))
    cases = still_living(engine, bare)
    values = atom_values(engine, cases, {REGISTERED, IN_REGISTER})
    first_row = as_of - values[IN_REGISTER]
    # `fmin` takes the day that is known where the other is missing.
    entered = np.fmin(values[REGISTERED], first_row)
    return cases.code, entered


def _refund(store: Store) -> int:
    """Return the code of refunds, which are no payments."""
    if not store.has("contributions"):
        return NULL
    kinds = store.column("contributions", "kind").choices
    return kinds.index("refund")


def _holds(store: Store, table: str, as_of: int, rows: str) -> bool:
    """Tell whether a source holds a table, and rows of a kind in it that were known by a day."""
    if not store.has(table):
        return False
    one_row = f"SELECT 1 FROM {table} WHERE known <= {as_of} AND {rows} LIMIT 1"
    return int(store.sql(one_row).num_rows) > 0


def _named_by(store: Store, table: str, as_of: int, rows: str, among: Column) -> Column:
    """Return those among some enterprises, by code, that live rows of a kind name as of a day."""
    active = (
        f"SELECT enterprise FROM {table} WHERE enterprise IN (SELECT code FROM among) "
        f"AND known <= {as_of} AND ({rows}) GROUP BY enterprise HAVING sum(sign) > 0"
    )
    answer = store.sql(active, among=pa.table({"code": among}))
    return np.asarray(answer["enterprise"].to_numpy(), np.int64)


def dormancy_as_json(found: Dormancy) -> dict[str, Any]:
    """Return how many firms are dormant as plain values: `firms` is None where that cannot be told."""
    return {
        "months": found.months,
        "since": date_of(found.since).isoformat(),
        "living": found.living,
        "firms": None if found.untold else len(found.codes),
        "untold": list(found.untold),
    }


def dormancy_line(told: dict[str, Any]) -> str:
    """Return the same, as `dormancy_as_json` gave it, as a line for a person."""
    if told["firms"] is None:
        tables = ", ".join(told["untold"])
        return (
            f"休眠 dormant: 无法判定 not told: {tables} 缺失或不及 absent or reaching back no further "
            f"than {told['since']}"
        )
    firms = f"{told['firms']:,}"
    living = f"{told['living']:,}"
    return (
        f"休眠 dormant: {firms} 户，共 of {living} 户存续 living: 自 since {told['since']} "
        f"无人申报、缴费、用工 filed, paid and employed nobody ({told['months']} 个月 months)"
    )
