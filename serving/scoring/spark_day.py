"""The living units of a day scored on Apache Spark: features by the compiled statements, models by the same code as here.

Spark's workers load the bundle themselves and answer in Arrow batches, so that no unit passes through Java one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from features.cases import Cases
from features.engine.engine import Engine, engine_of
from features.engine.matrices import described, forget_later_texts, ids_of
from features.engine.population import living
from features.errors import HistoryError
from features.files import private_folder
from features.ingest.scan import files_below, read_table
from features.matrix import Matrix
from features.sql.spark import floats_of, lay_out, value_rows, write_cases
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.score import Scores, score
from models.explain.explain import explain
from serving.scoring.batch import OUTPUTS, columns_of
from serving.scoring.living_scores import LivingScores, LivingScoring

VECTORS = ("values", "contributions")
"""Columns of which each row is the float64 values of one unit, as bytes."""
SCHEMA = pa.schema(
    [
        ("case_no", pa.int64()),
        *((name, pa.float64()) for name in OUTPUTS),
        *((name, pa.binary()) for name in VECTORS),
    ]
)
"""What a worker answers: a row for each unit."""
_SPARK_TYPES = {pa.int64(): "long", pa.float64(): "double", pa.binary(): "binary"}
SPARK_SCHEMA = ", ".join(f"`{field.name}` {_SPARK_TYPES[field.type]}" for field in SCHEMA)
"""SCHEMA as Spark writes one."""


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker of Spark needs to score units: the model by place and digest, and what a row of features means.

    `names` and `categories` are those of the day's matrix, `as_of` the day.
    """

    bundle: Path
    digest: str
    entity: str
    as_of: int
    names: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield scores and contributions of each batch of rows that `features.sql.spark.value_rows` made."""
        bundle = _bundle(self.bundle, self.digest)
        for batch in batches:
            if batch.num_rows:
                yield _answer(bundle, batch.column("case_no"), self._matrix(batch))

    def _matrix(self, batch: pa.RecordBatch) -> Matrix:
        columns = [floats_of(batch.column(f"f_{name}")) for name in self.names]
        values = np.column_stack(columns)
        forget_later_texts(values, self.names, self.categories)
        # a worker knows units by their number alone
        keys = np.asarray(batch.column("case_no")).astype(np.str_)
        days = np.full(batch.num_rows, self.as_of, np.int32)
        return Matrix(self.entity, keys, days, self.names, values, self.categories)


@cache
def _bundle(folder: Path, digest: str) -> Bundle:
    """Return the model, which a worker loads and checks once."""
    return load_bundle(folder, digest)


def _answer(bundle: Bundle, case_numbers: pa.Array, inputs: Matrix) -> pa.RecordBatch:
    """Return a row of SCHEMA for each unit."""
    scores = columns_of(score(bundle, inputs))
    vectors = {"values": inputs.values, "contributions": explain(bundle, inputs).contributions}
    columns = [case_numbers]
    columns += [pa.array(scores[name]) for name in OUTPUTS]
    for name in VECTORS:
        rows = [row.tobytes() for row in vectors[name]]
        columns += [pa.array(rows, pa.binary())]
    return pa.record_batch(columns, schema=SCHEMA)


def scored_on_spark(session: SparkSession, bundle_folder: Path, shared: Path) -> LivingScoring:
    """Return the way to score a day's living units on Spark; the bits are those of `scored_here`.

    `bundle_folder` holds the model. It, the store and `shared`, where what Spark reads and writes lies meanwhile, must be
    folders that every worker reaches under the same name, and every worker needs this package as it is here.
    """

    def scoring(store: Store, bundle: Bundle) -> LivingScores:
        engine = engine_of(store)
        cases = living(engine, bundle.entity, store.complete_to)
        with private_folder(shared) as work:
            try:
                task = worker_task(engine, bundle, bundle_folder)
                rows = _scored_rows(session, engine, cases, task, work)
                rows.write.parquet(str(work / "scores"))
            except PySparkException as error:
                raise HistoryError(
                    f"Spark could not score the day ({type(error).__name__}); its log says where; "
                    "store, model and shared folder must be reachable from every worker"
                ) from None
            return _collected(engine, bundle, cases, work / "scores")

    return scoring


def worker_task(engine: Engine, bundle: Bundle, folder: Path) -> WorkerTask:
    """Return what workers need to score a store's last closed day with the model in `folder`."""
    day = engine.store.complete_to
    needs = engine.needs_of_entity(bundle.entity)
    no_cases = Cases(bundle.entity, np.array([], np.int64), np.array([], np.int64), {})
    empty = described(engine, no_cases, np.empty((0, len(needs.names))), day)
    return WorkerTask(folder, bundle.digest, bundle.entity, day, empty.names, empty.categories)


def _scored_rows(
    session: SparkSession, engine: Engine, cases: Cases, task: WorkerTask, work: Path
) -> DataFrame:
    """Return the rows of SCHEMA for some cases, not yet computed."""
    cases_file = work / "cases.parquet"
    write_cases(engine, cases, task.names, cases_file)
    lay_out(session, engine.store, cases_file)
    features = value_rows(session, engine, task.names, work)
    # every worker gets a share, however the joins were parted
    spread = features.repartition(session.sparkContext.defaultParallelism)
    with warnings.catch_warnings():
        # said of what PySpark does with pandas, which no batch of Arrow passes through
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        return spread.mapInArrow(task, SPARK_SCHEMA)


def _collected(engine: Engine, bundle: Bundle, cases: Cases, folder: Path) -> LivingScores:
    """Return what the workers wrote, each unit at its place; HistoryError unless there is one row for each."""
    number = len(cases)
    features = len(engine.needs_of_entity(bundle.entity).names)
    model_features = len(bundle.manifest.names)
    by_key = np.argsort(ids_of(engine.store, cases))
    place_by_key = np.empty(number, np.int64)
    place_by_key[by_key] = np.arange(number)
    columns = {name: np.empty(number) for name in OUTPUTS}
    values = np.empty((number, features))
    contributions = np.empty((number, model_features))
    rows_of_case = np.zeros(number, np.int64)
    for batch in _batches(folder):
        places = np.asarray(batch.column("case_no"))
        rows_of_case[places] += 1
        for name, column in columns.items():
            column[places] = batch.column(name)
        values[places] = _vectors(batch.column("values"), features)
        shares = _vectors(batch.column("contributions"), model_features)
        contributions[place_by_key[places]] = shares
    once = int((rows_of_case == 1).sum())
    if once < number:
        raise HistoryError(
            f"Spark answered once for {once} of {number} units alone; score the day again"
        )
    whole = described(engine, cases, values, engine.store.complete_to)
    return LivingScores(whole, _scores(bundle, columns), by_key, contributions)


def _batches(folder: Path) -> Iterator[pa.RecordBatch]:
    for path in files_below(folder, "*.parquet"):
        yield from read_table(path).to_batches()


def _vectors(column: pa.BinaryArray, width: int) -> Floats:
    """Return the vectors that stand in a column as bytes, float64 (n, width)."""
    return np.frombuffer(b"".join(column.to_pylist()), "<f8").reshape(-1, width)


def _scores(bundle: Bundle, columns: Mapping[str, Floats]) -> Scores:
    """Return scores as the model has them: without a count model no number, and without its intervals none."""
    raw, probability, expected, lower, upper = (columns[name] for name in OUTPUTS)
    if bundle.count_model is None:
        return Scores(raw, probability, None)
    number = bundle.manifest.number
    if number is None:
        return Scores(raw, probability, expected)
    return Scores(raw, probability, expected, lower, upper, number.coverage)
