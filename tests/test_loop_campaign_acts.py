"""Decisions on the campaign's sheets: a medal, a publication and a period's classes are rows from their day on, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.home import home
from features.store.opening import open_store
from features.store.store import Store
from models.policy.policy import policy_on
from models.policy.policy_facts import appraisal_rows, enterprise_facts
from models.policy.policy_status import Facts, Standing, standing_of
from serving.ledger.act import act_of
from serving.ledger.read import find, head
from tests.said import Say
from tests.test_campaign_exposures import debts
from tests.test_campaign_medals import staffed

Write = Callable[..., Path]
CLOSED, DECIDED_ON = "2015-06-30", "2015-07-02"
ON = ("--on", DECIDED_ON, "--by", "chief", "--json")


def standing(store: Store, enterprise: str, day: str) -> Standing:
    """Return how an enterprise stands by what was known on a day, as the plan sees it."""
    known = day_of(day)
    policy = policy_on(known)
    facts = enterprise_facts(store, policy, known)
    return standing_of(facts.get(store.code("enterprise", enterprise), Facts()), policy, known)


def said_of(record: str) -> dict[str, Any]:
    """Return what an act of the ledger says."""
    act = act_of(find(home() / "ledger.db", record).payload or b"")
    return {"what": act.what, "who": act.who, **act.content}


def test_a_publication_intensifies_from_its_day_on_and_is_made_once(
    write_source: Write, say: Say
) -> None:
    source = write_source(debts())
    sheet = say("exposures", source, "--as-of", CLOSED, "--json").json
    assert "acts" not in sheet
    first = sheet["to_be_named"][0]
    name = first["enterprise"]
    publish = ("exposures", source, "--as-of", CLOSED, "--publish", name)
    [receipt] = say(*publish, *ON).json["acts"]
    assert receipt["first"] and say(*publish, *ON).json["acts"] == [receipt | {"first": False}]
    said = said_of(receipt["record_id"])
    assert (said["what"], said["who"], said["as_of"]) == ("exposure", "chief", CLOSED)
    store = open_store(source)
    assert not standing(store, name, "2015-07-01").intensified
    assert standing(store, name, DECIDED_ON).level_by == "exposure"
    rows = store.live("exposures", day_of(DECIDED_ON), ("published_on", "contribution_arrears"))
    is_new = rows["published_on"] == day_of(DECIDED_ON)
    assert rows["contribution_arrears"][is_new].tolist() == [first["contribution_arrears"]]
    # under another key, by another person and for one that owes nothing
    again = say(*publish, "--on", DECIDED_ON, "--by", "other").line
    assert again.startswith("error: act_refused") and "runs" in again
    stranger = ("exposures", source, "--as-of", CLOSED, "--publish", "e01", "--on", DECIDED_ON)
    assert "no candidate" in say(*stranger).line
    earlier = ("exposures", source, "--as-of", "2014-12-31", "--publish", "e00")
    assert "last closed day" in say(*earlier, "--on", DECIDED_ON).line
    assert head(home() / "ledger.db").size == 1


def test_a_medal_waives_from_its_day_on_and_the_quota_holds(write_source: Write, say: Say) -> None:
    source = write_source(staffed())
    sheet = say("medals", source, "--as-of", CLOSED, "--json").json
    names = [row["enterprise"] for row in sheet["to_be_awarded"]]
    assert sheet["quota"] == 1
    both = ("--award", names[0], "--award", names[1])
    refused = say("medals", source, "--as-of", CLOSED, *both, "--on", DECIDED_ON).line
    assert refused.startswith("error: act_refused") and "quota of 1" in refused
    store = open_store(source)
    assert not standing(store, names[0], "2015-07-01").waived
    assert standing(store, names[0], DECIDED_ON).level_by == "medal"
    assert not standing(store, names[1], DECIDED_ON).waived
    held = say("classify", source, "--as-of", CLOSED, "--json").json
    assert held["levels"]["waived"] == 0


def test_the_classes_of_a_period_are_decided_once_and_known_from_their_day_on(
    write_source: Write, say: Say
) -> None:
    source = write_source(staffed())
    decide = ("appraise", source, "--period", "2013", "--decide")
    shown = say(*decide, *ON).json
    [receipt] = shown["acts"]
    said = said_of(receipt["record_id"])
    assert (said["period"], said["enterprises"]) == (2013, shown["appraised"])
    store = open_store(source)
    assert len(appraisal_rows(store, day_of(DECIDED_ON) - 1)) == 0
    rows = appraisal_rows(store, day_of(DECIDED_ON))
    assert len(rows) == shown["appraised"] and set(rows.columns["period"].tolist()) == {2013}
    ratings = store.column("appraisals", "rating").choices
    first = store.dictionary("enterprise").text(int(rows.enterprise[0]))
    by_sheet = {row["enterprise"]: row["class"] for row in shown["enterprises"]}
    assert ratings[int(rows.columns["rating"][0])] == by_sheet[first]
    assert "decided once" in say(*decide, "--on", DECIDED_ON, "--by", "other").line
