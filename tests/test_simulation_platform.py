"""A city in the layout of the national core platform, read back through sources/core_platform, is the same city."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import lssi
from features.calendar import day_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import RequestError
from features.ingest.scan import files_below
from features.ingest.source import find_source
from features.store.opening import open_store
from features.store.store import Store
from simulation.ground.setting import setting_of
from simulation.output.platform import write_platform
from simulation.output.platform_layout import OWN, layout
from simulation.output.platform_units import changes_of
from simulation.run import write_city
from training.data.dataset import dataset
from training.runs.train import trained_on

SOURCE = Path(__file__).parents[1] / "sources" / "core_platform"
NOT_EXPRESSED: set[str] = set()
"""Features that the layout cannot express: none, since what the platform's tables lack stands in tables of ours."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of 200 enterprises over 24 months."""
    place = tmp_path_factory.mktemp("platform") / "city"
    write_city(place, setting_of(200, 24, until="2015-06-30", seed=7), lambda _done, _of: None)
    return place


@pytest.fixture(scope="module")
def dump(city: Path) -> Path:
    """The same city in the layout of the platform."""
    write_platform(city, city.with_name("dump"), lambda _done, _of: None)
    return city.with_name("dump")


@pytest.fixture(scope="module")
def both(city: Path, dump: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """The city's own store, and that of its dump."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        return open_store(city), open_store(SOURCE, dump)


def signed(store: Store, table: str) -> pl.DataFrame:
    """Return the signed rows of a table without their row ids, ids as text, in one order."""
    rows = store.all_rows(table)
    columns = {
        name: decoded(store, table, name, values)
        for name, values in rows.items()
        if not name.endswith("row_id")
    }
    frame = pl.DataFrame(columns)
    return frame.sort(frame.columns)


def decoded(store: Store, table: str, name: str, values: np.ndarray) -> pl.Series:
    column = store.column(table, name)
    if column.kind != "id":
        return pl.Series(values)
    texts = pl.Series(store.texts(column.space), dtype=pl.String)
    return pl.select(
        pl.when(pl.Series(values) >= 0).then(texts.gather(pl.Series(np.maximum(values, 0))))
    ).to_series()


def test_every_signed_row_is_the_citys_own(both: tuple[Store, Store]) -> None:
    own, read = both
    assert set(own.tables) == set(read.tables)
    assert not any(table["refused"] for table in read.summary["tables"].values())
    for table in own.tables:
        assert signed(own, table).equals(signed(read, table)), table


@pytest.mark.parametrize("entity", ["enterprise", "claim", "provider"])
def test_every_feature_equals_the_citys_own_to_the_bit(
    both: tuple[Store, Store], entity: str
) -> None:
    declared = [
        {feature.name for feature in catalogue_of(store).features(entity)} for store in both
    ]
    assert declared[0] - NOT_EXPRESSED == declared[1]
    wanted, found = (matrix(store, entity, day_of("2015-03-31")) for store in both)
    assert wanted.keys.tolist() == found.keys.tolist() and len(wanted)
    assert wanted.names == found.names and wanted.categories == found.categories
    assert wanted.values.tobytes() == found.values.tobytes()


@pytest.mark.slow
def test_a_layout_without_an_optional_table_leaves_its_features_out_by_name(
    both: tuple[Store, Store], dump: Path, tmp_path: Path
) -> None:
    smaller = tmp_path / "smaller"
    smaller.mkdir()
    for place in dump.iterdir():
        if place.name not in ("FEE_LIST_D", "POWER", "benefit_payments", "progress"):
            (smaller / place.name).symlink_to(place)
    store = open_store(SOURCE, smaller)
    assert store.summary["absent"] == ["utilities", "benefit_payments", "medical_lines"]
    left_out, kept = set(catalogue_of(store).left_out), every_feature(store)
    assert left_out == every_feature(both[0]) - kept
    assert {"kwh_3m"} <= left_out and not left_out & kept


def every_feature(store: Store) -> set[str]:
    catalogue = catalogue_of(store)
    return {
        feature.name
        for entity in ("enterprise", "claim", "provider")
        for feature in catalogue.features(entity)
    }


def test_the_layout_holds_every_table_of_the_contract_once(city: Path) -> None:
    held = {path.name for path in city.iterdir() if path.is_dir()} - {"truth", "progress"}
    origins = {origin for origin, _ in layout().values()}
    made = {
        "first_registered": "enterprises",
        "changes": "enterprises",
        "settlements": "claims",
        "other_claims": "claims",
    }
    assert {made.get(origin, origin) for origin in origins} | set(OWN) == held
    assert not {made.get(origin, origin) for origin in origins} & set(OWN)


def test_the_same_city_gives_the_same_bytes_and_a_finished_part_is_kept(
    city: Path, dump: Path, tmp_path: Path
) -> None:
    assert write_platform(city, tmp_path / "again", lambda _done, _of: None) == 2
    assert write_platform(city, tmp_path / "again", lambda _done, _of: None) == 0
    assert digests(tmp_path / "again") == digests(dump)


def test_the_command_writes_the_layout_beside_its_city(tmp_path: Path) -> None:
    runner = CliRunner()
    asked = [
        "city",
        str(tmp_path / "out"),
        "--enterprises",
        "60",
        "--months",
        "3",
        "--layout",
        "core_platform",
        "--json",
    ]
    done = [json.loads(runner.invoke(lssi.app, asked).stdout) for _ in range(2)]
    assert [(one["parts_made"], one["parts_kept"]) for one in done] == [(4, 0), (0, 4)]
    source = find_source(SOURCE, tmp_path / "out")
    assert "contributions" in source.tables and (tmp_path / "out" / "city" / "source.toml").exists()
    assert runner.invoke(lssi.app, [*asked, "--name", "east"]).exit_code == 0
    names = [
        find_source(SOURCE, tmp_path / "out").name,
        find_source(tmp_path / "out" / "city").name,
    ]
    assert (source.name, names) == ("core_platform", ["east", "east-city"])
    assert isinstance(runner.invoke(lssi.app, [*asked[:-2], "oracle"]).exception, RequestError)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_below(folder)
    }


def test_a_change_known_before_the_registration_tells_every_attribute() -> None:
    empty = dict.fromkeys(
        (
            "kind",
            "ownership",
            "sector",
            "cell",
            "address",
            "representative",
            "rural",
            "registered",
            "closed",
            "head_office",
            "longitude",
            "latitude",
            "account",
        )
    )
    first = empty | {
        "enterprise": "E1",
        "cell": "C1",
        "since": date(2014, 1, 1),
        "recorded_on": date(2014, 3, 1),
        "row_id": 1,
    }
    moved = first | {
        "cell": "C2",
        "address": "A2",
        "since": date(2014, 2, 1),
        "recorded_on": date(2014, 2, 2),
        "row_id": 2,
    }
    changes = changes_of([first, moved])
    told = [(change["item"], change["before"], change["after"]) for change in changes]
    assert told == [("WGBH", "", "C2"), ("AAE006", "", "A2")]


@pytest.mark.slow
def test_a_model_learns_from_the_dump_what_the_city_teaches(
    city_2000: Path, tmp_path: Path
) -> None:
    write_platform(city_2000, tmp_path / "dump", lambda _done, _of: None)
    own, read = open_store(city_2000), open_store(SOURCE, tmp_path / "dump")
    for target in ("undeclared_workers", "fraudulent_claim"):
        ours, theirs = dataset(own, target, seed=1), dataset(read, target, seed=1)
        assert (
            theirs.matrix.names == ours.matrix.names
            and theirs.matrix.values.tobytes() == ours.matrix.values.tobytes()
        )
        assert (
            theirs.matrix.keys.tolist() == ours.matrix.keys.tolist()
            and ours.taught().any()
            and ours.tested().any()
        )
        for name in ("label", "part", "inclusion"):
            assert np.array_equal(
                getattr(theirs.cases, name), getattr(ours.cases, name), equal_nan=True
            )
        assert trained_on(read, target).metrics["auc"] > 0.5
