"""The evaluator against the compiled statement, bit by bit, and against what a reader can count by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import day_of
from features.cases import Cases
from features.catalogue.model import ENTITIES
from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of, matrix, matrix_for, matrix_of_cases
from features.engine.population import bare_cases, cases_of, living, registered_cases
from features.errors import HistoryError, UnknownId
from features.sql.duckdb_oracle import compiled_values
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import FIRST, LAST, loaded_history, write_history
from tests.sample import slow


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A random history of every contract table."""
    return loaded_history(tmp_path_factory, seed=7)


def differing(store: Store, cases: Cases) -> list[str]:
    """Return the features whose bits differ between the evaluator and the compiled statement."""
    engine = engine_of(store)
    here = matrix_for(engine, cases)
    proof = compiled_values(engine, cases, here.names)
    return [name for name in here.names if here.column(name).tobytes() != proof[name].tobytes()]


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("as_of", ["2014-05-31", "2015-01-17"])
def test_evaluator_and_statement_give_the_same_bits_for_the_city_of_a_day(
    history: Store, entity: str, as_of: str
) -> None:
    cases = living(engine_of(history), entity, day_of(as_of))
    assert len(cases)
    assert differing(history, cases) == []


@pytest.mark.parametrize("entity", ENTITIES)
def test_evaluator_and_statement_give_the_same_bits_for_cases_on_their_own_days(
    history: Store, entity: str
) -> None:
    ids = history.texts(entity)[:4] * 5
    days = np.array([LAST - 17 * i for i in range(len(ids))])
    assert differing(history, cases_of(engine_of(history), entity, ids, days)) == []


def test_running_totals_equal_matched_pairs(
    history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, days = history.texts("claim")[:8] * 6, np.array([LAST - 11 * i for i in range(48)])
    matched = matrix_of_cases(history, "claim", ids, days)
    monkeypatch.setattr("features.aggregates.prefix_sums.PAIRS_A_ROW", 0)
    running = matrix_of_cases(history, "claim", ids, days)
    assert matched.values.tobytes() == running.values.tobytes()


@pytest.mark.parametrize("entity", ENTITIES)
def test_rows_read_unit_by_unit_give_the_bits_of_rows_read_together(
    history: Store, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = matrix(history, entity, LAST - 60).keys.tolist()
    together = matrix(history, entity, LAST - 60, ids)
    monkeypatch.setattr("features.aggregates.reader.ROWS_OF_A_READ", -1)
    apart = matrix(history, entity, LAST - 60, ids)
    assert apart.values.tobytes() == together.values.tobytes()


def test_scattered_units_read_little_more_than_their_own_rows(
    city_home: Path, city_2000: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request or a plan names units from all over a city, and their rows are few among all of it."""
    monkeypatch.setenv("LSSI_HOME", str(city_home))
    store = open_store(city_2000)
    ids = matrix(store, "enterprise", LAST).keys[::90].tolist()
    assert len(ids) > 16
    read: list[int] = []
    rows = Store.rows

    def counting(self: Store, table: str, **asked: Any) -> Any:
        answer = rows(self, table, **asked)
        read.append(len(answer["known"]))
        return answer

    monkeypatch.setattr(Store, "rows", counting)
    matrix(store, "enterprise", LAST, ids)
    together = sum(read)
    read.clear()
    for name in ids:
        matrix(store, "enterprise", LAST, [name])
    assert together <= 2 * sum(read)


def test_one_case_equals_its_row_of_the_city(history: Store) -> None:
    city = matrix(history, "enterprise", LAST - 90)
    for position in range(len(city)):
        alone = matrix(history, "enterprise", LAST - 90, [str(city.keys[position])])
        assert alone.values.tobytes() == city.values[position].tobytes()


@pytest.mark.parametrize(
    ("entity", "size"),
    [("enterprise", 150), ("claim", 350), slow(("enterprise", 3_000)), slow(("claim", 7_000))],
)
def test_each_of_many_random_cases_alone_equals_its_row_among_all(
    history: Store, entity: str, size: int
) -> None:
    rng, engine, units = (
        np.random.default_rng(5),
        engine_of(history),
        len(history.texts(entity)),
    )
    drawn = bare_cases(
        entity, rng.integers(units, size=20_000), rng.integers(FIRST, LAST + 1, 20_000)
    )
    known = registered_cases(engine, drawn)[0].take(np.arange(size))
    together = matrix_for(engine, known.take(np.argsort(known.as_of)))
    for position, (key, day) in enumerate(
        zip(together.keys.tolist(), together.as_of.tolist(), strict=True)
    ):
        alone = matrix(engine, entity, day, [key])
        assert alone.values.tobytes() == together.values[position].tobytes()


def test_batches_of_the_city_do_not_change_a_bit(
    history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = matrix(history, "enterprise", LAST)
    monkeypatch.setattr("features.aggregates.reader.ROWS_AT_ONCE", 3)
    assert matrix(history, "enterprise", LAST).values.tobytes() == whole.values.tobytes()


def test_a_day_that_is_not_closed_is_refused(history: Store) -> None:
    with pytest.raises(HistoryError, match=r"complete to 2015-06-30; got the as-of day 2015-07-01"):
        matrix(history, "enterprise", LAST + 1)


def test_a_day_before_the_first_row_is_refused(history: Store) -> None:
    with pytest.raises(HistoryError, match="begins on"):
        matrix(history, "enterprise", day_of("2001-01-01"))


def test_an_unknown_enterprise_is_named_with_the_day(history: Store) -> None:
    with pytest.raises(UnknownId, match="'E999'"):
        matrix(history, "enterprise", LAST, ["E999"])


def test_the_catalogue_of_a_store_is_read_once_and_a_file_of_more_features_each_time(
    history: Store, tmp_path: Path
) -> None:
    more = tmp_path / "more.txt"
    more.write_text("", "utf-8")
    assert catalogue_of(history) is catalogue_of(history)
    assert catalogue_of(history, more) is not catalogue_of(history, more)


def test_features_of_absent_tables_are_left_out_by_name(tmp_path: Path) -> None:
    store = open_store(
        write_history(
            tmp_path / "poor", seed=3, size=20, absent=("tax_payroll", "utilities", "protected")
        )
    )
    catalogue = engine_of(store).catalogue
    assert catalogue.left_out["declared_last"] == "tax_payroll"
    assert "declared_last" not in matrix(store, "enterprise", LAST).names
    assert not any("staff_filed" in feature.name for feature in catalogue.features("enterprise"))
