"""Zero rows, one row, a city of 60: every command runs, or refuses in one line, and prints no number that JSON lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest

from features.calendar import day_of
from features.catalogue.model import ENTITIES
from features.engine.matrices import catalogue_of, matrix
from features.home import home
from features.ingest.scan import files_in, read_parquet, read_table
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import promote_model
from models.bundle.manifest import frozen_features
from simulation.ground.setting import setting_of
from simulation.run import write_city
from tests.said import Answer, Say
from training.certificate.certify import Extent, certify

Tables = dict[str, pl.DataFrame]
Small = Callable[[Tables], Tables]
DAY = "2015-06-30"
TARGETS = {"undeclared_workers": "enterprise", "fraudulent_claim": "claim"}
PROBED = 40
CERTIFIED = Extent(enterprises=1, seeds=(1,), kinds=(), read=1, ways=())


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of 60 enterprises over two years."""
    place = tmp_path_factory.mktemp("sixty") / "city"
    write_city(place, setting_of(60, 24, until=DAY, seed=1), lambda _done, _of: None)
    return place


@pytest.fixture(scope="module")
def tables(city: Path) -> Tables:
    folders = [
        folder
        for folder in sorted(city.iterdir())
        if folder.is_dir() and folder.name not in ("truth", "progress")
    ]
    return {folder.name: read_parquet(files_in(folder, "*.parquet")) for folder in folders}


@pytest.fixture(scope="module")
def models(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little model of each target over features of the catalogue that learned from noise.

    Return the folder of their bundles, pointed to as promotions do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("models")))
        store = open_store(city)
        parts = [parts_of(store, target, entity) for target, entity in TARGETS.items()]
    folder = tmp_path_factory.mktemp("promoted") / "bundles"
    promote(parts, folder)
    return folder


def parts_of(store: Store, target: str, entity: str) -> Parts:
    found = matrix(store, entity, store.complete_to)
    some = found.columns(found.names[:PROBED])
    label = np.random.default_rng(1).integers(0, 2, len(some))
    choices = {
        "objective": "binary",
        "num_leaves": 4,
        "min_data_in_leaf": 2,
        "verbosity": -1,
        "num_threads": 1,
    }
    texts = lightgbm.train(
        choices, lightgbm.Dataset(some.values, label, feature_name=list(some.names)), 5
    ).model_to_string()
    declared = frozen_features(list(catalogue_of(store).features(entity)), some)
    line = Calibration((-4.0, 0.0, 4.0), (0.02, 0.5, 0.98))
    return Parts(target, DAY, declared, line, texts, None, some, {"source": "city"}, {})


def promote(models: list[Parts], folder: Path) -> None:
    for parts in models:
        path = write_bundle(folder, parts)
        promote_model(
            folder,
            ModelKey("city", parts.target),
            Pointer(bundle=path.name, digest=load_bundle(path).digest),
        )


def written(place: Path, city: Path, tables: Mapping[str, pl.DataFrame]) -> Path:
    """Write a source of the city's declaration and of other tables."""
    place.mkdir()
    (place / "source.toml").write_bytes((city / "source.toml").read_bytes())
    for name, frame in tables.items():
        frame.write_parquet(place / f"{name}.parquet")
    return place


def kept(tables: Tables, column: str, value: str) -> Tables:
    """Keep of each table that has a column the rows of one identifier."""
    return {
        name: frame.filter(pl.col(column) == value) if column in frame.columns else frame
        for name, frame in tables.items()
    }


def only(column: str) -> Small:
    return lambda tables: kept(
        tables,
        column,
        next(
            frame[column].drop_nulls()[0] for frame in tables.values() if frame.columns[0] == column
        ),
    )


def one_of_each(tables: Tables) -> Tables:
    """Keep one claim, its enterprise and its provider."""
    keys = ("claim", "enterprise", "provider")
    row = tables["claims"].drop_nulls(keys).row(0, named=True)
    for column in keys:
        tables = kept(tables, column, row[column])
    return tables


def empty(*named: str) -> Small:
    return lambda tables: tables | {name: tables[name].clear() for name in named}


def empty_but(*named: str) -> Small:
    return lambda tables: {
        name: frame if name in named else frame.clear() for name, frame in tables.items()
    }


def every_other(first: int) -> Small:
    return lambda tables: (
        tables
        | {name: tables[name].clear() for name in list(tables)[first::2] if name != "enterprises"}
    )


def heads(tables: Tables) -> Tables:
    return {name: frame.head(1) for name, frame in tables.items()}


def without_enterprises(tables: Tables) -> Tables:
    return {
        name: frame.clear() if "enterprise" in frame.columns else frame
        for name, frame in tables.items()
    }


def unrecorded(*named: str) -> Small:
    """Take the day away on which the rows of some tables (of all where none is named) were recorded: each is refused."""

    def small(tables: Tables) -> Tables:
        blank = pl.lit(None, pl.Date).alias("recorded_on")
        return tables | {name: tables[name].with_columns(blank) for name in named or tables}

    return small


def as_it_is(tables: Tables) -> Tables:
    return tables


SMALL: dict[str, Small] = {
    "a city of 60": as_it_is,
    "one of each": one_of_each,
    "one enterprise": only("enterprise"),
    "one claim": only("claim"),
    "one provider": only("provider"),
    "one row a table": heads,
    "no rows at all": empty_but(),
    "the register alone": empty_but("enterprises"),
    "claims alone": empty_but("claims"),
    "no enterprises": without_enterprises,
    "an empty register": empty("enterprises"),
    "every second table empty": every_other(0),
    "every other table empty": every_other(1),
    "no row of claims accepted": unrecorded("claims"),
    "no row of enterprises accepted": unrecorded("enterprises"),
    "no row accepted": unrecorded(),
}
QUICK = ("one of each",)
"""The cases that every run of the tests can afford; `make test-slow` tries the others."""
CASES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SMALL]


def sound(answer: Answer, *codes: int) -> Answer:
    """Return an answer that is a result, with one of the exit codes that tell results, or one line that refuses."""
    if answer.code == 2:
        assert answer.line.startswith(('{"error": "', "error: "))
        return answer
    assert answer.code in codes, answer
    assert "Traceback" not in answer.err, answer
    return answer


@pytest.fixture(params=CASES)
def small(
    request: pytest.FixtureRequest,
    city: Path,
    tables: Tables,
    models: Path,
    tmp_path: Path,
) -> Path:
    shutil.copytree(models, home() / "bundles")
    return written(tmp_path / "small", city, SMALL[request.param](tables))


def test_every_command_runs_on_a_small_source_or_refuses_in_one_line(
    say: Say, small: Path, tmp_path: Path
) -> None:
    accepted = accepted_by(say, small)
    write_features(say, small, accepted, tmp_path)
    assert sound(say("matches", small, "--as-of", DAY, "--json"), 0).json["note"]
    for command in ("appraise", "classify", "medals", "exposures"):
        sheet = sound(say(command, small, "--as-of", DAY, "--json"), 0).json
        assert sheet["living"] <= accepted["enterprises"]
    queue = say("novelty", small, "--as-of", DAY, "--json")
    assert queue.json["note"] if queue.code == 0 else queue.line
    assert (
        sound(say("plan", small, "--week", "2015-07-06", "--json"), 0).json["units"]
        <= accepted["enterprises"]
    )
    for target in TARGETS:
        assert "target_unusable" in say("train", target, small, "--json").line
        watched = sound(say("monitor", target, small, "--as-of", DAY, "--json"), 0)
        assert watched.code or watched.json["verdict"]["reasons"]
        report(say, small, target, tmp_path / f"{target}.html")


def accepted_by(say: Say, source: Path) -> dict[str, int]:
    """Return how many rows of each table `lssi check` says are accepted."""
    checked = sound(say("check", source, "--json"), 0, 1).json
    return {name: table["accepted"] for name, table in checked["tables"].items()}


def write_features(say: Say, source: Path, accepted: Mapping[str, int], folder: Path) -> None:
    """Write the features of a day of every entity, and of every claim: never more units than its register has rows."""
    for entity, (table, _) in ENTITIES.items():
        for day in (DAY, "known") if entity == "claim" else (DAY,):
            out = folder / f"{entity}.parquet"
            assert (
                sound(
                    say("features", source, "--entity", entity, "--as-of", day, "--out", out), 0
                ).code
                == 0
            )
            units = read_table(out).num_rows
            assert units <= accepted[table] and (day != "known" or units or not accepted[table])


def report(say: Say, source: Path, target: str, page: Path) -> None:
    """Score all units of a source, and write a page about the first of them; a record of none is refused one."""
    batch = sound(say("batch", target, source, "--json"), 0).json
    assert len(batch["top"]) <= batch["rows"]
    if not batch["rows"]:
        assert (
            "is of a batch without units" in say("report", batch["record_id"], "--out", page).line
        )
        return
    assert (
        sound(
            say("report", batch["record_id"], "--unit", batch["top"][0]["id"], "--out", page), 0
        ).code
        == 0
    )
    assert batch["record_id"] in page.read_text("utf-8")


def test_a_source_of_empty_tables_is_certified(
    hand_source: Callable[..., Path], tmp_path: Path
) -> None:
    firm = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
    nothing = {"contributions": [], "employment": [], "claims": []}
    source = hand_source(tmp_path / "source", {"enterprises": [firm]} | nothing)
    found = certify(open_store(source), day_of("2015-05-31"), CERTIFIED)
    assert (found["verdict"], found["features_moved"], found["features_misread"]) == (
        "clean",
        {},
        {},
    )


def test_check_exits_1_where_no_row_of_a_table_is_accepted_and_says_which(
    say: Say,
    hand_source: Callable[..., Path],
    tmp_path: Path,
) -> None:
    firm = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
    death = {"worker": "w1", "died_on": "2014-01-01"}
    complaint = {"complaint": "c1", "enterprise": "e1", "lodged": "2014-01-01"}
    some = {"enterprises": [firm], "complaints": [complaint], "deaths": []}
    sound_one = hand_source(tmp_path / "some", some)
    assert (say("check", sound_one, "--json").code, say("check", sound_one).code) == (0, 0)
    unread = {"complaints": [complaint], "deaths": [death]}
    blank = {name: [row | {"recorded_on": ""} for row in rows] for name, rows in unread.items()}
    refused = hand_source(tmp_path / "none", some | blank)
    answer = say("check", refused, "--json")
    assert answer.code == 1 and sorted(answer.json["refused_whole"]) == ["complaints", "deaths"]
    assert answer.json["accepted"] > 0
    told = say("check", refused)
    assert told.code == 1 and "整表拒收 every row refused: " in told.out
