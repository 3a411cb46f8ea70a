"""Staging by itself: batches of any size accept and refuse the same rows, and a refused row keeps its texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.connection import ConnectionLimits
from features.ingest.scan import read_parquet
from features.ingest.source import find_source
from features.ingest.staged import Staged, raw_rows
from features.ingest.staging import Ascent, contract_relation, stage
from features.ingest.typed_sql import reading_connection

Write = Callable[..., Path]
MANY = 12


def silent(_table: str, _rows: int) -> None:
    """Draw no progress."""


def staged(source_folder: Path, folder: Path) -> Staged:
    """Stage the complaints of a source in a folder of its own."""
    folder.mkdir()
    source = find_source(source_folder)
    connection = reading_connection(source, ConnectionLimits())
    rows = contract_relation(connection, source, "complaints")
    return stage(rows, source, "complaints", folder=folder, progress=silent)


@pytest.fixture
def complaints(write_source: Write) -> Path:
    """A source of complaints, of which every third has a day that cannot be."""
    days = ["2014-12-01", "2014-12-02", "soon"]
    rows = [
        {"complaint": f"c{number:02d}", "enterprise": "e1", "lodged": days[number % 3]}
        for number in range(MANY)
    ]
    return write_source({"complaints": rows})


def test_batches_of_any_size_accept_and_refuse_the_same_rows(
    complaints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = staged(complaints, tmp_path / "whole")
    monkeypatch.setattr("features.ingest.staging.BATCH", 2)
    monkeypatch.setattr("features.ingest.staging.GROUP", 2)
    parted = staged(complaints, tmp_path / "parted")
    assert len(list(parted.folder.iterdir())) > len(list(whole.folder.iterdir()))
    accepted = [
        read_parquet(sorted(one.folder.iterdir(), key=lambda path: int(path.stem))).to_dicts()
        for one in (whole, parted)
    ]
    assert accepted[0] == accepted[1] and len(accepted[0]) == whole.accepted == parted.accepted
    assert whole.refused.equals(parted.refused)
    assert whole.accepted + whole.refused.height == MANY


def test_a_refused_row_keeps_what_the_source_wrote(complaints: Path, tmp_path: Path) -> None:
    refused = staged(complaints, tmp_path / "staged").refused
    assert refused["row"].to_list() == [3, 6, 9, 12]
    assert refused["lodged"].to_list() == ["soon"] * 4
    assert refused["complaint"].to_list() == ["c02", "c05", "c08", "c11"]
    assert set(refused["reason"]) == {"lodged should be a day such as 2015-06-30"}
    assert raw_rows(refused) == 4


def test_a_raw_row_that_gave_several_rows_is_refused_once() -> None:
    refused = pl.DataFrame({"raw_table": ["AC43", "AC43", "AC20"], "raw_row": [7, 7, 7]})
    assert raw_rows(refused) == 2


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.text("019a市", max_size=3), max_size=6), st.integers(0, 6))
def test_ids_ascend_whatever_the_batches_if_each_is_longer_or_later_than_the_last(
    ids: list[str], cut: int
) -> None:
    order = Ascent()
    for part in (ids[:cut], ids[cut:]):
        order.see(pl.Series(part, dtype=pl.String))
    pairs = [(len(text.encode()), text.encode()) for text in ids]
    # Before the first stands the empty text.
    assert order.holds == all(
        one < other for one, other in zip([(0, b""), *pairs], pairs, strict=False)
    )
