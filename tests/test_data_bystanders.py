"""Laws of whom nobody looked at: no label, never a negative; who chose a visit and why is no outcome; the future draws nobody."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import day_of
from features.store.opening import open_store
from tests.test_data_labels import (
    BY_VISIT,
    EVENT,
    REVIEW,
    VISIT,
    claim,
    enterprises,
    finding,
    review,
    visit,
)
from training.data.cases import TRAIN, Bystanders
from training.data.dataset import Dataset, dataset, target_of
from training.data.unit_cases import unit_cases, unreviewed

Write = Callable[..., Path]
Rows = list[dict[str, Any]]
NAMES = tuple("abcdefgh")
VISITED = (
    visit("i1", "a", "2014-02-10", "2014-02-20"),
    visit("i2", "b", "2014-02-11", "2014-02-20"),
    visit("i3", "c", "2014-02-12", None),
    visit("i4", "d", "2014-02-12", "2014-02-20", examined_1=0),
    visit("i5", "a", "2015-02-10", "2015-02-20"),
)
FOUND = (finding("i1", 3, recorded_on="2014-02-20"),)


def history(
    write: Write,
    toml: str,
    inspections: Rows | tuple[dict[str, Any], ...] = VISITED,
    **tables: Rows,
) -> Dataset:
    usual: dict[str, Rows] = {
        "enterprises": enterprises(*NAMES),
        "findings": list(FOUND),
        "complaints": [],
        "inspections": list(inspections),
    }
    store = open_store(write({**usual, **tables}, toml))
    return dataset(store, "workers", seed=1, bystanders=1000)


def drawn(whole: Dataset) -> Bystanders:
    assert whole.bystanders is not None
    return whole.bystanders


def test_a_bystander_is_a_unit_of_a_training_day_that_got_no_label_from_it(
    write_source: Write,
) -> None:
    whole = history(write_source, VISIT)
    beside = drawn(whole)
    first = day_of("2014-01-01")
    on_first = beside.cases.as_of == first
    # an open visit, and one that did not examine the violation, are no label: whoever had these was passed over
    assert beside.cases.ids[on_first].tolist() == list("cdefgh")
    assert np.isnan(beside.cases.label).all() and (beside.cases.part == TRAIN).all()
    assert set(beside.cases.as_of.tolist()) == set(whole.cases.as_of[whole.taught()].tolist())
    assert beside.matrix.keys.tolist() == beside.cases.ids.tolist()
    assert (beside.matrix.as_of == beside.cases.as_of).all()


def test_a_firm_with_a_medal_is_a_bystander_and_never_a_negative(write_source: Write) -> None:
    medals = [
        {
            "enterprise": "h",
            "started": "2013-06-30",
            "ended": "2015-06-30",
            "recorded_on": "2013-06-30",
        }
    ]
    for toml in (VISIT, BY_VISIT):
        whole = history(write_source, toml, medals=medals)
        label = whole.cases.label[whole.matrix.keys == "h"]
        assert np.isnan(label).all()
        assert "h" in drawn(whole).matrix.keys.tolist()


def test_why_a_firm_was_visited_is_neither_its_label_nor_a_feature_of_its_case(
    write_source: Write,
) -> None:
    """A visit by intensified inspection, alert or complaint finds what it finds; its own case does not know why it was made."""
    told = []
    for kind in ("routine", "special", "lottery"):
        chance = 0.5 if kind == "lottery" else None
        visits = [{**row, "kind": kind, "inclusion_probability": chance} for row in VISITED[:2]]
        whole = history(write_source, BY_VISIT, visits)
        told.append((whole.cases.label, whole.matrix.values))
    labels, values = zip(*told, strict=True)
    assert sorted(labels[0].tolist()) == [0.0, 1.0]
    assert all(label.tobytes() == labels[0].tobytes() for label in labels)
    assert all(value.tobytes() == values[0].tobytes() for value in values)


def test_where_each_visit_has_a_day_of_its_own_firms_are_drawn_on_days_of_visits(
    write_source: Write,
) -> None:
    whole = history(write_source, BY_VISIT)
    beside = drawn(whole)
    visits = whole.cases.take(whole.taught())
    assert set(beside.cases.as_of.tolist()) <= set(visits.as_of.tolist())
    assert (beside.cases.day == beside.cases.as_of + 1).all()
    visited = set(zip(visits.subject.tolist(), visits.as_of.tolist(), strict=True))
    passed_over = set(zip(beside.cases.subject.tolist(), beside.cases.as_of.tolist(), strict=True))
    assert not visited & passed_over


@pytest.mark.parametrize("toml", [VISIT, BY_VISIT])
def test_a_visit_recorded_after_the_test_began_draws_nobody_and_moves_no_bystander(
    write_source: Write, toml: str
) -> None:
    later = visit("i6", "e", "2014-02-01", "2014-02-02", recorded_on="2015-03-01")
    before, after = (
        drawn(history(write_source, toml, visits)) for visits in (VISITED, (*VISITED, later))
    )
    assert before.cases.ids.tolist() == after.cases.ids.tolist()
    assert before.matrix.values.tobytes() == after.matrix.values.tobytes()
    assert before.cases.weight.tobytes() == after.cases.weight.tobytes()


def test_few_are_drawn_from_many_and_together_they_stand_for_all(write_source: Write) -> None:
    store = open_store(
        write_source(
            {
                "enterprises": enterprises(*(f"e{number:03d}" for number in range(200))),
                "inspections": [visit("i1", "e001", "2014-02-10", "2014-02-20")],
                "findings": [],
                "complaints": [],
            },
            VISIT,
        )
    )
    beside = dataset(store, "workers", seed=1, bystanders=20).bystanders
    assert beside is not None and len(beside) == 20
    assert beside.cases.weight.sum() == pytest.approx(199)
    assert dataset(store, "workers", seed=1).bystanders is None


def test_claims_that_nobody_reviewed_take_little_more_memory_than_their_day(
    write_source: Write,
) -> None:
    """A full city has some thirty million: as whole cases, with their names, they took 6 GB."""
    number = 8_000
    claims = [claim(f"c{place:05d}", "2014-03-01") for place in range(number)]
    tested = [claim("d1", "2015-02-01"), claim("d2", "2015-02-01")]
    reviews = [
        review("c00001", "2014-03-20", "fraud", recorded_on="2014-03-20"),
        review("c00002", "2014-03-20", "clean", recorded_on="2014-03-20"),
        review("d1", "2015-02-20", "fraud"),
    ]
    store = open_store(
        write_source({"claims": [*claims, *tested], "claim_reviews": reviews}, REVIEW)
    )
    target = target_of(store, "fraud")
    cases, _ = unit_cases(store, target)
    tracemalloc.start()
    again, _ = unit_cases(store, target)
    drawn_claims = unreviewed(store, target, most=10, seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sorted(cases.ids.tolist()) == sorted(again.ids.tolist())
    assert sorted(cases.ids.tolist()) == ["c00001", "c00002", "d1", "d2"]
    assert len(drawn_claims) == 10 and drawn_claims.weight.sum() == pytest.approx(number - 2)
    assert peak < 150 * number


def test_nobody_is_passed_over_where_every_case_tells_whether_its_event_happened(
    write_source: Write,
) -> None:
    assert history(write_source, EVENT).bystanders is None


def test_a_claim_without_a_verdict_that_was_known_in_time_is_a_bystander(
    write_source: Write,
) -> None:
    claims = [claim(f"c{number}", "2014-03-01") for number in range(6)]
    claims.append(claim("c9", "2015-03-01"))
    reviews = [
        review(number, day, outcome, recorded_on=day)
        for number, outcome, day in (
            ("c0", "fraud", "2014-03-20"),
            ("c1", "clean", "2014-03-20"),
            ("c2", "unclear", "2014-03-20"),
            ("c4", "fraud", "2015-02-20"),
        )
    ]
    store = open_store(write_source({"claims": claims, "claim_reviews": reviews}, REVIEW))
    beside = dataset(store, "fraud", seed=1, bystanders=100).bystanders
    assert beside is not None
    assert sorted(beside.cases.ids.tolist()) == ["c2", "c3", "c4", "c5"]
