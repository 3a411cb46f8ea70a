"""Rivals at 200 to 5,000 labels: ours, three seeds averaged, CatBoost as it comes and tuned: `python -m benchmarks.rivals`.

The latest labels before the test teach, and all labelled cases of the test judge. A rival's worth is its AUC and average
precision less ours on the same cases, with the 95 % interval of 400 draws of whole units. CatBoost is tuned by Optuna on the
forward folds of its training cases alone (BENCH_TRIALS, 8). It stands for a ceiling: the packages of tabular foundation models
ship no weights. Arguments are sources, `SOURCE` or `SOURCE::TARGET`, which read LSSI_DATA as commands do; without any a city of
BENCH_ENTERPRISES (5,000) is made. BENCH_LABELS=200:1000:5000 sets the sizes. CatBoost comes with `make extra`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray

from benchmarks.features import city_of
from features.errors import LssiError
from features.matrix import Matrix
from features.store.opening import open_store
from models.bundle.booster import margins
from training.data.cases import TargetCases
from training.data.dataset import Dataset, dataset
from training.data.folds import folds_of
from training.data.recipe import Recipe, recipe_of
from training.evaluation.paired import Exam, outcomes, worth
from training.models.fit import Fit, Lesson, fit_any, refit
from training.models.learn import lesson_of

Floats = NDArray[np.float64]
LABELS = tuple(int(size) for size in os.environ.get("BENCH_LABELS", "200:1000:5000").split(":"))
TRIALS = int(os.environ.get("BENCH_TRIALS", "8"))
SEEDS = 3
"""Models that are averaged: as many were tried when the recipe was made."""
MOST_TREES = 500
"""Trees of CatBoost at most; with the steps below all stopped before."""
PATIENCE = 50
"""Trees without gain on the fold asked, after which CatBoost ends."""
AS_IT_COMES = {"depth": 6, "learning_rate": 0.03, "l2_leaf_reg": 3.0}
"""CatBoost's own defaults, with the rate that it takes for some thousand cases."""


@dataclass(frozen=True, slots=True, eq=False)
class Few:
    """The latest labelled cases before a test: what they teach from, and the test that every rival answers."""

    whole: Dataset
    recipe: Recipe
    lesson: Lesson
    cases: TargetCases
    asked: Matrix
    exam: Exam


def few_of(whole: Dataset, recipe: Recipe, labels: int) -> Few:
    """Return the latest `labels` training cases of a data set, with folds forward in time."""
    every = lesson_of(whole, recipe)
    cases = whole.cases.take(whole.taught())
    latest = np.sort(np.lexsort((cases.ids, cases.day))[-labels:])
    matrix = every.matrix.take(latest)
    some = cases.take(latest)
    gap = whole.target.horizon if whole.target.as_of else 0
    folds = folds_of(matrix.keys, some, recipe, gap)
    judged = whole.tested() & ~np.isnan(whole.cases.label)
    capacity = whole.target.capacity or recipe.capacity
    exam = Exam(whole.cases.take(judged), whole.matrix.keys[judged], capacity)
    lesson = Lesson(matrix, folds, every.directions)
    return Few(whole, recipe, lesson, some, whole.matrix.take(judged), exam)


def ours(few: Few) -> tuple[Fit, Floats]:
    """Return the model of the recipe and its raw scores of the test."""
    fit = fit_any(few.lesson, few.cases.label, few.recipe)
    return fit, margins(fit.model, few.asked.values)


def averaged(few: Few, like: Fit) -> Floats:
    """Return the mean raw scores of models of several seeds, in the shape and rounds of ours."""
    scores = []
    for seed in range(SEEDS):
        recipe = few.recipe.model_copy(update={"seed": few.recipe.seed + seed})
        model = refit(few.lesson, few.cases.label, like, recipe)
        scores.append(margins(model, few.asked.values))
    return np.asarray(np.mean(scores, axis=0))


def frame(matrix: Matrix) -> pd.DataFrame:
    """Return a matrix as CatBoost reads it: categories as text."""
    table = pd.DataFrame(matrix.values, columns=list(matrix.names))
    for name in matrix.categories:
        table[name] = table[name].fillna(-1).astype(int).astype(str)
    return table


def catboost(few: Few, choices: dict[str, Any]) -> tuple[float, Callable[[Matrix], Floats]]:
    """Return the loss of CatBoost on unseen folds, and what it says of a matrix, with as many trees as were best there."""
    from catboost import CatBoostClassifier

    fixed = {"random_seed": 1, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
    names = sorted(few.lesson.matrix.categories)
    values = frame(few.lesson.matrix)
    label = few.cases.label
    losses = []
    trees = []
    for fold in few.lesson.folds:
        model = CatBoostClassifier(iterations=MOST_TREES, **fixed, **choices)
        asked = (values[fold.held], label[fold.held])
        model.fit(
            values[fold.seen],
            label[fold.seen],
            cat_features=names,
            eval_set=asked,
            early_stopping_rounds=PATIENCE,
        )
        losses.append(model.get_best_score()["validation"]["Logloss"])
        trees.append(model.get_best_iteration() + 1)
    cases = [int(fold.held.sum()) for fold in few.lesson.folds]
    final = CatBoostClassifier(iterations=max(1, int(np.median(trees))), **fixed, **choices)
    final.fit(values, label, cat_features=names)

    def said(matrix: Matrix) -> Floats:
        return np.asarray(final.predict(frame(matrix), prediction_type="RawFormulaVal"))

    return float(np.average(losses, weights=cases)), said


def tuned(few: Few) -> Floats:
    """Return the raw scores of the test by the CatBoost that did best on unseen folds, of TRIALS."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    study.enqueue_trial(AS_IT_COMES)

    def loss(trial: optuna.Trial) -> float:
        return catboost(few, drawn(trial))[0]

    study.optimize(loss, n_trials=TRIALS)
    _, said = catboost(few, study.best_params)
    return said(few.asked)


def drawn(trial: optuna.Trial) -> dict[str, Any]:
    """Return what a trial of CatBoost chooses."""
    return {
        "depth": trial.suggest_int("depth", 2, 8),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 50.0, log=True),
    }


def compared(few: Few) -> Iterator[str]:
    """Yield the figures of one data set and number of labels, in the order of the table's columns."""
    like, raw = ours(few)
    answers = {"ours": [raw], "seeds": [averaged(few, like)]}
    answers["catboost"] = [catboost(few, AS_IT_COMES)[1](few.asked)]
    answers["tuned"] = [tuned(few)]
    judged = outcomes(few.exam, answers, seed=few.recipe.seed, advance=lambda _done, _of: None)
    area, precision, _ = judged["ours"].point[0]
    label = few.cases.label
    yield f"{len(label):,} ({int(label.sum()):,})"
    yield f"{area:.3f} / {precision:.3f}"
    for name in ("seeds", "catboost", "tuned"):
        worths = worth(judged[name], judged["ours"])
        yield f"{difference(worths['auc'])} / {difference(worths['average_precision'])}"


def difference(of: dict[str, Any]) -> str:
    """Return a paired difference with its interval, in thousandths."""
    low, high = (1000 * end for end in of["interval"])
    return f"{1000 * of['difference']:+.0f} [{low:+.0f}, {high:+.0f}]"


HEAD = ("set", "labels (+)", "ours, AUC / AP", f"{SEEDS} seeds", "CatBoost", "CatBoost tuned")


def report(source: Path | str, only: str | None = None) -> None:
    """Print a line for each target of a source and each number of labels."""
    store = open_store(source)
    for name, target in store.source.target.items():
        if only not in (None, name):
            continue
        recipe = recipe_of(target.fit, target=name)
        try:
            whole = dataset(store, name, seed=recipe.seed)
            sizes = sorted({min(size, int(whole.taught().sum())) for size in LABELS})
        except LssiError as error:
            print(f"| {store.source.name} {name} | {error} |")
            continue
        for labels in sizes:
            heading = f"{store.source.name} {name}"
            try:
                line = " | ".join(compared(few_of(whole, recipe, labels)))
            except LssiError as error:
                line = f"{labels:,} | {error}"
            print(f"| {heading} | {line} |", flush=True)


def main(sources: list[str]) -> None:
    """Print the table; `SOURCE::TARGET` names one target of a source."""
    print("| " + " | ".join(HEAD) + " |")
    print("|---" * len(HEAD) + "|")
    for source in sources:
        place, _, only = source.partition("::")
        report(place, only or None)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1:])
    else:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ.setdefault("LSSI_HOME", scratch)
            main([str(city_of(Path(scratch), 5_000))])
