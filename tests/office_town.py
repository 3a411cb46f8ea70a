"""An office by hand: claims of a person who died, a crowded hospital, and two teams, for tests of alerts and reviews."""

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
from models.bundle.bundle import Bundle
from serving.alerts.issue import Issue, issue_alerts
from serving.ledger.ledger import Ledger
from serving.loop.act_once import Doer, Loop
from tests.rows import Row, Tables, firm

AS_OF = day_of("2015-06-30")
ISSUED = AS_OF + 1
MONDAY = day_of("2015-07-06")
POSTED = day_of("2015-07-10")
MOMENT = datetime(2015, 7, 10, 8, tzinfo=UTC)
TEAM_OF = {"k1": "t2", "k2": "t1", "k3": "t1", "k6": None}
"""By claim of the dead person the team that reviews it: of its provider's cell, else of its enterprise's, else nobody."""
SPLIT = "train_until = 2014-12-31\ntest_from = 2015-01-01\ntest_until = 2015-12-31\n"
TARGETS = (
    '\n[target.fraud]\nzh = "骗领"\nen = "fraud"\nunit = "claim"\nlabel = "review"\n'
    f"[target.fraud.split]\n{SPLIT}"
    '[target.deception]\nzh = "骗保"\nen = "deception"\nunit = "provider"\nlabel = "visit"\nviolation = 3\n'
    f"horizon = 182\nas_of = [2014-06-30]\n[target.deception.split]\n{SPLIT}"
)


def claim(name: str, worker: str = "dead", **more: object) -> Row:
    """Return a claim filed in June."""
    usual = {"scheme": "medical", "filed_on": "2015-06-20", "recorded_on": "2015-06-21"}
    return {"claim": name, "worker": worker, "amount": 500_000, **usual, **more}


def office_tables() -> Tables:
    """Return the rows of the office: k4 is reviewed, k5 is of a living person, and the one bed of h2 was billed 100 nights."""
    stays = [
        claim(
            f"s{number}",
            f"w{number}",
            provider="h2",
            inpatient=1,
            admitted="2015-05-11",
            discharged="2015-05-21",
        )
        for number in range(10)
    ]
    claims = [
        claim("k1", provider="h2", enterprise="e1"),
        claim("k2", enterprise="e1"),
        claim("k3", provider="h0", enterprise="e1"),
        claim("k4", enterprise="e1"),
        claim("k5", "alive", enterprise="e1"),
        claim("k6"),
    ]
    known = {"recorded_on": "2012-01-05"}
    return {
        "enterprises": [firm("e1", cell="c1")],
        "providers": [
            {"provider": "h2", "since": "2012-01-01", "kind": "hospital", "beds": 1, "cell": "c2"}
            | known,
            {"provider": "h0", "since": "2012-01-01", "kind": "pharmacy"} | known,
        ],
        "cells": [
            {"cell": f"c{number}", "since": "2010-01-01", "district": "d", "team": f"t{number}"}
            for number in (1, 2)
        ],
        "deaths": [{"worker": "dead", "died_on": "2015-04-01", "recorded_on": "2015-06-05"}],
        "claims": [*claims, *stays],
        "claim_reviews": [
            {
                "claim": "k4",
                "closed_on": "2015-06-25",
                "outcome": "clean",
                "recorded_on": "2015-06-26",
            }
        ],
        "inspections": [
            {"inspection": "i0", "provider": "h0", "opened": "2014-01-01", "kind": "routine"}
            | {f"examined_{violation}": 0 for violation in range(1, 6)}
        ],
        "findings": [],
    }


def loaded_office(place: Path, hand_source: Callable[..., Path]) -> Path:
    """Write the office and load it into a home beside it; return the folder of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        open_store(hand_source(place / "office", office_tables(), TARGETS))
    return place


def begin_office(loaded: Path) -> Path:
    """Give this test's home the loaded office, with a plan of reviews for t2 of k1 and of h2; return the source's folder."""
    shutil.copytree(loaded / "home", home(), dirs_exist_ok=True)
    for kind, unit, target in (("claim", "k1", "fraud"), ("provider", "h2", "deception")):
        line: dict[str, list[Any]] = {
            "plan": ["P"],
            kind: [unit],
            "team": ["t2"],
            "week": [MONDAY],
            "position": [1],
            "planned_minutes": [60],
            "why": ["score"],
            "recorded_on": [MONDAY],
        }
        write_journal_part(home() / "journal" / "hand", f"{kind}_plans", f"{target}.P", line)
    return loaded / "office"


@contextmanager
def office_loop(place: Path) -> Iterator[Loop]:
    """Yield the loop of the office, as its journal stands now."""
    store = Store(load(find_source(place)))
    with Ledger(home() / "ledger.db") as writing:
        yield Loop(store, home() / "journal" / "hand", writing)


def issued_by_unit(
    place: Path, bundles: dict[str, Bundle] | None = None
) -> dict[str, dict[str, Any]]:
    """Issue the alerts of the last closed day and return them by the number of their unit."""
    with office_loop(place) as loop:
        alerts = issue_alerts(loop, bundles or {}, Issue(AS_OF, ISSUED, MOMENT))
    units = ("enterprise", "claim", "provider")
    return {next(alert[kind] for kind in units if kind in alert): alert for alert in alerts}


def who_acts(key: str = "k", team: str | None = None) -> Doer:
    """Return who acts."""
    return Doer("reviewer", team, key, MOMENT, POSTED)
