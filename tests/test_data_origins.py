"""Laws of rolling origins: who is asked about has taught nobody, and nothing teaches that was not known by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.catalogue.parse import read_catalogue
from features.ingest.source_toml import GroupJudging, Split, Target
from features.matrix import Matrix
from training.data.cases import BOTH, TEST, TRAIN, TargetCases
from training.data.dataset import Dataset
from training.data.origins import rolling_origins
from training.data.recipe import Recipe, recipe_of

FIRST = day_of(date(2014, 1, 31))
STEP, HORIZON, ON_A_DAY = 60, 120, 50


def recipe() -> Recipe:
    return recipe_of({"least_positives": 10, "folds": 3})


def on_days(days: int) -> Dataset:
    """Return cases of firms on some days, the last of them the test; an outcome is known when its horizon has passed."""
    number = days * ON_A_DAY
    draw = np.random.default_rng(5)
    day = FIRST + STEP * np.repeat(np.arange(days), ON_A_DAY)
    nothing = np.full(number, np.nan)
    cases = TargetCases(
        subject=np.tile(np.arange(ON_A_DAY), days),
        as_of=day,
        day=day,
        ids=np.array([f"c{place:05d}" for place in range(number)]),
        part=np.where(day == day.max(), TEST, TRAIN).astype(np.int8),
        label=(draw.random(number) < 0.5).astype(np.float64),
        count=nothing,
        random_label=nothing,
        inclusion=nothing,
        weight=np.ones(number),
        told=day + HORIZON,
        known=day + HORIZON,
    )
    keys = np.array([f"e{place:03d}" for place in cases.subject])
    matrix = Matrix("enterprise", keys, day.astype(np.int32), ("x",), draw.random((number, 1)), {})
    target = Target(
        zh="查出",
        en="found",
        unit="enterprise-day",
        label="visit",
        violation=1,
        horizon=HORIZON,
        as_of=[date_of(each) for each in np.unique(day).tolist()],
        split=Split(
            train_until=date_of(int(day.max()) - HORIZON),
            test_from=date_of(int(day.max())),
            test_until=date_of(int(day.max())),
        ),
    )
    return Dataset("days", target, matrix, cases, read_catalogue(lambda _table: True, ()))


@pytest.mark.parametrize("number", [1, 3, 6])
def test_what_teaches_an_origin_was_known_a_horizon_before_whom_it_asks_about(number: int) -> None:
    whole = on_days(9)
    origins = rolling_origins(whole, recipe(), number=number, asked_on=0.5)
    assert 2 <= len(origins) <= number + 1 and origins[-1].is_test
    for origin in origins[:-1]:
        taught = whole.cases.take(origin.seen)
        asked = whole.cases.take(origin.held)
        assert taught.known.max() <= asked.day.min() == origin.first
        assert taught.day.max() + HORIZON <= origin.first and asked.day.max() == origin.last
        assert (taught.part == TRAIN).all() and (asked.part == TRAIN).all()
    assert (whole.cases.take(origins[-1].held).part == TEST).all()


def test_an_outcome_that_was_known_late_teaches_later_origins_alone() -> None:
    whole = on_days(9)
    late = replace(whole.cases, known=whole.cases.known + STEP)
    origins = rolling_origins(replace(whole, cases=late), recipe(), number=3, asked_on=0.5)
    for origin in origins[:-1]:
        assert late.known[origin.seen].max() <= origin.first


def test_an_origin_is_left_out_where_too_little_lies_before_it() -> None:
    assert [
        origin.is_test for origin in rolling_origins(on_days(3), recipe(), number=4, asked_on=0.5)
    ] == [True]


def test_without_an_order_of_time_each_part_of_the_units_is_asked_about_once() -> None:
    whole = on_days(4)
    target = whole.target.model_copy(
        update={"split": None, "judged": GroupJudging(by="groups", because="no order")}
    )
    part = np.full(len(whole.cases), BOTH, np.int8)
    grouped = replace(whole, target=target, cases=replace(whole.cases, part=part))
    origins = rolling_origins(grouped, recipe(), number=4, asked_on=0.5)
    assert len(origins) == recipe().folds
    assert (np.sum([origin.held for origin in origins], axis=0) == 1).all()
    for origin in origins:
        keys = whole.matrix.keys
        assert not set(keys[origin.seen]) & set(keys[origin.held])
