"""Parquet parts of one table: every value is what its own file holds, whatever types the first file has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.connection import Connection, opened
from features.errors import SourceError
from features.ingest.scan import UNION, alike_parquet_sql
from features.store.opening import open_store

Write = Callable[..., Path]
COLUMNS = {"died_on": "2015-01-01", "recorded_on": "2015-02-01", "retracted": 0}
VALUES: list[pa.Array] = [
    pa.array([None, None]),
    pa.array([1, None], pa.int8()),
    pa.array([2**31 - 1, -(2**31)], pa.int32()),
    pa.array([2**53 + 1, -(2**63)], pa.int64()),
    pa.array([2**64 - 1, 0], pa.uint64()),
    pa.array([3.5, 12.0], pa.float32()),
    pa.array([1e300, 0.1], pa.float64()),
    pa.array(["007", "4.0"]),
    pa.array(["1e3", None]).dictionary_encode(),
    pa.array([b"\xff", b"2"]),
    pa.array([True, None]),
    pa.array([1, 2]).cast(pa.decimal128(21, 2)),
    pa.array([3, 4]).cast(pa.decimal128(30, 2)),
    pa.array([0, 16_000], pa.date32()),
    pa.array([0, 10**15 + 1], pa.timestamp("us")),
    pa.array([0, 10**15], pa.timestamp("us", "UTC")),
    pa.array([0, 10**18 + 1], pa.timestamp("ns")),
]
"""Columns of every type that a Parquet file may have, each with values that another type does not hold."""


@pytest.fixture(scope="module")
def connection() -> Any:
    with opened() as open_connection:
        open_connection.execute("SET TimeZone='UTC'")
        yield open_connection


def convertible(parts: list[pa.Array]) -> bool:
    """Tell whether one type holds the values of all parts exactly, said apart from the product by Arrow's own types."""
    types = {values.type for values in parts if not pa.types.is_null(values.type)}
    # A dictionary is a way to write texts, no type of its own in Parquet.
    plain = {kind.value_type if pa.types.is_dictionary(kind) else kind for kind in types}
    whole = all(map(pa.types.is_integer, plain))
    return whole or len(plain) == 1 or all(map(pa.types.is_decimal, plain))


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(st.sampled_from(VALUES), min_size=2, max_size=4), union=st.booleans())
def test_parts_are_refused_or_read_to_the_values_that_each_holds(
    tmp_path_factory: pytest.TempPathFactory,
    connection: Connection,
    parts: list[pa.Array],
    union: bool,
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    files = [folder / f"{number}.parquet" for number in range(len(parts))]
    for file, values in zip(files, parts, strict=True):
        pq.write_table(pa.table({"x": values}), file)
    if not convertible(parts):
        with pytest.raises(
            SourceError, match=r"^column x is .* in \d[.]parquet and .* in \d[.]parquet"
        ):
            alike_parquet_sql(files, *[UNION] * union)
        return
    sql = alike_parquet_sql(files, *[UNION] * union)
    held = [value for values in parts for value in values.to_pylist()]
    read = connection.sql(f"SELECT x FROM {sql}").to_arrow_table().column("x").to_pylist()
    assert read == held
    # An integer of 128 bits comes back as a decimal without places; a text, float or flag stays one.
    kinds = (str, bytes, float, bool)
    assert [isinstance(value, kinds) for value in read] == [
        isinstance(value, kinds) for value in held
    ]


def parts_of(write_source: Write, parts: list[dict[str, Any]]) -> Path:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").unlink()
    (folder / "deaths").mkdir(exist_ok=True)
    for letter, part in zip("abcdef", parts, strict=False):
        size = len(part["worker"])
        common = {name: [value] * size for name, value in COLUMNS.items()}
        pq.write_table(pa.table(common | part), folder / "deaths" / f"{letter}.parquet")
    return folder


def refusal(folder: Path, data: Path | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        open_store(folder, data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_part_of_another_type_is_refused_by_both_names_and_types(write_source: Write) -> None:
    texts = {"row_id": ["03", "4.0"], "worker": ["007", "12.4"]}
    for values in ([10, 11], [10.0, 11.0]):
        folder = parts_of(write_source, [{"row_id": ["1", "2"], "worker": values}, texts])
        assert "column worker is VARCHAR in b.parquet and " in refusal(folder)


def test_a_part_with_or_without_a_column_is_refused_by_both_names(write_source: Write) -> None:
    plain: dict[str, Any] = {"row_id": ["1"], "worker": ["w1"]}
    noted: dict[str, Any] = {"row_id": ["2"], "worker": ["w2"], "note": ["x"], "more": ["y"]}
    for parts, says in (
        ([plain, noted], "deaths: a.parquet lacks column note, more, which b.parquet has"),
        ([noted, plain], "deaths: b.parquet lacks column note, more, which a.parquet has"),
    ):
        assert refusal(parts_of(write_source, parts)).startswith(says)


def test_parts_whose_integers_differ_in_width_or_that_hold_no_value_are_one_table(
    write_source: Write,
) -> None:
    parts: list[dict[str, Any]] = [
        {"row_id": pa.array([1], pa.int8()), "worker": pa.array([2**40])},
        {"row_id": pa.array([2**40]), "worker": pa.array([7], pa.uint32())},
        {"row_id": pa.array([3], pa.int32()), "worker": pa.array([8])},
    ]
    store = open_store(parts_of(write_source, parts))
    assert store.texts("worker") == [str(2**40), "7", "8"]
    assert store.all_rows("deaths", ("row_id",))["row_id"].tolist() == ["1", str(2**40), "3"]


def test_a_part_that_is_broken_or_leads_outside_is_named(
    write_source: Write, tmp_path: Path
) -> None:
    part: dict[str, Any] = {"row_id": ["1"], "worker": ["w1"]}
    folder = parts_of(write_source, [part, part])
    (folder / "deaths" / "b.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert refusal(folder).startswith("deaths: b.parquet is no whole Parquet file")
    (folder / "deaths" / "b.parquet").unlink()
    pq.write_table(pa.table({"secret": [1]}), tmp_path / "outside.parquet")
    (folder / "deaths" / "b.parquet").symlink_to(tmp_path / "outside.parquet")
    said = refusal(folder)
    assert "reads outside the data of its source" in said and "secret" not in said


@pytest.fixture
def viewed(write_source: Write, tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """`viewed(scan)`: a source whose deaths are a view of a scan, and its data folder."""

    def write(scan: str) -> tuple[Path, Path]:
        folder, data = write_source({"deaths": []}), tmp_path / "data"
        (folder / "deaths.csv").unlink()
        columns = "worker, died_on, worker AS row_id, recorded_on, 0 AS retracted"
        (folder / "deaths.sql").write_text(f"SELECT {columns} FROM {scan}", "utf-8")
        data.mkdir(exist_ok=True)
        return folder, data

    return write


def test_the_macro_refuses_what_a_folder_refuses(
    viewed: Callable[[str], tuple[Path, Path]],
) -> None:
    folder, data = viewed("parquet('${DATA}')")
    days = {"died_on": ["2015-01-01"], "recorded_on": ["2015-02-01"]}
    pl.DataFrame({"worker": [12], **days}).write_parquet(data / "a.parquet")
    pl.DataFrame({"worker": ["012"], **days}).write_parquet(data / "b.parquet")
    assert refusal(folder, data).startswith(
        "deaths.sql: column worker is VARCHAR in b.parquet and BIGINT in a.parquet"
    )
    pl.DataFrame({"worker": [13], **days, "note": ["x"]}).write_parquet(data / "b.parquet")
    assert "a.parquet lacks column note, which b.parquet has" in refusal(folder, data)
    folder, data = viewed("parquet('${DATA}', union_by_name := true)")
    assert open_store(folder, data).texts("worker") == ["12", "13"]
    pl.DataFrame({"worker": [13.5], **days, "note": ["x"]}).write_parquet(data / "b.parquet")
    assert "column worker is DOUBLE in b.parquet" in refusal(folder, data)


def test_a_file_that_one_macro_names_twice_is_refused(
    viewed: Callable[[str], tuple[Path, Path]],
) -> None:
    rows = "worker,died_on,recorded_on\nw1,2015-01-01,2015-02-01\n"
    for scan, says in (
        ("csv(['${DATA}/v*.csv', '${DATA}/v.csv'])", "names v.csv twice in one macro"),
        ("csv(['${DATA}/v.csv', '${DATA}/./v.csv'])", "names v.csv twice in one macro"),
        ("csv('${DATA}/*.csv')", "names v.csv twice in one macro, also as l.csv"),
    ):
        folder, data = viewed(scan)
        (data / "v.csv").write_text(rows, "utf-8")
        if "*.csv')" in scan:
            (data / "l.csv").symlink_to(data / "v.csv")
        assert refusal(folder, data).startswith(f"deaths.sql {says}")
