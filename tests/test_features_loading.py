"""A load makes a whole store or none; views are locked; the same files give the same store."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.checking import check, lines_of
from features.days import day_of
from features.errors import HistoryError, LssiError, SourceError
from features.fingerprint import fingerprint
from features.loading import home, load
from features.source import find_source
from features.store import NULL, open_store

Write = Callable[..., Path]
Row = dict[str, object]
DEATH = ("SELECT 'w1' AS worker, DATE '2014-01-01' AS died_on, 1 AS row_id, DATE '2014-02-01' AS recorded_on, "
         "0 AS retracted")


def with_view(folder: Path, table: str, query: str) -> Path:
    (folder / f"{table}.csv").unlink(missing_ok=True)
    (folder / f"{table}.sql").write_text(query, "utf-8")
    return folder


def refusal(folder: Path, data: Path | None = None) -> str:
    with pytest.raises(LssiError) as caught:
        open_store(folder, data)
    assert "\n" not in str(caught.value) and str(caught.value)
    assert not list((home() / "stores").glob("*")), "a failed load left something"
    return str(caught.value)


def reasons(folder: Path, table: str) -> list[tuple[str, str]]:
    place = open_store(folder).folder / "refused" / f"{table}.csv"
    return [(row["row"], row["reason"]) for row in csv.DictReader(place.read_text("utf-8").splitlines())]


def test_a_view_reads_its_data(write_source: Write, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "d.csv").write_text("who,day\nw1,2014-01-01\nw2,2014-01-02\n", "utf-8")
    folder = with_view(write_source({"deaths": []}), "deaths", "SELECT who AS worker, day AS died_on, "
                       "row_number() OVER () AS row_id, day + 3 AS recorded_on, 0 AS retracted FROM '${DATA}/d.csv';")
    store = open_store(folder, tmp_path / "data")
    assert store.all_rows("deaths", ("died_on", "known", "row_id"))["known"].tolist() == [16074, 16075]


@pytest.mark.parametrize("query", [
    "SELECT * FROM read_csv('{outside}/secret.csv')",
    "SELECT * FROM '${{DATA}}/../outside/secret.csv'",
    "SELECT content FROM read_text('{outside}/secret.csv')",
])
def test_a_view_that_reads_outside_its_data_is_refused(write_source: Write, tmp_path: Path, query: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.csv").write_text("worker\nw1\n", "utf-8")
    folder = with_view(write_source({"deaths": []}), "deaths", query.format(outside=tmp_path / "outside"))
    assert "deaths.sql reads outside the data of its source" in refusal(folder, tmp_path / "data")


@pytest.mark.parametrize("query", [
    "SELECT 1; COPY (SELECT 1) TO '${DATA}/written.csv'",
    "COPY (SELECT 1) TO '${DATA}/written.csv'",
    "SET memory_limit = '1TB'",
    "ATTACH '${DATA}/new.db'",
    "SELECT 1) AS a; COPY (SELECT 1) TO '${DATA}/written.csv'; SELECT * FROM (SELECT 1",
])
def test_a_view_can_only_select(write_source: Write, tmp_path: Path, query: str) -> None:
    (tmp_path / "data").mkdir()
    assert refusal(with_view(write_source({"deaths": []}), "deaths", query), tmp_path / "data").startswith("deaths.sql")
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize(("query", "says"), [
    ("SELEKT 1", "deaths.sql: Parser Error"),
    ("SELECT * FROM nowhere", "deaths.sql: Catalog Error"),
    ("SELECT * FROM '${DATA}/missing.parquet'", "deaths.sql: IO Error"),
    (DEATH.replace("'w1'", "CAST('x' AS INTEGER)"), "deaths.sql: Conversion Error"),
    ("", "deaths.sql should be one SELECT and nothing else"),
    (DEATH.replace(" AS died_on", " AS dead"), "table 'deaths' lacks column died_on"),
    (DEATH.replace("1 AS row_id, ", ""), "table 'deaths' lacks column row_id"),
    (DEATH + ", 'Li' AS name, 1 AS truth", "table 'deaths' has columns that are not in the contract: name, truth"),
])
def test_a_broken_table_stops_with_one_line(write_source: Write, tmp_path: Path, query: str, says: str) -> None:
    assert says in refusal(with_view(write_source({"deaths": []}), "deaths", query), tmp_path)


def test_a_damaged_parquet_file_stops_with_one_line(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").unlink()
    (folder / "deaths.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert "deaths.parquet:" in refusal(folder)


def test_a_folder_of_parts_is_one_table_and_gaps_in_pandas_columns_are_empty(write_source: Write) -> None:
    folder = write_source({"tax_payroll": []})
    (folder / "tax_payroll.csv").unlink()
    (folder / "tax_payroll").mkdir()
    for part, gap in ((1, 7.0), (2, np.nan)):
        pd.DataFrame({"enterprise": [part], "month": [201405], "employees": [3], "payroll": [gap], "row_id": [part],
                      "recorded_on": pd.to_datetime(["2014-06-01 23:59"]), "retracted": [False]}
                     ).to_parquet(folder / "tax_payroll" / f"part-{part}.parquet")
    rows = open_store(folder).all_rows("tax_payroll")
    assert rows["payroll"].tolist() == [7, NULL] and rows["month"].tolist() == [2014 * 12 + 4] * 2
    assert rows["known"].tolist() == [day_of("2014-06-01")] * 2 and rows["row_id"].tolist() == ["1", "2"]


def test_half_numbers_are_refused_not_rounded(write_source: Write) -> None:
    folder = write_source({"tax_payroll": []})
    (folder / "tax_payroll.csv").unlink()
    pd.DataFrame({"enterprise": [1.0, 2.5], "month": ["2014-05"] * 2, "employees": [2.5, 3.0], "payroll": [1, 1],
                  "row_id": [1, 2], "recorded_on": ["2014-06-01"] * 2, "retracted": [0, 0]}
                 ).to_parquet(folder / "tax_payroll.parquet")
    assert reasons(folder, "tax_payroll") == [("1", "employees should be a whole number of persons"),
                                              ("2", "enterprise should be an identifier")]


def test_a_row_id_that_is_there_twice_keeps_its_first_row(write_source: Write) -> None:
    rows: list[Row] = [{"worker": f"w{number}", "died_on": "2014-01-01", "row_id": row_id}
                       for number, row_id in enumerate(("b", "a", "b", "c", "b"), 1)]
    folder = write_source({"deaths": rows})
    assert reasons(folder, "deaths") == [("3", "row_id is there twice; the first row was kept"),
                                         ("5", "row_id is there twice; the first row was kept")]
    assert sorted(open_store(folder).all_rows("deaths", ("row_id",))["row_id"]) == ["a", "b", "c"]


def version(staff: int, day: str, row_id: object, retracted: int = 0) -> Row:
    return {"enterprise": "e1", "month": "2014-01", "employees": staff, "recorded_on": day, "row_id": row_id,
            "retracted": retracted}


def signed(folder: Path) -> list[tuple[int, int, int]]:
    rows = open_store(folder).all_rows("tax_payroll", ("employees", "known", "sign"))
    return [tuple(map(int, row)) for row in zip(*rows.values(), strict=True)]  # type: ignore[misc]


def test_a_correction_takes_back_what_it_corrects_on_its_day(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [version(5, "2014-02-02", "b"), version(3, "2014-02-01", "a")]})
    first = day_of("2014-02-01")
    assert signed(folder) == [(3, first, 1), (3, first + 1, -1), (5, first + 1, 1)]


def test_a_correction_on_the_same_day_leaves_nothing_of_the_earlier_row(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [version(5, "2014-02-01", 10), version(3, "2014-02-01", 9)]})
    assert signed(folder) == [(5, day_of("2014-02-01"), 1)]


def test_a_refused_correction_supersedes_nothing(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [version(3, "2014-02-01", "a"), version(-1, "2014-02-02", "b")]})
    assert signed(folder) == [(3, day_of("2014-02-01"), 1)]


def test_a_retraction_takes_back_and_a_later_row_revives(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [version(3, "2014-02-01", "a"), version(3, "2014-02-03", "b", 1),
                                           version(3, "2014-02-04", "c", 1), version(4, "2014-02-05", "d")]})
    first = day_of("2014-02-01")
    assert signed(folder) == [(3, first, 1), (3, first + 2, -1), (4, first + 4, 1)]


def test_a_retraction_of_a_key_never_seen_is_refused_by_name(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [version(3, "2014-02-01", "a", 1), version(4, "2014-02-05", "b")]})
    assert reasons(folder, "tax_payroll") == [("1", "retracts a key that was never recorded before")]
    assert signed(folder) == [(4, day_of("2014-02-05"), 1)]


def test_a_correction_that_moves_a_row_to_another_enterprise_leaves_the_first(write_source: Write) -> None:
    folder = write_source({"complaints": [
        {"complaint": "k", "enterprise": "e1", "lodged": "2014-01-01", "recorded_on": "2014-01-02"},
        {"complaint": "k", "enterprise": "e2", "lodged": "2014-01-01", "recorded_on": "2014-01-05"}]})
    rows = open_store(folder).all_rows("complaints", ("enterprise", "known", "sign"))
    assert [*zip(*rows.values(), strict=True)] == [(0, 16072, 1), (0, 16075, -1), (1, 16075, 1)]


def test_the_same_files_are_loaded_once_and_any_change_is_seen(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})
    seen: list[int] = []
    first = load(find_source(folder), lambda _table, rows: seen.append(rows))
    assert load(find_source(folder), lambda _table, rows: seen.append(rows)) == first and seen == [1]
    with (folder / "deaths.csv").open("a", encoding="utf-8") as file:
        file.write("w2,2014-01-01,other,2014-02-01,0\n")
    second = load(find_source(folder), lambda _table, rows: seen.append(rows))
    assert second != first and seen == [1, 2]


def test_two_loads_give_the_same_bytes(write_source: Write) -> None:
    rows: list[Row] = [version(number, "2014-02-01", number) | {"enterprise": f"e{number * 7 % 1000}"}
                       for number in range(3000)]
    source = find_source(write_source({"tax_payroll": rows}))
    first = load(source)
    before = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    shutil.rmtree(first)
    load(source)
    assert {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


def test_a_source_that_changes_while_it_is_read_leaves_no_store(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})

    def grow(_table: str, _rows: int) -> None:
        with (folder / "deaths.csv").open("a", encoding="utf-8") as file:
            file.write("w2,2014-01-01,other,2014-02-01,0\n")

    with pytest.raises(HistoryError, match="changed while it was read"):
        load(find_source(folder), grow)
    assert not list((home() / "stores").glob("*"))


def test_a_declared_attribute_is_a_column_and_an_undeclared_one_is_refused(write_source: Write) -> None:
    row = {"enterprise": "e1", "since": "2010-01-01", "risk": "高", "score": 7}
    toml = "".join(f'[[attribute]]\ntable = "enterprises"\nname = "{name}"\ntype = "{kind}"\nzh = "x"\nen = "x"\n'
                   for name, kind in (("risk", "category"), ("score", "integer")))
    store = open_store(write_source({"enterprises": [row, row | {"enterprise": "e2", "score": "many"}]}, toml))
    assert store.texts("attribute.enterprises.risk") == ["高"]
    assert store.all_rows("enterprises", ("risk", "score"))["score"].tolist() == [7]
    assert store.summary["tables"]["enterprises"]["refused"] == 1
    with pytest.raises(SourceError, match=r"not in the contract: risk, score; drop them or declare them"):
        open_store(write_source({"enterprises": [row]}, "", "other"))


def test_a_check_names_counts_reasons_absences_and_assumptions(write_source: Write) -> None:
    rows: list[Row] = [{"worker": "w1", "died_on": "2014-01-01"}, {"worker": "", "died_on": "2014-01-01"}]
    found = check(write_source({"deaths": rows}, "[assumed_delays]\ndeaths = 3\n"))
    assert (found["accepted"], found["refused"]) == (1, 1)
    assert "claims" in found["absent"] and "plans" not in found["absent"]
    assert found["tables"]["deaths"]["reasons"] == [{"reason": "worker is missing", "rows": 1, "first": 2}]
    assert found["assumed_delays"] == {"deaths": 3} and (Path(found["refused_rows"]) / "deaths.csv").exists()
    text = "\n".join(lines_of(found))
    assert "1 x worker is missing (first: row 2)" in text
    assert "deaths is taken as recorded 3 days after the event" in text


def test_a_link_that_leads_outside_the_data_is_refused(write_source: Write, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.csv").write_text("worker\nw1\n", "utf-8")
    (tmp_path / "data" / "inside.csv").symlink_to(tmp_path / "secret.csv")
    folder = with_view(write_source({"deaths": []}), "deaths", "SELECT * FROM '${DATA}/inside.csv'")
    assert "reads outside the data" in refusal(folder, tmp_path / "data")


def test_text_that_is_not_utf8_stops_with_one_line(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    text = "worker,died_on,row_id,recorded_on,retracted\n张三,2014-01-01,1,2014-02-01,0\n"
    (folder / "deaths.csv").write_bytes(text.encode("gb18030"))
    assert refusal(folder).startswith("deaths.csv: ")


def test_a_byte_order_mark_and_windows_line_ends_are_read(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").write_bytes(
        b"\xef\xbb\xbfworker,died_on,row_id,recorded_on,retracted\r\nw1,2014-01-01,1,2014-02-01,0\r\n")
    assert open_store(folder).texts("worker") == ["w1"]


def test_a_broken_table_is_found_before_any_table_is_read(write_source: Write) -> None:
    folder = write_source({"complaints": [{"complaint": "k", "lodged": "2014-01-01"}], "deaths": []})
    with_view(folder, "deaths", "SELECT 1 AS x")
    seen: list[str] = []
    with pytest.raises(SourceError, match="'deaths' lacks column worker"):
        load(find_source(folder), lambda table, _rows: seen.append(table))
    assert seen == []


def test_a_view_may_read_a_list_beside_its_declaration_but_no_folder_there(write_source: Write) -> None:
    folder = write_source({"deaths": []})
    (folder / "codes.csv").write_text("worker\nw1\n", "utf-8")
    (folder / "truth").mkdir()
    (folder / "truth" / "codes.csv").write_text("worker\nw1\n", "utf-8")
    query = "SELECT worker, DATE '2014-01-01' AS died_on, 1 AS row_id, DATE '2014-02-01' AS recorded_on, 0 AS retracted FROM "
    with_view(folder, "deaths", query + "'${SOURCE}/truth/codes.csv'")
    assert "reads outside the data" in refusal(folder)
    with_view(folder, "deaths", query + "'${SOURCE}/codes.csv'")
    assert open_store(folder).texts("worker") == ["w1"]


def test_what_lies_in_a_folder_that_is_no_table_is_not_part_of_the_source(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})
    before = fingerprint(find_source(folder))
    (folder / "truth").mkdir()
    (folder / "truth" / "all.csv").write_text("worker\nw1\n", "utf-8")
    assert fingerprint(find_source(folder)) == before
