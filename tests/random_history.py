"""A random history of every contract table: small, dense in keys, full of late rows, corrections and retractions."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import date_of, day_of, month_of_day, month_text
from features.contract.tables import Column, Table, contract
from features.ingest.source import JOURNAL
from features.store.opening import open_store
from features.store.store import Store
from tests.once import home_copied, made_once

FIRST, LAST = day_of("2013-01-01"), day_of("2015-06-30")
SPACES = {
    "enterprise": 12,
    "worker": 20,
    "provider": 4,
    "claim": 150,
    "inspection": 25,
    "cell": 4,
    "person": 6,
    "address": 6,
    "account": 6,
    "division": 5,
    "section": 3,
}
REGISTERS = {
    "enterprises": "enterprise",
    "providers": "provider",
    "claims": "claim",
    "workers": "worker",
    "inspections": "inspection",
}


Written = dict[str, list[dict[str, Any]]]
"""The rows of each table that were written so far."""


def value_of(column: Column, table: str, known: int, rng: np.random.Generator) -> Any:
    """Return a random value of a column for a row that becomes known on a day."""
    rare = column.name == "closed" or (table == "providers" and column.name == "ended")
    if column.optional and rng.random() < (0.95 if rare else 0.25):
        return ""
    if column.kind == "id":
        return f"{column.space[:1].upper()}{rng.integers(SPACES.get(column.space, 8)):03d}"
    if column.kind == "choice":
        return column.choices[int(rng.integers(len(column.choices)))]
    if column.kind == "day":
        latest = known if column.past or column.name == "since" else known + 60
        return date_of(int(rng.integers(FIRST - 200, latest + 1))).isoformat()
    if column.kind == "month":
        latest = month_of_day(known) if column.not_after else 2013 * 12 + 29
        return month_text(2013 * 12 + int(rng.integers(latest - 2013 * 12 + 1)))
    if column.kind == "probability":
        return round(float(rng.uniform(0.01, 1)), 3)
    if column.bounds and column.bounds[1]:
        return int(rng.integers(column.bounds[0], column.bounds[1] + 1))
    ranges = {
        "flag": (0, 2),
        "year": (1950, 1999),
        "persons": (0, 40),
        "microdegree": (-90_000_000, 120_000_000),
    }
    return int(rng.integers(*ranges.get(column.kind, (0, 100_000))))


def in_order(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in which no day or year lies before one that it should follow, or after one it should precede."""
    for column in table.columns:
        for other in filter(row.get, column.not_before):
            row[column.name] = row[column.name] and max(row[column.name], row[other])
        for other in filter(row.get, column.not_after if column.kind == "year" else ()):
            row[column.name] = row[column.name] and min(row[column.name], int(row[other][:4]))
    return row


def beside(table: Table, row: dict[str, Any], written: Written) -> dict[str, Any]:
    """Return a row whose days contradict no version of the rows, written before, that it names."""
    for column in table.columns:
        for place in column.not_before + column.not_after:
            register, _, other = place.rpartition(".")
            days = [
                there[other]
                for there in written.get(register, ())
                if there[other]
                and all(there[name] == row[name] for name in contract()[register].key)
            ]
            if place in column.not_before and row[column.name] and days:
                row[column.name] = max(days) if max(days) <= row["recorded_on"] else ""
            elif days:
                row[column.name] = min(row[column.name], *days)
    return row


def rows_of(
    table: Table, size: int, rng: np.random.Generator, written: Written
) -> list[dict[str, Any]]:
    """Return random rows of a table: about a fifth correct an earlier row of their key, a few take it back."""
    rows: list[dict[str, Any]] = []
    for number in range(size):
        known = int(rng.integers(FIRST, LAST + 1))
        before = rows[int(rng.integers(len(rows)))] if rows and rng.random() < 0.2 else None
        if before is not None:
            known = min(LAST, day_of(before["recorded_on"]) + int(rng.integers(0, 120)))
        row = {column.name: value_of(column, table.name, known, rng) for column in table.columns}
        if table.name == "inspections":
            visited = (
                ("enterprise", "provider") if rng.random() < 0.7 else ("provider", "enterprise")
            )
            row |= {visited[0]: f"{visited[0][:1].upper()}{rng.integers(4):03d}", visited[1]: ""}
        if before is not None:
            row |= {name: before[name] for name in table.key}
        row = in_order(table, row)
        row |= {
            "row_id": f"{table.name[:3]}{number:05d}",
            "recorded_on": date_of(known).isoformat(),
            "retracted": int(before is not None and rng.random() < 0.2),
        }
        rows.append(beside(table, row, written))
    return rows


def registered(table: Table, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one early row for each unit of a register, so that it exists as of every later day."""
    space = REGISTERS[table.name]
    rows = []
    for number in range(min(SPACES[space], 20)):
        row = in_order(
            table,
            {column.name: value_of(column, table.name, FIRST, rng) for column in table.columns},
        )
        row |= {
            space: f"{space[:1].upper()}{number:03d}",
            "row_id": f"first{number:05d}",
            "retracted": 0,
            "recorded_on": date_of(FIRST).isoformat(),
        }
        row |= {name: "" for name in ("closed", "ended") if name in row}
        if table.name == "inspections":
            row |= {"provider": "", "enterprise": f"E{number % 12:03d}"}
        rows.append(row)
    return rows


def write_history(
    folder: Path, *, seed: int, size: int = 150, absent: tuple[str, ...] = (), apart: bool = False
) -> Path:
    """Write a random source to a folder and return it; the same seed gives the same bytes.

    Where its tables are made `apart`, rows contradict the rows of other tables that they name.
    """
    written: Written = {}
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for table in contract().values():
        if table.name in JOURNAL or table.name in absent:
            continue
        rows = (registered(table, rng) if table.name in REGISTERS else []) + rows_of(
            table, size, rng, {} if apart else written
        )
        written[table.name] = rows
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(
                file,
                [column.name for column in table.columns] + ["row_id", "recorded_on", "retracted"],
            )
            writer.writeheader()
            writer.writerows(rows)
    listed = ", ".join(f'"{name}"' for name in absent)
    (folder / "source.toml").write_text(
        f'name = "random"\nzh = "随机"\nen = "random"\ncomplete_to = {date_of(LAST).isoformat()}\nabsent = [{listed}]\n',
        "utf-8",
    )
    return folder


def loaded_history(folders: pytest.TempPathFactory, seed: int) -> Store:
    """Return the store of a random history of every contract table, in a home of its own.

    A run loads the history of a seed once; each caller opens a copy, in which it may write.
    """

    def load(place: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LSSI_HOME", str(place / "home"))
            open_store(write_history(place / "source", seed=seed))

    place = made_once(folders, f"history-{seed}", load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home_copied(folders, place / "home")))
        return open_store(place / "source")


def write_looks(
    folder: Path, *, seed: int, number: int = 160, openings: Sequence[int] = ()
) -> None:
    """Add visits and reviewed claims that happen one after another: each is told of after it was opened, most when it closed.

    Rows of `write_history` tell of one visit again and again, so that hardly any of its outcomes comes as news. Every
    other one opens on one of the `openings`, in turn, if there are any.
    """
    rng = np.random.default_rng(seed)
    rows: Written = {name: [] for name in ("inspections", "findings", "claims", "claim_reviews")}
    for place in range(number):
        opened = int(rng.integers(FIRST + 40, LAST - 60))
        if openings and place % 2:
            opened = openings[place // 2 % len(openings)]
        closed = opened + int(rng.integers(0, 40))
        known = closed + int(rng.integers(0, 20))
        visited = {"enterprise": f"E{rng.integers(12):03d}", "provider": ""}
        if place % 3 == 0:
            visited = {"enterprise": "", "provider": f"P{rng.integers(4):03d}"}
        visit = {"inspection": f"V{place:03d}", **visited}
        days = {"opened": opened, "closed_on": closed if place % 9 else ""}
        examined = {f"examined_{kind}": 1 for kind in range(1, 6)}
        rows["inspections"].append(_look("inspections", rng, known, visit | days | examined))
        if rng.random() < 0.5:
            finding = {"inspection": f"V{place:03d}", "violation": int(rng.integers(1, 4))}
            later = min(LAST, known + int(rng.integers(0, 60)))
            rows["findings"].append(_look("findings", rng, later, finding))
        # Eleven and four have no divisor in common, so that each provider sees every enterprise.
        turn = place + place // 48
        parties = {"enterprise": f"E{turn % 11:03d}", "provider": f"P{turn // 5 % 4:03d}"}
        claim = {"claim": f"K{place:03d}", "filed_on": opened, **parties}
        rows["claims"].append(_look("claims", rng, opened, claim))
        verdict = {"outcome": ("fraud", "clean")[place % 2], "closed_on": closed}
        review = {"claim": f"K{place:03d}", **verdict}
        rows["claim_reviews"].append(_look("claim_reviews", rng, known, review))
    for name, more in rows.items():
        with (folder / f"{name}.csv").open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, list(more[0])).writerows(more)


def _look(
    table: str, rng: np.random.Generator, known: int, stated: dict[str, Any]
) -> dict[str, Any]:
    """Return a row of a table that becomes known on a day: what is stated, all else empty where it may be, or random."""
    row: dict[str, Any] = {}
    for column in contract()[table].columns:
        value = stated.get(column.name)
        if value is None:
            value = "" if column.optional else value_of(column, table, known, rng)
        elif column.kind == "day" and value != "":
            value = date_of(value).isoformat()
        row[column.name] = value
    key = "-".join(str(row[name]) for name in contract()[table].key)
    common = {"row_id": f"look-{key}", "recorded_on": date_of(known).isoformat(), "retracted": 0}
    return row | common
