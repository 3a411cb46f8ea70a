"""What a model misses, and why: each target of a simulated city against its truth, `python -m benchmarks.truth [CITY]`.

Without a CITY one of 20,000 enterprises is made. For each target it prints the AUC of the truth itself against the labels of the
test (what a perfect model would be judged), of the model against the labels and against the truth, and of the same learner taught
the truth of the same training cases: what its labels cost it. What is left to 1 is what the features do not tell.

A second table says what selection costs: the AUC on the truth of all firms (or providers, or claims of the test) of models that
learn from today's labels, from these by weight, from these with bystanders, and from the truth of the same cases and of as many
that were drawn by lot. The last two have no wrong label, so they differ in who was looked at alone.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from lightgbm import Booster
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from features.calendar import date_of, day_of
from features.engine.matrices import matrix
from features.errors import LssiError
from features.ingest.scan import files_in, read_parquet
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.booster import margins
from simulation.ground.setting import setting_of
from simulation.run import write_city
from training.data.cases import target_split
from training.data.dataset import Dataset, dataset, target_of
from training.data.folds import folds_by_key
from training.data.recipe import Recipe, Way, recipe_of
from training.models.calibrate import calibrated
from training.models.fit import Fit, Lesson, fit_any, unseen_scores
from training.models.learn import lesson_of
from training.models.population_curves import to_population
from training.models.ways import School
from training.runs.train import trained_from

MORE = 100
"""Cases drawn beyond those asked for, since a day gives whole ones and the population leaves some out."""
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truth:
    """Where the truth of a target stands: the table, its key, and the column that is above zero for a violation."""

    table: str
    key: str
    wrong: str
    monthly: bool = True


TRUTHS = {
    "undeclared_workers": Truth("enterprises", "enterprise", "uncovered"),
    "unpaid_contributions": Truth("enterprises", "enterprise", "short"),
    "provider_deception": Truth("providers", "provider", "deceives"),
    "fraudulent_claim": Truth("claims", "claim", "kind", monthly=False),
}


def truth_of(city: Path, name: str, whole: Dataset) -> Floats:
    """Return what was true of each case on its as-of day, 1.0 or 0.0, (n,)."""
    truth = TRUTHS[name]
    told = read_parquet(files_in(city / "truth" / truth.table))
    is_wrong = told[truth.wrong].is_not_null()
    if truth.monthly:
        is_wrong = told[truth.wrong] > 0
    wrong_keys = told.filter(is_wrong)
    if not truth.monthly:
        keys = set(wrong_keys[truth.key].to_list())
        return np.array([float(key in keys) for key in whole.matrix.keys.tolist()])
    pairs = set(wrong_keys.select(truth.key, pl.col("month").dt.strftime("%Y-%m")).iter_rows())
    months = [date_of(int(day)).isoformat()[:7] for day in whole.matrix.as_of]
    cases = zip(whole.matrix.keys.tolist(), months, strict=True)
    return np.array([float(case in pairs) for case in cases])


def auc(label: Floats, score: Floats, chosen: Flags) -> str:
    """Return the AUC among the chosen cases, or a dash where one class is missing."""
    if len(np.unique(label[chosen])) < 2:
        return "-"
    return f"{roc_auc_score(label[chosen], score[chosen]):.3f}"


def compared(city: Path, store: Store, name: str) -> list[str]:
    """Return the figures of one target, in the order of the table's columns."""
    recipe = recipe_of(target_of(store, name).fit, target=name)
    whole = dataset(store, name, seed=recipe.seed)
    truth = truth_of(city, name, whole)
    label = whole.cases.label
    is_labelled = ~np.isnan(label)
    tested, taught = whole.tested(), whole.taught()
    of_labels = scores_of(whole, recipe)
    of_truth = scores_of(replace(whole, cases=replace(whole.cases, label=truth)), recipe)
    judged = tested & is_labelled
    return [
        name,
        f"{int(taught.sum()):,} ({int(label[taught].sum()):,})",
        f"{int(judged.sum()):,} ({int(label[judged].sum()):,})",
        auc(label, truth, judged),
        auc(label, of_labels, judged),
        auc(truth, of_labels, judged),
        auc(truth, of_labels, tested),
        auc(truth, of_truth, tested),
        best_column(whole, truth, tested),
    ]


def best_column(whole: Dataset, truth: Floats, chosen: Flags) -> str:
    """Return the number whose order alone tells the truth of the chosen cases best, with its AUC; missing is lowest."""
    areas = {}
    for name in whole.matrix.names:
        values = np.nan_to_num(whole.matrix.column(name)[chosen], nan=-np.inf)
        if name not in whole.matrix.categories and len(np.unique(truth[chosen])) == 2:
            area = roc_auc_score(truth[chosen], np.clip(values, -1e300, 1e300))
            areas[name] = max(area, 1 - area)
    if not areas:
        return "-"
    best = max(areas, key=lambda name: areas[name])
    return f"{areas[best]:.3f} {best}"


def scores_of(whole: Dataset, recipe: Recipe) -> Floats:
    """Return the raw scores of all cases by a model that the training cases of a data set teach."""
    raw: Callable[..., Floats] = trained_from(whole, recipe).learned.raw
    return raw(whole.matrix)


HEAD = (
    "target",
    "taught (+)",
    "tested (+)",
    "truth on labels",
    "model on labels",
    "model on truth, labelled",
    "model on truth, all tested",
    "taught the truth",
    "best single feature on truth",
)


COST_HEAD = (
    "target",
    "today's labels",
    "weighted",
    "unlabelled",
    "way chosen",
    "same cases, truth",
    "cases by lot, truth",
    "of all told, as for visits",
    "of all told",
    "calibrated on",
    "lottery visits found",
)


@dataclass(frozen=True, slots=True, eq=False)
class Everybody:
    """All that a list could name: features, the truth, and how many each stands for, (n,)."""

    matrix: Matrix
    truth: Floats
    weight: Floats

    def auc(self, raw: Floats) -> str:
        """Return the AUC of raw scores on the truth of all."""
        return f"{roc_auc_score(self.truth, raw, sample_weight=self.weight):.3f}"


def everybody(city: Path, store: Store, name: str, whole: Dataset) -> Everybody:
    """Return all firms on the first day of the test where each visit is a case, else all cases of the test."""
    if whole.target.unit == "inspection":
        living = matrix(store, "enterprise", day_of(target_split(whole.target).test_from))
        weight = np.ones(len(living))
    else:
        living = whole.matrix.take(whole.tested())
        weight = whole.cases.weight[whole.tested()]
    return Everybody(living, truth_of(city, name, replace(whole, matrix=living)), weight)


def cost_of_selection(city: Path, store: Store, name: str) -> list[str]:
    """Return what who was looked at costs a target, in the order of the second table's columns."""
    recipe = recipe_of(target_of(store, name).fit, target=name)
    whole = dataset(store, name, seed=recipe.seed, bystanders=recipe.bystanders)
    lesson = lesson_of(whole, recipe)
    cases = whole.cases.take(whole.taught())
    if lesson.selection is None:
        return [name, "everybody was looked at"]
    everyone = everybody(city, store, name, whole)
    plain = fit_any(replace(lesson, selection=None), cases.label, recipe)
    chosen = fit_any(lesson, cases.label, recipe)
    ways = [
        taught_by(way, lesson, cases.label, plain, recipe) for way in ("weighted", "unlabelled")
    ]
    truth = truth_of(city, name, whole)[whole.taught()]
    of_truth = fit_any(replace(lesson, selection=None), truth, recipe)
    by_lot = fit_by_lot(city, store, whole, recipe, lesson.directions)
    unseen = unseen_scores(chosen, lesson, cases.label)
    of_visits = calibrated(unseen.raw, unseen.label, unseen.fold)
    of_all, basis = to_population(of_visits, unseen, lesson.selection, recipe.least_anchor)
    raw = margins(chosen.model, everyone.matrix.values)
    inclusion = whole.cases.inclusion
    drawn = ~np.isnan(inclusion) & ~np.isnan(whole.cases.random_label)
    random_label = whole.cases.random_label[drawn]
    return [
        name,
        *(everyone.auc(each) for each in raw_of(everyone, plain.model, *ways)),
        chosen.way.way if chosen.way else "-",
        *(everyone.auc(each) for each in raw_of(everyone, of_truth.model, by_lot.model)),
        f"{np.average(of_visits.calibration(raw), weights=everyone.weight):.3f}",
        f"{np.average(of_all(raw), weights=everyone.weight):.3f}",
        f"{basis.basis}, {basis.kind}",
        f"{np.average(random_label, weights=1 / inclusion[drawn]):.3f} of {len(random_label):,}",
    ]


def raw_of(everyone: Everybody, *models: Booster) -> list[Floats]:
    """Return the raw scores of everybody by each model."""
    return [margins(model, everyone.matrix.values) for model in models]


def taught_by(way: Way, lesson: Lesson, label: Floats, like: Fit, recipe: Recipe) -> Booster:
    """Return the model that a way teaches, whether it would be chosen or not, in the shape and rounds of another."""
    assert lesson.selection is not None
    is_bound = like.directions is not None and like.directions.bind
    signs = lesson.directions if is_bound else {}
    parameters = {
        **recipe.lightgbm(like.shape, "binary"),
        "monotone_constraints": [signs.get(name, 0) for name in lesson.matrix.names],
    }
    school = School(
        lesson.matrix, label, lesson.selection, lesson.folds, parameters, like.rounds, recipe
    )
    model, _ = school.taught(way)
    return model


def fit_by_lot(
    city: Path, store: Store, whole: Dataset, recipe: Recipe, directions: Mapping[str, int]
) -> Fit:
    """Return the fit of the truth of as many cases as have a label, drawn by lot from those of the training days."""
    many = int(whole.taught().sum())
    drawn = dataset(store, whole.name, seed=recipe.seed + 1, bystanders=many + MORE).bystanders
    assert drawn is not None
    rows = np.random.default_rng(recipe.seed).permutation(len(drawn))[:many]
    matrix_by_lot = drawn.matrix.take(rows)
    truth = truth_of(city, whole.name, replace(whole, matrix=matrix_by_lot))
    folds = folds_by_key(matrix_by_lot.keys, recipe)
    return fit_any(Lesson(matrix_by_lot, folds, directions), truth, recipe)


def print_table(head: tuple[str, ...], rows: Callable[[str], list[str]]) -> None:
    """Print a table, a line for each target that the city declares."""
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for name in TRUTHS:
        try:
            print("| " + " | ".join(rows(name)) + " |", flush=True)
        except LssiError as error:
            print(f"| {name} | {error} |")


def main(city: Path) -> None:
    """Print both tables."""
    store = open_store(city)
    print_table(HEAD, lambda name: compared(city, store, name))
    print()
    print_table(COST_HEAD, lambda name: cost_of_selection(city, store, name))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "city"
            write_city(made, setting_of(20_000, 36, until="2015-06-30", seed=1), lambda *_: None)
            main(made)
