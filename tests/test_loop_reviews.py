"""Outcomes of reviews that come back: each claim teaches once, with its chance; what does not fit is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import day_of
from features.errors import LssiError, RequestError
from features.home import home
from features.ingest.source import find_source
from features.store.journal import write_journal_part
from features.store.load import load
from features.store.opening import open_store
from features.store.store import Store
from serving.errors import ActRefused, TeamRefused
from serving.ledger.ledger import Ledger
from serving.loop.act_once import Doer, Loop
from serving.loop.reviews import post_review
from serving.loop.sent_outcomes import distinct_subjects, read_outcomes
from serving.requests import PostedReview
from training.data.reviews import reviews

MONDAY = day_of("2015-07-06")
POSTED = day_of("2015-07-10")
CHANCE = 0.0625
CLAIMS = ("k1", "k2", "k3", "k4", "k5")
TARGET = """
[target.fraud]
zh = "骗领"
en = "fraud"
unit = "claim"
label = "review"
count = "amount"
[target.fraud.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-12-31
"""
Write = Callable[..., Path]


@pytest.fixture
def office(hand_source: Write, tmp_path: Path) -> Path:
    """Return a source with five claims, of which k5 was reviewed, and a plan of reviews of k1 (score), k2 (match), k3 (lot)."""
    claims = [
        {
            "claim": name,
            "worker": f"w{name}",
            "scheme": "medical",
            "filed_on": "2015-05-05",
            "recorded_on": "2015-05-06",
            "amount": 5000,
        }
        for name in CLAIMS
    ]
    told = [
        {
            "claim": "k5",
            "chosen": "alert",
            "closed_on": "2015-06-06",
            "outcome": "clean",
            "recorded_on": "2015-06-07",
        }
    ]
    place = hand_source(tmp_path / "office", {"claims": claims, "claim_reviews": told}, TARGET)
    listed = ("k1", "k2", "k3", "k5")
    plan: dict[str, list[Any]] = {
        "plan": ["P"] * len(listed),
        "claim": list(listed),
        "team": ["t1", "t1", "t2", "t2"],
        "week": [MONDAY] * len(listed),
        "position": [1, 2, 1, 2],
        "planned_minutes": [60] * len(listed),
        "why": ["score", "match", "lottery", "score"],
        "recorded_on": [MONDAY] * len(listed),
    }
    draw: dict[str, list[Any]] = {
        "draw": ["D"] * len(CLAIMS),
        "claim": list(CLAIMS),
        "drawn_on": [MONDAY] * len(CLAIMS),
        "inclusion_probability": [CHANCE] * len(CLAIMS),
        "drawn": [int(name == "k3") for name in CLAIMS],
        "recorded_on": [MONDAY] * len(CLAIMS),
    }
    journal = home() / "journal" / "hand"
    write_journal_part(journal, "claim_plans", "fraud.P", plan)
    write_journal_part(journal, "claim_draws", "fraud.D", draw)
    return place


def review(**more: Any) -> PostedReview:
    usual = {
        "claim": "k1",
        "plan": "P",
        "closed_on": "2015-07-09",
        "verdict": "fraud",
        "amount": 4000,
    }
    return PostedReview.model_validate(usual | more)


def posted(place: Path, asked: PostedReview, key: str = "a", team: str | None = None) -> str:
    """Post an outcome and return the number of its record."""
    store = Store(load(find_source(place)))
    moment = datetime(2015, 7, 10, 8, tzinfo=UTC)
    with Ledger(home() / "ledger.db") as ledger:
        loop = Loop(store, home() / "journal" / "hand", ledger)
        return post_review(loop, asked, Doer("reviewer", team, key, moment, POSTED)).record_id


def labels(store: Store, by: int = POSTED) -> dict[str, tuple[float, float, float]]:
    """Return label, amount and inclusion probability of each reviewed claim."""
    seen = reviews(store, store.source.target["fraud"], by)
    texts = store.texts("claim")
    columns = (seen.ids, seen.label, seen.count, seen.inclusion)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {texts[place]: (label, count, chance) for place, label, count, chance in rows}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 100_000, "should be JSON"),
        ('{"claim": "k1", "claim": "k2"}', "has a name twice"),
        ('[{"found": [{"violation": 1, "violation": 2}]}]', "has a name twice"),
    ],
)
def test_a_file_that_means_no_one_thing_is_refused_in_one_line(
    tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "o.json").write_text(content, "utf-8")
    with pytest.raises(RequestError, match=says):
        read_outcomes(tmp_path / "o.json")


def test_a_review_is_a_label_from_the_day_it_was_posted(office: Path) -> None:
    posted(office, review())
    store = open_store(office)
    assert labels(store, POSTED - 1).keys() == {"k5"}
    label, amount, chance = labels(store)["k1"]
    assert (label, amount) == (1, 4000)
    assert np.isnan(chance)


def test_a_drawn_review_keeps_its_chance_and_no_other_has_one(office: Path) -> None:
    for name in ("k2", "k3"):
        posted(office, review(claim=name, verdict="clean", amount=None), name)
    known = labels(open_store(office))
    assert known["k3"] == (0, 0, CHANCE)
    assert np.isnan(known["k2"][2])


def test_a_review_without_a_clear_outcome_has_no_label(office: Path) -> None:
    posted(office, review(verdict="unclear", amount=None))
    assert np.isnan(labels(open_store(office))["k1"][0])


def test_a_correction_that_names_what_it_corrects_takes_its_place(office: Path) -> None:
    first = posted(office, review())
    with pytest.raises(ActRefused, match=f"supersedes = '{first}'"):
        posted(office, review(verdict="clean", amount=None), "b")
    posted(office, review(verdict="clean", amount=None, supersedes=first), "c")
    assert labels(open_store(office))["k1"][:2] == (0, 0)


def test_the_same_outcome_again_is_the_first_record(office: Path) -> None:
    assert posted(office, review()) == posted(office, review())
    assert len(labels(open_store(office))) == 2


@pytest.mark.parametrize(
    ("more", "team", "error", "says"),
    [
        ({"claim": "k4"}, None, ActRefused, "does not list this claim"),
        ({"plan": "Q"}, None, ActRefused, "does not list this claim"),
        ({"claim": "k5"}, None, ActRefused, "the source itself holds a review of this claim"),
        ({"closed_on": "2015-07-05"}, None, ActRefused, "from the day it was ordered on"),
        ({"closed_on": "2015-07-11"}, None, ActRefused, "no earlier than closed"),
        ({"supersedes": "9-x"}, None, ActRefused, "no outcome of this review to supersede"),
        ({}, "t2", TeamRefused, "another team answers"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    office: Path, more: dict[str, Any], team: str | None, error: type[LssiError], says: str
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        posted(office, review(**more), team=team)
    assert labels(open_store(office)).keys() == {"k5"}


def test_the_team_of_the_list_can_post(office: Path) -> None:
    posted(office, review(), team="t1")
    assert "k1" in labels(open_store(office))


def test_from_the_day_that_the_source_tells_a_review_itself_its_row_stands_alone(
    office: Path,
) -> None:
    posted(office, review())
    told = office / "claim_reviews.csv"
    head, _, row = told.read_text("utf-8").partition("\n")
    later = row.strip().replace("k5", "k1").replace("claim_reviews-1", "later")
    later = later.replace("2015-06-06", "2015-07-09").replace("2015-06-07", "2015-07-12")
    told.write_text(f"{head}\n{row}{later}\n", "utf-8")
    declared = office / "source.toml"
    text = declared.read_text("utf-8").replace("2015-06-30", "2015-07-31")
    declared.write_text(text, "utf-8")
    store = open_store(office)
    assert labels(store, POSTED + 1)["k1"][:2] == (1, 4000)
    assert labels(store, day_of("2015-07-12"))["k1"][:2] == (0, 0)


def test_a_file_may_hold_reviews_as_json_or_csv(tmp_path: Path) -> None:
    record = {
        "claim": "k1",
        "plan": "P",
        "closed_on": "2015-07-09",
        "verdict": "fraud",
        "amount": 4000,
        "minutes": 45,
    }
    as_json, as_csv = tmp_path / "one.json", tmp_path / "one.csv"
    as_json.write_text(json.dumps(record), "utf-8")
    head = ",".join(record)
    as_csv.write_text(f"{head}\n{','.join(map(str, record.values()))}\n", "utf-8")
    assert read_outcomes(as_json) == read_outcomes(as_csv) == [PostedReview.model_validate(record)]


def test_a_claim_twice_in_a_file_is_refused() -> None:
    with pytest.raises(RequestError, match="claim 'k1' stands twice"):
        distinct_subjects([review(), review(verdict="clean", amount=None)])


def test_an_amount_of_a_clean_review_is_refused() -> None:
    with pytest.raises(ValueError, match="an amount is of a fraud alone"):
        review(verdict="clean")
