"""Ablation: what each family of features is worth to a target, and what one file of new features would add."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue.dictionary import families
from features.matrix import Matrix
from features.store import Store
from models.booster import margins
from training.dataset import Dataset, dataset, target_of
from training.fit import Fit, Lesson, fit_any, refit
from training.newcomer import Newcomers, certificate, columns, cost, digest_of_file, joined_to, newcomers
from training.paired import DRAWS, METRICS, Exam, Outcome, means, outcomes, worth
from training.recipe import Recipe, recipe_of
from training.train import SIGNS, lesson_of, part

Floats = NDArray[np.float64]
Advance = Callable[[int, int | None], None]
FITS = 3
FULL, WITH = "(full)", "(with the file)"


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What every model is fitted and judged on: the data set, one shape and number of rounds, one list of fit seeds."""

    whole: Dataset
    lesson: Lesson
    like: Fit
    recipes: tuple[Recipe, ...]

    def answers(self, matrix: Matrix, signs: Mapping[str, int]) -> list[Floats]:
        """Return the raw scores of the test, once a fit seed, of models that know the columns of `matrix` alone."""
        taught, tested = self.whole.taught(), self.whole.tested()
        lesson = Lesson(matrix.take(taught), (), signs)
        label, asked = self.whole.cases.take(taught).label, matrix.take(tested).values
        return [margins(refit(lesson, label, self.like, recipe), asked) for recipe in self.recipes]


def bench_of(store: Store, name: str, seed: int | None) -> Bench:
    """Return the bench of a declared target: shape and rounds are chosen once, by the model that knows everything."""
    target = target_of(store, name)
    recipe = recipe_of(target.fit, target=name)
    whole = dataset(store, name, seed=recipe.seed)
    lesson = lesson_of(whole, recipe)
    like = fit_any(lesson, whole.cases.take(whole.taught()).label, recipe)
    first = recipe.seed if seed is None else seed
    return Bench(whole, lesson, like, tuple(recipe.model_copy(update={"seed": first + more}) for more in range(FITS)))


def ablate(store: Store, name: str, *, file: Path | None, seed: int | None, advance: Advance) -> dict[str, Any]:
    """Return the worth of each family, and of the features that `file` declares, as the plain values of `lssi ablate`.

    The same history, file and seed give the same values, those under `cost` and `cpu_seconds` aside. Raises TargetError, and
    CatalogueError where the file is wrong, before anything is computed.
    """
    begun = time.process_time()
    fresh = None if file is None else newcomers(store, file, _entity(store, name))
    bench = bench_of(store, name, seed)
    found = _judged(store, bench, fresh, advance)
    said = _said(store, bench, found)
    if fresh is not None:
        said["feature_file"] = _of_file(store, bench, fresh, found)
    return said | {"cpu_seconds": round(time.process_time() - begun, 1)}


def _entity(store: Store, name: str) -> str:
    unit = target_of(store, name).unit
    return unit if unit in ("claim", "provider") else "enterprise"


def _members(bench: Bench) -> dict[str, list[str]]:
    """Return the features of each family that the matrix holds."""
    found: dict[str, list[str]] = {}
    for feature in bench.whole.catalogue.features(bench.whole.matrix.entity):
        found.setdefault(feature.family, []).append(feature.name)
    return found


def _judged(store: Store, bench: Bench, fresh: Newcomers | None, advance: Advance) -> dict[str, Outcome]:
    """Return the outcome of the full model, of one without each family and, with a file, of one that knows its features."""
    matrix, signs = bench.whole.matrix, bench.lesson.directions
    members = _members(bench)
    steps = len(members) + 1 + (fresh is not None)
    answers = {FULL: bench.answers(matrix, signs)}
    for family, names in members.items():
        advance(len(answers), steps + DRAWS)
        answers[family] = bench.answers(without(matrix, names), signs)
    if fresh is not None:
        more = {name: SIGNS.get(fresh.catalogue.feature(name).direction, 0) for name in fresh.names
                if bench.recipes[0].directions and not fresh.catalogue.feature(name).category}
        answers[WITH] = bench.answers(joined_to(store, fresh, matrix), {**signs, **more})
    target, recipe = bench.whole.target, bench.recipes[0]
    tested = bench.whole.tested()
    exam = Exam(bench.whole.cases.take(tested), matrix.take(tested).keys, target.capacity or recipe.capacity)
    return outcomes(exam, answers, seed=recipe.seed, advance=lambda done, _of: advance(steps + done, steps + DRAWS))


def without(matrix: Matrix, names: list[str]) -> Matrix:
    """Return a matrix without some features."""
    return columns(matrix, [place for place, name in enumerate(matrix.names) if name not in names])


def _said(store: Store, bench: Bench, found: Mapping[str, Outcome]) -> dict[str, Any]:
    whole, like = bench.whole, bench.like
    declared, members = families(), _members(bench)
    rows = [{"family": family, "zh": declared[family].zh if family in declared else family,
             "en": declared[family].en if family in declared else family, "features": len(names),
             "without": means(found[family]), "worth": worth(found[FULL], found[family])}
            for family, names in members.items()]
    return {
        "target": whole.name, "source": store.source.name, "fingerprint": store.fingerprint, "entity": whole.matrix.entity,
        "seed": bench.recipes[0].seed, "fits": FITS, "draws": DRAWS,
        "fit": {"leaves": like.shape.leaves, "extra": like.shape.extra, "rounds": like.rounds},
        "train": part(whole.cases.take(whole.taught())), "test": part(whole.cases.take(whole.tested())),
        "full": {"features": len(whole.matrix.names)} | means(found[FULL]),
        "families": sorted(rows, key=_by_worth), "feature_file": None,
    }


def _by_worth(row: Mapping[str, Any]) -> tuple[float, str]:
    gap = row["worth"][METRICS[0]]["difference"]
    return (-(gap if gap is not None else -np.inf), row["family"])


def _of_file(store: Store, bench: Bench, fresh: Newcomers, found: Mapping[str, Outcome]) -> dict[str, Any]:
    day = int(bench.whole.cases.take(bench.whole.taught()).as_of.max())
    return {"file": fresh.path.name, "sha256": digest_of_file(fresh.path), "features": list(fresh.names),
            "certificate": certificate(store, fresh, day), "with": means(found[WITH]), "without": means(found[FULL]),
            "worth": worth(found[WITH], found[FULL]), "cost": cost(store, fresh, day)}


def lines_of(said: Mapping[str, Any]) -> list[str]:
    """Return an ablation as lines for a person, zh and en side by side."""
    full = said["full"]
    lines = [(f"{said['source']} | {said['target']} | {full['features']} 个特征 features | AUC {_value(full['auc'])} | "
             f"AP {_value(full['average_precision'])} | 名单命中 precision at capacity {_value(full['precision_at_capacity'])}"),
             "去掉一族后少了多少（95 % 区间）· what is lost without a family (95 % interval): AUC | AP | precision at capacity"]
    lines += [f"  {row['zh']} {row['family']} ({row['features']}): {_worth(row['worth'])}" for row in said["families"]]
    if said["feature_file"] is not None:
        lines += _file_lines(said["feature_file"])
    return lines


def _file_lines(said: Mapping[str, Any]) -> list[str]:
    proof, price = said["certificate"], said["cost"]
    verdict = "无泄漏 clean" if proof["verdict"] == "clean" else "有泄漏 leaking"
    return [f"{said['file']}: {', '.join(said['features'])}",
            f"  加上以后多了多少 · what is gained with it: {_worth(said['worth'])}",
            f"  证书 certificate {proof['as_of']}: {verdict}, {proof['cases']} 例 cases",
            (f"  代价 cost: 全体一日 a day of all units {price['new']['day_cpu_seconds']:.3f} s, 全目录的 of the catalogue's "
             f"{price['day_ratio']:.1%}; 单例 a case online {price['new']['online_cpu_seconds'] * 1000:.2f} ms, "
             f"{price['online_ratio']:.1%}")]


def _worth(said: Mapping[str, Any]) -> str:
    return " | ".join(f"{_signed(said[name]['difference'])} {_interval(said[name]['interval'])}" for name in METRICS)


def _interval(found: list[float] | None) -> str:
    return "[?]" if found is None else f"[{found[0]:+.4f}, {found[1]:+.4f}]"


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.4f}"


def _value(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
