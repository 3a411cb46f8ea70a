"""Laws of how cases fall into groups: by what held on the case's own day, and what the audit alone reads teaches nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.engine.engine import engine_of
from features.store.opening import open_store
from features.store.store import Store
from tests.test_house import ROOT
from tests.test_runs_proxies import NUMBER, TARGET, filed
from training.data.dataset import Dataset, dataset
from training.groups.table import GroupTable, group_table
from training.groups.values import Looked, Partition, partitions
from training.runs.group_audit import group_audit, groups_of_test
from training.runs.train import dataset_digest, trained_from, trained_on

Write = Callable[..., Path]
ATTRIBUTES = ["size", "area", "sector", "ownership", "employment", "migrant", "district", "sex"]
VISITED = """
[target.visits]
zh = "检查"
en = "inspections"
unit = "inspection"
label = "visit"
violation = 1
[target.visits.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""


def firms() -> dict[str, list[dict[str, Any]]]:
    """Return two firms with their staff: e1 becomes rural in March and employs women, e2 parts with its only one."""
    on = {"recorded_on": "2014-06-01"}
    register = {"kind": "company", "section": "C", "ownership": "private"}
    town = {"enterprise": "e1", "since": "2014-01-01", "cell": "g1", "rural": 0}
    country = {"enterprise": "e1", "since": "2015-03-01", "cell": "g2", "rural": 1}
    other = {"enterprise": "e2", "since": "2014-01-01", "cell": "g9", "rural": 0}
    tables: dict[str, list[dict[str, Any]]] = {
        "enterprises": [
            register | town | on,
            register | country | {"recorded_on": "2015-03-02"},
            register | other | on,
        ],
        "cells": [
            {"cell": f"g{place}", "since": "2014-01-01", "district": f"d{place}", "team": "t"} | on
            for place in (1, 2)
        ],
        "inspections": [],
    }
    sexes = {
        "w1": "female",
        "w2": "female",
        "w3": "female",
        "w4": "female",
        "w5": "male",
        "w6": None,
    }
    tables["protected"] = [
        {"worker": name, "sex": sex} | on for name, sex in sexes.items() if sex is not None
    ]
    tables["workers"] = [
        {"worker": name, "residence": "migrant" if name < "w3" else "urban"} | on for name in sexes
    ]
    ended = {"w4": "2015-02-28"}
    tables["employment"] = [
        {
            "worker": name,
            "enterprise": "e1" if name < "w4" else "e2",
            "started": "2014-01-01",
            "kind": "part_time" if name == "w1" else "regular",
            "ended": ended.get(name),
        }
        | {"recorded_on": "2014-06-01" if name not in ended else "2015-03-01"}
        for name in sexes
    ]
    days = [("e1", "2015-02-01"), ("e1", "2015-04-01"), ("e2", "2015-02-01"), ("e2", "2015-04-01")]
    for place, (name, opened) in enumerate(days):
        look = {"inspection": f"i{place}", "enterprise": name, "kind": "routine", "opened": opened}
        closed = {"closed_on": opened, "recorded_on": opened, "planned_minutes": 60}
        examined = {f"examined_{kind}": 1 for kind in range(1, 6)}
        tables["inspections"].append(look | closed | examined)
    tables["findings"] = [{"inspection": "i0", "violation": 1, "recorded_on": "2015-02-01"}]
    return tables


def names_of(falls: list[Partition], attribute: str) -> list[str]:
    """Return the group of each case by an attribute."""
    [partition] = [each for each in falls if each.attribute.name == attribute]
    return [partition.groups[place].name for place in partition.member.tolist()]


def falls_of(store: Store, whole: Dataset, table: GroupTable) -> list[Partition]:
    return partitions(Looked(engine_of(store), whole.matrix, whole.cases.subject), table)


def test_groups_are_those_of_the_day_of_the_case_and_too_many_values_are_one_together(
    write_source: Write,
) -> None:
    store = open_store(write_source(firms(), VISITED))
    whole = dataset(store, "visits", seed=1)
    assert whole.matrix.keys.tolist() == ["e1", "e1", "e2", "e2"]
    falls = falls_of(store, whole, group_table())
    assert names_of(falls, "area") == ["urban", "rural", "urban", "urban"]
    assert names_of(falls, "district") == ["d1", "d2", "unknown", "unknown"]
    # all three are women; of the two others whose sex is told one is, who leaves in February
    assert names_of(falls, "sex") == ["most_women", "most_women", "mixed", "few_women"]
    assert names_of(falls, "employment") == ["part_time", "part_time", "regular", "regular"]
    assert names_of(falls, "migrant") == ["most", "most", "few", "few"]
    assert names_of(falls, "size") == ["1-9"] * 4
    assert names_of(falls, "sector") == ["C"] * 4
    few = group_table().model_copy(update={"most_groups": 1})
    assert names_of(falls_of(store, whole, few), "district")[:2] == ["d1", "other"]


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory, hand_source: Write) -> dict[str, Store]:
    """Return a source of claims, the same with every sex the other one, and one without the protected table."""
    turned = {"male": "female", "female": "male"}
    told, other, silent = filed(seed=5), filed(seed=5), filed(seed=5)
    for tables in (told, other, silent):
        for claim in tables["claims"]:
            for attribute in ("age", "shoe", "visits"):
                del claim[attribute]
    for row in other["protected"]:
        row["sex"] = turned[row["sex"]]
    del silent["protected"]
    by_name = {"told": told, "other": other, "silent": silent}
    place = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        return {
            name: open_store(hand_source(place / name, tables, TARGET))
            for name, tables in by_name.items()
        }


def test_what_the_audit_alone_may_read_moves_no_bit_of_what_is_learned(
    claims: dict[str, Store],
) -> None:
    wholes = {name: dataset(store, "fraud", seed=1) for name, store in claims.items()}
    assert len({dataset_digest(whole) for whole in wholes.values()}) == 1
    assert len({trained_on(store, "fraud").learned.any.text for store in claims.values()}) == 1
    falls = {name: groups_of_test(claims[name], whole) for name, whole in wholes.items()}
    told, other = names_of(falls["told"], "sex"), names_of(falls["other"], "sex")
    turned = {"male": "female", "female": "male", "unknown": "unknown"}
    assert [turned[name] for name in told] == other and set(told) == {"male", "female"}
    [sex] = [each for each in falls["silent"] if each.attribute.name == "sex"]
    assert sex.word == "not known: the source holds no table protected"


def test_every_attribute_is_named_with_a_word_where_it_is_not_known(
    claims: dict[str, Store],
) -> None:
    store = claims["silent"]
    trained = trained_on(store, "fraud")
    falls = groups_of_test(store, trained.dataset)
    said = group_audit(store, trained.dataset, trained.model, falls)
    assert [row["attribute"] for row in said["attributes"]] == ATTRIBUTES
    assert all(row["word"].startswith("not known: ") for row in said["attributes"])
    assert said["groups"] == said["rates"] == said["pairs"] == said["costs"] == []
    assert NUMBER > 20 and trained_from(trained.dataset, trained.recipe).metrics["auc"]


def test_the_table_names_what_the_issue_asks_and_the_page_names_the_table() -> None:
    table = group_table()
    assert [attribute.name for attribute in table.attribute] == ATTRIBUTES
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    for attribute in table.attribute:
        assert f"| `{attribute.name}` |" in page, attribute.name
        for reading in (attribute.enterprise, attribute.claim, attribute.provider):
            # an attribute that the audit alone may read comes from the protected table, and no other does
            is_read_by_audit = reading is not None and reading.read.split()[0] in (
                "protected",
                "staff",
            )
            assert reading is None or is_read_by_audit == (attribute.name == "sex")


def test_an_attribute_that_says_too_little_is_not_estimated(claims: dict[str, Store]) -> None:
    store = claims["told"]
    trained = trained_on(store, "fraud")
    falls = groups_of_test(store, trained.dataset)
    said = group_audit(store, trained.dataset, trained.model, falls)
    sizes = {row["group"]: row["cases"] for row in said["groups"]}
    assert sum(sizes.values()) == int(trained.dataset.tested().sum())
    listed = sum(row["listed"] for row in said["groups"])
    assert listed == trained.metrics["capacity"]["listed"]
    assert np.isfinite([row["value"] for row in said["rates"] if not row["word"]]).all()
