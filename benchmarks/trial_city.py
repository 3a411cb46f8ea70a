"""One city of the trial: what an hour of visits finds by the model's list and by those of its rivals, in truth.

Each list fills the same minutes of visits to the firms that live on the day on which the test begins. What it finds is the truth
of that month, whoever was visited in the history. The learner of labels by lot is the model's own, taught by as many firms that
were drawn by lot from the training days, whose visits find what visits find in this city.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import date_of
from features.engine.matrices import matrix
from features.ingest.scan import files_in, read_parquet
from features.matches.find import match_counts
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from training.baselines.pipelines import lightgbm_pipeline
from training.data.cases import TRAIN, TargetCases
from training.data.dataset import Dataset, dataset, target_of
from training.data.recipe import Recipe, recipe_of
from training.evaluation.answers import Answers
from training.evaluation.estimate import NotEstimable
from training.evaluation.visit_minutes import filling, minutes_of_capacity, visit_times
from training.models.learn import lesson_of
from training.runs.learned_parts import learned_from
from training.runs.train import answers_of

TARGET = "undeclared_workers"
HOURLY = ("model", "by_lot", "lightgbm", "last_year", "matches", "random")
"""Whose lists are compared: the model, the same learner on labels by lot, LightGBM with defaults, and who learn nothing."""
MORE = 100
"""Cases drawn beyond those asked for, since a day gives whole ones and the population leaves some out."""
HOUR = 60
"""Minutes of an hour, since the policy counts in minutes."""
Floats = NDArray[np.float64]


def found_per_hour(city: Path, *, labels: int, seed: int) -> dict[str, Any]:
    """Return the workers whom an hour of each list's visits finds in truth, how many labels taught, and the truth of all."""
    store = open_store(city)
    recipe = recipe_of(target_of(store, TARGET).fit, target=TARGET)
    whole = thinned_labels(
        dataset(store, TARGET, seed=recipe.seed, bystanders=recipe.bystanders), labels, seed
    )
    day = int(whole.cases.as_of[whole.tested()].min())
    living = matrix(store, "enterprise", day)
    truth = uncovered(city, living)
    scores = scores_of(store, whole, living, recipe, drawn_labels(city, store, whole, recipe))
    found = {name: hourly(living, scores[name], truth, recipe.capacity) for name in HOURLY}
    return {
        "labels": int(whole.taught().sum()),
        "living": len(living),
        "uncovered": int(truth.sum()),
        "found": found,
    }


def thinned_labels(whole: Dataset, most: int, seed: int) -> Dataset:
    """Return a data set of which at most so many labelled cases teach, drawn by lot."""
    taught = np.flatnonzero(whole.taught())
    if len(taught) <= most:
        return whole
    left_out = np.random.default_rng(seed).permutation(taught)[most:]
    rows = np.setdiff1d(np.arange(len(whole.cases)), left_out)
    return whole.take(rows)


def uncovered(city: Path, asked: Matrix) -> Floats:
    """Return the truth of each row in the month of its day: workers without cover, (n,)."""
    told = read_parquet(files_in(city / "truth" / "enterprises"))
    with_month = told.with_columns(pl.col("month").dt.strftime("%Y-%m"))
    rows = with_month.select("enterprise", "month", "uncovered").iter_rows()
    by_month = {(firm, month): number or 0 for firm, month, number in rows}
    months = [date_of(int(day)).isoformat()[:7] for day in asked.as_of]
    keys = zip(asked.keys.tolist(), months, strict=True)
    return np.array([by_month.get(key, 0) for key in keys], np.float64)


def drawn_labels(city: Path, store: Store, whole: Dataset, recipe: Recipe) -> Dataset:
    """Return a data set whose training cases are as many firms by lot, with what visits to them would find.

    Visits of this city find a part of what is true, and a part of the workers: the same parts of the firms drawn by lot.
    """
    many = int(whole.taught().sum())
    beside = dataset(store, TARGET, seed=recipe.seed + 1, bystanders=many + MORE).bystanders
    assert beside is not None
    rows = np.random.default_rng(recipe.seed).permutation(len(beside))[:many]
    drawn = beside.matrix.take(rows)
    cases = _as_visited(city, whole, drawn, beside.cases.take(rows), recipe.seed)
    return replace(whole, matrix=drawn, cases=cases, bystanders=None)


def _as_visited(
    city: Path, whole: Dataset, drawn: Matrix, cases: TargetCases, seed: int
) -> TargetCases:
    """Return cases with the outcome of visits that miss as often as those of the history."""
    seen = whole.taught()
    label = whole.cases.label[seen]
    count = np.nan_to_num(whole.cases.count[seen])
    true_of_visited = uncovered(city, whole.matrix.take(seen))
    is_true = true_of_visited > 0
    share_found = float(label[is_true].mean())
    share_wrong = float(label[~is_true].mean())
    part = float(
        count[is_true & (label == 1)].sum() / true_of_visited[is_true & (label == 1)].sum()
    )
    true_of_drawn = uncovered(city, drawn)
    chance = np.where(true_of_drawn > 0, share_found, share_wrong)
    is_found = np.random.default_rng(seed).random(len(cases)) < chance
    number = np.where(is_found, np.maximum(np.round(true_of_drawn * part), 1.0), 0.0)
    return replace(
        cases,
        label=is_found.astype(np.float64),
        count=number,
        part=np.full(len(cases), TRAIN, np.int8),
        weight=np.ones(len(cases)),
        told=cases.day,
        known=cases.day,
    )


def scores_of(
    store: Store, whole: Dataset, living: Matrix, recipe: Recipe, by_lot: Dataset
) -> dict[str, Floats]:
    """Return by whom a list is made how it orders the living firms: what learns a number does so by the minute, (n,)."""
    minutes = _minutes(living)
    label = whole.cases.label[whole.taught()]
    taught = whole.matrix.take(whole.taught())
    pipeline = lightgbm_pipeline(taught, recipe.seed)
    pipeline.fit(taught.values, label)
    matches = match_counts(store, "enterprise", int(living.as_of[0]))
    counted = [matches.get(key, 0) for key in living.keys.tolist()]
    return {
        "model": _said(whole, living, recipe).benefit / minutes,
        "by_lot": _said(by_lot, living, recipe).benefit / minutes,
        "lightgbm": np.asarray(pipeline.decision_function(living.values)),
        "last_year": np.nan_to_num(living.column("findings_365d")),
        "matches": np.array(counted, np.float64),
        "random": np.random.default_rng(recipe.seed).random(len(living)),
    }


def _said(whole: Dataset, living: Matrix, recipe: Recipe) -> Answers:
    """Return what a model that a data set teaches says of the living firms."""
    learned = learned_from(whole, lesson_of(whole, recipe), recipe)
    return answers_of(learned, living)


def _minutes(living: Matrix) -> Floats:
    times = visit_times(living)
    assert not isinstance(times, NotEstimable)
    return times.minutes


def hourly(living: Matrix, score: Floats, truth: Floats, capacity: float) -> float:
    """Return the workers whom an hour of visits finds by the list that fills the capacity's minutes in the order of a score."""
    minutes = _minutes(living)
    once = np.ones(len(living))
    order = np.lexsort((living.keys, -score))
    top = filling(order, minutes, once, minutes_of_capacity(capacity, minutes, once))
    return float(truth[top].sum() / (minutes[top].sum() / HOUR))
