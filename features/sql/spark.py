"""The catalogue on Apache Spark: the very statement that DuckDB runs, over the same Parquet files.

On one machine Spark runs in local mode; on a cluster the session is given, and `rows` is where the store's files lie.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from features.arrays import Values
from features.cases import Cases
from features.engine.engine import Engine
from features.errors import CatalogueError, RequestError
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
    with session_on("local[2]", folder) as session:
        yield session


@contextmanager
def session_on(master: str, folder: Path) -> Iterator[SparkSession]:
    """Yield a session of a master, such as `local[2]` or `spark://host:7077`; it is stopped at the end.

    On this machine its scratch files lie under `folder`; a cluster has its own. RequestError where Spark does not start.
    """
    settings = {"spark.sql.session.timeZone": "UTC"}
    if master.startswith("local"):
        # else Spark starts its workers with the first python3 of the path, which need not have this package
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings = {
            **LOCAL,
            "spark.local.dir": str(folder),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
        }
    builder = SparkSession.builder.master(master).appName("lssi-risk")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, Py4JError):
        raise RequestError(
            f"Spark did not start on master {master!r}; it needs Java 17 and a master such as local[2]"
        ) from None
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
    """Return features of the cases laid out as Spark computes them from compiled statements, float64 (n,) each."""
    values: dict[str, Values] = {}
    for part, statement in _statements(engine, names):
        rows: pa.Table = session.sql(statement).toArrow()
        for name in part:
            values[name] = floats_of(rows[f"f_{name}"])
    return values


def value_rows(
    session: SparkSession, engine: Engine, names: Sequence[str], folder: Path
) -> DataFrame:
    """Return a row for each case laid out: `case_no`, and each feature as `f_<name>`, where `floats_of` reads it.

    What each statement gives is first written below `folder`, which all of Spark's workers must reach: Spark would plan
    statements that are joined as one.
    """
    rows: DataFrame | None = None
    for number, (_, statement) in enumerate(_statements(engine, names)):
        written = folder / f"features-{number}"
        session.sql(statement).write.parquet(str(written))
        part = _scan(session, written)
        rows = part if rows is None else rows.join(part, "case_no")
    if rows is None:
        raise CatalogueError("no feature is asked for; name at least one")
    return rows


def _statements(engine: Engine, names: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Yield statements with the features that each gives, FEATURES_AT_ONCE of them."""
    dialect = dialect_of(engine)
    for first in range(0, len(names), FEATURES_AT_ONCE):
        part = names[first : first + FEATURES_AT_ONCE]
        yield part, features_sql(engine.catalogue, part, dialect)


def floats_of(column: pa.Array | pa.ChunkedArray) -> Values:
    """Return a feature as Spark gives it as float64 (n,), NaN where it is missing."""
    doubles = column.cast(pa.float64())
    values: Any = np.asarray(doubles.fill_null(np.nan))
    # The sum with 0.0 turns -0.0 into 0.0, as the evaluator does: the two are compared bit by bit.
    return np.asarray(values, np.float64) + 0.0
