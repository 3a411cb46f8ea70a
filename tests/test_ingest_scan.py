"""Scans take files by name: no folder is a pattern, and none gives a value."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.connection import Connection, opened
from features.errors import SourceError
from features.ingest.csv_file import csv_file
from features.ingest.dialect import StatedDialect
from features.ingest.scan import (
    file_sql,
    files_below,
    files_in,
    parquet_sql,
    read_csv,
    read_parquet,
    read_table,
    scan_parquet,
)


def csv_sql(path: Path) -> str:
    return csv_file(path, path.parent / "copies", StatedDialect()).rows_sql()


NAMES = st.text(alphabet="[]?*!-{}%#&='\"~$ ab1数源", min_size=1, max_size=6)
NEIGHBOURS = ("1", "a", "ab", "s1", "!", "-", "数")
"""Folders that a name taken for a pattern would find instead of the one it names."""


def written(folder: Path, said: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"month": [said]}).write_parquet(folder / "rows.parquet")
    pl.DataFrame({"month": [said]}).write_csv(folder / "rows.csv")
    return folder / "rows.parquet"


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the neighbours; each name that is tried stays there and is a neighbour of the next."""
    place = tmp_path_factory.mktemp("scan")
    for neighbour in NEIGHBOURS:
        written(place / neighbour, "another")
    return place


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """One connection for all names, since to open one takes longer than to read a file."""
    with opened() as open_connection:
        yield open_connection


NUMBERS = count()


@settings(max_examples=120, deadline=None)
@given(name=NAMES)
def test_a_file_is_the_one_that_is_named_whatever_its_folders_are_called(
    beside: Path, connection: Connection, name: str
) -> None:
    this = f"this, number {next(NUMBERS)}"
    file = written(beside / name, this)
    table = file.with_suffix(".csv")
    for relation in (
        parquet_sql(file),
        parquet_sql([file], "union_by_name=true"),
        f"({csv_sql(table)})",
    ):
        assert connection.sql(f"SELECT month FROM {relation}").fetchall() == [(this,)]
    frames = [
        read_parquet(file),
        scan_parquet([file]).collect(),
        read_csv(table),
        pl.DataFrame(read_table(file)),
    ]
    assert all(frame.rows() == [(this,)] for frame in frames)


@pytest.mark.parametrize("name", ["month=201506", "month=2/section=C", "a=b=c"])
def test_a_folder_gives_no_value(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name, "as the file says")
    with opened() as connection:
        rows = connection.sql(f"SELECT * FROM {parquet_sql(file)}")
        assert rows.columns == ["month"] and rows.fetchall() == [("as the file says",)]
        assert connection.sql(csv_sql(file.with_suffix(".csv"))).columns == ["month"]
    assert read_parquet(file).columns == read_table(file).column_names == ["month"]


def test_files_come_by_name_in_order_and_a_folder_called_like_a_file_is_none(
    tmp_path: Path,
) -> None:
    for name in ("b.parquet", "a.parquet", "a.csv", "deep/c.parquet", "d.parquet/e.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in files_in(tmp_path, "*.parquet")] == ["a.parquet", "b.parquet"]
    assert [path.name for path in files_below(tmp_path, "*.parquet")] == [
        f"{name}.parquet" for name in "abec"
    ]
    assert files_in(tmp_path / "nowhere") == []


def test_a_folder_that_another_run_removes_meanwhile_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "stays").write_text("x", "utf-8")
    is_over = Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for number in range(20):
                (tmp_path / f"u{number}" / "inner").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"u{number}")

    other = Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(300):
            assert files_below(tmp_path) == [tmp_path / "stays"]
    finally:
        is_over.set()
        other.join()


def test_a_scan_of_no_file_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="needs at least one file and was given none"):
        parquet_sql([])


def test_a_path_that_duckdb_cannot_name_is_refused_in_one_line() -> None:
    with pytest.raises(SourceError, match="holds a backslash and one of"):
        file_sql(Path("back\\slash/h[1]/x.parquet"))
    assert file_sql(Path("back\\slash/x.parquet")) == "'back\\slash/x.parquet'"
