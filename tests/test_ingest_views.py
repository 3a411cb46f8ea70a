"""A bare read in a view: a place on its path gives no value, and a folder's own name is no pattern."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import day_of
from features.errors import SourceError
from features.ingest.fingerprint import files_of
from features.ingest.source import find_source
from features.ingest.typed_sql import parquet_parts
from features.ingest.views import bare_paths, check_places
from features.store.opening import open_store

Write = Callable[..., Path]
ROW = "worker,died_on,row_id,recorded_on,retracted\nW1,2015-01-01,D1,2015-01-02,0\n"
FORMS = ("csv", "CSV", "tsv", "txt", "parquet", "json", "ndjson", "csv.gz", "json.zst")


@pytest.fixture
def viewed(write_source: Write, tmp_path: Path) -> Callable[[str, str], tuple[Path, Path]]:
    """`viewed(scan, name)`: a source whose deaths are a view of a scan, and its data in a folder of that name."""

    def write(scan: str, name: str) -> tuple[Path, Path]:
        folder, data = write_source({"deaths": []}), tmp_path / name
        (folder / "deaths.csv").unlink()
        (folder / "deaths.sql").write_text(f"SELECT * FROM {scan} ORDER BY row_id", "utf-8")
        data.mkdir(parents=True)
        (data / "a.csv").write_text(ROW, "utf-8")
        return folder, data

    return write


def workers(viewed: tuple[Path, Path]) -> list[str]:
    """Return the deceased of a source, as they are stored."""
    store = open_store(*viewed)
    texts = store.texts(store.column("deaths", "worker").space)
    return [texts[code] for code in store.live("deaths", day_of("2015-06-30"))["worker"]]


@pytest.mark.parametrize("pattern", ["*/v.csv", "20??/v.csv", "**/v.csv", "[2]*/*.csv"])
def test_a_pattern_in_any_part_of_a_path_is_seen_by_the_fingerprint(
    viewed: Callable[[str, str], tuple[Path, Path]], pattern: str
) -> None:
    scan = f"read_csv('${{DATA}}/{pattern}', all_varchar = true, auto_detect = true)"
    folder, data = viewed(scan, "data [1]")
    (data / "2014").mkdir()
    (data / "a.csv").rename(data / "2014" / "v.csv")
    assert workers((folder, data)) == ["W1"]
    (data / "2015").mkdir()
    (data / "2015" / "v.csv").write_text(ROW.replace("W1", "W2").replace("D1", "D2"), "utf-8")
    assert workers((folder, data)) == ["W1", "W2"]


def test_a_store_of_other_data_is_never_taken_where_the_data_are_missing(
    viewed: Callable[[str, str], tuple[Path, Path]], tmp_path: Path
) -> None:
    folder, data = viewed("read_csv('${DATA}/*.csv', all_varchar = true)", "data")
    assert workers((folder, data)) == ["W1"]
    (tmp_path / "empty").mkdir()
    for other in (tmp_path / "empty", tmp_path / "nowhere", data / "a.csv"):
        with pytest.raises(SourceError):
            open_store(folder, other)


@pytest.mark.parametrize("place", ["worker=W9/d", "a/section=C", "a=", "数据=1 [2]/x"])
@pytest.mark.parametrize(
    "scan",
    [
        "read_csv('${DATA}/a.csv', all_varchar = true)",
        "'${DATA}/a.csv'",
        "read_csv(['${DATA}/a.csv'], hive_partitioning = true)",
    ],
)
def test_a_bare_read_through_a_folder_that_gives_a_value_is_refused(
    viewed: Callable[[str, str], tuple[Path, Path]], scan: str, place: str
) -> None:
    with pytest.raises(SourceError) as caught:
        open_store(*viewed(scan, place))
    said = str(caught.value)
    assert (
        "\n" not in said
        and said.startswith("deaths.sql reads a file in the folder '")
        and "write csv(" in said
    )


@pytest.mark.parametrize(
    "place", ["worker=W9/d", "a/section=C", "数据=1 [2]/x", "s?", "[a]", "{a,b}", "*"]
)
def test_the_macro_reads_through_any_folder(
    viewed: Callable[[str, str], tuple[Path, Path]], place: str
) -> None:
    assert workers(viewed("csv('${DATA}/a.csv')", place)) == ["W1"]


@pytest.mark.parametrize("place", ["s?", "[s]1", "{s1,s2}", "s*"])
def test_the_name_of_a_folder_is_no_pattern_in_a_bare_read(
    viewed: Callable[[str, str], tuple[Path, Path]], tmp_path: Path, place: str
) -> None:
    folder, data = viewed("read_csv('${DATA}/a.csv', all_varchar = true)", place)
    neighbour = tmp_path / "s1"
    shutil.copytree(data, neighbour)
    (neighbour / "a.csv").write_text(ROW.replace("W1", "W2"), "utf-8")
    assert workers((folder, data)) == ["W1"]


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="/=\0"), min_size=1, max_size=12),
    st.sampled_from(FORMS),
)
def test_every_bare_path_is_seen_and_none_in_a_macro(name: str, form: str) -> None:
    path = f"/a/{name}/b.{form}".replace("'", "''")
    assert list(bare_paths(f"SELECT 1 FROM read_csv('{path}')")) == [path.replace("''", "'")]
    assert list(bare_paths(f"SELECT 1 FROM csv('{path}')")) == []
    check_places(f"SELECT 1 FROM read_csv('{path}')")
    with pytest.raises(SourceError, match="reads a file in the folder"):
        check_places(f"SELECT 1 FROM read_csv('/m=1{path}')")


def test_a_condition_with_a_path_in_a_comment_is_no_read() -> None:
    check_places("SELECT 1 -- '/a=1/b.csv'\nFROM csv('/a=1/b.csv') /* '/a=1/b.csv' */")


def test_a_folder_of_parts_holds_parts_only(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1]})
    frame.write_parquet(tmp_path / "b.parquet")
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".part.crc").touch()
    assert [path.name for path in parquet_parts(tmp_path)] == ["a.parquet", "b.parquet"]
    (tmp_path / "c.PARQUET").touch()
    with pytest.raises(SourceError, match=r"holds 'c[.]PARQUET', which is not read") as caught:
        parquet_parts(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_of_parts_without_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no [*][.]parquet"):
        parquet_parts(tmp_path)


@pytest.mark.parametrize("named", ["a b.csv", "a.csv", "*.csv", "一 表.csv"])
def test_a_file_that_a_view_names_counts_for_the_fingerprint(
    viewed: Callable[[str, str], tuple[Path, Path]], named: str
) -> None:
    folder, data = viewed(f"csv('${{DATA}}/{named}')", "数据 [1]")
    wanted = data / (named if "*" not in named else "a.csv")
    wanted.write_text(ROW, "utf-8")
    assert wanted in files_of(find_source(folder, data))
