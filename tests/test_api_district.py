"""Keys of one district: over the real gate, service, scorer and ledger, with the simulated city and the town by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from features.home import home
from features.store.store import Store
from models.policy.policy_facts import cells_of, districts_of_cells
from serving.api.district import DistrictGuard, units_of
from serving.api.loop_desk import LoopDesk
from serving.gate.keys import add
from serving.ledger.act import Act, Seen, act_entry, act_of, subject_digest
from serving.ledger.finding import Sought, seek
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.scoring.opening import open_scorer
from serving.scoring.recorded_scoring import Desk
from serving.settings import Settings
from tests.gated import Gated, code_of
from tests.loop_town import MOMENT, POSTED, begin, issue_alert, loop_of, outcome

FIRMS, CLAIMS, RECORDS = "/v1/enterprises/score", "/v1/claims/score", "/v1/records/get"
UNKNOWN = "E9999999"


@dataclass(frozen=True)
class City:
    """The simulated city behind the gate, with units by kind and district, and keys of the whole city and of districts."""

    gated: Gated
    ledger: Path
    units: dict[str, dict[str, list[str]]]
    keys: dict[str, str]

    def ask(self, path: str, sent: Any, key: str) -> Any:
        """Return the answer to one request."""
        return self.gated.ask(path, sent, self.keys[key])

    def two_districts(self, kind: str) -> tuple[str, str]:
        """Return the districts of the two keys, both of which have units of a kind."""
        assert {"D00", "D02"} <= set(self.units[kind])
        return "D00", "D02"


def units_by_district(store: Store, kind: str) -> dict[str, list[str]]:
    """Return units by district, read from whole tables: another way than the guard's, which asks for one unit."""
    day = store.complete_to
    cells, of_cells = store.texts("cell"), districts_of_cells(store, day)
    place = {code: of_cells[cells[cell]] for code, cell in cells_of(store, day).items()}
    texts = store.texts(kind)
    codes = place
    if kind == "claim":
        rows = store.sql("SELECT claim, enterprise FROM claims WHERE sign = 1").to_pylist()
        codes = {
            row["claim"]: place[row["enterprise"]] for row in rows if row["enterprise"] in place
        }
    units: dict[str, list[str]] = {}
    for code, district in codes.items():
        units.setdefault(district, []).append(texts[code])
    return units


@pytest.fixture(scope="module")
def city(
    trained_home: Path, city_2000: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    place = tmp_path_factory.mktemp("district")
    register = place / "keys.json"
    today = date(2015, 7, 1)
    keys = {
        "all": add(register, "all", role="system", today=today),
        "D00": add(register, "first", role="system", today=today, district="D00"),
        "D02": add(register, "second", role="system", today=today, district="D02"),
        "auditor": add(register, "auditor", role="auditor", today=today),
        "auditor D00": add(register, "auditor_0", role="auditor", today=today, district="D00"),
        "auditor D02": add(register, "auditor_1", role="auditor", today=today, district="D02"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(trained_home))
        scorer = open_scorer(Settings(trained_home, str(city_2000)))
        units = {kind: units_by_district(scorer.store, kind) for kind in ("enterprise", "claim")}
        with Ledger(place / "ledger.db") as ledger:
            clock = partial(datetime.now, UTC)
            desk = Desk(scorer, ledger, clock, DistrictGuard(scorer.store))
            yield City(Gated(register, scores=desk), ledger.path, units, keys)


def test_a_key_of_a_district_scores_its_own_units_as_a_key_of_the_city_does(city: City) -> None:
    own, _ = city.two_districts("enterprise")
    asked = {"enterprises": city.units["enterprise"][own][:2]}
    mine, everyones = (city.ask(FIRMS, asked, key) for key in (own, "all"))
    assert mine.status_code == everyones.status_code == 200
    assert mine.json()["units"] == everyones.json()["units"]


@pytest.mark.parametrize(("path", "kind"), [(FIRMS, "enterprise"), (CLAIMS, "claim")])
def test_a_unit_of_another_district_and_one_that_never_was_get_the_same_answer(
    city: City, path: str, kind: str
) -> None:
    own, other = city.two_districts(kind)
    mine, foreign = city.units[kind][own][0], city.units[kind][other][0]
    before = head(city.ledger).size
    bodies = [[foreign], [UNKNOWN], [mine, foreign], [mine, UNKNOWN]]
    answers = [city.ask(path, {f"{kind}s": ids}, own) for ids in bodies]
    assert {code_of(answer) for answer in answers} == {"unknown_id"}
    assert len({answer.content for answer in answers}) == 1
    assert foreign not in answers[0].text
    assert head(city.ledger).size == before
    assert city.ask(path, {f"{kind}s": [foreign]}, "all").status_code in (200, 404)


@pytest.mark.parametrize("path", ["/v1/enterprises/score-history", "/v1/claims/score-history"])
def test_a_history_is_not_scored_for_a_key_of_one_district(city: City, path: str) -> None:
    assert code_of(city.ask(path, {}, "D00")) == "district_refused"
    assert code_of(city.ask(path, {}, "all")) == "request_invalid"


def test_a_record_is_read_by_an_auditor_of_its_district_and_is_nowhere_for_another(
    city: City,
) -> None:
    own, other = city.two_districts("enterprise")
    asked = {"enterprises": city.units["enterprise"][own][:1]}
    record = city.ask(FIRMS, asked, "all").json()["record_id"]
    assert city.ask(RECORDS, {"record_id": record}, f"auditor {own}").status_code == 200
    before = head(city.ledger).size
    answers = [
        city.ask(RECORDS, {"record_id": number}, f"auditor {other}")
        for number in (record, "99999-0000000000", record[:-1] + "0", "no-number")
    ]
    assert {code_of(answer) for answer in answers} == {"record_unknown"}
    assert len({answer.content for answer in answers}) == 1
    assert head(city.ledger).size == before


def test_units_that_a_record_names_of_a_scored_day_are_of_it_too() -> None:
    answered = {"entity": "enterprise", "answer": {"units": [{"id": "computed"}]}}
    of_day = {"reference": {"rows": [{"key": "of the day"}]}}
    assert units_of(answered) == [("enterprise", "computed")]
    assert units_of(answered | of_day) == [("enterprise", "computed"), ("enterprise", "of the day")]


def test_a_record_that_is_read_leaves_an_entry_that_says_who_read_which(city: City) -> None:
    own, _ = city.two_districts("enterprise")
    asked = {"enterprises": city.units["enterprise"][own][:1]}
    record = city.ask(FIRMS, asked, "all").json()["record_id"]
    assert city.ask(RECORDS, {"record_id": record}, "auditor").status_code == 200
    *_, newest = seek(city.ledger, Sought(who="auditor")).records
    payload = find(city.ledger, newest.record_id).payload
    assert newest.about == "record_read" and act_of(payload or b"").content == {"record": record}


@pytest.fixture
def town(loaded_town: Path, register: Path) -> Iterator[tuple[Gated, dict[str, str]]]:
    """The town by hand: e1, of which an alert went to t1, lies in d1; keys of t1 for each district, and for none."""
    today = date(2015, 7, 1)
    keys = {
        name: add(
            register, f"of_{name}", role="inspector", today=today, team="t1", district=district
        )
        for name, district in {"d1": "d1", "d2": "d2", "any": None}.items()
    }
    with loop_of(begin(loaded_town)) as loop:
        content = {"alert": "A", "enterprise": "e1", "team": "t1"}
        act = Act("alert", "lssi-alerts", "A", subject_digest(content), content)
        entry = act_entry(act, Seen(POSTED, POSTED, ""), moment=MOMENT, kept_days=30)
        issue_alert(record=loop.ledger.append(entry).result().record_id)
        yield Gated(register, loop=LoopDesk(loop, lambda: MOMENT)), keys


def test_an_alert_is_seen_and_acknowledged_in_its_district_alone(
    town: tuple[Gated, dict[str, str]],
) -> None:
    gated, keys = town
    for name, seen in {"d1": ["e1"], "d2": [], "any": ["e1"]}.items():
        page = gated.ask("/v1/alerts/list", {}, keys[name]).json()
        assert [alert["enterprise"] for alert in page["alerts"]] == seen, name
        # the cursor goes on behind what was not shown
        assert page["cursor"] is not None
    retry = {"idempotency-key": "k"}
    refused = [
        gated.ask("/v1/alerts/acknowledge", {"alert": alert}, keys["d2"], retry)
        for alert in ("A", "B")
    ]
    assert {code_of(answer) for answer in refused} == {"team_refused"}
    assert len({answer.content for answer in refused}) == 1
    taken = gated.ask("/v1/alerts/acknowledge", {"alert": "A"}, keys["d1"], retry)
    assert taken.status_code == 200


def test_an_outcome_of_another_district_and_of_no_enterprise_get_the_same_answer(
    town: tuple[Gated, dict[str, str]],
) -> None:
    gated, keys = town
    before = head(home() / "ledger.db").size
    sent = outcome().model_dump(mode="json")
    answers = [
        gated.ask("/v1/outcomes", sent | {"enterprise": firm}, keys["d2"], {"idempotency-key": "k"})
        for firm in ("e1", "nobody")
    ]
    assert {code_of(answer) for answer in answers} == {"unknown_id"}
    assert len({answer.content for answer in answers}) == 1
    assert head(home() / "ledger.db").size == before
    taken = gated.ask("/v1/outcomes", sent, keys["d1"], {"idempotency-key": "k"})
    assert taken.status_code == 200, json.dumps(taken.json())
