"""Alerts as a team reads them, by cursor, and how soon they were answered."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from features.errors import RequestError
from features.ingest.scan import files_in, scan_parquet
from models.policy.plan_unit import KINDS
from serving.database.place import LedgerPlace
from serving.ledger.act import act_of
from serving.ledger.read import find
from serving.loop.alert_unit import unit_of_alert
from serving.loop.journal_rows import Row, rows_where

MOST_ALERTS = 200
"""Alerts of one answer at most; a choice, so that an answer stays small on a mobile line."""
_PLACE = re.compile(r"alerts-(\d{8})-(\d{1,8})")
Place = tuple[int, int]
Plain = dict[str, Any]


def alerts_after(
    journal: Path,
    ledger: LedgerPlace,
    team: str,
    cursor: str | None,
    *,
    kinds: Collection[str] = tuple(KINDS),
) -> list[Plain]:
    """Return the next alerts of a team behind a cursor, each with its own cursor, in the order in which they were issued.

    Only those about units of some kinds; the others are passed over. The same cursor gives the same alerts again, so a
    reader that was stopped loses none. RequestError for a cursor of another form.
    """
    of_team = _rows_behind(journal, team, _place(cursor) if cursor else (-1, -1))
    behind = (row for row in of_team if unit_of_alert(row)[0] in kinds)
    return [_said(ledger, row) for row in islice(behind, MOST_ALERTS)]


def _rows_behind(journal: Path, team: str, after: Place) -> Iterator[Row]:
    """Yield the rows of a team's alerts behind a place, in order; a part is read only once those before are used up."""
    for part in files_in(journal / "alerts", "alerts-*.parquet"):
        if _place(f"{part.stem}-0")[0] < after[0]:
            continue
        of_team = scan_parquet(part).filter(pl.col("team") == team).collect().to_dicts()
        behind = [row for row in of_team if _place(row["row_id"]) > after]
        yield from sorted(behind, key=lambda row: _place(row["row_id"]))


def _place(text: str) -> Place:
    parts = _PLACE.fullmatch(text)
    if parts is None:
        raise RequestError("a cursor should be one that an alert came with; leave it out to begin")
    return int(parts[1]), int(parts[2])


def _said(ledger: LedgerPlace, row: Row) -> Plain:
    """Return what an alert says, as the ledger holds it; the bare row once that has expired."""
    payload = find(ledger, row["record"]).payload
    kind, unit = unit_of_alert(row)
    content: dict[str, Any] = {} if payload is None else dict(act_of(payload).content)
    return {
        **content,
        "alert": row["alert"],
        kind: unit,
        "violation": row["violation"],
        "issued_on": row["issued_on"].isoformat(),
        "record_id": row["record"],
        "cursor": row["row_id"],
    }


def answered(journal: Path) -> Plain:
    """Return how many alerts were acknowledged and visited or reviewed, and the median days that each took."""
    issued = {row["alert"]: row["issued_on"] for row in rows_where(journal, "alerts")}
    acknowledged = _days(issued, rows_where(journal, "acknowledgements"), "acknowledged_on")
    outcomes = [*rows_where(journal, "outcomes"), *rows_where(journal, "review_outcomes")]
    visited = _days(issued, outcomes, "closed_on")
    return {
        "issued": len(issued),
        "acknowledged": len(acknowledged),
        "with_outcome": len(visited),
        "median_days_to_acknowledgement": median(acknowledged) if acknowledged else None,
        "median_days_to_outcome": median(visited) if visited else None,
    }


def _days(issued: Plain, rows: Sequence[Row], column: str) -> list[int]:
    """Return the days from issue to the first answer of each alert that has one."""
    first: dict[str, int] = {}
    for row in rows:
        alert = row.get("alert")  # parts of earlier versions lack the column
        if alert in issued:
            first.setdefault(alert, (row[column] - issued[alert]).days)
    return list(first.values())
