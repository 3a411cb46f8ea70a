"""Estimates of claims: what the lottery's reviews say of all claims that it could draw, by count and by amount."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.calendar import date_of, day_of
from features.errors import RequestError
from features.home import home
from features.store.journal import write_journal_part
from features.store.opening import open_store
from models.bundle.bundle import Bundle
from tests.test_reviews_week import AS_OF, model
from training.estimates.period_visits import Period
from training.estimates.report import estimate_report

MONDAY = day_of("2015-06-01")
PERIOD = Period(MONDAY, day_of("2015-06-30"))
CLAIMS, DRAWN, FRAUDS = 120, 60, 12
CHANCE = 0.5
TARGET = """
[target.fraudulent_claim]
zh = "骗领"
en = "fraud"
unit = "claim"
label = "review"
[target.fraudulent_claim.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-12-31
"""
Write = Callable[..., Path]


def claim(number: int) -> dict[str, object]:
    return {
        "claim": f"k{number}",
        "worker": f"w{number}",
        "scheme": "medical",
        "filed_on": date_of(MONDAY - 20 + number % 9),
        "recorded_on": date_of(MONDAY - 10),
        "amount": 50_000,
    }


def review(number: int, **cells: object) -> dict[str, object]:
    """Return the review of a drawn claim; the first FRAUDS of them find 1,000 yuan each."""
    is_fraud = number < FRAUDS
    usual = {
        "claim": f"k{number}",
        "chosen": "lottery",
        "inclusion_probability": CHANCE,
        "minutes": 60,
        "closed_on": date_of(MONDAY + 4),
        "recorded_on": date_of(MONDAY + 5),
        "outcome": "fraud" if is_fraud else "clean",
        "amount": 100_000 if is_fraud else "",
    }
    return usual | cells


def draw(folder: Path) -> None:
    """Write one draw in which each claim had an even chance, and a plan that lists one more by score."""
    columns: dict[str, list[Any]] = {
        "draw": ["D"] * CLAIMS,
        "claim": [f"k{number}" for number in range(CLAIMS)],
        "drawn_on": [MONDAY] * CLAIMS,
        "inclusion_probability": [CHANCE] * CLAIMS,
        "drawn": [int(number < DRAWN) for number in range(CLAIMS)],
        "recorded_on": [MONDAY] * CLAIMS,
    }
    write_journal_part(folder, "claim_draws", "fraudulent_claim.D", columns)


@pytest.fixture
def place(hand_source: Write, tmp_path: Path) -> Path:
    tables = {
        "claims": [claim(number) for number in range(CLAIMS)],
        "claim_reviews": [review(number) for number in range(DRAWN)],
    }
    return hand_source(tmp_path / "source", tables, TARGET)


def report(place: Path, period: Period = PERIOD, by: str | None = None) -> dict[str, Any]:
    store = open_store(place)
    bundle: Bundle = model(store, "claim", "fraudulent_claim", home() / "bundles")
    assert bundle.manifest.as_of < str(date_of(AS_OF))
    return estimate_report(store, bundle, period, by)


def test_each_drawn_review_stands_for_as_many_claims_as_its_chance_says(place: Path) -> None:
    draw(home() / "journal" / "hand")
    told = report(place)
    assert (told["basis"], told["units"], told["drawn"]) == ("journal", CLAIMS, DRAWN)
    assert told["violators"]["horvitz_thompson"]["value"] == pytest.approx(FRAUDS / CHANCE)
    assert told["violators"]["hajek"]["value"] == pytest.approx(CLAIMS * FRAUDS / DRAWN)
    assert told["number"]["horvitz_thompson"]["value"] == pytest.approx(FRAUDS * 100_000 / CHANCE)
    assert told["unit_expected"] == "fen"
    for way in told["violators"].values():
        assert way["low"] < way["value"] < way["high"]


def test_the_sources_own_lottery_speaks_of_the_claims_that_became_known_in_the_period(
    place: Path,
) -> None:
    told = report(place, Period(MONDAY - 30, PERIOD.last))
    assert (told["basis"], told["draws"]) == ("source", 1)
    assert (told["units"], told["drawn"]) == (CLAIMS, DRAWN)
    assert told["violators"]["horvitz_thompson"]["value"] == pytest.approx(FRAUDS / CHANCE)
    nobody = report(place)
    assert (nobody["units"], nobody["drawn"]) == (0, 0)
    assert "not estimable" in nobody["violators"]["hajek"]


def test_groups_of_claims_are_refused_in_words(place: Path) -> None:
    with pytest.raises(RequestError, match="leave it out for claims"):
        report(place, by="size")
