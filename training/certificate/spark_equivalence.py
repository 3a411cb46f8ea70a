"""The features that are written for Spark, asked of DuckDB in its place: whether what Spark is given says the same."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from features.catalogue.model import ENTITIES
from features.connection import ConnectionLimits, opened
from features.engine.engine import engine_of
from features.engine.matrices import matrix_for
from features.engine.population import living
from features.ingest.scan import parquet_sql
from features.store.store import Store
from training.certificate.compare import Moved
from training.certificate.equivalence import unlike_columns
from training.certificate.sample import workplace

_ESCAPED = re.compile(r"\\(.)")
"""A sign of a path that Spark would take for a pattern, as Spark has to be given it."""


class Session:
    """DuckDB as far as `features.sql.spark` asks something of a session: files as views, and statements over them."""

    def __init__(self, folder: Path) -> None:
        self._connection = opened(ConnectionLimits(spill=folder))
        self.read = self

    def option(self, name: str, value: str) -> Session:
        """Return this session, which takes no column from a folder's name whether it is told so or not."""
        assert (name, value) == ("recursiveFileLookup", "true")
        return self

    def parquet(self, *names: str) -> View:
        """Return the rows of some files, each named as Spark has to be given it."""
        files = [Path(_ESCAPED.sub(r"\1", name)) for name in names]
        rows = parquet_sql(files, "union_by_name=true")
        return View(self._connection, f"FROM {rows}")

    def sql(self, statement: str) -> View:
        """Return the rows that a statement gives."""
        return View(self._connection, statement)


class View:
    """Rows that a statement gives, under Spark's names for what is done with them."""

    def __init__(self, connection: Any, statement: str) -> None:
        self._connection, self._statement = connection, statement

    def createOrReplaceTempView(self, name: str) -> None:  # noqa: N802
        """Give the rows a name."""
        view = f"CREATE OR REPLACE TEMP VIEW {name} AS {self._statement}"
        self._connection.execute(view)

    def toArrow(self) -> pa.Table:  # noqa: N802
        """Return the rows."""
        rows = self._connection.sql(self._statement)
        return rows.to_arrow_table()


def unlike_spark(store: Store, day: int) -> dict[str, Moved]:
    """Return what the statements for Spark say otherwise of the city of a day; nothing where PySpark is not installed."""
    if find_spec("pyspark") is None:
        return {}
    from features.sql import spark

    with workplace() as folder:
        return _unlike(spark, store, day, folder)


def _unlike(spark: ModuleType, store: Store, day: int, folder: Path) -> dict[str, Moved]:
    """Return what Spark's statements say otherwise; `spark` is the module, which only an installed PySpark can import."""
    session: Any = Session(folder / "spill")
    engine = engine_of(store)
    differences: dict[str, Moved] = {}
    for entity, (table, _) in ENTITIES.items():
        if not store.has(table) or not engine.catalogue.features(entity):
            continue
        cases = living(engine, entity, day)
        cases_file = folder / f"{entity}.parquet"
        whole = matrix_for(engine, cases)
        spark.write_cases(engine, cases, whole.names, cases_file)
        spark.lay_out(session, store, cases_file)
        values = spark.spark_values(session, engine, whole.names)
        for name, moved in unlike_columns(whole, values, whole.names).items():
            differences[f"spark {entity}: {name}"] = moved
    return differences
