"""One unit from rows in a request: the same bits as from the store, strict reading, and what is missing by name."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import date_of
from features.contract.tables import contract
from features.engine.matrices import catalogue_of, matrix
from features.errors import RequestError
from features.online.request import evaluate_rows, not_computed
from features.online.request_rows import Sent
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import LAST, write_history

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random history as files."""
    return write_history(
        tmp_path_factory.mktemp("online") / "source", seed=11, absent=("protected",)
    )


@pytest.fixture(scope="module")
def store(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same history as a store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        return open_store(source)


def as_sent(source: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as a request would send them: numbers as numbers."""
    whole = {
        c.name
        for c in contract()[table].columns
        if c.kind not in ("id", "choice", "day", "month", "probability")
    }
    with (source / f"{table}.csv").open(encoding="utf-8") as file:
        return [
            {
                name: value
                if not value
                else int(value)
                if name in whole | {"retracted"}
                else float(value)
                if name == "inclusion_probability"
                else value
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def everything(source: Path, store: Store) -> Rows:
    """Return the whole history as a request would send it."""
    return {table: as_sent(source, table) for table in contract() if table in store.tables}


@pytest.mark.parametrize("entity", ["enterprise", "claim", "provider"])
def test_rows_in_a_request_give_the_bits_of_the_store(
    source: Path, store: Store, entity: str
) -> None:
    day = LAST - 40
    city, sent = matrix(store, entity, day), everything(source, store)
    for position in range(min(len(city), 12)):
        alone = evaluate_rows(store, entity, str(city.keys[position]), day, sent)
        assert alone.values.tobytes() == city.values[position].tobytes()


def test_of_versions_of_one_day_the_longer_row_id_holds_as_in_a_load(
    source: Path, store: Store
) -> None:
    row = next(row for row in as_sent(source, "enterprises") if not row["retracted"])
    sent = Sent(
        store,
        {"enterprises": [row | {"row_id": "a9", "rural": 0}, row | {"row_id": "a10", "rural": 1}]},
    )
    code = sent.code("enterprise", row["enterprise"])
    assert sent.rows("enterprises", "enterprise", code, code + 1, ("rural",))["rural"].tolist() == [
        1
    ]


def test_features_whose_tables_were_not_sent_are_missing_and_named(
    source: Path, store: Store
) -> None:
    rows = {"enterprises": as_sent(source, "enterprises")}
    found = evaluate_rows(store, "enterprise", "E001", LAST, rows)
    lacking = not_computed(catalogue_of(store), "enterprise", Sent(store, rows))
    assert lacking["declared_last"] == "tax_payroll"
    assert np.isnan(found.column("declared_last")).all()
    assert "cell_complaints_90d" not in lacking


def test_an_enterprise_that_the_store_never_saw_is_scored_from_its_rows(store: Store) -> None:
    row = {
        "enterprise": "E-new",
        "since": "2015-01-01",
        "kind": "company",
        "recorded_on": "2015-01-02",
        "cell": "C001",
        "section": "S-new",
        "registered": "2015-01-01",
    }
    found = evaluate_rows(store, "enterprise", "E-new", LAST, {"enterprises": [row]})
    assert found.keys.tolist() == ["E-new"]
    assert found.column("age_days")[0] == 180
    assert np.isnan(found.column("section")[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "unknown column 'colour'"),
        ({"since": "soon"}, "since should be a day"),
        ({"since": None}, "since is missing"),
        ({"kind": "shop"}, "kind should be one of company"),
        ({"rural": 2}, "rural should be 0 or 1"),
        ({"longitude": 1.5}, "longitude should be a whole number"),
        ({"longitude": float("nan")}, "longitude should be a whole number"),
        ({"recorded_on": "2016-01-01"}, f"no row of this enterprise recorded by {date_of(LAST)}"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(
    store: Store, change: dict[str, Any], said: str
) -> None:
    row = {"enterprise": "E001", "since": "2015-01-01", "recorded_on": "2015-01-02"} | change
    with pytest.raises(RequestError, match=said):
        evaluate_rows(store, "enterprise", "E001", LAST, {"enterprises": [row]})


def test_an_unknown_table_is_refused(store: Store) -> None:
    with pytest.raises(RequestError, match="'weather'"):
        evaluate_rows(store, "enterprise", "E001", LAST, {"weather": []})


def test_a_row_without_its_register_is_refused(store: Store) -> None:
    with pytest.raises(RequestError, match="should hold table 'enterprises'"):
        evaluate_rows(store, "enterprise", "E001", LAST, {"complaints": []})
