"""Ablation: paired differences that are honest about nothing, and feature files that are proven, priced and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalogue.model import Catalogue
from features.engine.matrices import catalogue_of
from features.errors import CatalogueError
from features.ingest.source_toml import Target
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from training.data.cases import TEST, TRAIN, TargetCases, unlabelled
from training.data.dataset import Dataset
from training.data.recipe import recipe_of
from training.evaluation.discrimination import auc, sort_by_score
from training.evaluation.paired import DRAWS, Exam, exam_order, mean_metrics, outcomes, worth
from training.models.fit import Fit, Lesson
from training.runs.ablate import (
    family_lines,
    fresh_of,
    head_lines,
    of_families,
    of_file,
    outline,
    vanishes,
    with_cost,
)
from training.runs.bench import Bench, bench_of
from training.runs.candidate_features import (
    Newcomers,
    certificate,
    cost,
    declared_candidates,
    restricted_to,
)

NOISE = (
    "measure | noise | enterprises | enterprise | since | | (registered - 12000) * (since - 15000) | days | 噪声 | noise\n"
    "enterprise | noise | newest(noise, all) | days | none | staff | 噪声 | noise |\n"
)
CODES = (
    "measure | code | enterprises | enterprise | since | | enterprise | count | 编号 | the store's own number\n"
    "enterprise | code | newest(code, all) | count | none | staff | 编号 | number |\n"
)
CONVICTED = (
    "measure | convicted | enterprises | enterprise | since "
    "| enterprise == 'E1' or enterprise == 'E2' | 1 | count | 名单 | listed\n"
    "enterprise | convicted | sum(convicted, all) | count | up | staff | 名单 | listed |\n"
)
SUM = "enterprise | hires_24 | sum(hires, 730d) | persons | none | staff | 入职 | hires |"
AHEAD = (
    "measure | ahead | found | enterprise | closed_on | violation == 1 | 1 | count | 查实 | findings, whenever closed\n"
    "enterprise | ahead | sum(ahead, all) - sum(ahead, 365d) | count | up | findings | 更早查实 | earlier findings |\n"
    "enterprise | ahead_since | since(ahead, all) | days | down | findings | 距查实天数 | days since |\n"
)


def silent(_done: int, _of: int | None) -> None:
    """Draw no progress."""


@pytest.fixture(scope="module")
def store(city_2000: Path, city_home: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(city_home))
        yield open_store(city_2000)


def written(folder: Path, text: str) -> Path:
    """Return a feature file of some text."""
    place = folder / "more.txt"
    place.write_text(text, "utf-8")
    return place


def ablated(store: Store, name: str, file: Path | None, seed: int) -> dict[str, Any]:
    """Return what `lssi ablate` says of a target, of a file where there is one, and of the families."""
    bench = bench_of(store, name, seed)
    said = outline(bench)
    if file is not None:
        said["feature_file"] = of_file(bench, fresh_of(store, name, file), silent)
    return with_cost(said | {"families": of_families(bench, silent)})


def exam_of(label: np.ndarray) -> Exam:
    """Return an exam of one case a unit."""
    size = len(label)
    ids = np.array([f"e{place:05d}" for place in range(size)])
    days = np.full(size, 16000, np.int64)
    cases = unlabelled(np.arange(size), days, days, ids, np.full(size, TEST, np.int8))
    return Exam(
        TargetCases(**{name: getattr(cases, name) for name in cases.__slots__} | {"label": label}),
        ids,
        0.1,
    )


def test_the_metrics_of_a_draw_are_those_of_the_cases_drawn() -> None:
    draw = np.random.default_rng(1)
    label, raw = (draw.random(300) < 0.3).astype(np.float64), draw.normal(size=300)
    weight = draw.integers(0, 3, 300)
    drawn = np.repeat(np.arange(300), weight)
    exam = exam_of(label)
    found = exam_order(exam, raw).metrics(exam.weighed(weight.astype(np.float64)))
    assert found[0] == pytest.approx(auc(sort_by_score(label[drawn], raw[drawn])), abs=1e-12)


def test_the_list_of_a_draw_is_filled_by_the_cases_drawn_and_no_other() -> None:
    draw = np.random.default_rng(4)
    label = np.where(draw.random(400) < 0.6, np.nan, (draw.random(400) < 0.3).astype(np.float64))
    raw, weight = draw.normal(size=400), draw.integers(0, 4, 400) * (draw.random(400) < 0.2)
    hits, seen, filled = 0.0, 0.0, 0
    for place in np.argsort(-raw):
        if filled < round(0.1 * weight.sum()):
            filled += weight[place]
            hits += weight[place] * np.nan_to_num(label[place])
            seen += weight[place] * (not np.isnan(label[place]))
    exam = exam_of(label)
    assert seen > 0
    assert exam_order(exam, raw).metrics(exam.weighed(weight.astype(np.float64)))[2] == hits / seen


def test_a_model_is_drawn_alike_whatever_stands_beside_it() -> None:
    draw = np.random.default_rng(5)
    label = (draw.random(500) < 0.3).astype(np.float64)
    one, other = draw.normal(size=500), draw.normal(size=500)
    alone = outcomes(exam_of(label), {"one": [one]}, seed=1, advance=silent)["one"]
    beside = outcomes(exam_of(label), {"other": [other], "one": [one]}, seed=1, advance=silent)[
        "one"
    ]
    assert (
        alone.drawn.tobytes() == beside.drawn.tobytes()
        and alone.point.tobytes() == beside.point.tobytes()
    )


def test_a_better_model_is_worth_more_and_a_twin_nothing() -> None:
    draw = np.random.default_rng(2)
    label = (draw.random(2000) < 0.3).astype(np.float64)
    good, poor = label + draw.normal(0, 1, 2000), label + draw.normal(0, 3, 2000)
    found = outcomes(
        exam_of(label),
        {"good": [good], "poor": [poor], "twin": [good.copy()]},
        seed=1,
        advance=silent,
    )
    assert worth(found["good"], found["poor"])["auc"]["interval"][0] > 0.05
    assert worth(found["good"], found["twin"])["auc"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    assert mean_metrics(found["good"].point)["auc"] > mean_metrics(found["poor"].point)["auc"]
    assert len(found["good"].drawn) == DRAWS


@pytest.mark.slow
def test_a_useless_feature_shows_an_interval_around_nothing_and_a_clean_certificate(
    store: Store, tmp_path: Path
) -> None:
    said = ablated(store, "undeclared_workers", written(tmp_path, NOISE), 3)
    of_file = said["feature_file"]
    low, high = of_file["worth"]["auc"]["interval"]
    assert low <= 0 <= high and high - low < 0.2
    assert of_file["certificate"]["verdict"] == "clean" and of_file["certificate"]["cases"] > 20
    assert 0 < of_file["cost"]["day_ratio"] < 0.6 and 0 < of_file["cost"]["online_ratio"] < 0.6
    assert of_file["without"]["auc"] == said["full"]["auc"]
    assert sum(row["features"] for row in said["families"]) == said["full"]["features"]
    gaps = [row["worth"]["auc"]["difference"] for row in said["families"]]
    assert gaps == sorted(gaps, reverse=True) and gaps[0] > 0
    assert json.loads(json.dumps(said)) == said
    assert of_file["identity"] is False
    assert len(head_lines(said)) == 6 and len(family_lines(said)) == 1 + len(said["families"])


def test_a_worth_that_vanishes_on_unseen_units_is_told_as_identity() -> None:
    """Every unit has four cases of one label: its place among the units names it, what happened to it tells of all."""
    draw = np.random.default_rng(6)
    size = 1200
    unit = np.arange(size) % 300
    label = (draw.random(300) < 0.4).astype(np.float64)[unit]
    days = np.full(size, 16000, np.int64)
    parts = np.where(np.arange(size) < 900, TRAIN, TEST).astype(np.int8)
    keys = np.array([f"e{each:03d}" for each in unit])
    ids = np.array([f"v{place:04d}" for place in range(size)])
    cases = replace(unlabelled(unit, days, days, ids, parts), label=label)
    columns = {
        "noise": draw.normal(size=size),
        "place": (unit * 7919 % 300).astype(np.float64),
        "found": label + draw.normal(0, 0.8, size),
    }
    told = {}
    for name in ("place", "found"):
        before, after = (
            matrix_of(keys, days, {each: columns[each] for each in names})
            for names in (("noise",), ("noise", name))
        )
        bench = bench_by_hand(before, cases)
        seen = worth_of(bench, bench.answers(after, {}), bench.answers(before, {}))
        unseen = worth_of(bench, bench.answers_unseen(after, {}), bench.answers_unseen(before, {}))
        told[name] = vanishes(seen, unseen)
        assert seen["auc"]["interval"][0] > 0.05
    assert told == {"place": True, "found": False}


def matrix_of(keys: np.ndarray, days: np.ndarray, columns: dict[str, np.ndarray]) -> Matrix:
    values = np.column_stack(list(columns.values()))
    return Matrix("enterprise", keys, days.astype(np.int32), tuple(columns), values, {})


def bench_by_hand(matrix: Matrix, cases: TargetCases) -> Bench:
    """Return a bench of cases made by hand, with deep trees that can tell single units apart."""
    recipe = recipe_of(
        {"smallest_leaf": 1, "columns": 1.0, "ridge": 0.0, "shape": [{"leaves": 200}]}
    )
    whole = Dataset("hand", target_by_hand(), matrix, cases, Catalogue({}, {}, {}))
    lesson = Lesson(matrix, (), {})
    like = Fit(None, 40, recipe.shape[0], 0.0, np.zeros(0))
    return Bench(None, whole, lesson, like, (recipe,), ())


def target_by_hand() -> Target:
    return Target(zh="目标", en="target", unit="enterprise-day", label="visit")


def worth_of(bench: Bench, after: list[np.ndarray], before: list[np.ndarray]) -> Any:
    found = outcomes(bench.exam, {"after": after, "before": before}, seed=1, advance=silent)
    return worth(found["after"], found["before"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_values(store: Store) -> None:
    first, again = (ablated(store, "fraudulent_claim", None, 1) for _ in range(2))
    assert first.pop("cpu_seconds") > 0 and again.pop("cpu_seconds") > 0
    assert first == again
    assert first["feature_file"] is None


@pytest.mark.slow
def test_what_is_found_later_cannot_leak_into_a_declared_feature(
    store: Store, tmp_path: Path
) -> None:
    fresh = declared_candidates(store, written(tmp_path, AHEAD), "enterprise")
    found = certificate(store, fresh, store.complete_to - 200)
    assert (found["verdict"], found["moved"], found["misread"]) == ("clean", {}, {})
    assert all(poison["rows"] > 100 for poison in found["poisons"])
    assert fresh.names == ("ahead", "ahead_since")


def test_a_feature_that_later_rows_move_is_caught(store: Store, tmp_path: Path) -> None:
    place = written(tmp_path, CODES)
    names = ("code",)
    unchecked = Newcomers(
        place, "enterprise", names, restricted_to(catalogue_of(store, place), names)
    )
    found = certificate(store, unchecked, store.complete_to - 200)
    assert found["verdict"] == "leaking"
    assert "day: code" in found["moved"]


def test_the_cost_of_one_sum_is_a_small_part_of_the_catalogues(
    store: Store, tmp_path: Path
) -> None:
    fresh = declared_candidates(store, written(tmp_path, SUM), "enterprise")
    found = cost(store, fresh, store.complete_to)
    assert 0 < found["day_ratio"] < 0.5
    assert found["units"] > 1000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "enterprise | staff | sum(hires, all) | persons | none | staff | 在职 | staff |",
            "'staff' is declared twice",
        ),
        (
            "measure | hires | staff | enterprise | started | | 1 | persons | 入职 | hires",
            "'hires' is declared twice",
        ),
        (
            "enterprise | x | y | count | none | staff | 甲 | x |\nenterprise | y | x | count | none | staff | 乙 | y |",
            "in a circle",
        ),
        ("enterprise | x | sum(hires, 45d) | count | none | staff | 甲 | x |", "window '45d'"),
        (
            "enterprise | x_{w} | sum(hires, {w}) | count | none | staff | 甲 | x | 45d",
            "window '45d'",
        ),
        (
            "enterprise | x | sum(nobody, 30d) | count | none | staff | 甲 | x |",
            "measure 'nobody' is not declared",
        ),
        (
            "measure | m | payslips | enterprise | month | | 1 | count | 单 | slips",
            "table 'payslips'",
        ),
        (
            "measure | m | tax_payroll | enterprise | month | | bonus | fen | 奖金 | bonus",
            "no column 'bonus'",
        ),
        (
            "measure | m | inspections | enterprise | opened | inspector == 1 | 1 | count | 谁 | who",
            "forbidden list",
        ),
        (
            "measure | m | tax_payroll | enterprise | month | | payroll * 0.5 | fen | 半 | half",
            "0.5",
        ),
        ("enterprise | x | staff + '甲' | count | none | staff | 甲 | x |", "int or float"),
        ("enterprise | x | staff | count | none | staff | 甲 |", "line 1 has 7 fields"),
        (
            "# nothing\n\nfirm | x | staff | count | none | staff | 甲 | x |",
            "should begin with measure",
        ),
        ("# nothing\n", "declares no feature"),
        ("claim | x | claim_amount | fen | none | claim | 甲 | x |", "describes a claim"),
        (CODES, "takes the code of 'enterprise' for a number"),
        (CONVICTED, "picks single ones by 'enterprise'"),
        (
            "enterprise | x_90d | sum(hires, 180d) | persons | none | staff | 甲 | x |",
            "named after the window 90d",
        ),
        (
            "enterprise | seat | attr(address) | category | none | staff | 甲 | seat |",
            "makes an identity, 'address', a category",
        ),
        (
            "enterprise | undeclared_workers | sum(hires, 30d) | persons | none | staff | 甲 | x |",
            "has the name of an outcome",
        ),
        ("enterprise | sex_ratio | staff | share | none | staff | 甲 | x |", "forbidden list"),
    ],
)
def test_a_wrong_feature_file_is_one_clear_line(
    store: Store, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(CatalogueError, match=said) as caught:
        declared_candidates(store, written(tmp_path, text), "enterprise")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_one_clear_line(store: Store, tmp_path: Path) -> None:
    place = tmp_path / "more.txt"
    place.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError, match="UTF-8"):
        declared_candidates(store, place, "enterprise")
