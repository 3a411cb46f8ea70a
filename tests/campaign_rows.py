"""Rows of a small city for the compliance campaign: firms with a record, a medal, an exposure and debts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.store.opening import open_store
from features.store.store import Store

Tables = dict[str, list[dict[str, Any]]]
FIRMS = 12
LOOKED = {f"examined_{kind}": int(kind < 3) for kind in range(1, 6)}


class City:
    """Sources by hand in one place with one home, each loaded once."""

    def __init__(self, place: Path, write: Callable[..., Path]) -> None:
        self.place, self.home, self.write = place, place / "home", write
        self.stores: dict[str, Store] = {}

    def source(self, name: str) -> Path:
        """Return the folder of a source."""
        return self.place / name

    def store(self, name: str, held: Tables) -> Store:
        """Return the store of a source with these tables."""
        if name not in self.stores:
            self.write(self.source(name), held)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("LSSI_HOME", str(self.home))
                self.stores[name] = open_store(self.source(name))
        return self.stores[name]


def later_day(held: Tables, **rows: list[dict[str, Any]]) -> Tables:
    """Return tables with their rows in the other order, and further rows, which are recorded later."""
    turned = {name: one[::-1] for name, one in held.items()}
    for table, further in rows.items():
        turned[table] = [*further, *turned[table]]
    return turned


def firm(name: str, **changed: object) -> dict[str, Any]:
    """Return a firm of the register, registered in 2008."""
    row = {"enterprise": name, "since": "2008-01-01", "registered": "2008-01-01"}
    row |= {"kind": "company", "row_id": f"register-{name}", "recorded_on": "2008-01-02"}
    return row | changed


def visit(number: str, name: str, day: str, **changed: object) -> dict[str, Any]:
    """Return a visit that was opened, closed and recorded on one day."""
    row = {"inspection": number, "enterprise": name, "kind": "routine", "row_id": f"visit-{number}"}
    return row | {"opened": day, "closed_on": day, "recorded_on": day} | LOOKED | changed


def act(number: str, visited: str, day: str, **changed: object) -> dict[str, Any]:
    """Return an order to correct that was decided and recorded on one day."""
    row = {"row_id": number, "inspection": visited, "violation": 2, "act": "order", "grave": 0}
    return row | {"decided_on": day, "recorded_on": day} | changed


def tables() -> Tables:
    """Return twelve firms; e01 to e05 were visited and answered by acts, e09 is young, e10 a household, e11 has closed."""
    register = [firm(f"e{number:02d}") for number in range(FIRMS)]
    register[9] |= {"since": "2013-09-01", "registered": "2013-09-01", "recorded_on": "2013-09-02"}
    register[10]["kind"] = "household"
    closing = {"row_id": "closing-e11", "since": "2014-02-01", "closed": "2014-02-01"}
    register.append(firm("e11", **closing, recorded_on="2014-02-02"))
    visits = [visit(f"v{number}", f"e0{number}", "2013-03-01") for number in range(6)]
    acts = [
        act("order-1", "v1", "2013-04-01", complied_on="2013-04-20", recorded_on="2013-04-20"),
        act("order-2", "v2", "2013-04-01", complied_on="2013-04-20", recorded_on="2013-04-20"),
        act("fine-2a", "v2", "2013-04-02", act="fine", complied_on="2013-04-20"),
        act("fine-2b", "v2", "2013-05-02", act="fine", complied_on="2013-05-20"),
        act("grave-3", "v3", "2013-04-01", act="fine", grave=1, complied_on="2013-05-20"),
        act("after-4", "v4", "2014-02-01", complied_on="2014-02-20", recorded_on="2014-02-20"),
        act("late-5", "v5", "2013-12-20", complied_on="2014-01-20", recorded_on="2014-06-01"),
    ]
    for one in acts:
        one["recorded_on"] = max(one["recorded_on"], one["complied_on"])
    medals = [
        {"row_id": "medal-7", "enterprise": "e07", "started": "2014-04-01", "ended": "2016-03-31"},
        {"row_id": "medal-8", "enterprise": "e08", "started": "2014-04-01"},
    ]
    exposures = [
        {
            "row_id": "named-8",
            "enterprise": "e08",
            "published_on": "2014-01-23",
            "wage_arrears": 500_000,
            "recorded_on": "2014-01-23",
        }
    ]
    for one in medals:
        one["recorded_on"] = "2014-04-02"
    return {
        "enterprises": register,
        "inspections": visits,
        "findings": [],
        "sanctions": acts,
        "remedies": [],
        "wage_arrears": [],
        "medals": medals,
        "exposures": exposures,
        "appraisals": [],
    }
