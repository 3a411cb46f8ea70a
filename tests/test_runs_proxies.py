"""Laws of the proxy test: what stands in for a protected attribute is told by name, and honest features are not accused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue.roles import PROTECTED, WITHOUT_BASIS
from features.store.opening import open_store
from features.store.store import Store
from training.data.dataset import dataset
from training.runs.proxies import proxies, proxy_lines
from training.runs.summary import without_basis_lines

Write = Callable[..., Path]
BASIS = 'basis = "法 law"\n'
ATTRIBUTE = '[[attribute]]\ntable = "claims"\nname = "{}"\ntype = "integer"\nzh = "甲"\nen = "a"\n'
DECLARED = (
    ATTRIBUTE.format("age") + "protected = true\n" + ATTRIBUTE.format("visits") + BASIS
) + ATTRIBUTE.format("shoe")
TARGET = """
[target.fraud]
zh = "骗领"
en = "fraud"
unit = "claim"
label = "review"
fit = { most_rounds = 20, least_rounds = 5, folds = 3, shape = [{ leaves = 4 }] }
[target.fraud.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
NUMBER = 400


def filed(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Return reviewed claims: what is bought tells the claimant's sex and age, how often one visits tells fraud alone."""
    draw = np.random.default_rng(seed)
    begin = date(2014, 2, 1)
    tables: dict[str, list[dict[str, Any]]] = {"claims": [], "claim_reviews": [], "protected": []}
    for place in range(NUMBER):
        name = f"{place:04d}"
        filed_on = begin + timedelta(days=int(draw.integers(0, 480)))
        day = {"recorded_on": filed_on.isoformat()}
        is_woman = bool(draw.random() < 0.5)
        visits = int(draw.integers(0, 9))
        claim = {
            "claim": f"c{name}",
            "worker": f"w{name}",
            "scheme": "medical",
            "filed_on": filed_on.isoformat(),
            "shoe": int(draw.normal(43 - 5 * is_woman, 2)),
            "age": int(draw.integers(20, 70)),
            "visits": visits,
        }
        tables["claims"].append(claim | day)
        sex = "female" if is_woman else "male"
        tables["protected"].append({"worker": f"w{name}", "sex": sex} | day)
        outcome = "fraud" if draw.random() < visits / 10 else "clean"
        closed = {"closed_on": (filed_on + timedelta(days=9)).isoformat()}
        review = {"claim": f"c{name}", "outcome": outcome, "recorded_on": closed["closed_on"]}
        tables["claim_reviews"].append(review | closed)
    return tables


def opened(write: Write, toml: str, folder: str) -> Store:
    return open_store(write(filed(seed=5), toml + TARGET, folder=folder))


def said_of(store: Store) -> dict[str, Any]:
    whole = dataset(store, "fraud", seed=1)
    assert "attr_age" not in whole.matrix.names
    return {each["attribute"]: each["test"] for each in proxies(store, whole, 1)}


def test_a_feature_that_stands_in_for_sex_is_told_by_name_and_honest_ones_are_not(
    write_source: Write,
) -> None:
    planted = said_of(opened(write_source, DECLARED + BASIS, "planted"))
    assert planted["protected.sex"]["tells"] and planted["protected.sex"]["auc"] > 0.9
    assert planted["protected.sex"]["features"][0] == "attr_shoe"
    assert not planted["claims.age"]["tells"]
    honest = said_of(opened(write_source, DECLARED, "honest"))
    for test in honest.values():
        assert not test["tells"] and 0.4 < test["auc"] < 0.6 and test["cases"] > 300


def test_it_is_said_in_both_languages_and_too_few_cases_say_nothing(write_source: Write) -> None:
    store = opened(write_source, DECLARED + BASIS, "planted")
    whole = dataset(store, "fraud", seed=1)
    [sex] = [line for line in proxy_lines(proxies(store, whole, 1)) if "protected.sex" in line]
    assert "特征可推知" in sex and "attr_shoe" in sex
    few = np.arange(30)
    part = replace(whole, matrix=whole.matrix.take(few), cases=whole.cases.take(few))
    assert [each["test"] for each in proxies(store, part, 1)] == [None] * 2
    assert all("样本太少" in line for line in proxy_lines(proxies(store, part, 1)))


def test_a_training_names_what_it_did_not_read_for_want_of_a_basis() -> None:
    reasons = {"claims.gender": WITHOUT_BASIS, "claims.sex": PROTECTED}
    [line] = without_basis_lines(reasons)
    assert "no feature: claims.gender；" in line and "sex" not in line
    assert without_basis_lines({"claims.sex": PROTECTED}) == []
