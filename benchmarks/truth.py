"""What a model misses, and why: each target of a simulated city against its truth, `python -m benchmarks.truth [CITY]`.

Without a CITY one of 20,000 enterprises is made. For each target it prints the AUC of the truth itself against the labels of the
test (what a perfect model would be judged), of the model against the labels and against the truth, and of the same learner taught
the truth of the same training cases: what its labels cost it. What is left to 1 is what the features do not tell.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from features.calendar import date_of
from features.errors import LssiError
from features.ingest.scan import files_in, read_parquet
from features.store.opening import open_store
from features.store.store import Store
from simulation.ground.setting import setting_of
from simulation.run import write_city
from training.data.dataset import Dataset, dataset, target_of
from training.data.recipe import Recipe, recipe_of
from training.runs.train import trained_from

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


def main(city: Path) -> None:
    """Print the table, a line for each target that the city declares."""
    print("| " + " | ".join(HEAD) + " |")
    print("|---" * len(HEAD) + "|")
    store = open_store(city)
    for name in TRUTHS:
        try:
            print("| " + " | ".join(compared(city, store, name)) + " |", flush=True)
        except LssiError as error:
            print(f"| {name} | {error} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "city"
            write_city(made, setting_of(20_000, 36, until="2015-06-30", seed=1), lambda *_: None)
            main(made)
