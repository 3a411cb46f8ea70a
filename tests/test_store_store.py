"""A store gives back what was known, by range and as of a day."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.catalogue.model import ENTITIES
from features.contract.tables import contract
from features.engine.matrices import matrix
from features.errors import CatalogueError, HistoryError, UnknownId
from features.ingest.source import JOURNAL
from features.store.opening import open_store
from features.store.store import NULL, Store
from tests.sealed import seal_again

Write = Callable[..., Path]
INSPECTION = {
    "enterprise": "e1",
    "kind": "routine",
    "opened": "2014-12-01",
    "examined_1": 1,
    "examined_2": 0,
    "examined_3": 0,
    "examined_4": 0,
    "examined_5": 0,
}


def random_rows(seed: int) -> list[dict[str, object]]:
    """Rows of twelve keys with many versions, retractions, revivals and same-day corrections."""
    draw = random.Random(seed)
    rows: list[dict[str, object]] = [
        {
            "enterprise": f"e{draw.randrange(4)}",
            "month": f"2013-{draw.randrange(10, 13)}",
            "employees": draw.randrange(100),
            "payroll": draw.choice(["", 5, 7]),
            "row_id": 900 + number,
            "recorded_on": date_of(16100 + draw.randrange(40)).isoformat(),
            "retracted": 0,
        }
        for number in range(300)
    ]
    for row in draw.sample(rows[50:], 60):
        row["retracted"] = 1
    draw.shuffle(rows)
    return rows


def latest(
    rows: list[dict[str, object]], as_of: int
) -> dict[tuple[object, object], dict[str, object]]:
    """The plain definition: of each key the latest row known by then, unless it takes the key back."""
    found: dict[tuple[object, object], dict[str, object]] = {}
    for row in sorted(rows, key=lambda row: (row["recorded_on"], row["row_id"])):
        if day_of(str(row["recorded_on"])) <= as_of:
            found[row["enterprise"], row["month"]] = row
    return {key: row for key, row in found.items() if not row["retracted"]}


def without_unseen(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows without retractions of keys that no row named before."""
    seen: set[tuple[object, object]] = set()
    kept = []
    for row in sorted(rows, key=lambda row: (row["recorded_on"], row["row_id"])):
        key = (row["enterprise"], row["month"])
        if key in seen or not row["retracted"]:
            kept.append(row)
            seen.add(key)
    return kept


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_signed_sum_as_of_any_day_is_the_latest_version_of_each_key(
    write_source: Write, seed: int
) -> None:
    rows = random_rows(seed)
    store = open_store(write_source({"tax_payroll": rows}))
    signed = store.all_rows("tax_payroll")
    for as_of in range(16095, 16145):
        truth = latest(rows, as_of)
        known = signed["known"] <= as_of
        assert signed["sign"][known].sum() == len(truth)
        staff = sorted(int(str(row["employees"])) for row in truth.values())
        assert (signed["sign"] * signed["employees"])[known].sum() == sum(staff)
        live = store.live("tax_payroll", as_of, ("row_id", "employees"))
        assert sorted(live["row_id"]) == sorted(str(row["row_id"]) for row in truth.values())
        assert sorted(live["employees"]) == staff


def test_every_retraction_that_finds_a_row_is_accepted_and_every_other_refused(
    write_source: Write,
) -> None:
    rows = random_rows(4)
    store = open_store(write_source({"tax_payroll": rows}))
    expected = len(without_unseen(rows))
    assert store.summary["tables"]["tax_payroll"]["accepted"] == expected < 300


def test_rows_of_a_range_are_those_of_the_whole_in_order(write_source: Write) -> None:
    store = open_store(write_source({"tax_payroll": random_rows(5)}))
    whole = store.all_rows("tax_payroll")
    for low, high in ((0, 1), (1, 3), (0, 4), (2, 2), (4, 9)):
        part = store.rows("tax_payroll", by="enterprise", low=low, high=high)
        inside = (whole["enterprise"] >= low) & (whole["enterprise"] < high)
        for name, column in part.items():
            assert np.array_equal(column, whole[name][inside])


def test_a_range_is_the_same_read_or_mapped_and_across_row_groups(write_source: Write) -> None:
    rows = [
        {"enterprise": f"e{number:06d}", "month": "2014-01", "employees": number}
        for number in range(140_000)
    ]
    store = open_store(write_source({"tax_payroll": rows}))
    for low, high in (
        (131_070, 131_075),
        (3, 139_999),
        (139_999, 140_000),
        (0, 140_000),
        (140_000, 140_001),
    ):
        part = store.rows("tax_payroll", by="enterprise", low=low, high=high)
        wanted = [*range(low, min(high, 140_000))]
        assert part["enterprise"].tolist() == wanted == part["employees"].tolist()
        assert part["row_id"].tolist() == [f"tax_payroll-{number + 1}" for number in wanted]


def test_rows_cannot_be_read_by_a_column_that_holds_no_codes(write_source: Write) -> None:
    store = open_store(
        write_source({"enterprises": [{"enterprise": "e", "since": "1960-01-01", "longitude": -5}]})
    )
    with pytest.raises(CatalogueError, match="by a column of identifiers only; got 'longitude'"):
        store.rows("enterprises", by="longitude", low=0, high=1)
    assert store.rows("enterprises", by="enterprise", low=0, high=1)["since"].tolist() == [
        day_of("1960-01-01")
    ]


def test_rows_by_another_column_leave_out_where_it_is_empty(write_source: Write) -> None:
    store = open_store(
        write_source(
            {
                "complaints": [
                    {"complaint": "k2", "cell": "c1", "lodged": "2014-01-02"},
                    {"complaint": "k1", "enterprise": "e1", "lodged": "2014-01-01"},
                    {"complaint": "k3", "cell": "c0", "lodged": "2014-01-03"},
                ]
            }
        )
    )
    rows = store.rows(
        "complaints", by="cell", low=0, high=2, columns=("complaint", "enterprise", "cell")
    )
    assert rows["complaint"].tolist() == [2, 1] and rows["cell"].tolist() == [0, 1]
    assert rows["enterprise"].tolist() == [NULL, NULL]


def test_values_come_as_codes_days_and_fen(write_source: Write) -> None:
    store = open_store(
        write_source(
            {
                "inspections": [
                    INSPECTION
                    | {
                        "inspection": "i1",
                        "kind": "lottery",
                        "inclusion_probability": 0.25,
                        "closed_on": "",
                    }
                ]
            }
        )
    )
    row = store.all_rows("inspections")
    assert row["kind"].tolist() == [store.column("inspections", "kind").choices.index("lottery")]
    assert row["opened"].tolist() == [day_of("2014-12-01")] and row["closed_on"].tolist() == [NULL]
    assert row["inclusion_probability"].tolist() == [250_000]
    assert {row[name].dtype for name in set(row) - {"row_id"}} == {np.dtype(np.int64)}
    assert row["row_id"].tolist() == ["inspections-1"]


def test_an_empty_table_is_held_and_gives_empty_arrays(write_source: Write) -> None:
    store = open_store(write_source({"complaints": [], "inspections": [], "findings": []}))
    assert store.has("complaints") and store.has("found") and not store.has("claims")
    for table in ("complaints", "inspections", "findings", "found"):
        assert all(len(column) == 0 for column in store.all_rows(table).values())
        assert all(len(column) == 0 for column in store.live(table, 16000).values())
        by = store.sorted_by(table)
        assert all(len(column) == 0 for column in store.rows(table, by=by, low=0, high=10).values())
    assert (
        len(store.rows("complaints", by="cell", low=0, high=10, columns=("lodged",))["lodged"]) == 0
    )
    assert store.sql("SELECT count(*) AS n FROM complaints")["n"].to_pylist() == [0]


def test_a_table_that_lies_in_no_file_is_a_table_without_rows(
    write_source: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables: dict[str, list[object]] = {name: [] for name in contract() if name not in JOURNAL}
    firm = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01", "risk": "high"}
    extra = 'table = "enterprises"\nname = "risk"\ntype = "category"\nzh = "险"\nen = "risk"\nbasis = "法 law"\n'
    store = open_store(write_source(tables | {"enterprises": [firm]}, f"[[attribute]]\n{extra}"))
    monkeypatch.setattr("features.aggregates.reader.MANY_UNITS", 0)
    monkeypatch.setattr("features.aggregates.reader.WORTHWHILE", 0)
    held = said_by(store)
    for table in set(store.tables) - {"enterprises"}:
        for path in store.layout.files(table):
            path.unlink()
    seal_again(store.folder)
    bare = Store(store.folder)
    assert said_by(bare) == held and bare.first_known == day_of("2015-01-01")
    (store.layout.segments[0] / "enterprises.parquet").unlink()
    seal_again(store.folder)
    none = Store(store.folder)
    assert none.types("enterprises") == store.types("enterprises")
    assert none.first_known == none.complete_to


def said_by(store: Store) -> list[object]:
    """Return what a store says of each of its tables, and the bits of the features made of them."""
    found: list[object] = [said_of(store, table) for table in store.tables]
    days = (store.complete_to - 1, store.complete_to)
    return found + [
        matrix(store, entity, day).values.tobytes() for entity in ENTITIES for day in days
    ]


def said_of(store: Store, table: str) -> list[object]:
    """Return what a store says of a table: its columns, their types in SQL and as arrays, its rows."""
    day = store.complete_to
    reads = [store.all_rows(table), store.live(table, day)]
    keys = [c.name for c in store.tables[table].columns if c.kind == "id"]
    reads += [store.rows(table, by=by, low=-5, high=5) for by in keys]
    arrays = [(name, found.dtype, found.tolist()) for rows in reads for name, found in rows.items()]
    sql = store.sql(f"SELECT * FROM {table}")
    return [table, store.size(table), store.begins(table), arrays, sql.schema, sql.num_rows]


def test_codes_lie_in_the_order_of_their_texts_and_unknown_ids_are_named(
    write_source: Write,
) -> None:
    store = open_store(
        write_source(
            {
                "complaints": [
                    {"complaint": number, "enterprise": enterprise, "lodged": "2014-01-01"}
                    for number, enterprise in enumerate(("鼎", "e10", "e9"))
                ]
            }
        )
    )
    assert store.texts("enterprise") == ["e10", "e9", "鼎"]
    assert [store.code("enterprise", text) for text in ("e10", "e9", "鼎")] == [0, 1, 2]
    assert store.dictionary("enterprise").codes(["鼎", "no", "e10"]).tolist() == [2, -1, 0]
    with pytest.raises(
        UnknownId, match="enterprise 'e1' is not in the history complete to 2015-06-30"
    ):
        store.code("enterprise", "e1")
    with pytest.raises(UnknownId):
        store.code("planet", "mars")


def test_sql_sees_the_tables_by_name_and_says_what_failed(write_source: Write) -> None:
    store = open_store(
        write_source(
            {
                "inspections": [INSPECTION | {"inspection": "i1"}],
                "findings": [{"inspection": "i1", "violation": 1}],
            }
        )
    )
    assert store.sql("SELECT sum(sign) AS n FROM found")["n"].to_pylist() == [1]
    with pytest.raises(HistoryError, match="the query failed"):
        store.sql("SELECT nothing FROM nowhere")


def test_an_unknown_table_or_column_is_named(write_source: Write) -> None:
    store = open_store(write_source({"complaints": []}))
    with pytest.raises(HistoryError, match="holds no table 'claims'"):
        store.all_rows("claims")
    with pytest.raises(CatalogueError, match="no column 'colour'"):
        store.all_rows("complaints", ("colour",))


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="holds no store"):
        Store(tmp_path)
