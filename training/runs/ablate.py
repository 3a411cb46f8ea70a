"""Ablation: what each family of features is worth to a target, and what one file of new features would add.

The same history, file and seed give the same values, except for `cost` and `cpu_seconds`. A file is evaluated first, before
any family.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue.document import Family, families
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.text import resting_lines
from training.data.cases import part_size
from training.data.dataset import target_of
from training.evaluation.paired import (
    DRAWS,
    METRICS,
    Advance,
    Outcome,
    mean_metrics,
    outcomes,
    points,
    worth,
)
from training.models.learn import SIGNS
from training.runs.bench import FITS, FULL, Bench
from training.runs.candidate_features import (
    Newcomers,
    certificate,
    cost,
    declared_candidates,
    digest_of_file,
    joined_to,
)

WITH = "(with the file)"
Worth = Mapping[str, Mapping[str, Any]]
"""By metric, what is gained: `difference` and `interval`."""


def fresh_of(store: Store, name: str, file: Path) -> Newcomers:
    """Return the features that a file declares for the units of a target; CatalogueError says what is wrong with it."""
    unit = target_of(store, name).unit
    entity = unit if unit in ("claim", "provider") else "enterprise"
    return declared_candidates(store, file, entity)


def outline(bench: Bench) -> dict[str, Any]:
    """Return the target, the test and the metrics of the model with all features; the worths are filled in later."""
    whole = bench.whole
    like = bench.like
    full = points(bench.exam, bench.full)
    return {
        "target": whole.name,
        "source": bench.store.source.name,
        "fingerprint": bench.store.fingerprint,
        "entity": whole.matrix.entity,
        "seed": bench.recipes[0].seed,
        "fits": FITS,
        "draws": DRAWS,
        "fit": {"leaves": like.shape.leaves, "extra": like.shape.extra, "rounds": like.rounds},
        "train": part_size(whole.cases.take(whole.taught())),
        "test": part_size(whole.cases.take(whole.tested())),
        "full": {"features": len(whole.matrix.names), **mean_metrics(full)},
        "families": None,
        "feature_file": None,
    }


def with_cost(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an ablation with the processor seconds that this process has used."""
    seconds = time.process_time()
    return {**said, "cpu_seconds": round(seconds, 1)}


def of_file(bench: Bench, fresh: Newcomers, advance: Advance) -> dict[str, Any]:
    """Return the certificate of new features, their cost, and what a model gains from them."""
    taught = bench.whole.cases.take(bench.whole.taught())
    last_day = int(taught.as_of.max())
    matrix = joined_to(bench.store, fresh, bench.whole.matrix)
    signs = {**bench.lesson.directions, **_signs(bench, fresh)}
    answers = bench.answers(matrix, signs)
    outcome_of = bench.outcomes({WITH: answers}, advance)
    with_file = outcome_of[WITH]
    without_file = outcome_of[FULL]
    seen = worth(with_file, without_file)
    unseen = _worth_on_unseen(bench, matrix, signs)
    return {
        "file": fresh.path.name,
        "sha256": digest_of_file(fresh.path),
        "features": list(fresh.names),
        "certificate": certificate(bench.store, fresh, last_day),
        "with": mean_metrics(with_file.point),
        "without": mean_metrics(without_file.point),
        "worth": seen,
        "worth_on_unseen_units": unseen,
        "identity": vanishes(seen, unseen),
        "cost": cost(bench.store, fresh, last_day),
    }


def _worth_on_unseen(bench: Bench, matrix: Matrix, signs: Mapping[str, int]) -> Worth:
    """Return what a model gains by new features on units that it has not seen."""
    answers = {
        WITH: bench.answers_unseen(matrix, signs),
        FULL: bench.answers_unseen(bench.whole.matrix, bench.lesson.directions),
    }
    outcome_of = outcomes(bench.exam, answers, seed=bench.recipes[0].seed, advance=_silent)
    return worth(outcome_of[WITH], outcome_of[FULL])


def _silent(_draws: int, _of: int | None) -> None:
    """Draw no progress."""


def vanishes(seen: Worth, unseen: Worth) -> bool:
    """Tell whether a worth vanishes on unseen units: then the features identify the unit and do not describe its situation.

    It vanishes if its interval lies above 0 on the test, and if on unseen units it is less than half as large and the
    interval does not.
    """
    metric = METRICS[0]
    interval = seen[metric]["interval"]
    unseen_interval = unseen[metric]["interval"]
    if interval is None or unseen_interval is None or interval[0] <= 0:
        return False
    is_smaller = unseen[metric]["difference"] < seen[metric]["difference"] / 2
    return bool(is_smaller and unseen_interval[0] <= 0)


def _signs(bench: Bench, fresh: Newcomers) -> dict[str, int]:
    """Return the sign by which each new number may move the risk; none where the recipe knows no directions."""
    if not bench.recipes[0].directions:
        return {}
    signs = {}
    for name in fresh.names:
        feature = fresh.catalogue.feature(name)
        if not feature.category:
            signs[name] = SIGNS.get(feature.direction, 0)
    return signs


def of_families(bench: Bench, advance: Advance) -> list[dict[str, Any]]:
    """Return what is lost without each family, the greatest loss first."""
    members = bench.families()
    steps = len(members) + DRAWS
    answers = {}
    for family, names in members.items():
        matrix = without(bench.whole.matrix, names)
        answers[family] = bench.answers(matrix, bench.lesson.directions)
        advance(len(answers), steps)

    def advance_draws(draws: int, _of: int | None) -> None:
        advance(len(members) + draws, steps)

    outcome_of = bench.outcomes(answers, advance_draws)
    full = outcome_of[FULL]
    # a family that nobody described has its own name in both languages
    described = families()
    rows = []
    for name, names in members.items():
        described_as = described.get(name, Family(name, name, name, "", ""))
        rows.append(_family_row(described_as, len(names), outcome_of[name], full))
    return sorted(rows, key=_by_worth)


def _family_row(family: Family, size: int, without_it: Outcome, full: Outcome) -> dict[str, Any]:
    """Return what is lost without one family of `size` features."""
    return {
        "family": family.name,
        "zh": family.zh,
        "en": family.en,
        "features": size,
        "without": mean_metrics(without_it.point),
        "worth": worth(full, without_it),
    }


def _by_worth(row: Mapping[str, Any]) -> tuple[float, str]:
    """Return what families are sorted by: the loss of the first metric, the largest first, unknown ones last."""
    loss = row["worth"][METRICS[0]]["difference"]
    if loss is None:
        return np.inf, row["family"]
    return -loss, row["family"]


def without(matrix: Matrix, names: list[str]) -> Matrix:
    """Return a matrix without some features."""
    return matrix.columns([name for name in matrix.names if name not in names])


def head_lines(said: Mapping[str, Any]) -> list[str]:
    """Return how the full model does and, of a feature file, what it adds, proves and costs."""
    full = said["full"]
    name = f"{said['source']} | {said['target']}"
    area = _formatted(full["auc"], ".3f")
    precision = _formatted(full["average_precision"], ".3f")
    at_capacity = _formatted(full["precision_at_capacity"], ".3f")
    head = (
        f"{name} | {full['features']} 个特征 features | AUC {area} | "
        f"AP {precision} | 名单命中 precision at capacity {at_capacity}"
    )
    if said["feature_file"] is None:
        return [head]
    return [head, *_file_lines(said["feature_file"])]


def family_lines(said: Mapping[str, Any]) -> list[str]:
    """Return lines of what is lost without each family; no line if families were not evaluated."""
    if said["families"] is None:
        return []
    lines = [
        "去掉一族后少了多少（95 % 区间）· what is lost without a family (95 % interval): AUC | AP | precision at capacity"
    ]
    for row in said["families"]:
        name = f"{row['zh']} {row['family']}"
        size = row["features"]
        worths = _worth(row["worth"])
        lines.append(f"  {name} ({size}): {worths}")
    return lines


def _file_lines(said: Mapping[str, Any]) -> list[str]:
    names = ", ".join(said["features"])
    gain = _worth(said["worth"])
    unseen_gain = _worth(said["worth_on_unseen_units"])
    return [
        f"{said['file']}: {names}",
        f"  加上以后多了多少 · what is gained with it: {gain}",
        f"  在未见过的单位上 · on units that no model has seen: {unseen_gain}",
        *_identity_lines(said),
        _certificate_line(said["certificate"]),
        *resting_lines(said["certificate"]["unmoved"], said["certificate"]["not_shown"]),
        _cost_line(said["cost"]),
    ]


def _identity_lines(said: Mapping[str, Any]) -> list[str]:
    if not said["identity"]:
        return []
    return [
        "  身份 identity: 在未见过的单位上价值消失 the worth vanishes on unseen units: it knows whom it is about"
    ]


def _certificate_line(proof: Mapping[str, Any]) -> str:
    day = proof["as_of"]
    cases = proof["cases"]
    verdict = "无泄漏 clean" if proof["verdict"] == "clean" else "有泄漏 leaking"
    return f"  证书 certificate {day}: {verdict}, {cases} 例 cases"


def _cost_line(price: Mapping[str, Any]) -> str:
    new = price["new"]
    day_seconds = new["day_cpu_seconds"]
    day_share = _formatted(price["day_ratio"], ".1%")
    online = _milliseconds(new["online_cpu_seconds"])
    online_share = _formatted(price["online_ratio"], ".1%")
    return (
        f"  代价 cost: 全体一日 a day of all units {day_seconds:.3f} s, 全目录的 of the catalogue's "
        f"{day_share}; 单例 a case online {online}, {online_share}"
    )


def _milliseconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1000:.2f} ms"


def _formatted(value: float | None, form: str) -> str:
    return "?" if value is None else format(value, form)


def _worth(said: Mapping[str, Any]) -> str:
    parts = []
    for name in METRICS:
        difference = _formatted(said[name]["difference"], "+.4f")
        interval = _interval(said[name]["interval"])
        parts.append(f"{difference} {interval}")
    return " | ".join(parts)


def _interval(interval: list[float] | None) -> str:
    if interval is None:
        return "[?]"
    low, high = interval
    return f"[{low:+.4f}, {high:+.4f}]"
