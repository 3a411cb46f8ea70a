"""A locked connection reads what it was given, writes nothing elsewhere, and stays locked."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from features.connection import (
    Connection,
    ConnectionLimits,
    DuckError,
    ForbiddenError,
    is_one_select,
    locked_connection,
    memory_limit,
    opened,
    quoted,
    why_failed,
)
from features.errors import RequestError


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.csv").write_text("x\n1\n", "utf-8")
    (tmp_path / "one.csv").write_text("x\n2\n", "utf-8")
    (tmp_path / "other.csv").write_text("x\n3\n", "utf-8")
    return locked_connection(
        [tmp_path / "inside", tmp_path / "one.csv"],
        limits=ConnectionLimits("300MB", 1, tmp_path / "spill"),
    )


def test_folders_and_files_that_were_given_can_be_read(
    connection: Connection, tmp_path: Path
) -> None:
    for place, value in ((tmp_path / "inside" / "a.csv", 1), (tmp_path / "one.csv", 2)):
        assert connection.sql(f"SELECT x FROM read_csv({quoted(place)})").fetchall() == [(value,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{here}/other.csv')",
        "SELECT * FROM read_text('{here}/inside/../other.csv')",
        "COPY (SELECT 1) TO '{here}/new.csv'",
        "ATTACH '{here}/new.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('https://localhost/a.csv')",
    ],
)
def test_nothing_else_can_be_read_written_or_loaded(
    connection: Connection, tmp_path: Path, query: str
) -> None:
    with pytest.raises(DuckError):
        connection.execute(query.format(here=tmp_path)).fetchall()
    assert not (tmp_path / "new.csv").exists() and not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    "setting",
    [
        "enable_external_access=true",
        "allowed_directories=['/']",
        "memory_limit='1TB'",
        "lock_configuration=false",
        "TimeZone='UTC'",
    ],
)
def test_no_setting_can_be_changed(connection: Connection, setting: str) -> None:
    with pytest.raises(DuckError):
        connection.execute(f"SET {setting}")


def test_a_refusal_is_told_apart_from_other_errors(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenError):
        connection.sql(f"SELECT * FROM read_csv({quoted(tmp_path / 'other.csv')})")


def test_work_larger_than_memory_spills_even_when_locked(connection: Connection) -> None:
    query = "SELECT count(*) FROM (SELECT md5(CAST(i AS VARCHAR)) AS h, i FROM range(3000000) t(i) ORDER BY h LIMIT 2500000)"
    assert connection.sql(query).fetchall() == [(2_500_000,)]


def test_a_query_sees_no_variable_of_ours() -> None:
    hidden = pa.table({"a": [1]})
    assert hidden.num_rows == 1
    with pytest.raises(DuckError, match="hidden does not exist"):
        opened().sql("SELECT * FROM hidden")


def test_one_select_is_told_from_everything_else() -> None:
    assert is_one_select("WITH a AS (SELECT 1) SELECT * FROM a") and is_one_select("FROM range(3)")
    assert not any(
        map(
            is_one_select,
            ("", "SELECT 1; SELECT 2", "COPY (SELECT 1) TO 'x'", "CREATE TABLE a (b INT)"),
        )
    )


GREEDY = "SELECT list(md5(CAST(i AS VARCHAR))) FROM range(3000000) t(i)"


def test_a_query_that_needs_more_memory_says_which_setting_allows_how_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LSSI_MEMORY", "60MB")
    with pytest.raises(DuckError) as caught:
        opened().sql(GREEDY).fetchall()
    reason = why_failed(caught.value)
    assert "60MB of memory that LSSI_MEMORY allows" in reason and "\n" not in reason


@pytest.mark.parametrize("size", ["lots", "0GB", "2", "2 GB; SET threads=9", "-1GB"])
def test_a_limit_of_memory_is_a_size_or_is_refused(
    monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("LSSI_MEMORY", size)
    with pytest.raises(RequestError, match="LSSI_MEMORY should be a size such as 500MB or 4GB"):
        opened()
    monkeypatch.setenv("LSSI_MEMORY", "")
    assert memory_limit() == "2GB"


def test_a_long_query_prints_no_bar_among_the_json_of_a_command(tmp_path: Path) -> None:
    for connection in (opened(), locked_connection([tmp_path])):
        [[shows_bar]] = connection.sql("SELECT current_setting('enable_progress_bar')").fetchall()
        assert shows_bar is False


def test_a_connection_opens_in_a_notebook_and_shows_no_bar_there() -> None:
    asked = (
        "from features.connection import opened\n"
        "opened().execute(\"SELECT current_setting('enable_progress_bar')\").fetchone()"
    )
    notebook = new_notebook(cells=[new_code_cell(asked)])
    NotebookClient(notebook).execute(cwd=str(Path(__file__).parents[1]))
    [output] = notebook.cells[0].outputs
    assert output["data"]["text/plain"] == "(False,)"
