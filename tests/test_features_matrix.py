"""Laws of a feature matrix and of its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.errors import HistoryError, RequestError
from features.ingest.scan import read_table
from features.matrix import Matrix, read_matrix, write_matrix


def small() -> Matrix:
    return Matrix(
        entity="enterprise",
        keys=np.array(["e1", "e2", "e3"]),
        as_of=np.array([16000, 16000, 16001], dtype=np.int32),
        names=("staff", "sector"),
        values=np.array([[5.0, 1.0], [np.nan, 0.0], [-0.1, np.nan]]),
        categories={"sector": ("采矿", "制造", "never seen")},
    )


def test_a_matrix_read_back_is_equal_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write_matrix(small(), path)
    back = read_matrix(path)
    assert back.values.tobytes() == small().values.tobytes()
    assert back.keys.tolist() == ["e1", "e2", "e3"] and back.as_of.tolist() == [16000, 16000, 16001]
    assert (back.entity, back.names, back.categories) == (
        "enterprise",
        ("staff", "sector"),
        small().categories,
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.parquet"]


def test_the_same_matrix_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet"):
        write_matrix(small(), tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_the_file_has_two_key_columns_first_and_categories_as_text(tmp_path: Path) -> None:
    write_matrix(small(), tmp_path / "m.parquet")
    table = read_table(tmp_path / "m.parquet")
    assert table.column_names[:2] == ["enterprise", "as_of"]
    assert table.schema.field("as_of").type == pa.date32()
    assert table.column("sector").to_pylist() == ["制造", "采矿", None]
    assert table.column("staff").to_pylist() == [5.0, None, -0.1]


def test_an_empty_matrix_survives_its_file(tmp_path: Path) -> None:
    write_matrix(small().take([]), tmp_path / "m.parquet")
    assert len(read_matrix(tmp_path / "m.parquet")) == 0


def test_take_and_row_keep_the_order_asked_for() -> None:
    assert small().take([2, 0]).keys.tolist() == ["e3", "e1"]
    assert small().take(np.array([False, True, False])).keys.tolist() == ["e2"]
    assert small().row(1).texts("sector") == ["采矿"]


def test_an_unknown_column_and_wrong_shapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not a feature"):
        small().column("nothing")
    with pytest.raises(HistoryError, match="shape"):
        Matrix(
            "enterprise",
            np.array(["a"]),
            np.array([1], dtype=np.int32),
            ("x",),
            np.zeros((2, 1)),
            {},
        )
    (tmp_path / "bad.parquet").write_bytes(b"not parquet")
    with pytest.raises(HistoryError, match="not a readable matrix"):
        read_matrix(tmp_path / "bad.parquet")
