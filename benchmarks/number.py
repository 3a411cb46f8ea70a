"""The number expected, beside the truth of simulated cities: what its top finds, its sum by staff, what its intervals hold.

Models of `undeclared_workers` (its workers) and of `unpaid_contributions` (its amounts) are learned as `lssi train` learns
them, from visits alone; on two days at and after the begin of the test every living firm is asked. Beside them stand models
that were taught the true number of half the firms and are asked about the other half, as the first is. Cities of
BENCH_ENTERPRISES (20,000) and seeds 1 to 3 are made; BENCH_CITIES=FOLDER:FOLDER takes cities that exist:
`python -m benchmarks number`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import day_of
from features.engine.matrices import matrix
from features.ingest.scan import files_in, read_parquet
from features.matrix import Matrix
from features.store.opening import open_store
from models.bundle.number import staff_class
from simulation.ground.setting import setting_of
from simulation.inspection.findings import P
from simulation.run import write_city
from training.data.dataset import dataset, target_of
from training.data.recipe import Shape, recipe_of
from training.models.count import CountFit, unit_counted
from training.models.learn import learn, lesson_of

Floats = NDArray[np.float64]
DAYS = (date(2014, 12, 31), date(2015, 5, 31))
TOP = 0.05
"""The share of the firms that a list names."""
HALVES = 2
"""How many times the firms of a day are parted into those whose truth teaches and those that are asked."""
TREES = 250
"""Trees of a model that the truth teaches."""
CLASSES = ("up to 9", "10 to 49", "50 to 299", "300 and more")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a target counts: the truth of a firm's month, the share of it that visits find, and one visit's draw of it."""

    target: str
    true: pl.Expr
    seen: float
    drawn: Callable[[Floats, np.random.Generator], Floats]


def workers_drawn(true: Floats, draw: np.random.Generator) -> Floats:
    """Return the workers that a visit of each firm finds: some visits see nothing, the others each worker by chance."""
    sees = draw.random(len(true)) > P["missed"]
    return np.asarray(draw.binomial(true.astype(np.int64), P["each"]) * sees, np.float64)


def amount_drawn(true: Floats, draw: np.random.Generator) -> Floats:
    """Return the amount that a visit of each firm finds: all of it or none."""
    sees = draw.random(len(true)) < (1 - P["missed"]) * P["owed_each"]
    return np.asarray(true * sees)


COVERED = (pl.col("staff") - pl.col("uncovered")).clip(lower_bound=1)
IS_SHORT = pl.col("short") > 100 * P["owed_floor"] * COVERED
"""Whether a firm owes so much a head that an examiner can see it, as the city decides it."""
COUNTED = (
    Counted(
        "undeclared_workers",
        pl.col("uncovered"),
        (1 - P["missed"]) * P["each"],
        workers_drawn,
    ),
    Counted(
        "unpaid_contributions",
        pl.when(IS_SHORT).then(pl.col("short") * P["months_owed"]).otherwise(0),
        (1 - P["missed"]) * P["owed_each"],
        amount_drawn,
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """All living firms of a day: their features, the true number of each, and what a model of visits tells."""

    living: Matrix
    true: Floats
    expected: Floats


def days_of(city: Path, counted: Counted) -> tuple[CountFit, Floats, list[Day]]:
    """Return the model that a city's visits teach, by staff how far its sums may be off by chance, and its days."""
    store = open_store(city)
    target = target_of(store, counted.target)
    recipe = recipe_of(target.fit, target=counted.target)
    whole = dataset(store, counted.target, seed=recipe.seed)
    taught = whole.cases.take(whole.taught())
    lesson = lesson_of(whole, recipe)
    fit = learn(lesson, taught, recipe, unit=unit_counted(target)).count
    if fit is None:
        raise SystemExit(f"{city} has too few finds to learn their number from; make it larger")
    truth = read_parquet(files_in(city / "truth" / "enterprises"))
    days = []
    for day in DAYS:
        living = matrix(store, "enterprise", day_of(day))
        of_month = truth.filter(pl.col("month") == day.replace(day=1))
        keys = of_month["enterprise"].cast(pl.String)
        true = dict(zip(keys, of_month.select(counted.true).to_series(), strict=True))
        counts = [float(true.get(key, 0)) for key in living.keys.tolist()]
        days.append(Day(living, np.array(counts), fit.expected(living)))
    return fit, chance_by_staff(fit, lesson.matrix, taught.count), days


def chance_by_staff(fit: CountFit, cases: Matrix, count: Floats) -> Floats:
    """Return by class of staff the standard error of the sum told, as a share of it, from visits that no model had seen."""
    member = staff_class(fit.number.reaches, fit.number.staff_of(cases.names, cases.values))
    is_written = ~np.isnan(count)
    apart = np.where(is_written, count - fit.unseen, 0.0) ** 2
    sums = np.bincount(member[is_written], fit.unseen[is_written], len(CLASSES))
    return np.asarray(np.sqrt(np.bincount(member, apart, len(CLASSES))) / sums)


def taught_by_truth(day: Day, teaches: NDArray[np.bool_], staff: Floats | None) -> Floats:
    """Return what a model of the truth of some firms tells of all; with `staff` of the share of it."""
    names = list(day.living.names)
    choices = recipe_of().lightgbm(Shape(leaves=15), "poisson")
    offset = np.zeros(len(teaches))
    if staff is not None:
        level = day.true[teaches].sum() / staff[teaches].sum()
        offset = np.log(staff * level)
    table = lightgbm.Dataset(
        day.living.values[teaches],
        day.true[teaches],
        init_score=None if staff is None else offset[teaches],
        feature_name=names,
        categorical_feature=[name for name in names if name in day.living.categories],
        params=choices,
    )
    model = lightgbm.train(choices, table, TREES)
    return np.asarray(model.predict(day.living.values, raw_score=True) + offset)


def top_of(true: Floats, told: Floats) -> float:
    """Return the true number of the firms of the highest numbers together."""
    listed = np.argsort(-told, kind="stable")[: round(TOP * len(told))]
    return float(true[listed].sum())


def reached(fit: CountFit, day: Day) -> Iterator[float]:
    """Yield, for each parting of the firms, what our list finds as a share of the best list that the truth teaches."""
    staff = fit.number.at_stake(day.living.names, day.living.values)
    for seed in range(HALVES):
        teaches = np.random.default_rng(seed).random(len(day.true)) < 0.5
        asked = ~teaches
        best = max(
            top_of(day.true[asked], taught_by_truth(day, teaches, of)[asked])
            for of in (None, staff)
        )
        yield top_of(day.true[asked], day.expected[asked]) / best


def inside(fit: CountFit, day: Day, counted: Counted) -> Floats:
    """Return by class of staff the share of firms whose interval holds what a visit drawn by lot would find."""
    count = counted.drawn(day.true, np.random.default_rng(1))
    lower, upper = fit.interval(day.living)
    staff = fit.number.staff_of(day.living.names, day.living.values)
    member = staff_class(fit.number.reaches, staff)
    holds = (lower <= count) & (count <= upper)
    firms = np.bincount(member, minlength=len(CLASSES))
    return np.asarray(np.bincount(member, holds, len(CLASSES)) / firms)


def told_and_true(fit: CountFit, days: list[Day], seen: float) -> tuple[Floats, Floats]:
    """Return by class of staff the sums told and true of all days, in finds of a visit."""
    told = np.zeros(len(CLASSES))
    true = np.zeros(len(CLASSES))
    for day in days:
        staff = fit.number.staff_of(day.living.names, day.living.values)
        member = staff_class(fit.number.reaches, staff)
        told += np.bincount(member, day.expected, len(CLASSES))
        true += np.bincount(member, seen * day.true, len(CLASSES))
    return told, true


def report(city: Path, counted: Counted) -> None:
    """Print what holds of one target of one city."""
    fit, chance, days = days_of(city, counted)
    shares = [share for day in days for share in reached(fit, day)]
    print(
        f"{city.name}, {counted.target}: form {fit.form}, top {TOP:.0%} finds {np.mean(shares):.3f} of what the truth teaches"
    )
    told, true = told_and_true(fit, days, counted.seen)
    holding = np.mean([inside(fit, day, counted) for day in days], axis=0)
    for place, name in enumerate(CLASSES):
        ratio = told[place] / true[place]
        low, high = ratio * np.exp(np.array([-1.96, 1.96]) * chance[place])
        in_truth = true[place] / counted.seen / len(days)
        print(
            f"  staff {name}: {in_truth:,.0f} in truth, told / true {ratio:.2f} ({low:.2f} to {high:.2f}), "
            f"intervals hold {holding[place]:.3f}"
        )
    print(f"  all: told / true {told.sum() / true.sum():.2f}")


def main() -> None:
    """Report every target of every city."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LSSI_HOME", scratch)
        given = os.environ.get("BENCH_CITIES", "")
        cities = [Path(folder) for folder in given.split(":") if folder]
        if not cities:
            size = int(os.environ.get("BENCH_ENTERPRISES", "20000"))
            cities = [Path(scratch) / f"city{seed}" for seed in (1, 2, 3)]
            for seed, folder in enumerate(cities, 1):
                setting = setting_of(size, 36, until="2015-06-30", seed=seed)
                write_city(folder, setting, lambda _done, _of: None)
        for folder in cities:
            for counted in COUNTED:
                report(folder, counted)


if __name__ == "__main__":
    main()
