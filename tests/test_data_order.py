"""Cases without an order of time are judged by groups of units, once the source says so; those with one never unsaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import BaseCrossValidator

from features.errors import SourceError, TargetError
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Parts
from tests.rows import SPLIT, reviewed_claims
from training.data.cases import TEST, TRAIN
from training.data.dataset import Dataset, dataset
from training.data.folds import UnitSplit
from training.data.recipe import Recipe, recipe_of
from training.data.unit_folds import folds_by_unit, in_fold
from training.data.untested import check_test
from training.evaluation.discrimination import auc, sort_by_score
from training.runs.bench import bench_of
from training.runs.summary import groups_judged_lines, later_day_lines
from training.runs.train import Trained, certified, judged_by, parts_learned, trained_on
from training.runs.training_check import moved_by_the_test

Write = Callable[..., Path]
HEAD = reviewed_claims("visits", "badge", rounds=30)
GROUPS = '[target.fraud.judged]\nby = "groups"\n'
CLAIMS = 320
A_PERSON = 4
"""Claims of a person, all of which are fraud or none is; a badge tells who it is."""


def filed(*, days: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Return reviewed claims on so many days: visits tell a little of fraud, and a badge nothing of other persons."""
    draw = np.random.default_rng(5)
    tables: dict[str, list[dict[str, Any]]] = {"claims": [], "claim_reviews": []}
    frauds = draw.random(CLAIMS // A_PERSON) < 0.4
    for place in range(CLAIMS):
        person = place // A_PERSON
        day = f"2015-01-{1 + place % days:02d}"
        claim = {
            "claim": f"c{place:04d}",
            "worker": f"w{person:04d}",
            "scheme": "medical",
            "filed_on": day,
            "recorded_on": day,
            "visits": int(draw.poisson(4 + frauds[person])),
            "badge": person * 7919 % 1000,
        }
        tables["claims"].append(claim)
        outcome = "fraud" if frauds[person] else "clean"
        review = {"claim": claim["claim"], "outcome": outcome, "closed_on": "2015-03-01"}
        tables["claim_reviews"].append(review | {"recorded_on": "2015-03-01"})
    return tables


@pytest.fixture(scope="module")
def undated(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Claims of one day that are judged by groups."""
    folder = tmp_path_factory.mktemp("undated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(folder / "home"))
        yield open_store(hand_source(folder / "source", filed(), HEAD + GROUPS))


@pytest.fixture(scope="module")
def trained(undated: Store) -> Trained:
    return trained_on(undated, "fraud")


def test_undated_cases_are_judged_by_models_that_have_not_seen_their_person(
    trained: Trained,
) -> None:
    whole = trained.dataset
    assert len(whole.cases) == CLAIMS and whole.taught().all() and whole.tested().all()
    folds = folds_by_unit(whole, trained.recipe)
    assert len(folds) == 3 and sum(fold.held for fold in folds).tolist() == [1] * CLAIMS
    for fold in folds:
        assert not np.isin(whole.units[fold.held], whole.units[fold.seen]).any()
    # by claim the badge would give the person away: the model that was taught all knows it, the judged ones do not
    raw = trained.learned.raw(whole.matrix)
    seen = auc(sort_by_score(whole.cases.label, raw))
    assert (
        seen is not None and seen > trained.metrics["auc"] + 0.1 and trained.metrics["auc"] < 0.75
    )


def test_the_report_says_that_the_order_of_time_was_not_known(trained: Trained) -> None:
    judged = judged_by(trained.dataset, trained.recipe)
    assert judged == {"by": "groups", "folds": 3, "because": ""}
    [line] = groups_judged_lines(judged)
    assert "时间先后未知" in line and "order of time is not known: judged by 3 groups" in line
    assert groups_judged_lines({"by": "time", "folds": None, "because": None}) == []


def test_a_certificate_of_a_later_day_than_the_last_that_trained_is_said() -> None:
    [line] = later_day_lines({"as_of": "2015-01-01", "certified": {"as_of": "2015-03-01"}})
    assert line.endswith("the certificate is as of 2015-03-01")
    assert later_day_lines({"as_of": "2015-01-01", "certified": {"as_of": "2015-01-01"}}) == []


def test_the_certificate_proves_that_what_a_fold_holds_back_teaches_nothing(
    undated: Store, trained: Trained
) -> None:
    certificate = certified(undated, trained)
    assert certificate["verdict"] == "clean" and certificate["training"] == {}
    # of two tables the reviews begin two months after the claims, and half of them is the later one
    assert certificate["as_of"] == "2015-03-01"
    fold = folds_by_unit(trained.dataset, trained.recipe)[0]
    of_fold = in_fold(trained.dataset, fold)
    assert of_fold.tested().sum() == fold.held.sum() and not of_fold.in_folds().any()

    def taught_by_all(whole: Dataset, recipe: Recipe) -> Parts:
        part = np.full(len(whole.cases), TRAIN, np.int8)
        # one case is left to be judged by
        part[np.flatnonzero(whole.tested())[0]] = TEST
        return parts_learned(replace(whole, cases=replace(whole.cases, part=part)), recipe)

    assert moved_by_the_test(trained.dataset, trained.recipe, taught_by_all)


def test_undated_cases_without_the_declaration_are_refused_with_what_to_do(
    write_source: Write,
) -> None:
    store = open_store(write_source(filed(), HEAD + SPLIT))
    with pytest.raises(
        TargetError, match=r"all 320 labelled cases .* stand on 2015-01-01"
    ) as error:
        trained_on(store, "fraud")
    assert '[target.fraud.judged] with by = "groups" in place of the split' in str(error.value)
    bare = open_store(write_source(filed(), HEAD, folder="bare"))
    with pytest.raises(TargetError, match=r"no split; add .* no order of time"):
        trained_on(bare, "fraud")


def test_dated_cases_are_judged_by_groups_only_for_a_reason_that_is_said(
    write_source: Write,
) -> None:
    store = open_store(write_source(filed(days=20), HEAD + GROUPS))
    with pytest.raises(TargetError, match="stand on 20 days from 2015-01-01 to 2015-01-20: state"):
        trained_on(store, "fraud")
    reason = 'because = "days of entry, not of filing"\n'
    told = open_store(write_source(filed(days=20), HEAD + GROUPS + reason, folder="told"))
    whole = dataset(told, "fraud", seed=1)
    check_test(told, whole)
    assert judged_by(whole, recipe_of())["because"] == "days of entry, not of filing"


def test_a_split_and_groups_together_are_refused(write_source: Write) -> None:
    with pytest.raises(SourceError, match="has a split, which parts by time, and is judged by"):
        open_store(write_source(filed(), HEAD + SPLIT + GROUPS))


def test_an_ablation_of_undated_cases_is_refused_with_what_to_do(undated: Store) -> None:
    with pytest.raises(TargetError, match="judged by groups, without time"):
        bench_of(undated, "fraud", None)


def test_the_splitter_is_scikit_learns_kind_and_parts_units_whatever_the_order() -> None:
    keys = np.array([f"e{place % 11}" for place in range(100)])
    splitter = UnitSplit(n_splits=4, seed=3)
    assert isinstance(splitter, BaseCrossValidator) and splitter.get_n_splits(groups=keys) == 4
    held = [held for _, held in splitter.split(keys, groups=keys)]
    assert sorted(np.concatenate(held).tolist()) == list(range(100))
    order = np.random.default_rng(1).permutation(100)
    again = [sorted(order[held].tolist()) for _, held in splitter.split(keys, groups=keys[order])]
    assert again == [sorted(places.tolist()) for places in held]
    few = np.array(["a", "a", "b"])
    assert splitter.get_n_splits(groups=few) == 2 == len(list(splitter.split(few, groups=few)))
