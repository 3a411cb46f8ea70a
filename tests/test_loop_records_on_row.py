"""Records on an appealed row: its case's scores, alerts and lists while it counted, and whatever names it; no other."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from features.calendar import date_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.home import home
from models.bundle.bundle import Bundle
from serving.api.loop_desk import LoopDesk
from serving.gate.keys import add
from serving.ledger.act import Act, Seen, act_entry
from serving.ledger.entries import Receipt
from serving.loop.act_once import Loop
from serving.loop.records_on_row import RowInForce, records_on_row
from serving.plans.plan_act import PLANNER
from serving.scoring.ranks import ranks_of
from serving.scoring.recorded_scoring import Desk
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import Question
from tests.gated import Gated
from tests.office_town import (
    AS_OF,
    MOMENT,
    claim,
    issued_by_unit,
    office_loop,
    office_tables,
)
from tests.said import Say
from tests.test_alerts_reviews import large_claims
from tests.test_loop_corrections import DECIDED

TARGET = "fraudulent_claim"
DEATH = RowInForce("deaths", "deaths-1", AS_OF - 25, AS_OF + 10)
"""The row that says that the person of k1, k2, k3, k4 and k6 died; the match of each alert names it."""
APPEAL = {
    "appeal": "a1",
    "claim": "k2",
    "table": "claims",
    "row_id": "claims-2",
    "lodged": "2015-07-02",
    "corrected": {"amount": 1_000},
    **DECIDED,
}


def plan_of(loop: Loop, *claims: str) -> Receipt:
    """Write a plan of reviews that lists some claims into the ledger."""
    lists = {"t1": [[unit, "score", 60] for unit in claims]}
    content = {
        "source": loop.source,
        "target": TARGET,
        "unit": "claim",
        "as_of": date_of(AS_OF).isoformat(),
        "lists": lists,
    }
    act = Act("plan", PLANNER, "plan-0", "ab" * 32, content)
    entry = act_entry(act, Seen(AS_OF, AS_OF, ""), moment=MOMENT, kept_days=30)
    return loop.ledger.append(entry).result()


def scored(loop: Loop, bundle: Bundle, ids: list[str]) -> str:
    """Score some claims as the service does and return the number of the record."""
    engine = engine_of(loop.store)
    ranks = ranks_of(bundle, matrix(loop.store, "claim", AS_OF))
    desk = Desk(Scorer(engine, {TARGET: bundle}, {TARGET: ranks}), loop.ledger, lambda: MOMENT)
    question = Question("system", "d" * 64, None)
    return asyncio.run(desk.by_id(TARGET, "claim", ids, question)).record_id


@dataclass(frozen=True)
class Office:
    """An office whose alerts were issued, with a plan of k3 and k2 and a score of k2 and k5: its home, source and model."""

    home: Path
    source: Path
    bundle: Bundle
    score: str


@pytest.fixture(scope="module")
def recorded(hand_source: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Office:
    place = tmp_path_factory.mktemp("recorded")
    tables = office_tables()
    small = [claim(f"q{number}", "alive", amount=1_000) for number in range(20)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        source = hand_source(place / "scored", {**tables, "claims": [*tables["claims"], *small]})
        bundle = large_claims(source, place / "bundles")
        issued_by_unit(source)
        with office_loop(source) as loop:
            score = scored(loop, bundle, ["k2", "k5"])
            plan_of(loop, "k3", "k2")
    return Office(place / "home", source, bundle, score)


@pytest.fixture
def office(recorded: Office) -> Office:
    """The office in a home of the test's own."""
    shutil.copytree(recorded.home, home(), dirs_exist_ok=True)
    return recorded


def spoken_of(loop: Loop, units: dict[str, list[str]], row: RowInForce) -> set[tuple[str, str]]:
    """Return what rests on a row: what each record is, and of which unit it says it."""
    return {(one.said.what, one.said.unit) for one in records_on_row(loop, units, row)}


def test_scores_alerts_and_lists_of_the_case_rest_on_its_row_and_those_of_others_do_not(
    office: Office,
) -> None:
    own = RowInForce("claims", "claims-2", AS_OF - 9, AS_OF + 10)
    units = {"claim": ["k2"]}
    with office_loop(office.source) as loop:
        assert spoken_of(loop, units, own) == {("score", "k2"), ("alert", "k2"), ("plan", "k2")}
        names = {one.said.what: one.names_row for one in records_on_row(loop, units, own)}
        assert names["plan"] is False
        # a row that came to be known later, or counted no more, bears none of them
        for known, until in ((AS_OF + 1, AS_OF + 10), (AS_OF - 9, AS_OF)):
            assert spoken_of(loop, units, replace(own, known=known, until=until)) == set()


def test_what_names_the_row_rests_on_it_whoever_it_is_about(office: Office) -> None:
    with office_loop(office.source) as loop:
        alerts = {said for said in spoken_of(loop, {}, DEATH) if said[0] == "alert"}
        assert alerts == {("alert", unit) for unit in ("k1", "k2", "k3", "k6")}
        assert all(one.names_row for one in records_on_row(loop, {}, DEATH))
        assert spoken_of(loop, {}, replace(DEATH, table="claims")) == set()


def test_an_appeal_over_http_says_what_the_command_says(office: Office, register: Path) -> None:
    secret = add(register, "r", role="reviewer", today=date(2015, 7, 1), team="t1")
    headers = {"idempotency-key": "k"}
    with office_loop(office.source) as loop:
        desk = LoopDesk(loop, lambda: MOMENT, {TARGET: office.bundle})
        gated = Gated(register, loop=desk)
        lodged = {**APPEAL, "corrected": None, "decided_on": None, "upheld": None}
        first = gated.ask("/v1/appeals", lodged, secret, {"idempotency-key": "l"}).json()
        answer = gated.ask("/v1/appeals", APPEAL, secret, headers).json()
        again = gated.ask("/v1/appeals", APPEAL, secret, headers).json()
    # one that is only lodged scores nothing again
    assert first["rescored"] == [] and first["records_on_row"] == answer["records_on_row"]
    assert again == {**answer, "first": False}
    # the claims of the worker rest on the row as well
    said = [(one["what"], one["claim"]) for one in answer["records_on_row"]]
    alerts = [("alert", unit) for unit in ("k1", "k2", "k3", "k6")]
    assert said == [*alerts, ("score", "k2"), ("plan", "k3"), ("plan", "k2")]
    assert answer["records_on_row"][len(alerts)]["record_id"] == office.score
    assert answer["others_on_row"] == {"enterprise": ["e1"], "claim": ["k1", "k3", "k4", "k6"]}
    [pair] = answer["rescored"]
    assert pair["claim"] == "k2" and pair["was"]["score"] > 0.5 > pair["corrected"]["score"]


def test_the_command_names_the_records(office: Office, say: Say) -> None:
    words = ["appeal", office.source, "--appeal", "a1", "--claim", "k2", "--table", "claims"]
    words += ["--row", "claims-2", "--lodged", "2015-07-02", "--on", "2015-07-10"]
    shown = say(*words).out
    assert "据此行的记录 rests on this row | 预警 alert" in shown and "| k2 |" in shown
