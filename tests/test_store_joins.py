"""A derived table is the product of two signed histories: on every day the join of what was live."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from features.calendar import date_of, day_of
from features.catalogue.joins import joined_table
from features.catalogue.model import Join
from features.contract.tables import contract
from features.errors import CatalogueError
from features.store.opening import open_store
from features.store.store import Store

Write = Callable[..., Path]
Row = dict[str, object]


def histories(seed: int) -> dict[str, list[Row]]:
    """Inspections and findings with corrections, retractions and findings known before their inspection."""
    draw = random.Random(seed)
    inspections: list[Row] = [
        {
            "inspection": f"i{draw.randrange(6)}",
            "enterprise": f"e{draw.randrange(3)}",
            "kind": "routine",
            "opened": "2014-01-01",
            "row_id": 100 + number,
            "recorded_on": date_of(16100 + draw.randrange(30)).isoformat(),
        }
        | {f"examined_{violation}": 1 for violation in range(1, 6)}
        for number in range(40)
    ]
    findings: list[Row] = [
        {
            "inspection": f"i{draw.randrange(7)}",
            "violation": draw.randrange(1, 3),
            "row_id": 500 + number,
            "workers_in_violation": draw.randrange(50),
            "recorded_on": date_of(16100 + draw.randrange(30)).isoformat(),
        }
        for number in range(60)
    ]
    for row in [*draw.sample(inspections, 8), *draw.sample(findings, 12)]:
        row["retracted"] = 1
    return {"inspections": inspections, "findings": findings}


def pairs(store: Store, as_of: int) -> list[tuple[int, int, int, int]]:
    """The plain definition: join what is live on the two sides."""
    left = store.live("findings", as_of, ("inspection", "violation", "workers_in_violation"))
    right = store.live("inspections", as_of, ("inspection", "enterprise"))
    enterprise = dict(zip(right["inspection"].tolist(), right["enterprise"].tolist(), strict=True))
    rows = zip(*(column.tolist() for column in left.values()), strict=True)
    return sorted((i, v, n, enterprise[i]) for i, v, n in rows if i in enterprise)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_on_every_day_the_derived_rows_are_the_join_of_the_live_rows(
    write_source: Write, seed: int
) -> None:
    store = open_store(write_source(histories(seed)))
    signed = store.all_rows("found", ("workers_in_violation", "known", "sign"))
    for as_of in range(16098, 16132):
        truth = pairs(store, as_of)
        live = store.live(
            "found", as_of, ("inspection", "violation", "workers_in_violation", "enterprise")
        )
        assert sorted(zip(*(column.tolist() for column in live.values()), strict=True)) == truth
        known = signed["known"] <= as_of
        assert (signed["sign"] * signed["workers_in_violation"])[known].sum() == sum(
            row[2] for row in truth
        )
    assert len(signed["sign"]) > 20


def test_a_derived_table_lies_by_enterprise_and_names_both_rows(write_source: Write) -> None:
    store = open_store(write_source(histories(1)))
    rows = store.all_rows("found", ("enterprise", "row_id", "right_row_id"))
    assert (
        store.sorted_by("found") == "enterprise"
        and (rows["enterprise"][1:] >= rows["enterprise"][:-1]).all()
    )
    assert set(rows["row_id"]) <= {str(number) for number in range(500, 560)}
    assert set(rows["right_row_id"]) <= {str(number) for number in range(100, 140)}


def test_a_derived_table_is_there_only_with_both_sides(write_source: Write) -> None:
    both = open_store(write_source({"benefit_payments": [], "deaths": []}))
    one = open_store(write_source({"benefit_payments": []}, "", "one"))
    assert both.has("paid_after_death") and not one.has("paid_after_death")


def test_a_payment_after_death_is_known_when_both_are(write_source: Write) -> None:
    payments = [
        {
            "claim": "c1",
            "worker": "w1",
            "month": "2014-05",
            "amount": 100,
            "recorded_on": "2014-06-01",
        },
        {
            "claim": "c2",
            "worker": "",
            "month": "2014-05",
            "amount": 100,
            "recorded_on": "2014-06-01",
        },
    ]
    deaths = [{"worker": "w1", "died_on": "2014-03-01", "recorded_on": "2014-08-01"}]
    store = open_store(write_source({"benefit_payments": payments, "deaths": deaths}))
    rows = store.all_rows("paid_after_death", ("died_on", "known", "sign"))
    assert rows["known"].tolist() == [day_of("2014-08-01")] and rows["died_on"].tolist() == [
        day_of("2014-03-01")
    ]


def test_a_column_both_sides_have_is_taken_under_the_name_of_the_right() -> None:
    tables = contract()
    join = Join("both", "claim_reviews", "claims", ("claim",), ("amount", "worker"))
    names = [
        column.name
        for column in joined_table(join, tables["claim_reviews"], tables["claims"]).columns
    ]
    assert names[-2:] == ["claim_amount", "worker"]


def test_a_join_on_a_column_that_is_not_there_is_named() -> None:
    tables = contract()
    with pytest.raises(CatalogueError, match="'deaths' has no column 'claim'"):
        joined_table(
            Join("x", "claims", "deaths", ("claim",), ("died_on",)),
            tables["claims"],
            tables["deaths"],
        )
