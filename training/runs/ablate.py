"""Ablation: what each family of features is worth to a target, and what one file of new features would add.

The same history, file and seed give the same values, those under `cost` and `cpu_seconds` aside. A file is judged first: it
waits for no family.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue.document import families
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.candidate_features import (
    Newcomers,
    certificate,
    columns,
    cost,
    declared_candidates,
    digest_of_file,
    joined_to,
)
from training.data.dataset import target_of
from training.evaluation.paired import DRAWS, METRICS, Advance, mean_metrics, points, worth
from training.runs.bench import FITS, FULL, Bench
from training.runs.train import SIGNS, part_size

WITH = "(with the file)"


def fresh_of(store: Store, name: str, file: Path) -> Newcomers:
    """Return the features that a file declares for the units of a target; CatalogueError says what is wrong with it."""
    unit = target_of(store, name).unit
    return declared_candidates(store, file, unit if unit in ("claim", "provider") else "enterprise")


def outline(bench: Bench) -> dict[str, Any]:
    """Return what is judged on what, and how the model does that knows every feature; the worths are not known yet."""
    whole, like = bench.whole, bench.like
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
        "full": {"features": len(whole.matrix.names)}
        | mean_metrics(points(bench.exam, bench.full)),
        "families": None,
        "feature_file": None,
    }


def with_cost(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an ablation with the processor seconds that this process has used."""
    return dict(said) | {"cpu_seconds": round(time.process_time(), 1)}


def of_file(bench: Bench, fresh: Newcomers, advance: Advance) -> dict[str, Any]:
    """Return of new features their certificate, what they cost and what a model gains by knowing them."""
    day = int(bench.whole.cases.take(bench.whole.taught()).as_of.max())
    declared = {name: fresh.catalogue.feature(name) for name in fresh.names}
    more = {
        name: SIGNS.get(feature.direction, 0)
        for name, feature in declared.items()
        if bench.recipes[0].directions and not feature.category
    }
    answers = bench.answers(
        joined_to(bench.store, fresh, bench.whole.matrix), {**bench.lesson.directions, **more}
    )
    found = bench.outcomes({WITH: answers}, advance)
    return {
        "file": fresh.path.name,
        "sha256": digest_of_file(fresh.path),
        "features": list(fresh.names),
        "certificate": certificate(bench.store, fresh, day),
        "with": mean_metrics(found[WITH].point),
        "without": mean_metrics(found[FULL].point),
        "worth": worth(found[WITH], found[FULL]),
        "cost": cost(bench.store, fresh, day),
    }


def of_families(bench: Bench, advance: Advance) -> list[dict[str, Any]]:
    """Return what is lost without each family, the dearest first."""
    members, matrix = bench.families(), bench.whole.matrix
    answers = {}
    for family, names in members.items():
        answers[family] = bench.answers(without(matrix, names), bench.lesson.directions)
        advance(len(answers), len(members) + DRAWS)
    found = bench.outcomes(
        answers, lambda done, _of: advance(len(members) + done, len(members) + DRAWS)
    )
    declared = families()
    rows = [
        {
            "family": family,
            "zh": declared[family].zh if family in declared else family,
            "en": declared[family].en if family in declared else family,
            "features": len(names),
            "without": mean_metrics(found[family].point),
            "worth": worth(found[FULL], found[family]),
        }
        for family, names in members.items()
    ]
    return sorted(rows, key=_by_worth)


def _by_worth(row: Mapping[str, Any]) -> tuple[float, str]:
    gap = row["worth"][METRICS[0]]["difference"]
    return (-(gap if gap is not None else -np.inf), row["family"])


def without(matrix: Matrix, names: list[str]) -> Matrix:
    """Return a matrix without some features."""
    return columns(matrix, [place for place, name in enumerate(matrix.names) if name not in names])


def head_lines(said: Mapping[str, Any]) -> list[str]:
    """Return how the full model does and, of a feature file, what it adds, proves and costs."""
    full = said["full"]
    head = (
        f"{said['source']} | {said['target']} | {full['features']} 个特征 features | AUC {_value(full['auc'])} | "
        f"AP {_value(full['average_precision'])} | 名单命中 precision at capacity {_value(full['precision_at_capacity'])}"
    )
    return [head] if said["feature_file"] is None else [head, *_file_lines(said["feature_file"])]


def family_lines(said: Mapping[str, Any]) -> list[str]:
    """Return what is lost without each family, none where that was not asked."""
    if said["families"] is None:
        return []
    return [
        "去掉一族后少了多少（95 % 区间）· what is lost without a family (95 % interval): AUC | AP | precision at capacity",
        *(
            f"  {row['zh']} {row['family']} ({row['features']}): {_worth(row['worth'])}"
            for row in said["families"]
        ),
    ]


def _file_lines(said: Mapping[str, Any]) -> list[str]:
    proof, price = said["certificate"], said["cost"]
    verdict = "无泄漏 clean" if proof["verdict"] == "clean" else "有泄漏 leaking"
    return [
        f"{said['file']}: {', '.join(said['features'])}",
        f"  加上以后多了多少 · what is gained with it: {_worth(said['worth'])}",
        f"  证书 certificate {proof['as_of']}: {verdict}, {proof['cases']} 例 cases",
        (
            f"  代价 cost: 全体一日 a day of all units {price['new']['day_cpu_seconds']:.3f} s, 全目录的 of the catalogue's "
            f"{_share(price['day_ratio'])}; 单例 a case online {_milliseconds(price['new']['online_cpu_seconds'])}, "
            f"{_share(price['online_ratio'])}"
        ),
    ]


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.1%}"


def _milliseconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1000:.2f} ms"


def _worth(said: Mapping[str, Any]) -> str:
    return " | ".join(
        f"{_signed(said[name]['difference'])} {_interval(said[name]['interval'])}"
        for name in METRICS
    )


def _interval(found: list[float] | None) -> str:
    return "[?]" if found is None else f"[{found[0]:+.4f}, {found[1]:+.4f}]"


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.4f}"


def _value(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
