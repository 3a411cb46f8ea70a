"""What a table may be read from, and how its raw values become typed ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.calendar import day_of
from features.errors import LssiError
from features.home import home
from features.store.opening import open_store
from features.store.store import NULL

Write = Callable[..., Path]
Row = dict[str, object]
DEATH = (
    "SELECT 'w1' AS worker, DATE '2014-01-01' AS died_on, 1 AS row_id, DATE '2014-02-01' AS recorded_on, "
    "0 AS retracted"
)


def with_view(folder: Path, table: str, query: str) -> Path:
    (folder / f"{table}.csv").unlink(missing_ok=True)
    (folder / f"{table}.sql").write_text(query, "utf-8")
    return folder


def refusal(folder: Path, data: Path | None = None) -> str:
    with pytest.raises(LssiError) as caught:
        open_store(folder, data)
    assert "\n" not in str(caught.value) and str(caught.value)
    assert not list((home() / "stores").iterdir()), "a failed load left something"
    return str(caught.value)


def test_a_view_reads_its_data(write_source: Write, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "d.csv").write_text("who,day\nw1,2014-01-01\nw2,2014-01-02\n", "utf-8")
    folder = with_view(
        write_source({"deaths": []}),
        "deaths",
        "SELECT who AS worker, day AS died_on, "
        "row_number() OVER () AS row_id, day + 3 AS recorded_on, 0 AS retracted FROM '${DATA}/d.csv';",
    )
    store = open_store(folder, tmp_path / "data")
    assert store.all_rows("deaths", ("died_on", "known", "row_id"))["known"].tolist() == [
        16074,
        16075,
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{outside}/secret.csv')",
        "SELECT * FROM '${{DATA}}/../outside/secret.csv'",
        "SELECT content FROM read_text('{outside}/secret.csv')",
    ],
)
def test_a_view_that_reads_outside_its_data_is_refused(
    write_source: Write, tmp_path: Path, query: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.csv").write_text("worker\nw1\n", "utf-8")
    folder = with_view(
        write_source({"deaths": []}), "deaths", query.format(outside=tmp_path / "outside")
    )
    assert "deaths.sql reads outside the data of its source" in refusal(folder, tmp_path / "data")


def test_a_link_that_leads_outside_the_data_is_refused(write_source: Write, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.csv").write_text("worker\nw1\n", "utf-8")
    (tmp_path / "data" / "inside.csv").symlink_to(tmp_path / "secret.csv")
    folder = with_view(write_source({"deaths": []}), "deaths", "SELECT * FROM '${DATA}/inside.csv'")
    assert "reads outside the data" in refusal(folder, tmp_path / "data")


def test_a_view_may_read_a_list_beside_its_declaration_but_no_folder_there(
    write_source: Write,
) -> None:
    folder = write_source({"deaths": []})
    (folder / "codes.csv").write_text("worker\nw1\n", "utf-8")
    (folder / "truth").mkdir()
    (folder / "truth" / "codes.csv").write_text("worker\nw1\n", "utf-8")
    query = "SELECT worker, DATE '2014-01-01' AS died_on, 1 AS row_id, DATE '2014-02-01' AS recorded_on, 0 AS retracted FROM "
    with_view(folder, "deaths", query + "'${SOURCE}/truth/codes.csv'")
    assert "reads outside the data" in refusal(folder)
    with_view(folder, "deaths", query + "'${SOURCE}/codes.csv'")
    assert open_store(folder).texts("worker") == ["w1"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; COPY (SELECT 1) TO '${DATA}/written.csv'",
        "COPY (SELECT 1) TO '${DATA}/written.csv'",
        "SET memory_limit = '1TB'",
        "ATTACH '${DATA}/new.db'",
        "SELECT 1) AS a; COPY (SELECT 1) TO '${DATA}/written.csv'; SELECT * FROM (SELECT 1",
    ],
)
def test_a_view_can_only_select(write_source: Write, tmp_path: Path, query: str) -> None:
    (tmp_path / "data").mkdir()
    assert refusal(
        with_view(write_source({"deaths": []}), "deaths", query), tmp_path / "data"
    ).startswith("deaths.sql")
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELEKT 1", "deaths.sql: Parser Error"),
        ("SELECT * FROM nowhere", "deaths.sql: Catalog Error"),
        ("SELECT * FROM '${DATA}/missing.parquet'", "deaths.sql: IO Error"),
        (DEATH.replace("'w1'", "CAST('x' AS INTEGER)"), "deaths.sql: Conversion Error"),
        ("", "deaths.sql should be one SELECT and nothing else"),
        (DEATH.replace(" AS died_on", " AS dead"), "table 'deaths' lacks column died_on"),
        (DEATH.replace("1 AS row_id, ", ""), "table 'deaths' lacks column row_id"),
        (
            DEATH + ", 'Li' AS name, 1 AS truth",
            "table 'deaths' has columns that are not in the contract: name, truth",
        ),
    ],
)
def test_a_broken_table_stops_with_one_line(
    write_source: Write, tmp_path: Path, query: str, says: str
) -> None:
    assert says in refusal(with_view(write_source({"deaths": []}), "deaths", query), tmp_path)


def test_a_damaged_parquet_file_stops_with_one_line(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").unlink()
    (folder / "deaths.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert "deaths.parquet:" in refusal(folder)


def test_text_that_is_not_utf8_stops_with_one_line(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    text = "worker,died_on,row_id,recorded_on,retracted\n张三,2014-01-01,1,2014-02-01,0\n"
    (folder / "deaths.csv").write_bytes(text.encode("gb18030"))
    assert refusal(folder).startswith("deaths.csv: ")


def test_a_byte_order_mark_and_windows_line_ends_are_read(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").write_bytes(
        b"\xef\xbb\xbfworker,died_on,row_id,recorded_on,retracted\r\nw1,2014-01-01,1,2014-02-01,0\r\n"
    )
    assert open_store(folder).texts("worker") == ["w1"]


def test_a_folder_of_parts_is_one_table_and_gaps_in_pandas_columns_are_empty(
    write_source: Write,
) -> None:
    folder = write_source({"tax_payroll": []})
    (folder / "tax_payroll.csv").unlink()
    (folder / "tax_payroll").mkdir()
    for part, gap in ((1, 7.0), (2, np.nan)):
        pd.DataFrame(
            {
                "enterprise": [part],
                "month": [201405],
                "employees": [3],
                "payroll": [gap],
                "row_id": [part],
                "recorded_on": pd.to_datetime(["2014-06-01 23:59"]),
                "retracted": [False],
            }
        ).to_parquet(folder / "tax_payroll" / f"part-{part}.parquet")
    rows = open_store(folder).all_rows("tax_payroll")
    assert rows["payroll"].tolist() == [7, NULL] and rows["month"].tolist() == [2014 * 12 + 4] * 2
    assert rows["known"].tolist() == [day_of("2014-06-01")] * 2 and rows["row_id"].tolist() == [
        "1",
        "2",
    ]


def test_half_numbers_are_refused_not_rounded(write_source: Write) -> None:
    folder = write_source({"tax_payroll": []})
    (folder / "tax_payroll.csv").unlink()
    pd.DataFrame(
        {
            "enterprise": [1.0, 2.5],
            "month": ["2014-05"] * 2,
            "employees": [2.5, 3.0],
            "payroll": [1, 1],
            "row_id": [1, 2],
            "recorded_on": ["2014-06-01"] * 2,
            "retracted": [0, 0],
        }
    ).to_parquet(folder / "tax_payroll.parquet")
    why = open_store(folder).summary["tables"]["tax_payroll"]["reasons"]
    assert why == [
        {"reason": "employees should be a whole number of persons", "rows": 1, "first": 1},
        {"reason": "enterprise should be an identifier", "rows": 1, "first": 2},
    ]


def test_a_day_that_no_calendar_holds_is_refused_and_told_as_its_number(
    write_source: Write,
) -> None:
    query = DEATH.replace("DATE '2014-01-01'", "make_date(300000, 1, 1)").replace(
        "DATE '2014-02-01'", "'infinity'::DATE"
    )
    store = open_store(with_view(write_source({"deaths": []}), "deaths", query))
    assert store.summary["tables"]["deaths"]["refused"] == 1
    assert "day 1" in (store.folder / "refused" / "deaths.csv").read_text("utf-8")
