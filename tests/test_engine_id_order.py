"""A file of features is ordered by id and then by day, whatever the order in which its units became known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.calendar import day_of
from features.engine.batches import living_batches
from features.engine.id_order import write_ordered
from features.ingest.scan import read_table
from features.ingest.source import find_source
from features.matrix import Matrix, read_matrix, write_matrix
from features.store.append import feed
from features.store.opening import open_store
from tests.said import Say

CATEGORIES = {"kind": ("甲", "b")}


def matrix(keys: str, days: list[int]) -> Matrix:
    """A matrix of one letter a row; its values tell its rows apart, and some are missing."""
    values = np.array(
        [
            [ord(key) + day / 100, float("nan") if day % 2 else 1]
            for key, day in zip(keys, days, strict=True)
        ]
    )
    return Matrix(
        "enterprise",
        np.array(list(keys)),
        np.array(days, np.int32),
        ("size", "kind"),
        values,
        CATEGORIES,
    )


@pytest.mark.parametrize(
    "parts",
    [
        [("ba", [1, 1])],
        [("b", [1]), ("a", [1])],
        [("aab", [2, 1, 1]), ("中企", [1, 2])],
        [("ac", [1, 1]), ("b", [1])],
        [("ab", [1, 1]), ("", []), ("a", [2])],
    ],
)
def test_matrices_in_any_order_are_the_file_of_the_ordered_one(
    tmp_path: Path, parts: list[tuple[str, list[int]]]
) -> None:
    keys, days = "".join(part for part, _ in parts), [day for _, part in parts for day in part]
    order = sorted(range(len(keys)), key=lambda row: (keys[row], days[row]))
    whole = matrix(keys, days).take(order)
    made = [matrix(*part) if part[0] else whole.take([]) for part in parts]
    assert write_ordered(made, tmp_path / "some.parquet") == (len(keys), 2)
    write_matrix(whole, tmp_path / "whole.parquet")
    assert read_table(tmp_path / "some.parquet").equals(
        read_table(tmp_path / "whole.parquet"), check_metadata=True
    )
    assert read_matrix(tmp_path / "some.parquet").values.tobytes() == whole.values.tobytes()


def test_ordered_matrices_are_written_as_they_come(tmp_path: Path) -> None:
    write_ordered([matrix("aab", [1, 2, 1])], tmp_path / "some.parquet")
    write_matrix(matrix("aab", [1, 2, 1]), tmp_path / "whole.parquet")
    assert (tmp_path / "some.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_features_of_a_fed_store_are_ordered_by_id(
    say: Say, write_source: Callable[..., Path], tmp_path: Path
) -> None:
    firms = [
        {"enterprise": firm, "since": day, "registered": day, "recorded_on": day}
        for firm, day in (
            ("e5", "2015-01-01"),
            ("e1", "2015-06-29"),
            ("e9", "2015-01-01"),
            ("e7", "2015-06-30"),
        )
    ]
    source = write_source({"enterprises": firms})
    for day in ("2015-06-01", "2015-06-29", "2015-06-30"):
        feed(find_source(source), day_of(day))
    by_code = [
        key
        for part in living_batches(open_store(source), "enterprise", day_of("2015-06-30"))
        for key in part.keys
    ]
    assert by_code == ["e5", "e9", "e1", "e7"]
    out = tmp_path / "out.parquet"
    words = [
        "--entity",
        "enterprise",
        "--as-of",
        "2015-06-30",
        "--as-of",
        "2015-06-29",
        "--out",
        out,
    ]
    assert say("features", source, *words).code == 0
    assert [key for key, _ in rows_of(out)] == ["e1", "e1", "e5", "e5", "e7", "e9", "e9"]
    assert rows_of(out) == sorted(rows_of(out))
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def rows_of(path: Path) -> list[tuple[str, str]]:
    table = read_table(path)
    return list(
        zip(table["enterprise"].to_pylist(), map(str, table["as_of"].to_pylist()), strict=True)
    )
