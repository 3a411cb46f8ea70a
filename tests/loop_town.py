"""A town by hand for tests of the loop: six firms in two cells of two teams, a plan with a draw, and whoever acts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.calendar import day_of
from features.home import home
from features.ingest.source import find_source
from features.store.journal import write_journal_part
from features.store.load import load
from features.store.opening import open_store
from features.store.store import Store
from serving.ledger.ledger import Ledger
from serving.loop.act_once import Doer, Loop
from serving.loop.outcomes import post_outcome
from serving.requests import PostedOutcome
from tests.rows import Row, Tables, firm

MONDAY = day_of("2015-07-06")
POSTED = day_of("2015-07-10")
MOMENT = datetime(2015, 7, 10, 8, tzinfo=UTC)
CHANCE = 0.125
FIRMS = ("e1", "e2", "e3", "e4", "e5", "e6")
TARGET = """
[target.undeclared]
zh = "未参保"
en = "undeclared"
unit = "inspection"
label = "visit"
violation = 1
count = "workers_in_violation"
[target.undeclared.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-12-31
"""
"""The town's target: what visits find of violation 1."""


def town_tables() -> Tables:
    """Return the rows of the town: odd firms lie in c1 of t1 in d1, even ones in c2 of t2 in d2; e1 was visited once."""
    firms = [firm(name, kind="company", cell=f"c{2 - int(name[1]) % 2}") for name in FIRMS]
    cells: list[Row] = [
        {
            "cell": f"c{number}",
            "since": "2010-01-01",
            "district": f"d{number}",
            "team": f"t{number}",
        }
        for number in (1, 2)
    ]
    return {
        "enterprises": firms,
        "cells": cells,
        "inspections": [visit("old", "e1", opened="2014-03-03", closed="2014-03-10")],
        "findings": [{"inspection": "old", "violation": 1, "workers_in_violation": 4}],
    }


def visit(inspection: str, enterprise: str, *, opened: str, closed: str) -> Row:
    """Return a routine visit that examined violation 1."""
    examined = {f"examined_{violation}": int(violation == 1) for violation in range(1, 6)}
    return {
        "inspection": inspection,
        "enterprise": enterprise,
        "kind": "routine",
        "opened": opened,
        "closed_on": closed,
        "recorded_on": closed,
        **examined,
    }


def write_plan(name: str) -> None:
    """Write the plan P of a Monday that lists e1 by score, e3 by complaint and e4 by lottery, and its draw."""
    journal = home() / "journal" / name
    listed = ("e1", "e3", "e4")
    write_journal_part(
        journal,
        "plans",
        "undeclared.P",
        {
            "plan": ["P"] * 3,
            "enterprise": list(listed),
            "cell": ["c1", "c1", "c2"],
            "week": [MONDAY] * 3,
            "position": [1, 2, 1],
            "planned_minutes": [240] * 3,
            "why": ["score", "complaint", "lottery"],
            "recorded_on": [MONDAY] * 3,
        },
    )
    write_journal_part(
        journal,
        "draws",
        "undeclared.D",
        {
            "draw": ["D"] * len(FIRMS),
            "enterprise": list(FIRMS),
            "drawn_on": [MONDAY] * len(FIRMS),
            "inclusion_probability": [CHANCE] * len(FIRMS),
            "drawn": [int(name in ("e3", "e4")) for name in FIRMS],
            "recorded_on": [MONDAY] * len(FIRMS),
        },
    )


def issue_alert(alert: str = "A", team: str = "t1", record: str = "0-0123456789") -> None:
    """Write an alert about e1 into the journal."""
    write_journal_part(
        home() / "journal" / "hand",
        "alerts",
        "alerts-00000000",
        {
            "alert": [alert],
            "enterprise": ["e1"],
            "team": [team],
            "issued_on": [MONDAY],
            "violation": [1],
            "rule": ["r"],
            "record": [record],
            "recorded_on": [MONDAY],
        },
    )


def loaded_town(place: Path, hand_source: Callable[..., Path]) -> Path:
    """Write the town and load it into a home beside it; return the folder of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        open_store(hand_source(place / "town", town_tables(), TARGET))
    return place


def begin(loaded: Path) -> Path:
    """Give this test's home the loaded town and its plan, and return the folder of the source."""
    shutil.copytree(loaded / "home", home(), dirs_exist_ok=True)
    write_plan("hand")
    return loaded / "town"


@contextmanager
def loop_of(place: Path, ledger: Path | None = None) -> Iterator[Loop]:
    """Yield the loop of the town, as its journal stands now."""
    # acts look up the journal's files themselves, so its segment need not be made for each
    store = Store(load(find_source(place)))
    with Ledger(ledger or home() / "ledger.db") as writing:
        yield Loop(store, home() / "journal" / store.source.name, writing)


def doer(key: str = "k1", *, team: str | None = None, day: int = POSTED) -> Doer:
    """Return who acts."""
    return Doer("inspector", team, key, MOMENT, day)


def outcome(**more: Any) -> PostedOutcome:
    """Return an outcome of the visit to e1, which found 3 of 9 workers without cover."""
    usual: dict[str, Any] = {
        "inspection": "i1",
        "enterprise": "e1",
        "plan": "P",
        "opened": "2015-07-07",
        "closed_on": "2015-07-09",
        "examined": [1, 2],
        "found": [{"violation": 1, "workers": 3}],
        "workers_total": 9,
    }
    return PostedOutcome.model_validate(usual | more)


def posted(place: Path, asked: PostedOutcome, key: str = "k1", **more: Any) -> str:
    """Post an outcome of the town and return the number of its record."""
    with loop_of(place) as loop:
        return post_outcome(loop, asked, doer(key, **more)).record_id
