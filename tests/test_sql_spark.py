"""The catalogue on real Spark in local mode: the statement of DuckDB, its bits.

On a random history, `make test` compares a sample with every kind of statement and `make test-slow` the whole
catalogue; `make test-full` compares the whole catalogue on a city of one in a hundred.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from features.calendar import day_of
from features.cases import Cases
from features.catalogue.language import atoms_of, call_name, peers_of
from features.catalogue.model import ENTITIES, Catalogue, Feature
from features.contract.tables import contract
from features.engine.engine import engine_of
from features.engine.matrices import matrix_for
from features.engine.population import living
from features.ingest.source import JOURNAL
from features.sql.duckdb_oracle import compiled_values
from features.store.opening import open_store
from features.store.store import Store
from simulation.ground.setting import setting_of
from simulation.run import write_city
from tests.random_history import write_history
from tests.sample import SEED, one_of_each_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ONE_IN_A_HUNDRED = 4_332
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""In a run this short, Java's second compiler and its parallel collector take more time than they save."""


@pytest.fixture(scope="module")
def session(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark on two threads of this machine."""
    from features.sql.spark import local_session

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", JAVA)
        with local_session(tmp_path_factory.mktemp("spark")) as running:
            yield running


@pytest.fixture(scope="module")
def odd_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that Spark would read as a pattern and for a month."""
    return tmp_path_factory.mktemp("home") / "month=201506" / "h[1] {a,b}?*^"


@pytest.fixture(scope="module")
def history(odd_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A random history of every contract table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(odd_home))
        return open_store(write_history(tmp_path_factory.mktemp("source"), seed=3))


@pytest.fixture(scope="module")
def city(odd_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A city of one enterprise in a hundred."""
    place = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(odd_home))
        write_city(
            place,
            setting_of(ONE_IN_A_HUNDRED, 36, until="2015-06-30", seed=3),
            lambda _done, _of: None,
        )
        return open_store(place)


def kinds_of(catalogue: Catalogue, feature: Feature) -> set[str]:
    """Return the kinds of a feature's statement: its calls, its operators, its peers, its aggregates by window."""
    nodes = list(ast.walk(feature.tree))
    kinds = {call_name(node) or type(node).__name__ for node in nodes if isinstance(node, ast.expr)}
    kinds |= {type(node).__name__ for node in nodes if isinstance(node, ast.operator | ast.cmpop)}
    kinds |= {f"peer by {peer.by}" for peer in peers_of(feature.tree)}
    for atom in atoms_of(feature.tree):
        window = catalogue.windows[atom.window]
        kinds.add(f"{atom.aggregate} by {window.unit}, until the day: {window.last == 0}")
    return kinds


def sample_of_each_kind(catalogue: Catalogue, entity: str) -> list[str]:
    """Return features, in a seeded order, of which each has a kind that those before it lack."""
    features = catalogue.features(entity)
    kinds = [kinds_of(catalogue, feature) for feature in features]
    return [features[place].name for place in one_of_each_kind(kinds)]


def differing_on_spark(
    session: SparkSession, store: Store, cases: Cases, names: list[str], folder: Path
) -> list[str]:
    """Return the features whose bits differ between Spark and DuckDB."""
    from features.sql.spark import lay_out, spark_values, write_cases

    engine = engine_of(store)
    write_cases(engine, cases, names, folder / "cases.parquet")
    lay_out(session, store, folder / "cases.parquet")
    proof = compiled_values(engine, cases, names)
    values = spark_values(session, engine, names)
    return [name for name in names if values[name].tobytes() != proof[name].tobytes()]


@pytest.mark.parametrize("entity", ENTITIES)
def test_spark_gives_the_bits_of_duckdb_for_a_sample_of_every_kind_of_statement(
    session: SparkSession, history: Store, entity: str, counted: dict[str, int], tmp_path: Path
) -> None:
    engine = engine_of(history)
    cases = living(engine, entity, day_of("2015-03-31"))
    sample = sample_of_each_kind(engine.catalogue, entity)
    counted[f"features of {entity} drawn with seed {SEED} for Spark, each kind of statement"] = len(
        sample
    )
    assert len(cases)
    assert differing_on_spark(session, history, cases, sample, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("entity", ENTITIES)
def test_spark_gives_the_bits_of_duckdb_for_the_whole_catalogue(
    session: SparkSession, history: Store, entity: str, tmp_path: Path
) -> None:
    engine = engine_of(history)
    cases = living(engine, entity, day_of("2015-03-31"))
    names = [feature.name for feature in engine.catalogue.features(entity)]
    assert len(cases)
    assert differing_on_spark(session, history, cases, names, tmp_path) == []


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("entity", ENTITIES)
def test_spark_gives_the_bits_of_duckdb_for_the_whole_catalogue_on_a_city(
    session: SparkSession, city: Store, entity: str, tmp_path: Path
) -> None:
    engine = engine_of(city)
    cases = living(engine, entity, day_of("2015-03-31"))
    names = [feature.name for feature in engine.catalogue.features(entity)]
    assert len(cases) >= 40
    assert differing_on_spark(session, city, cases, names, tmp_path) == []


def test_a_table_that_lies_in_no_file_is_one_without_rows_on_spark(
    session: SparkSession,
    hand_source: Callable[..., Path],
    tmp_path: Path,
) -> None:
    from features.sql.spark import lay_out, write_cases

    tables = {name: [] for name in contract() if name not in JOURNAL}
    store = open_store(hand_source(tmp_path / "source", tables))
    engine = engine_of(store)
    cases = living(engine, "enterprise", store.complete_to)
    write_cases(engine, cases, [], tmp_path / "cases.parquet")
    said = []
    for _ in ("with their files", "without them"):
        lay_out(session, store, tmp_path / "cases.parquet")
        counts = " UNION ALL ".join(
            f"SELECT count(*) AS number FROM {name}" for name in store.tables
        )
        said.append(
            [
                *(session.table(name).dtypes for name in store.tables),
                session.sql(counts).toArrow().to_pydict(),
            ]
        )
        for name in store.tables:
            for path in store.layout.files(name):
                path.unlink()
    assert said[0] == said[1]


PROBABILITIES = """
measure | drawn  | inspections | enterprise | opened | inclusion_probability > 0    | 1 | count | 一 | a
measure | likely | inspections | enterprise | opened | inclusion_probability >= 0.5 | 1 | count | 二 | b
measure | chance | inspections | enterprise | opened |  | inclusion_probability | 1e-6 | 三 | c
enterprise | n_drawn | count(drawn, all) | count | none | t | 一 | a |
enterprise | n_likely | count(likely, all) | count | none | t | 二 | b |
enterprise | sum_chance | sum(chance, all) | 1e-6 | none | t | 三 | c |
enterprise | mean_chance | sum(chance, all) / count(chance, all) / 1000000 | 1 | none | t | 四 | d |
enterprise | half_chance | 0.5 * sum(chance, all) + 0.1 | 1 | none | t | 五 | e |
"""


def test_spark_says_of_probabilities_what_the_evaluator_and_duckdb_say(
    session: SparkSession,
    hand_source: Callable[..., Path],
    tmp_path: Path,
) -> None:
    from features.sql.spark import lay_out, spark_values, write_cases

    visit = {"enterprise": "e1", "kind": "lottery", "opened": "2014-12-01"} | {
        f"examined_{n}": 1 for n in range(1, 6)
    }
    rows = [
        visit | {"inspection": f"i{chance}", "inclusion_probability": chance}
        for chance in (0.3, 0.5, 0.000001, 1, "")
    ]
    store = open_store(
        hand_source(
            tmp_path / "source",
            {
                "inspections": rows,
                "enterprises": [{"enterprise": "e1", "since": "2010-01-01", "kind": "company"}],
            },
        )
    )
    (tmp_path / "more.txt").write_text(PROBABILITIES, "utf-8")
    engine = engine_of(store, tmp_path / "more.txt")
    names = ["n_drawn", "n_likely", "sum_chance", "mean_chance", "half_chance"]
    cases = living(engine, "enterprise", store.complete_to)
    write_cases(engine, cases, names, tmp_path / "cases.parquet")
    lay_out(session, store, tmp_path / "cases.parquet")
    whole = matrix_for(engine, cases)
    said = [
        {name: values[name].tolist() for name in names}
        for values in (
            spark_values(session, engine, names),
            compiled_values(engine, cases, names),
            {name: whole.column(name) for name in names},
        )
    ]
    assert said[0] == said[1] == said[2]
    assert said[0] == {
        "n_drawn": [4.0],
        "n_likely": [2.0],
        "sum_chance": [1_800_001.0],
        "mean_chance": [0.45000025],
        "half_chance": [900_000.6],
    }
