"""Corrections: an upheld appeal gives a row its true values from its day on, and days before see what they saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.calendar import day_of
from features.errors import RequestError
from features.home import home
from features.store.opening import open_store
from features.store.store import Store
from serving.errors import ActRefused
from serving.ledger.act import act_of
from serving.ledger.read import find, head
from serving.loop.appeals import lodge_appeal
from serving.loop.rescored import rescore
from serving.proof.audit import verify
from serving.requests import LodgedAppeal
from tests.loop_town import POSTED, TARGET, begin, town_tables
from tests.office_town import claim, office_loop, office_tables, who_acts
from tests.said import Say
from tests.test_alerts_reviews import large_claims
from tests.test_loop_decisions import alive, appeal, lodged

DECIDED = {"decided_on": "2015-07-09", "upheld": True}
LATER = day_of("2015-07-20")


def corrected(place: Path, key: str = "a", **more: Any) -> str:
    """Correct the finding of e1 from 4 workers to 1, and return the number of the record."""
    usual: dict[str, Any] = DECIDED | {"corrected": {"workers_in_violation": 1}}
    return lodged(place, appeal(**usual | more), key)


def workers(store: Store, day: int) -> dict[str, list[int]]:
    """Return what each table says of the finding's workers as of a day."""
    return {
        table: store.live(table, day, ("workers_in_violation",))["workers_in_violation"].tolist()
        for table in ("findings", "found")
    }


def test_a_corrected_value_is_known_from_the_day_of_the_appeal_and_in_derived_tables_too(
    loaded_town: Path,
) -> None:
    place = begin(loaded_town)
    record = corrected(place)
    assert corrected(place) == record and head(home() / "ledger.db").size == 1
    store = open_store(place)
    assert workers(store, POSTED - 1) == {"findings": [4], "found": [4]}
    assert workers(store, POSTED) == {"findings": [1], "found": [1]}
    for table in ("findings", "found", "inspections"):
        assert alive(store, table, POSTED - 1) == alive(store, table, POSTED) == (1, 1)
    row_ids = store.live("findings", POSTED, ("row_id",))["row_id"].tolist()
    assert row_ids == [f"appeal-{record}"]


def test_a_corrected_visit_stays_beside_its_finding(loaded_town: Path) -> None:
    place = begin(loaded_town)
    about = {"table": "inspections", "row_id": "inspections-1"}
    corrected(place, corrected={"closed_on": "2014-03-12", "kind": "complaint"}, **about)
    store = open_store(place)
    [closed] = store.live("inspections", POSTED, ("closed_on",))["closed_on"].tolist()
    assert closed == day_of("2014-03-12")
    assert store.live("found", POSTED, ("closed_on",))["closed_on"].tolist() == [closed]
    assert alive(store, "found", POSTED) == alive(store, "found", POSTED - 1) == (1, 1)


def test_a_row_that_the_source_sends_later_stands_in_the_place_of_the_corrected(
    loaded_town: Path, write_source: Any
) -> None:
    corrected(begin(loaded_town))
    tables = town_tables()
    later = {
        "inspection": "old",
        "violation": 1,
        "workers_in_violation": 2,
        "recorded_on": "2015-07-20",
    }
    place = write_source({**tables, "findings": [*tables["findings"], later]}, TARGET)
    declared = place / "source.toml"
    declared.write_text(declared.read_text("utf-8").replace("2015-06-30", "2015-07-31"), "utf-8")
    store = open_store(place)
    for day, number in ((POSTED - 1, 4), (POSTED, 1), (LATER - 1, 1), (LATER, 2)):
        assert workers(store, day) == {"findings": [number], "found": [number]}, day
        for table in ("findings", "found"):
            assert alive(store, table, day) == (1, 1), (table, day)


def test_a_row_is_corrected_once_and_the_corrected_one_may_be_taken_back(
    loaded_town: Path, say: Say
) -> None:
    place = begin(loaded_town)
    record = corrected(place)
    with pytest.raises(ActRefused, match="upheld before"):
        corrected(place, "b", appeal="a2")
    asked = (
        "--appeal",
        "a3",
        "--enterprise",
        "e1",
        "--table",
        "findings",
        "--lodged",
        "2015-07-12",
    )
    decided = ("--decided", "2015-07-12", "--upheld", "--on", "2015-07-12")
    said = say("appeal", place, *asked, "--row", f"appeal-{record}", *decided)
    assert said.code == 0, said.out
    store = open_store(place)
    assert workers(store, POSTED) == {"findings": [1], "found": [1]}
    assert workers(store, day_of("2015-07-12")) == {"findings": [], "found": []}
    assert alive(store, "found", day_of("2015-07-12")) == (0, 0)


def test_a_correction_by_command_names_its_columns(loaded_town: Path, say: Say) -> None:
    place = begin(loaded_town)
    asked = ("--appeal", "a1", "--enterprise", "e1", "--table", "findings", "--row", "findings-1")
    decided = (
        "--lodged",
        "2015-07-07",
        "--decided",
        "2015-07-09",
        "--upheld",
        "--on",
        "2015-07-10",
    )
    for wrong in ("workers_in_violation", "workers_in_violation=x"):
        refused = say("appeal", place, *asked, *decided, "--correct", wrong)
        assert refused.line.startswith("error: request_invalid"), refused.line
    told = say("appeal", place, *asked, *decided, "--correct", "workers_in_violation=1", "--json")
    assert told.json["rescored"] == []  # no model is in use
    assert workers(open_store(place), POSTED) == {"findings": [1], "found": [1]}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"violation": 2}, "no column whose value"),
        ({"inspection": "other"}, "no column whose value"),
        ({"nothing": 1}, "no column whose value"),
        ({"workers_in_violation": "many"}, "should be"),
        ({"workers_in_violation": -1}, "cannot be so|should"),
    ],
)
def test_a_correction_that_does_not_fit_is_refused_and_leaves_nothing(
    loaded_town: Path, values: dict[str, Any], says: str
) -> None:
    place = begin(loaded_town)
    with pytest.raises((ActRefused, RequestError), match=says):
        corrected(place, corrected=values)
    assert not (home() / "ledger.db").exists() or head(home() / "ledger.db").size == 0
    assert workers(open_store(place), POSTED) == {"findings": [4], "found": [4]}


def test_values_are_corrected_only_by_an_appeal_that_is_upheld() -> None:
    for more in ({}, {"decided_on": "2015-07-09", "upheld": False}):
        with pytest.raises(ValueError, match="upheld"):
            appeal(corrected={"workers_in_violation": 1}, **more)


def test_the_case_is_scored_as_it_was_and_as_decided_and_both_are_recorded(
    hand_source: Callable[..., Path], tmp_path: Path
) -> None:
    tables = office_tables()
    small = [claim(f"q{number}", "alive", amount=1_000) for number in range(20)]
    place = hand_source(tmp_path / "scored", {**tables, "claims": [*tables["claims"], *small]})
    bundles = {"fraudulent_claim": large_claims(place, tmp_path / "bundles")}
    asked = LodgedAppeal.model_validate(
        {"appeal": "a1", "claim": "k2", "table": "claims", "row_id": "claims-2"}
        | {"lodged": "2015-07-02", "corrected": {"amount": 1_000}, **DECIDED}
    )
    with office_loop(place) as loop:
        receipt = lodge_appeal(loop, asked, who_acts(team="t1"))
        [pair] = rescore(loop, bundles, asked, appealed=receipt, doer=who_acts())
        assert rescore(loop, bundles, asked, appealed=receipt, doer=who_acts()) == [pair]
        open_one = asked.model_copy(update={"upheld": None})
        assert rescore(loop, bundles, open_one, appealed=receipt, doer=who_acts()) == []
    assert pair["was"]["score"] > 0.5 > pair["corrected"]["score"]
    act = act_of(find(home() / "ledger.db", pair["record_id"]).payload or b"")
    assert act.what == "rescored" and act.content["was"] == pair["was"]
    assert verify(home() / "ledger.db", POSTED).whole
    # the day itself is closed: what was known then stays
    store = open_store(place)
    assert 500_000 in store.live("claims", store.complete_to, ("amount",))["amount"].tolist()
    names = {path.name.partition("-")[0] for path in (home() / "journal" / "hand").iterdir()}
    assert "foreseen" not in names
