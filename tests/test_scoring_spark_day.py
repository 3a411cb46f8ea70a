"""A day scored on real Spark in local mode: the very files that `lssi batch` writes, by digest."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from features.engine.population import living
from features.errors import HistoryError
from features.sql.duckdb_oracle import compiled_values
from serving.scoring.living_scores import scored_here
from serving.scoring.score_day import Rolling, published_roll, roll
from tests.recorded import Home, home_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from serving.scoring.spark_day import WorkerTask

MOMENT = datetime(2015, 7, 1, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a model and the history that it scores."""
    return home_of(tmp_path_factory)


@pytest.fixture(scope="module")
def session(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark on two threads of this machine."""
    from features.sql.spark import local_session

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        with local_session(tmp_path_factory.mktemp("spark")) as running:
            yield running


def bundle_folder(home: Home) -> Path:
    """Return where the model of a home lies."""
    return home.path / "bundles" / f"{home.bundle.target}-{home.bundle.digest[:12]}"


@pytest.fixture(scope="module")
def pyspark() -> None:
    """Skip what needs PySpark where it is not installed."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make extra")


def rows_as_spark_gives_them(home: Home) -> pa.Table:
    """Return a row for each living unit, in an odd order, as the compiled statement gives it: NULL where a value is missing."""
    engine = home.scorer.engine
    cases = living(engine, "enterprise", home.store.complete_to)
    names = engine.needs_of_entity("enterprise").names
    values = compiled_values(engine, cases, names)
    columns = {"case_no": pa.array(np.arange(len(cases)))}
    for name in names:
        columns[f"f_{name}"] = pa.array(values[name], mask=np.isnan(values[name]))
    order = np.random.default_rng(5).permutation(len(cases))
    return pa.table(columns).take(pa.array(order))


def test_what_a_worker_answers_is_what_this_process_says_to_the_bit_whatever_order_and_batches(
    pyspark: None, home: Home
) -> None:
    from serving.scoring.spark_day import worker_task

    rows = rows_as_spark_gives_them(home)
    here = scored_here(home.store, home.bundle)
    task = worker_task(home.scorer.engine, home.bundle, bundle_folder(home))
    # Spark sends the task to its workers
    sent: WorkerTask = pickle.loads(pickle.dumps(task))
    batches = rows.to_batches(max_chunksize=7)
    answers = pa.Table.from_batches(list(sent(iter([*batches, batches[0].slice(0, 0)]))))
    places = answers["case_no"].to_numpy()
    assert sorted(places.tolist()) == list(range(len(here.living)))
    assert answers["score.raw"].to_numpy().tobytes() == here.scores.raw[places].tobytes()
    assert np.array_equal(answers["score.probability"].to_numpy(), here.scores.probability[places])
    place_by_key = np.argsort(here.by_key)
    for place, values, contributions in zip(
        places, answers["values"].to_pylist(), answers["contributions"].to_pylist(), strict=True
    ):
        assert values == here.living.values[place].tobytes()
        assert contributions == here.contributions[place_by_key[place]].tobytes()


@pytest.mark.slow
def test_a_day_that_spark_scored_has_the_digest_of_one_scored_here(
    session: SparkSession, home: Home, tmp_path: Path
) -> None:
    from serving.scoring.spark_day import scored_on_spark

    here = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    scoring = scored_on_spark(session, bundle_folder(home), tmp_path)
    rolling = Rolling("test", MOMENT, retry_key=None, scoring=scoring)
    there = published_roll(home.path, home.store, home.bundle, rolling)
    assert there["day"] == here["day"]
    assert there["root"] == here["root"]
    assert list(tmp_path.iterdir()) == [], "what Spark left meanwhile is gone"


@pytest.mark.slow
def test_scores_and_contributions_of_spark_are_those_of_this_process_to_the_bit(
    session: SparkSession, home: Home, tmp_path: Path
) -> None:
    from serving.scoring.spark_day import scored_on_spark

    here = scored_here(home.store, home.bundle)
    there = scored_on_spark(session, bundle_folder(home), tmp_path)(home.store, home.bundle)
    assert there.living.keys.tolist() == here.living.keys.tolist()
    assert there.living.values.tobytes() == here.living.values.tobytes()
    assert there.scores.raw.tobytes() == here.scores.raw.tobytes()
    assert there.contributions.tobytes() == here.contributions.tobytes()
    assert np.array_equal(there.by_key, here.by_key)


@pytest.mark.slow
def test_a_model_that_the_workers_cannot_read_is_told_in_one_line_and_nothing_is_left(
    session: SparkSession, home: Home, tmp_path: Path
) -> None:
    from serving.scoring.spark_day import scored_on_spark

    scoring = scored_on_spark(session, tmp_path / "nowhere", tmp_path)
    with pytest.raises(HistoryError, match="Spark could not score the day") as refused:
        scoring(home.store, home.bundle)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
