"""Units as the platform registers them: AB01 as first registered, AB05 a row for each attribute that changed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import chain
from typing import Any

import polars as pl

from simulation.output.platform_layout import KINDS, OWNERS, platform_column

ITEMS = {
    "AAB019": "kind",
    "AAB020": "ownership",
    "AAB022": "sector",
    "WGBH": "cell",
    "AAE006": "address",
    "AAB013": "representative",
    "AAC301": "rural",
    "AAE047": "registered",
    "CAB009": "closed",
    "ZJG": "head_office",
    "JD": "longitude",
    "WD": "latitude",
    "JFZH": "account",
}
CODES = {
    "AAB019": platform_column(f"AAB019 | kind | {KINDS}").codes,
    "AAB020": platform_column(f"AAB020 | ownership | {OWNERS}").codes,
}
Row = dict[str, Any]
Event = tuple[date, date, int, str]
CHANGES = {
    "enterprise": pl.String,
    "item": pl.String,
    "before": pl.String,
    "after": pl.String,
    "since": pl.Date,
    "recorded_on": pl.Date,
}


def registration_rows(enterprises: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of AB01 and those of AB05 that together say what a part's enterprises rows say."""
    rows = enterprises.with_columns(sector=pl.col("section") + pl.col("division").fill_null(""))
    rows = rows.sort("enterprise", "since", "recorded_on", "row_id", maintain_order=True)
    first = rows.unique("enterprise", keep="first", maintain_order=True)
    several = rows.filter(pl.len().over("enterprise") > 1)
    by_unit: dict[str, list[Row]] = defaultdict(list)
    for row in several.iter_rows(named=True):
        by_unit[row["enterprise"]].append(row)
    changes = list(chain.from_iterable(map(changes_of, by_unit.values())))
    return first, pl.DataFrame(changes, schema=CHANGES)


def changes_of(rows: list[Row]) -> list[Row]:
    """Return the changes that lead from a unit's first row (by day, then by when known) to all its others, as known."""
    first, *later = rows
    events: dict[str, list[Event]] = {item: [_event(first, item)] for item in ITEMS}
    changes: list[Row] = []
    for row in sorted(later, key=lambda row: (row["recorded_on"], row["row_id"])):
        # a row that changes nothing is told all the same, as a change of the address to itself
        differences = _differences(events, row) or {"AAE006": platform_text(row, "AAE006")}
        for item, before in differences.items():
            events[item].append(_event(row, item))
            change = {
                "enterprise": row["enterprise"],
                "item": item,
                "before": before,
                "after": platform_text(row, item),
                "since": row["since"],
                "recorded_on": row["recorded_on"],
            }
            changes.append(change)
    return changes


def _differences(events: dict[str, list[Event]], row: Row) -> dict[str, str]:
    """Return by item that a row changes the text before it, in the order of the items."""
    differences = {}
    for item in ITEMS:
        before = _text_before(events[item], row)
        if before != platform_text(row, item):
            differences[item] = before
    return differences


def _event(row: Row, item: str) -> Event:
    return row["since"], row["recorded_on"], row["row_id"], platform_text(row, item)


def _text_before(events: list[Event], row: Row) -> str:
    """Return an attribute as it is on a row's day by what is known as the row is recorded; '' if nothing is."""
    earlier = []
    for event in events:
        since, recorded_on, _, _ = event
        if since <= row["since"] and recorded_on <= row["recorded_on"]:
            earlier.append(event)
    if not earlier:
        return ""
    *_, text = max(earlier, key=lambda event: event[:3])
    return text


def platform_text(row: Row, item: str) -> str:
    """Return an attribute as the platform writes it; '' where it is empty."""
    value = row[ITEMS[item]]
    if value is None:
        return ""
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    return CODES[item][value] if item in CODES else str(value)
