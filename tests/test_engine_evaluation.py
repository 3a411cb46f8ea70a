"""An evaluation keeps what a case was computed from, so that nobody evaluates the case or reads its rows again."""

from __future__ import annotations

import pytest

from features.aggregates.reader import cached_rows, store_rows
from features.aggregates.row_ranges import ReadColumns
from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.engine.matrices import matrix
from features.store.store import Store
from tests.random_history import LAST, loaded_history


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded_history(tmp_path_factory, seed=8)


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_a_case_among_others_is_evaluated_as_it_is_alone(store: Store, entity: str) -> None:
    engine = engine_of(store)
    keys = matrix(store, entity, LAST - 40).keys.tolist()[:3]
    together = evaluation(engine, entity, LAST - 40, keys)
    for row, key in enumerate(keys):
        alone = evaluation(engine, entity, LAST - 40, [key])
        assert [together.matrix.keys[row]] == alone.matrix.keys.tolist() == [key]
        assert together.matrix.values[row].tobytes() == alone.matrix.values.tobytes()
        assert together.computed[row].tobytes() == alone.computed.tobytes()
        for atom, values in alone.inputs.atoms.items():
            assert together.inputs.atoms[atom][row : row + 1].tobytes() == values.tobytes(), atom


def test_each_column_of_a_range_of_keys_is_read_once(store: Store) -> None:
    columns_read: list[str] = []
    stored = store_rows(store)

    def watched(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> ReadColumns:
        columns_read.extend(columns)
        return stored(table, by, low, high, columns)

    rows = cached_rows(watched)
    first = rows("tax_payroll", "enterprise", 0, 1, ("known", "sign", "month"))
    again = rows("tax_payroll", "enterprise", 0, 1, ("known", "sign", "month", "employees"))
    assert sorted(columns_read) == ["employees", "enterprise", "known", "month", "sign"]
    assert all(again[name] is column for name, column in first.items())
