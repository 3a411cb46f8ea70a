"""The novelty queue: planted schemes that no label knows come to the front, and size alone does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.calendar import day_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import RequestError
from features.ingest.scan import files_in
from features.matrix import Matrix
from features.store.opening import open_store
from tests.said import Say
from training.models.novelty import (
    LEAST_PEERS,
    groups_of_like_size,
    novelty_queue,
    rarity_of,
    unusualness,
)

DAY = "2015-06-30"
PLANTED = 24
AFTER_ALL = 10**12
"""Row numbers that no row of the city has."""
Rows = dict[str, list[dict[str, Any]]]


def temporary_staff(firm: str) -> Rows:
    """Twelve people a month are put on the books and covered for twenty days."""
    rows: Rows = {"employment": [], "enrolments": []}
    for month in range(1, 7):
        begins = date(2015, 6, 30) - timedelta(days=30 * month)
        last_day = begins + timedelta(days=20)
        for number in range(12):
            key = {"worker": f"T{firm}{month}x{number}", "enterprise": firm, "started": begins}
            opened = key | {"ended": None, "recorded_on": begins}
            closed = key | {"ended": last_day, "recorded_on": last_day + timedelta(days=1)}
            for row in (opened, closed):
                rows["employment"].append(row | {"kind": "regular"})
                rows["enrolments"].append(row | {"scheme": "pension"})
    return rows


def paper_payroll(firm: str) -> Rows:
    """For a year, tax is filed for ninety people where a handful work."""
    months = [date(2014 + month // 12, month % 12 + 1, 1) for month in range(5, 17)]
    filings = [
        {
            "enterprise": firm,
            "month": month,
            "employees": 90,
            "payroll": 45_000_000,
            "recorded_on": month + timedelta(days=40),
        }
        for month in months
    ]
    return {"tax_payroll": filings}


def bought_cover(firm: str) -> Rows:
    """Eight people are covered on one day, and two years are paid for them afterwards at once."""
    rows: Rows = {"enrolments": [], "contributions": []}
    for number in range(8):
        who = {"worker": f"B{firm}x{number}", "enterprise": firm, "scheme": "pension"}
        began = date(2015, 5, 1)
        rows["enrolments"].append(who | {"started": began, "ended": None, "recorded_on": began})
        for month in range(4, 28):
            paid = {
                "month": date(2013 + month // 12, month % 12 + 1, 1),
                "booked": began,
                "kind": "back",
                "base": 300_000,
                "due_unit": 60_000,
                "due_person": 24_000,
                "paid_unit": 60_000,
                "paid_person": 24_000,
                "paid_on": date(2015, 5, 20),
                "recorded_on": date(2015, 5, 21),
            }
            rows["contributions"].append(who | paid)
    return rows


SCHEMES: tuple[Callable[[str], Rows], ...] = (temporary_staff, paper_payroll, bought_cover)


def planted(city: Path, place: Path, firms: list[str]) -> Path:
    """Return a copy of a city in which the firms carry out the schemes, in turn."""
    shutil.copytree(city, place)
    rows: Rows = {}
    for number, firm in enumerate(firms):
        for table, more in SCHEMES[number % len(SCHEMES)](firm).items():
            rows.setdefault(table, []).extend(more)
    for table, added in rows.items():
        schema = pq.read_schema(files_in(place / table, "*.parquet")[0])
        numbered = [
            {**row, "row_id": AFTER_ALL + number, "retracted": 0}
            for number, row in enumerate(added)
        ]
        columns = [plain_or_coded(numbered, field) for field in schema]
        written = pa.Table.from_arrays(columns, schema=schema)
        pq.write_table(written, place / table / "part-99999.parquet")
    return place


def plain_or_coded(rows: list[dict[str, Any]], field: pa.Field) -> pa.Array:
    values = pa.array([row.get(field.name) for row in rows])
    if pa.types.is_dictionary(field.type):
        return values.cast(field.type.value_type).dictionary_encode().cast(field.type)
    return values.cast(field.type)


@pytest.fixture
def _loaded(city_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the home in which the city is loaded, since only what is planted is loaded anew."""
    monkeypatch.setenv("LSSI_HOME", str(city_home))


@pytest.fixture(scope="module")
def ordinary(city_2000: Path, city_home: Path) -> Matrix:
    """The features of a city in which nothing is planted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(city_home))
        return matrix(open_store(city_2000), "enterprise", day_of(DAY))


@pytest.mark.usefixtures("_loaded")
def test_planted_schemes_come_to_the_front(
    city_2000: Path, ordinary: Matrix, tmp_path: Path
) -> None:
    staff = ordinary.column("staff")
    of_ordinary_size = sorted(ordinary.keys[(staff >= 8) & (staff <= 30)].tolist())
    firms = np.random.default_rng(3).choice(of_ordinary_size, PLANTED, replace=False).tolist()
    store = open_store(planted(city_2000, tmp_path / "city", firms))
    features = matrix(store, "enterprise", day_of(DAY))
    top = len(features) // 20
    queue = novelty_queue(features, catalogue_of(store), top=top, seed=1)
    before = novelty_queue(ordinary, catalogue_of(store), top=top, seed=1)
    at_front = {line.unit for line in queue.lines} & set(firms)
    at_front_before = {line.unit for line in before.lines} & set(firms)
    # chance alone would bring one in twenty
    assert len(at_front) >= 10 > 4 >= len(at_front_before)


@pytest.mark.usefixtures("_loaded")
def test_size_alone_brings_nobody_to_the_front(ordinary: Matrix, city_2000: Path) -> None:
    catalogue = catalogue_of(open_store(city_2000))
    queue = novelty_queue(ordinary, catalogue, top=len(ordinary) // 20, seed=1)
    largest = np.nanquantile(ordinary.column("staff"), 0.9)
    staff = dict(zip(ordinary.keys.tolist(), ordinary.column("staff"), strict=True))
    large = sum(staff[line.unit] > largest for line in queue.lines)
    assert 0 < large < len(queue.lines) / 2


@pytest.mark.usefixtures("_loaded")
def test_the_order_of_rows_changes_nothing_and_the_seed_decides(
    ordinary: Matrix, city_2000: Path
) -> None:
    catalogue = catalogue_of(open_store(city_2000))
    some = ordinary.take(np.arange(300))
    turned = some.take(np.arange(300)[::-1])
    queue = novelty_queue(some, catalogue, top=20, seed=1)
    assert queue == novelty_queue(some, catalogue, top=20, seed=1)
    assert queue != novelty_queue(some, catalogue, top=20, seed=2)
    assert queue == novelty_queue(turned, catalogue, top=20, seed=1)


@pytest.mark.usefixtures("_loaded")
def test_too_few_units_are_refused(ordinary: Matrix, city_2000: Path) -> None:
    catalogue = catalogue_of(open_store(city_2000))
    few = ordinary.take(np.arange(LEAST_PEERS - 1))
    with pytest.raises(RequestError, match="at least 50 units; got 49"):
        novelty_queue(few, catalogue, top=5, seed=1)
    same = ordinary.take(np.zeros(80, np.int64))
    with pytest.raises(RequestError, match="no feature differs between the 80 units"):
        novelty_queue(same, catalogue, top=5, seed=1)


@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-3, 3)))
def test_rarity_keeps_the_order_and_ignores_the_unit(values: np.ndarray[Any, Any]) -> None:
    rarity = rarity_of(values)
    assert (rarity == rarity_of(values * 1000 + 7)).all()
    for column in range(2):
        order = np.argsort(values[:, column], kind="stable")
        assert (np.diff(rarity[order, column]) >= 0).all()


def test_a_missing_value_is_as_common_as_the_middle() -> None:
    values = np.array([[1.0], [2.0], [3.0], [np.nan]])
    assert rarity_of(values)[3, 0] == 0
    everybody = np.zeros(4, np.int64)
    assert np.isfinite(unusualness(values, everybody, seed=1)).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=50, max_size=400))
def test_each_group_has_enough_peers_of_like_size(sizes: list[int | None]) -> None:
    values = np.array([[np.nan if size is None else float(size)] for size in sizes])
    keys = np.array([f"e{number}" for number in range(len(sizes))])
    days = np.zeros(len(sizes), np.int32)
    group = groups_of_like_size(Matrix("enterprise", keys, days, ("staff",), values, {}))
    assert np.bincount(group).min() >= LEAST_PEERS
    # nobody is in a lower group than somebody smaller
    order = np.argsort(np.nan_to_num(values[:, 0], nan=-1.0), kind="stable")
    assert (np.diff(group[order]) >= 0).all()


@pytest.mark.usefixtures("_loaded")
def test_the_command_says_why_in_both_languages(say: Say, city_2000: Path, tmp_path: Path) -> None:
    words = ("novelty", city_2000, "--as-of", DAY, "--entity", "claim", "--top", "3")
    told = say(*words, "--json")
    assert told.code == 0, told
    assert [line["place"] for line in told.json["queue"]] == [1, 2, 3]
    assert all(line["zh"] and line["en"] for line in told.json["queue"])
    assert "不是评分" in told.json["note"]["zh"] and "no score" in told.json["note"]["en"]
    assert say(*words, "--out", tmp_path / "queue.csv").code == 0
    assert (tmp_path / "queue.csv").read_text("utf-8").count("\n") == 4
    assert "should end in .parquet or .csv" in say(*words, "--out", tmp_path / "queue.txt").line
    assert "at least 50 units; got 20" in say(*words[:-4], "--entity", "provider").line
