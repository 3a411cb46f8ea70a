"""A load makes a whole store or none; the same files give the same store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import HistoryError, SourceError
from features.home import home
from features.ingest.fingerprint import fingerprint
from features.ingest.scan import files_below
from features.ingest.source import find_source
from features.store.load import load
from features.store.opening import open_store

Write = Callable[..., Path]
Row = dict[str, object]


def test_the_same_files_are_loaded_once_and_any_change_is_seen(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})
    seen: list[int] = []
    first = load(find_source(folder), lambda _table, rows: seen.append(rows))
    assert load(find_source(folder), lambda _table, rows: seen.append(rows)) == first and seen == [
        1
    ]
    with (folder / "deaths.csv").open("a", encoding="utf-8") as file:
        file.write("w2,2014-01-01,other,2014-02-01,0\n")
    second = load(find_source(folder), lambda _table, rows: seen.append(rows))
    assert second != first and seen == [1, 2]


def test_two_loads_give_the_same_bytes(write_source: Write) -> None:
    rows: list[Row] = [
        {
            "enterprise": f"e{number * 7 % 1000}",
            "month": "2014-01",
            "employees": number,
            "row_id": number,
        }
        for number in range(3000)
    ]
    source = find_source(write_source({"tax_payroll": rows}))
    first = load(source)
    before = {path.relative_to(first): path.read_bytes() for path in files_below(first)}
    shutil.rmtree(first)
    load(source)
    assert {path.relative_to(first): path.read_bytes() for path in files_below(first)} == before


def test_a_source_that_changes_while_it_is_read_leaves_no_store(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})

    def grow(_table: str, _rows: int) -> None:
        with (folder / "deaths.csv").open("a", encoding="utf-8") as file:
            file.write("w2,2014-01-01,other,2014-02-01,0\n")

    with pytest.raises(HistoryError, match="changed while it was read"):
        load(find_source(folder), grow)
    assert not list((home() / "stores").iterdir())


def test_a_declared_attribute_is_a_column_and_an_undeclared_one_is_refused(
    write_source: Write,
) -> None:
    row = {"enterprise": "e1", "since": "2010-01-01", "risk": "高", "score": 7}
    toml = "".join(
        f'[[attribute]]\ntable = "enterprises"\nname = "{name}"\ntype = "{kind}"\nzh = "x"\nen = "x"\n'
        for name, kind in (("risk", "category"), ("score", "integer"))
    )
    store = open_store(
        write_source({"enterprises": [row, row | {"enterprise": "e2", "score": "many"}]}, toml)
    )
    assert store.texts("attribute.enterprises.risk") == ["高"]
    assert store.all_rows("enterprises", ("risk", "score"))["score"].tolist() == [7]
    assert store.summary["tables"]["enterprises"]["refused"] == 1
    with pytest.raises(
        SourceError, match=r"not in the contract: risk, score; drop them or declare them"
    ):
        open_store(write_source({"enterprises": [row]}, "", "other"))


def test_a_broken_table_is_found_before_any_table_is_read(write_source: Write) -> None:
    folder = write_source(
        {"complaints": [{"complaint": "k", "lodged": "2014-01-01"}], "deaths": []}
    )
    (folder / "deaths.csv").write_text("died_on\n1\n", "utf-8")
    seen: list[str] = []
    with pytest.raises(SourceError, match=r"'deaths' lacks column worker"):
        load(find_source(folder), lambda table, _rows: seen.append(table))
    assert seen == []


def test_what_lies_in_a_folder_that_is_no_table_is_not_part_of_the_source(
    write_source: Write,
) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})
    before = fingerprint(find_source(folder))
    (folder / "truth").mkdir()
    (folder / "truth" / "all.csv").write_text("worker\nw1\n", "utf-8")
    assert fingerprint(find_source(folder)) == before
