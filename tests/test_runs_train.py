"""Laws of training as a whole: from a small history to a bundle that is registered, promoted and opened again."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from jsonschema import Draft202012Validator
from markupsafe import escape
from sklearn.metrics import roc_auc_score

from features.errors import BundleError, TargetError
from features.home import home as our_home
from features.ingest.scan import files_below, read_table
from features.store.opening import open_store
from features.store.store import Store
from lssi.commands.training import champion_after
from models.bundle.bundle import load_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import models_in_use
from models.bundle.score import score
from tests.said import Say
from tests.test_house import ROOT
from training.baselines.declared import baseline_table
from training.data.dataset import dataset
from training.groups.table import group_table
from training.models.promote import promote, promote_first, version_in_use
from training.models.registry import (
    champion,
    client,
    registered_key,
    tags_of_version,
    tracking_uri,
)
from training.report.baseline_lines import baseline_lines, card_lines
from training.report.page import TrainedTarget, training_page
from training.report.reason_words import reason_words
from training.report.unasked_lines import unasked_lines
from training.runs.flat import numbers
from training.runs.group_lines import beside_lines, group_lines
from training.runs.summary import summary_lines
from training.runs.train import train, trained_on
from training.runs.train_schema import schema_text, train_schema
from training.runs.training_report import report_of

BEGIN = date(2014, 1, 1)
WORKERS, VISITS = ModelKey("hand", "workers"), ModelKey("hand", "visits")
QUICK = "fit = { most_rounds = 30, folds = 3, smallest_leaf = 10, shape = [{ leaves = 4 }] }\n"
TOML = f"""
[target.workers]
zh = "未全员参保"
en = "undeclared workers"
unit = "enterprise-day"
label = "visit"
violation = 1
count = "workers_in_violation"
horizon = 120
capacity = 0.2
as_of = [2014-03-31, 2014-06-30, 2014-08-31, 2015-01-31]
{QUICK}
[target.workers.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
[target.visits]
zh = "检查"
en = "inspections"
unit = "inspection"
label = "visit"
violation = 1
count = "workers_in_violation"
{QUICK}
[target.visits.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
[target.never]
zh = "从未"
en = "never found"
unit = "inspection"
label = "visit"
violation = 5
[target.never.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""


def drawn_city(number: int = 400, visited: int = 900) -> dict[str, list[dict[str, Any]]]:
    """Return firms of which the complained-of are more often found out; a tenth of the visits is drawn by lot."""
    draw = np.random.default_rng(11)
    names = [f"e{i:04d}" for i in range(number)]
    shy = draw.random(number)
    tables: dict[str, list[dict[str, Any]]] = {
        "enterprises": [],
        "complaints": [],
        "inspections": [],
        "findings": [],
    }
    for place, name in enumerate(names):
        tables["enterprises"].append(
            {
                "enterprise": name,
                "since": "2013-01-01",
                "kind": "company",
                "section": "CFG"[place % 3],
                "recorded_on": "2013-01-02",
            }
        )
        for _ in range(draw.poisson(3 * shy[place])):
            day = (BEGIN + timedelta(days=int(draw.integers(0, 400)))).isoformat()
            number_of = f"k{len(tables['complaints']):05d}"
            tables["complaints"].append(
                {
                    "complaint": number_of,
                    "enterprise": name,
                    "lodged": day,
                    "topic": "insurance",
                    "recorded_on": day,
                }
            )
    for place in range(visited):
        firm, day = (
            int(draw.integers(0, number)),
            BEGIN + timedelta(days=int(draw.integers(60, 530))),
        )
        chance = {"inclusion_probability": 0.05} if place % 10 == 0 else {}
        tables["inspections"].append(
            {
                "inspection": f"i{place:05d}",
                "enterprise": names[firm],
                "kind": "lottery" if chance else "routine",
                "opened": day.isoformat(),
                "closed_on": (day + timedelta(days=9)).isoformat(),
                **{f"examined_{kind}": int(kind in (1, 5)) for kind in range(1, 6)},
                **chance,
                "recorded_on": (day + timedelta(days=9)).isoformat(),
            }
        )
        if draw.random() < 0.1 + 0.6 * shy[firm]:
            tables["findings"].append(
                {
                    "inspection": f"i{place:05d}",
                    "violation": 1,
                    "workers_in_violation": 1 + int(draw.poisson(10 * shy[firm])),
                    "recorded_on": (day + timedelta(days=9)).isoformat(),
                }
            )
    tables["complaints"] += late_complaints(names[:60])
    return tables


def late_complaints(names: list[str]) -> list[dict[str, Any]]:
    """Return complaints about firms, lodged after the last visit, so that no feature of a case sees them."""
    return [
        {
            "complaint": f"late{name}",
            "enterprise": name,
            "lodged": "2015-06-28",
            "topic": "wages",
            "recorded_on": "2015-06-28",
        }
        for name in names
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def city(
    home: Path, tmp_path_factory: pytest.TempPathFactory, hand_source: Callable[..., Path]
) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        return open_store(hand_source(tmp_path_factory.mktemp("city"), drawn_city(), TOML))


@pytest.fixture(scope="module")
def told(city: Store, home: Path) -> dict[str, Any]:
    return train(city, "workers", home=home)


def test_what_train_returns_is_json_with_all_that_is_promised(
    told: dict[str, Any], city: Store
) -> None:
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (
        told["target"] == "workers"
        and told["as_of"] == "2014-08-31"
        and told["fingerprint"] == city.fingerprint
    )
    for part in ("train", "test"):
        assert 0 < told[part]["positives"] < told[part]["rows"] <= told[part]["population"]
    assert told["test"]["population"] == 400 > told["test"]["rows"]
    metrics = told["metrics"]
    assert metrics["auc"] > 0.55 and metrics["average_precision"] > metrics["base_rate"]
    assert metrics["brier"] < metrics["brier_of_base_rate"] + 0.02 and "days_earlier" not in metrics
    assert 0 <= metrics["precision_at_capacity"] <= 1 and metrics["capacity"]["listed"] == 80
    assert (
        0 < metrics["capacity"]["share_without_label"] < 1
        and metrics["capacity"]["inverse_propensity"] > 0
    )
    low, high = metrics["capacity"]["intervals"]["labelled_only"]
    assert low < metrics["capacity"]["labelled_only"] < high
    assert metrics["capacity"]["lottery"]["lift"].startswith("not estimable: ")
    assert metrics["intervals"]["auc"][0] < metrics["auc"] < metrics["intervals"]["auc"][1]
    assert metrics["expected"]["told"] == pytest.approx(metrics["expected"]["found"], rel=0.4)
    # no protected attribute of a firm is declared
    assert told["proxies"] == []
    assert told["features"] > 5 and all(
        name and reason for name, reason in told["left_out"].items()
    )


def test_the_groups_of_a_training_are_told_and_stand_in_the_registry(
    told: dict[str, Any], home: Path
) -> None:
    groups = told["groups"]
    assert [row["attribute"] for row in groups["attributes"]][:3] == ["size", "area", "sector"]
    sizes = {row["group"]: row for row in groups["groups"] if row["attribute"] == "sector"}
    assert set(sizes) == {"C", "F", "G", "unknown"}
    assert sum(row["cases"] for row in sizes.values()) == 400
    assert sum(row["listed"] for row in sizes.values()) == told["metrics"]["capacity"]["listed"]
    assert groups["weights"] == "inverse_propensity"
    assert all(
        row["low"] <= row["value"] <= row["high"] for row in groups["rates"] if not row["word"]
    )
    with client(home) as registry:
        run = told["mlflow"]["run_id"]
        logged = Path(registry.download_artifacts(run, "groups.json")).read_text("utf-8")
    assert json.loads(logged) == groups
    lines = list(group_lines(groups))
    assert any("群体 by 行业 sector: 入选率 selection rate" in line for line in lines)


def test_a_model_without_a_family_stands_beside_the_whole_one_and_is_in_use_only_if_asked(
    told: dict[str, Any], city: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(tmp_path))
    fewer = train(city, "workers", home=tmp_path, without="complaints")
    assert champion_after("hand", "workers", fewer, at_once=False) is None
    assert champion_after("hand", "workers", fewer, at_once=True) == 1
    assert fewer["features"] < told["features"] == fewer["beside"]["features"]
    assert fewer["beside"]["metrics"] == told["metrics"]
    assert fewer["beside"]["groups"] == told["groups"] and fewer["groups"] != told["groups"]
    bundle = load_bundle(tmp_path / "bundles" / fewer["bundle"])
    assert not [each.name for each in bundle.features if each.family == "complaints"]
    # whoever scores with it hands it all features
    whole = dataset(city, "workers", seed=1).matrix.take(np.arange(5))
    assert len(score(bundle, whole)) == 5
    assert any("sector C" in line and " → " in line for line in beside_lines(fewer))
    with pytest.raises(TargetError, match=r"--without should name one of .*complaints.* got 'no'"):
        train(city, "workers", home=tmp_path, without="no")


def test_training_twice_gives_one_digest_and_two_versions(
    told: dict[str, Any], city: Store, home: Path
) -> None:
    again = train(city, "workers", home=home)
    assert again["model_digest"] == told["model_digest"] and again["metrics"] == told["metrics"]
    assert again["mlflow"]["version"] == told["mlflow"]["version"] + 1
    assert load_bundle(home / "bundles" / told["bundle"]).digest == told["model_digest"]


def test_reordered_visits_say_how_many_days_earlier(city: Store) -> None:
    trained = trained_on(city, "visits")
    assert trained.metrics["days_earlier"] > 0
    assert (
        trained.metrics["found_in_first_half"] > trained.metrics["found_in_first_half_as_visited"]
    )
    assert trained.metrics["capacity"]["share_without_label"] < 0.1
    whole = trained.dataset
    assert (whole.cases.as_of == whole.cases.day - 1).all() and len(whole.cases) > 800


def test_a_person_promotes_and_the_first_model_may_stand_in(
    told: dict[str, Any], city: Store, home: Path
) -> None:
    first = told["mlflow"]["version"]
    assert champion(home, WORKERS) is None and promote_first(home, WORKERS, first) == first
    assert models_in_use(home / "bundles", WORKERS.source)[WORKERS.target] == Pointer(
        bundle=told["bundle"], digest=told["model_digest"]
    )
    second = train(city, "workers", home=home)["mlflow"]["version"]
    assert promote_first(home, WORKERS, second) == first == champion(home, WORKERS)
    assert promote(home, WORKERS, second) == second == champion(home, WORKERS)
    with pytest.raises(TargetError, match="has no version 99"):
        promote(home, WORKERS, 99)


def test_the_only_source_with_models_of_a_target_needs_no_name(
    told: dict[str, Any], home: Path
) -> None:
    assert (
        registered_key(home, "workers", None) == registered_key(home, "workers", "hand") == WORKERS
    )
    assert told["mlflow"]["model"] == "lssi-hand-workers"
    with pytest.raises(
        TargetError,
        match=r"'workers' is registered for source 'town'; --source should be .* one of hand",
    ):
        registered_key(home, "workers", "town")
    with pytest.raises(TargetError, match="no model of 'nobody' is registered; train one with"):
        registered_key(home, "nobody", None)


@pytest.fixture(scope="module")
def outdone(city: Store, home: Path) -> dict[str, Any]:
    """A model that is no better than a scorecard."""
    return train(city, "visits", home=home)


def test_a_damaged_bundle_is_not_promoted(outdone: dict[str, Any], home: Path) -> None:
    model = home / "bundles" / outdone["bundle"] / "model_any.txt"
    text = model.read_text("utf-8")
    model.write_text("tree\n")
    with pytest.raises(BundleError, match="damaged"):
        promote(home, VISITS, outdone["mlflow"]["version"], although="a trial")
    assert champion(home, VISITS) is None
    assert VISITS.target not in models_in_use(home / "bundles", VISITS.source)
    model.write_text(text)


def test_a_model_that_does_not_gain_over_the_scorecard_is_promoted_only_with_a_reason(
    outdone: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = outdone["baselines"]["verdict"]
    assert verdict["better"] == "baseline" and verdict["low"] <= 0 and verdict["origins"] == 5
    number = outdone["mlflow"]["version"]
    card = outdone["scorecard"]["version"]
    for reason in ("", "  "):
        with pytest.raises(TargetError, match=rf"`lssi promote visits {card}`.*--although REASON"):
            promote(home, VISITS, number, although=reason)
    assert promote_first(home, VISITS, number) == card == champion(home, VISITS)
    monkeypatch.setenv("LSSI_HOME", str(home))
    result = dict(outdone)
    assert champion_after("hand", "visits", result, at_once=True) == card
    assert "--although REASON" in result["not_promoted"]
    assert promote(home, VISITS, number, although="a trial") == number
    assert tags_of_version(home, VISITS, number)["although"] == "a trial"


def test_no_model_is_in_use_whose_promotion_could_not_be_recorded(
    outdone: dict[str, Any], home: Path
) -> None:
    number, former = outdone["mlflow"]["version"], champion(home, VISITS)
    in_use = models_in_use(home / "bundles", VISITS.source)
    other = outdone["scorecard"]["version"] if former == number else number

    def full_disk(version: int, digest: str) -> None:
        raise OSError(f"no room for version {version} of {digest}")

    with pytest.raises(OSError, match=f"no room for version {other} of [0-9a-f]{{64}}"):
        promote(home, VISITS, other, although="a trial", record=full_disk)
    assert champion(home, VISITS) == former
    assert models_in_use(home / "bundles", VISITS.source) == in_use


def test_a_promotion_that_was_stopped_before_the_alias_is_in_use_and_the_alias_follows(
    outdone: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, former = outdone["mlflow"]["version"], champion(home, VISITS)
    other = outdone["scorecard"]["version"] if former == number else number

    def stopped(_home: Path, _key: ModelKey, _number: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.models.promote.set_champion", stopped)
        with pytest.raises(KeyboardInterrupt):
            promote(home, VISITS, other, although="a trial")
    assert champion(home, VISITS) == former
    assert version_in_use(home, VISITS) == other == champion(home, VISITS)


def test_the_scorecard_that_is_promoted_scores_whole_points(
    outdone: dict[str, Any], city: Store, home: Path
) -> None:
    bundle = load_bundle(home / "bundles" / outdone["scorecard"]["bundle"])
    assert bundle.manifest.card is not None
    assert bundle.manifest.card.model_dump(mode="json") == outdone["scorecard"]["card"]
    raw = score(bundle, dataset(city, "visits", seed=1).matrix).raw
    points = raw / bundle.manifest.card.log_odds_a_point
    assert (points == np.round(points)).all() and len(np.unique(points)) > 10
    head, *lines = card_lines(outdone["scorecard"])
    assert "20 points double the odds" in head and len(lines) == len(bundle.manifest.card.lines)
    assert all("缺失 missing +" in line for line in lines)


def test_few_origins_decide_nothing_and_say_so(told: dict[str, Any]) -> None:
    verdict = told["baselines"]["verdict"]
    assert verdict["better"] == "not decided" and verdict["why"] == "2 origins, at least 4 needed"
    assert told["scorecard"] is None


def test_the_page_names_every_field_of_every_table_of_baselines(told: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    for table in ("baselines", "origins", "figures", "gains"):
        rows = [line for line in page.splitlines() if line.startswith(f"| `{table}` |")]
        (fields,) = [row.rsplit("|", 2)[1] for row in rows if "`, `" in row]
        assert told["baselines"][table][0].keys() == set(re.findall(r"\w+", fields))


def test_every_baseline_is_told_beside_the_model_and_the_figures_follow_from_the_file_of_cases(
    told: dict[str, Any], home: Path
) -> None:
    baselines = told["baselines"]
    names = [baseline.name for baseline in baseline_table().baseline]
    assert [row["baseline"] for row in baselines["baselines"]] == names
    silent = [row["baseline"] for row in baselines["baselines"] if row["word"]]
    assert silent == ["matches"]
    with client(home) as registry:
        run = told["mlflow"]["run_id"]
        units = read_table(Path(registry.download_artifacts(run, "units.parquet")))
    test = baselines["origins"][-1]
    assert test["is_test"]
    for row in baselines["figures"]:
        of_origin = units.filter(pc.equal(units["origin"], row["origin"]))
        label = of_origin["label"].to_numpy()
        seen = ~np.isnan(label)
        raw = of_origin[row["model"]].to_numpy()
        assert row["auc"] == pytest.approx(roc_auc_score(label[seen], raw[seen]))
    assert len(units) == 2 * 400
    lines = list(baseline_lines(baselines, None))
    assert len(lines) == 2 + len(names) and "未定 not decided" in lines[-1]


def test_the_number_found_by_the_hour_is_compared_and_is_that_of_the_list_by_minutes(
    told: dict[str, Any],
) -> None:
    by_minutes = told["metrics"]["capacity"]["by_minutes"]
    assert by_minutes["rule"] == "qingdao-2012" and by_minutes["visits"] >= 1
    assert by_minutes["lottery"]["number_recall"].startswith("not estimable: ")
    baselines = told["baselines"]
    test = baselines["origins"][-1]["origin"]
    figures = {
        row["model"]: row["number_per_hour"]
        for row in baselines["figures"]
        if row["origin"] == test
    }
    assert figures["model"] == pytest.approx(by_minutes["number_per_hour"]["value"])
    assert len(figures) == 6 and all(value > 0 for value in figures.values())
    gains = [row for row in baselines["gains"] if row["metric"] == "number_per_hour"]
    assert len(gains) == 5 and all(row["origins"] == 2 for row in gains)
    assert any("as a plan fills them" in line for line in summary_lines(_ended(told)))


def test_complaints_that_nobody_chose_are_counted_after_the_day_of_the_list_and_before_no_other(
    told: dict[str, Any],
) -> None:
    unasked = told["unasked"]
    assert (unasked["as_of"], unasked["until"]) == ("2015-01-31", "2015-06-30")
    assert unasked["units"] == 400 and 0 < unasked["listed"] <= 80
    by_event = {row["event"]: row for row in unasked["events"]}
    complained_of = {
        row["enterprise"]
        for row in drawn_city()["complaints"]
        if "2015-01-31" < row["lodged"] <= "2015-06-30"
    }
    assert by_event["complaint"]["struck"] == len(complained_of) > 60
    assert by_event["accident"]["lift"] == "not estimable: the source has no table claims"
    # no firm says that it has closed
    assert by_event["closing"]["rate"].startswith("not estimable: it befell 0 units")
    lines = list(unasked_lines(unasked))
    assert len(lines) == 1 + len(by_event) and "倍数 times" in lines[1]


def test_what_a_training_says_is_as_its_schema_has_it(
    told: dict[str, Any], outdone: dict[str, Any]
) -> None:
    form = Draft202012Validator(train_schema())
    for said in (told, outdone):
        faults = [f"{each.json_path}: {each.message}" for each in form.iter_errors(_ended(said))]
        assert faults == []
    # one that has a field more, less, or of another kind is no such report
    for wrong in ({"more": 1}, {"features": None}, {"unasked": {}}):
        assert not form.is_valid(_ended(told) | wrong)


def test_the_schema_in_the_docs_is_that_of_the_code_and_names_every_group() -> None:
    assert (ROOT / "docs" / "train.schema.json").read_text("utf-8") == schema_text()
    for attribute in group_table().attribute:
        assert f'"{attribute.name}"' in schema_text()
        for reading in (attribute.enterprise, attribute.claim, attribute.provider):
            for group in reading.groups if reading else ():
                assert f'"{group.name}"' in schema_text()


@pytest.fixture(scope="module")
def page(told: dict[str, Any], city: Store) -> str:
    return report_of(city, "workers", told)


def test_the_page_of_a_training_runs_nothing_fetches_nothing_and_lies_in_the_registry(
    page: str, told: dict[str, Any], city: Store, home: Path
) -> None:
    assert "<script" not in page and "://" not in page and "default-src 'none'" in page
    assert page == report_of(city, "workers", told)
    with client(home) as registry:
        run = told["mlflow"]["run_id"]
        logged = Path(registry.download_artifacts(run, "report.html")).read_text("utf-8")
    assert logged == page


def test_the_page_shows_every_group_baseline_and_event_in_both_languages(
    page: str, told: dict[str, Any]
) -> None:
    rows = [
        *told["groups"]["attributes"],
        *told["groups"]["groups"],
        *told["baselines"]["baselines"],
        *told["unasked"]["events"],
    ]
    for row in rows:
        assert both_words(row["zh"], row["en"]) in page
    value = told["metrics"]["capacity"]["by_minutes"]["labelled_only"]
    assert f"<b>{value:.1%}".replace("%", " %") in page


def test_a_suppressed_group_has_a_word_and_no_number(told: dict[str, Any], city: Store) -> None:
    hidden = copy.deepcopy(told)
    first = hidden["groups"]["groups"][0]
    first["word"] = "suppressed: fewer than 10 units"
    first["zh"], first["en"] = "小群体", "small group"
    said = report_of(city, "workers", hidden)
    (row,) = re.findall(r"<tr class=\"hidden\">.*?small group.*?</tr>", said, re.DOTALL)
    assert "隐去：不足10个单位" in row and "<b>" not in row


def test_every_reason_that_a_training_gives_has_chinese_words(told: dict[str, Any]) -> None:
    reasons = set(reasons_in(told))
    assert len(reasons) > 5
    assert [each for each in sorted(reasons) if reason_words(each).zh == each] == []


def test_names_of_a_source_are_shown_as_text(told: dict[str, Any]) -> None:
    named = TrainedTarget("<i>未</i>", "<b>workers</b>", "源", "a & b", "persons")
    said = training_page(told, named)
    assert "<i>" not in said and "&lt;i&gt;未" in said and "a &amp; b" in said


def both_words(zh: str, en: str) -> str:
    """Return a text of the page in both languages."""
    return f'lang="zh-CN">{escape(zh)}</span><span class="en" lang="en">{escape(en)}</span>'


def reasons_in(said: Any, name: str = "") -> Iterator[str]:
    """Yield every reason that stands in the place of a figure, and every word that says why nothing is told."""
    if isinstance(said, dict):
        for key, value in said.items():
            yield from reasons_in(value, key)
    elif isinstance(said, list):
        for value in said:
            yield from reasons_in(value, name)
    elif isinstance(said, str) and said:
        is_reason = name in {"word", "why"} or said.startswith("not estimable")
        yield from [said] * is_reason


def _ended(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a training said with what its command adds."""
    return {**told, "champion": None, "not_promoted": None}


def test_the_champion_opens_in_mlflow_and_answers_as_the_bundle_does(
    told: dict[str, Any], city: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    promote(home, WORKERS, told["mlflow"]["version"])
    bundle = load_bundle(home / "bundles" / told["bundle"])
    matrix = dataset(city, "workers", seed=1).matrix.take(np.arange(20))
    frame = pd.DataFrame(
        {
            name: matrix.texts(name) if name in matrix.categories else matrix.column(name)
            for name in matrix.names
        }
    )
    with client(home) as registry:
        from mlflow import pyfunc, set_registry_uri, set_tracking_uri

        set_tracking_uri(tracking_uri(home))
        set_registry_uri(tracking_uri(home))
        answer = pyfunc.load_model("models:/lssi-hand-workers@champion").predict(frame)
        run = registry.get_run(told["mlflow"]["run_id"])
    ours = score(bundle, matrix)
    assert answer["raw"].to_numpy().tobytes() == ours.raw.tobytes()
    assert (
        answer["expected"].to_numpy().tobytes()
        == (ours.expected if ours.expected is not None else ours.raw).tobytes()
    )
    assert (
        run.data.metrics["auc"] == told["metrics"]["auc"]
        and run.data.tags["fingerprint"] == city.fingerprint
    )
    assert run.data.params["horizon"] == "120" and run.info.status == "FINISHED"


def test_a_certificate_that_is_not_clean_stops_training_and_nothing_is_written(
    write_source: Callable[..., Path], say: Say
) -> None:
    tables = drawn_city(number=120, visited=500)
    for place, firm in enumerate(tables["enterprises"]):
        firm["actual_fraud"] = place % 2
    leaking = (
        '[[attribute]]\ntable = "enterprises"\nname = "actual_fraud"\ntype = "flag"\n'
        'zh = "实际"\nen = "actual"\nbasis = "法 law"\n'
    )
    place = write_source(tables, leaking + TOML)
    line = say("train", "visits", place).line
    assert "certificate_leaking" in line and "barred: attribute 'actual_fraud'" in line
    assert not files_below(our_home(), "*bundle.json")
    assert champion(our_home(), VISITS) is None


def test_a_violation_never_found_cannot_be_learned(city: Store) -> None:
    with pytest.raises(TargetError, match=r"got 0 with and \d+ without"):
        trained_on(city, "never")


def test_numbers_leave_out_what_is_no_number() -> None:
    assert numbers({"a": 1, "b": None, "c": {"d": 0.5, "e": [1, 2]}, "f": "x"}) == {
        "a": 1.0,
        "c.d": 0.5,
    }
