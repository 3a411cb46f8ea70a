"""DuckDB in Spark's place: it reads the files that Spark would be given, under whatever folder they lie."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.ingest.scan import spark_names
from training.certificate.spark_equivalence import Session


@pytest.mark.parametrize(
    "place", ["plain", "month=201506", "h[1] {a,b}?*^", "back\\slash", "数据 #%& ~"]
)
def test_files_named_for_spark_are_read_by_their_names(tmp_path: Path, place: str) -> None:
    files = [tmp_path / place / name for name in ("1.parquet", "2.parquet")]
    files[0].parent.mkdir()
    for number, file in enumerate(files):
        pl.DataFrame({"month": [number]}).write_parquet(file)
    session = Session(tmp_path / "spill")
    session.read.option("recursiveFileLookup", "true").parquet(
        *spark_names(files)
    ).createOrReplaceTempView("rows")
    assert session.sql("SELECT * FROM rows ORDER BY month").toArrow().to_pydict() == {
        "month": [0, 1]
    }
