"""The week's reviews of claims and providers: who is in hand, a list per team, the lottery, why, and rows of the journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import PolicyError
from features.ingest.scan import read_parquet
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.policy.plan_journal import write_journal
from models.policy.plan_json import plan_as_json
from models.policy.plan_sheet import write_plan_sheets
from models.policy.plan_text import plan_as_text
from models.policy.week import Halt, WeekPlan, week_of
from models.policy.week_lottery import share_prices
from models.policy.why import why_lines, why_listed
from models.reviews.review_rules import review_rules, review_rules_of, review_rules_on
from models.reviews.review_week import planned_week, week_units
from serving.lottery.tickets import list_root

AS_OF = day_of("2015-06-28")
MONDAY = AS_OF + 1
RULES = review_rules_on("claim", MONDAY)
CLAIMS = 60
REVIEWED, BEGUN, TIP, OLD_TIP, SETTLED, OLD, DEAD, OLD_DEAD = (f"k{n}" for n in range(8))
FROZEN = {
    "claim-reviews-2012": "5d020c436e7f6e55d51642b58b99be37200a87962580ae3e0f983df06aec497a",
    "provider-reviews-2012": "8faf6ed79c697fe10e76768f966ef05615878a768411b338f47d1a0e9b926858",
}
"""The digest of every published rule set. One that decisions rest on is never changed: a later one follows it."""
Write = Callable[..., Path]


def day(offset: int) -> str:
    return date_of(AS_OF + offset).isoformat()


def claim(number: int) -> dict[str, object]:
    """Return a claim of the last weeks, or for some numbers one of long ago; every third one is paid in cash."""
    is_old = f"k{number}" in {OLD_TIP, OLD, OLD_DEAD}
    filed = -300 if is_old else -3 - number
    is_cash = number % 3 == 0
    return {
        "claim": f"k{number}",
        "worker": f"w{number}",
        "provider": "" if is_cash else f"h{number % 2}",
        "enterprise": f"e{number % 3}",
        "scheme": "unemployment" if is_cash else "medical",
        "filed_on": day(filed),
        "amount": 100_000 * (1 + number),
        "state": "refused" if f"k{number}" == SETTLED else "filed",
        "recorded_on": day(filed + 1),
    }


def review(name: str, **cells: object) -> dict[str, object]:
    return {"claim": name, "recorded_on": day(-2), **cells}


def tables() -> dict[str, list[dict[str, object]]]:
    """Sixty claims of two providers and three firms in the cells of two teams, some of them looked at before."""
    cells = [
        {"cell": f"c{n}", "since": "2012-01-01", "district": "d", "team": f"t{n % 2}"}
        for n in range(3)
    ]
    members = [
        {
            "member": f"m{n}",
            "team": f"t{n % 2}",
            "role": ("full_time", "part_time", "assistant")[n % 3],
            "weekly_minutes": 1200,
            "started": "2012-01-01",
        }
        for n in range(12)
    ]
    return {
        "enterprises": [
            {
                "enterprise": f"e{n}",
                "since": "2012-01-01",
                "registered": "2012-01-01",
                "cell": f"c{n}",
            }
            for n in range(3)
        ],
        "providers": [
            {
                "provider": f"h{n}",
                "since": "2012-01-01",
                "kind": "hospital",
                "staff": 20,
                "beds": 1,
                "cell": f"c{n}",
            }
            for n in range(2)
        ],
        "claims": [claim(n) for n in range(CLAIMS)],
        "claim_reviews": [
            review(REVIEWED, chosen="alert", closed_on=day(-2), outcome="clean"),
            review(BEGUN, chosen="alert"),
            review(TIP, chosen="complaint"),
            review(OLD_TIP, chosen="complaint"),
        ],
        "deaths": [
            {"worker": f"w{name[1:]}", "died_on": day(-350), "recorded_on": day(-10)}
            for name in (DEAD, OLD_DEAD)
        ],
        "inspections": [
            {
                "inspection": "v1",
                "provider": "h1",
                "kind": "routine",
                "opened": day(-20),
                "recorded_on": day(-19),
                **{f"examined_{violation}": int(violation == 3) for violation in range(1, 6)},
            }
        ],
        "cells": cells,
        "members": members,
    }


def model(store: Store, entity: str, target: str, folder: Path) -> Bundle:
    """Return a model of the store's own features."""
    living = matrix(store, entity, AS_OF)
    label = np.arange(len(living)) % 2 == 0
    choices = {
        "verbosity": -1,
        "min_data_in_leaf": 1,
        "min_data_in_bin": 1,
        "num_threads": 1,
        "seed": 1,
        "objective": "binary",
    }
    table = lightgbm.Dataset(living.values, label, feature_name=list(living.names))
    forest = lightgbm.train(choices, table, 5).model_to_string()
    frozen = frozen_features(catalogue_of(store).features(entity), living)
    calibration = Calibration((-3.0, 3.0), (0.05, 0.9))
    parts = Parts(
        target, "2015-01-01", frozen, calibration, forest, None, living, {"source": "hand"}, {}
    )
    return load_bundle(write_bundle(folder, parts))


@pytest.fixture(scope="module")
def store(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(hand_source(tmp_path_factory.mktemp("reviews") / "source", tables()))


@pytest.fixture(scope="module")
def bundle(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return model(store, "claim", "fraudulent_claim", tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def reviews(store: Store, bundle: Bundle) -> WeekPlan:
    return planned_week(store, bundle, week_of(store, MONDAY, "seed"))


def lines_of(plan: WeekPlan) -> dict[str, dict[str, Any]]:
    """Return the line of each unit that is listed."""
    cells = plan_as_json(plan)["cells"]
    return {line[plan.kind.name]: line for cell in cells for line in cell["visits"]}


def test_a_published_rule_set_of_reviews_never_changes_in_silence() -> None:
    published = [*review_rules("claim"), *review_rules("provider")]
    assert {rules.rule: rules.digest for rules in published} == FROZEN
    assert all(rules.zh and rules.en for rules in published)


def test_a_match_that_does_not_exist_is_refused_by_name() -> None:
    from importlib import resources

    text = (
        resources.files("models.reviews")
        .joinpath("rules/claim/claim-reviews-2012.toml")
        .read_text("utf-8")
    )
    with pytest.raises(PolicyError, match=r"match.kinds.*got 'paid_for_nothing'"):
        review_rules_of(text.replace("paid_after_death", "paid_for_nothing"))


def test_every_claim_of_the_register_is_listed_left_out_or_not_in_hand(reviews: WeekPlan) -> None:
    sums = reviews.reconciliation
    assert sums.is_whole
    assert sums.register == CLAIMS
    assert sums.gone == {"in_review": 1, "old": 1, "reviewed": 1, "settled": 1}
    assert {REVIEWED, BEGUN, SETTLED, OLD}.isdisjoint(reviews.place)


def test_tips_come_first_then_matches_whenever_the_claim_was_filed(reviews: WeekPlan) -> None:
    why = {name: line["why"] for name, line in lines_of(reviews).items()}
    assert {name: why[name] for name in (TIP, OLD_TIP)} == dict.fromkeys(
        (TIP, OLD_TIP), "complaint"
    )
    assert {name: why[name] for name in (DEAD, OLD_DEAD)} == dict.fromkeys(
        (DEAD, OLD_DEAD), "match"
    )
    for cell in plan_as_json(reviews)["cells"]:
        order = [line["why"] for line in cell["visits"]]
        assert order == sorted(order, key=["complaint", "match", "score", "lottery"].index)


def test_a_claim_goes_to_the_team_of_its_provider_else_of_its_enterprise(reviews: WeekPlan) -> None:
    for unit in reviews.units:
        number = int(unit.name[1:])
        cell = number % 3 if number % 3 == 0 else number % 2
        assert unit.cell == f"t{cell % 2}"


def test_no_team_reviews_longer_than_it_has_minutes_for_reviews(reviews: WeekPlan) -> None:
    # three kinds of members at 10, 10 and 25 % of 1,200 minutes, two of each in a team
    assert reviews.capacity == {"t0": 1080, "t1": 1080}
    for cell in reviews.plan.cells:
        assert 0 < cell.planned <= cell.minutes


def test_reviews_by_score_recover_most_by_the_minute(reviews: WeekPlan) -> None:
    for start, cell in zip(reviews.plan.starts, reviews.plan.cells, strict=True):
        listed = {visit.unit.name for visit in cell.visits}
        by_score = [visit for visit in cell.visits if visit.why == "score"]
        least = min(visit.unit.benefit / visit.needed for visit in by_score)
        others = [one for one in start.candidates if one.unit not in listed]
        # a better claim is left out only where its review no longer fits
        room = cell.minutes - cell.planned
        assert all(one.value / one.minutes <= least + 1e-9 or one.minutes > room for one in others)


def test_what_a_review_recovers_is_the_chance_times_the_amount(reviews: WeekPlan) -> None:
    for place, unit in enumerate(reviews.units):
        amount = 1000 * (1 + int(unit.name[1:]))
        assert unit.benefit == pytest.approx(reviews.scores.probability[place] * amount)


def test_every_claim_in_hand_can_be_drawn_and_its_chance_is_recorded(
    reviews: WeekPlan, tmp_path: Path
) -> None:
    plans, draws = write_journal(reviews, tmp_path)
    rows = read_parquet(draws).to_dicts()
    assert {row["claim"] for row in rows} == set(reviews.place)
    assert all(row["inclusion_probability"] > 0 for row in rows)
    assert {row["claim"] for row in rows if row["drawn"]} == {
        name for cell in reviews.plan.cells for name in cell.drawn
    }
    listed = read_parquet(plans).to_dicts()
    assert [(row["claim"], row["team"], row["why"]) for row in listed] == [
        (visit.unit.name, cell.cell, visit.why)
        for cell in reviews.plan.cells
        for visit in cell.visits
    ]


def test_the_lottery_draws_of_the_list_that_it_commits_to(
    store: Store, bundle: Bundle, reviews: WeekPlan
) -> None:
    week = week_of(store, MONDAY, "")
    committed = week_units(store, bundle, week).tickets()
    assert list_root(committed) == list_root(start.lottery.tickets for start in reviews.plan.starts)


def test_a_floor_of_a_scheme_is_kept(reviews: WeekPlan) -> None:
    [floor] = reviews.plan.floors
    assert (floor.group, floor.missing) == ("medical", 0)
    medical = [line for line in lines_of(reviews).values() if line["scheme"] == "medical"]
    assert len(medical) == floor.planned >= floor.asked > 0


def test_a_halted_model_lists_no_claim_by_score(store: Store, bundle: Bundle) -> None:
    halt = Halt("1-a", "2015-06-01", "停", "halt")
    why = {
        line["why"]
        for line in lines_of(
            planned_week(store, bundle, week_of(store, MONDAY, "seed"), halt)
        ).values()
    }
    assert why <= {"complaint", "match", "lottery"}


def test_any_claim_in_hand_is_told_why(reviews: WeekPlan) -> None:
    lines = lines_of(reviews)
    for name in reviews.place:
        shown = why_listed(reviews, name)
        assert shown["claim"] == name
        assert shown["listed"] == (name in lines)
        assert shown["decided_by"] == (lines[name]["why"] if name in lines else "out_of_minutes")
        text = "\n".join(why_lines(shown))
        assert name in text
        # a claim is on its team's list: the register states no cell of it that would put it there
        for word in ("workers", "网格", "cell"):
            assert word not in text, word
        assert all("投诉" not in change for change in shown["would"])
        assert bool(shown["would"]) is not shown["listed"]


def test_a_list_of_claims_speaks_of_claims_and_yuan(reviews: WeekPlan, tmp_path: Path) -> None:
    text = plan_as_text(reviews)
    assert "¥" in text
    assert "workers" not in text
    assert "claim_reviews" not in text
    page, *teams = write_plan_sheets(plan_as_json(reviews), tmp_path)
    assert "申领 claim" in page.read_text("utf-8")
    assert [path.name.split(".")[1] for path in teams] == ["team-t0", "team-t1"]


def test_the_share_of_the_lottery_has_a_price_for_claims_too(store: Store, bundle: Bundle) -> None:
    without, *others = share_prices(week_units(store, bundle, week_of(store, MONDAY, "")), (0, 10))
    assert without.expected > 0
    assert others[0].drawn > 0


def test_providers_are_listed_by_match_score_and_lottery_and_rest_after_a_visit(
    store: Store, tmp_path: Path
) -> None:
    bundle = model(store, "provider", "provider_deception", tmp_path)
    plan = planned_week(store, bundle, week_of(store, MONDAY, "seed"))
    assert plan.reconciliation.is_whole
    assert set(plan.place) == {"h0", "h1"}
    standing = {unit.name: unit.standing for unit in plan.units}
    assert (standing["h0"].resting, standing["h1"].resting) == (False, True)
    assert lines_of(plan)["h0"]["why"] in {"match", "score"}
    assert all(cell.probability > 0 for cell in plan.plan.cells)


def test_a_source_without_teams_needs_minutes(hand_source: Write, tmp_path: Path) -> None:
    named = {name: rows for name, rows in tables().items() if name not in {"cells", "members"}}
    store = open_store(hand_source(tmp_path / "source", named))
    bundle = model(store, "claim", "fraudulent_claim", tmp_path / "bundles")
    with pytest.raises(PolicyError, match="--minutes"):
        planned_week(store, bundle, week_of(store, MONDAY, "seed"))
    plan = planned_week(store, bundle, week_of(store, MONDAY, "seed", 600))
    assert [cell.cell for cell in plan.plan.cells] == [""]
    assert plan.reconciliation.is_whole
