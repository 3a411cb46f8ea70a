"""Custody: the certificate finds rows that a store dates otherwise than its source, and only those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from features.calendar import date_of, day_of
from features.ingest.scan import files_below, read_table
from features.ingest.source import find_source
from features.store.opening import open_store
from tests.sealed import seal_again
from training.certificate.recorded_days import ROWS, misdated

Write = Callable[..., Path]
SIZE = 2 * ROWS + 1_000
ORDERS = (
    "",
    "ORDER BY enterprise",
    "ORDER BY enterprise, recorded_on DESC",
    "ORDER BY recorded_on",
    "ORDER BY complaint DESC",
)


def complaints(write: Write, order: str) -> Path:
    """Return a source of one view over more rows than are asked after, of which some repeat a row id on another day."""
    rng = np.random.default_rng(1)
    numbers = np.arange(SIZE)
    repeated = np.where(numbers % 3 == 0, rng.integers(0, SIZE, SIZE), numbers)
    days = day_of("2013-01-01") + rng.integers(0, 800, SIZE)
    folder = write(
        {
            "complaints": [
                {
                    "row_id": f"r{repeated[n]}",
                    "recorded_on": date_of(int(days[n])).isoformat(),
                    "complaint": f"k{n}",
                    "enterprise": f"E{n % 7}",
                    "lodged": "2012-12-01",
                    "topic": "wages",
                }
                for n in range(SIZE)
            ]
        }
    )
    (folder / "complaints.csv").rename(folder / "raw.csv")
    (folder / "complaints.sql").write_text(
        f"SELECT * FROM csv('${{SOURCE}}/raw.csv') {order}", "utf-8"
    )
    return folder


@pytest.mark.parametrize("order", ORDERS)
def test_a_view_in_any_order_is_no_false_alarm(write_source: Write, order: str) -> None:
    source = find_source(complaints(write_source, order))
    store = open_store(source)
    assert store.summary["tables"]["complaints"]["refused"] > 1_000
    assert misdated(source, store) == {}


@pytest.mark.parametrize("order", ORDERS[:2])
def test_a_store_that_knows_rows_from_another_day_is_found(write_source: Write, order: str) -> None:
    source = find_source(complaints(write_source, order))
    folder = open_store(source).folder
    (path,) = files_below(folder / "base", "complaints.parquet")
    rows = pl.DataFrame(read_table(path))
    pq.write_table(rows.with_columns(pl.col("known") + 1).to_arrow(), path)
    # a load that dates rows wrongly seals what it writes, so the seal cannot tell
    seal_again(folder, [path])
    assert misdated(source, open_store(source))["complaints"] > ROWS // 4
