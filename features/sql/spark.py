"""The catalogue on Apache Spark: the very statement that DuckDB runs, over the same Parquet files.

On one machine Spark runs in local mode; on a cluster the session is given, and `rows` is where the store's files lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from features.arrays import Values
from features.cases import Cases
from features.engine.engine import Engine
from features.ingest.scan import spark_names
from features.sql.compile import features_sql
from features.sql.duckdb_oracle import cases_given, dialect_of
from features.store.store import Store

LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "3g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
}
FEATURES_AT_ONCE = 24
"""Features in one statement; a choice, since planning time grows faster than the statement."""


@contextmanager
def local_session(folder: Path) -> Iterator[SparkSession]:
    """Yield a session on two threads of this machine, its scratch files under `folder`; it is stopped at the end."""
    builder = SparkSession.builder.master("local[2]").appName("lssi-risk")
    settings = {
        **LOCAL,
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def lay_out(session: SparkSession, store: Store, given: Path) -> None:
    """Make the store's tables, and the cases written to a Parquet file, views of their names."""
    _scan(session, given).createOrReplaceTempView("cases")
    for table in store.tables:
        _rows(session, store, table).createOrReplaceTempView(table)


def _rows(session: SparkSession, store: Store, table: str) -> DataFrame:
    """Return the signed rows of a table; none, in columns of its types, where it lies in no file."""
    files = store.layout.files(table)
    if files:
        return _scan(session, files)
    columns = []
    for name, kind in store.types(table).items():
        # Spark's name for a text of any length.
        spark_kind = kind.replace("VARCHAR", "STRING")
        columns.append(f"CAST(NULL AS {spark_kind}) AS `{name}`")
    listed = ", ".join(columns)
    return session.sql(f"SELECT {listed} WHERE false")


def _scan(session: SparkSession, files: Path | Iterable[Path]) -> DataFrame:
    # looked up so, the folders above a file give no columns
    return session.read.option("recursiveFileLookup", "true").parquet(*spark_names(files))


def write_cases(engine: Engine, cases: Cases, names: Sequence[str], path: Path) -> None:
    """Write cases, with the peer and stored values that some features need, where Spark can read them."""
    pq.write_table(cases_given(engine, cases, names), path)


def spark_values(session: SparkSession, engine: Engine, names: Sequence[str]) -> dict[str, Values]:
    """Return features of the cases laid out as Spark computes them from compiled statements, float64 (n,) each.

    A statement holds FEATURES_AT_ONCE features: planning time grows faster than the statement.
    """
    dialect = dialect_of(engine)
    values: dict[str, Values] = {}
    for first in range(0, len(names), FEATURES_AT_ONCE):
        part = names[first : first + FEATURES_AT_ONCE]
        statement = features_sql(engine.catalogue, part, dialect)
        rows: pa.Table = session.sql(statement).toArrow()
        for name in part:
            values[name] = _floats(rows[f"f_{name}"])
    return values


def _floats(column: pa.ChunkedArray) -> Values:
    doubles = column.cast(pa.float64())
    values: Any = doubles.fill_null(np.nan).to_numpy()
    # The sum with 0.0 turns -0.0 into 0.0, as the evaluator does: the two are compared bit by bit.
    return np.asarray(values, np.float64) + 0.0
