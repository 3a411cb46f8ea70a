"""Batches give the bits of the whole, and never hold it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from features.aggregates.reader import atom_values
from features.calendar import date_of
from features.catalogue.model import ALIASES, KEYS
from features.engine.batches import KNOWN, claim_batches, feature_batches, living_batches
from features.engine.engine import engine_of
from features.engine.key_order import narrow_cases
from features.engine.matrices import matrix, matrix_of_cases
from features.engine.population import living
from features.engine.shared_keys import code_tables
from features.errors import HistoryError, RequestError
from features.matrix import Matrix, read_matrix, write_matrices, write_matrix
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import LAST, loaded_history, write_history


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded_history(tmp_path_factory, seed=8)


def same(parts: list[Matrix], whole: Matrix) -> bool:
    """Tell whether matrices below each other are one matrix, to the bit."""
    return (
        np.vstack([part.values for part in parts]).tobytes() == whole.values.tobytes()
        and [key for part in parts for key in part.keys.tolist()] == whole.keys.tolist()
        and np.concatenate([part.as_of for part in parts]).tobytes() == whole.as_of.tobytes()
        and all(part.categories == whole.categories for part in parts)
    )


@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_the_living_units_of_a_day_are_the_same_in_batches(store: Store, entity: str) -> None:
    parts = list(living_batches(store, entity, LAST - 40, most=2))
    assert len(parts) > 1 and max(len(part) for part in parts) <= 2
    assert same(parts, matrix(store, entity, LAST - 40))


def test_several_days_are_told_unit_by_unit(store: Store) -> None:
    days = [LAST - 40, LAST - 300, LAST]
    parts = list(living_batches(store, "enterprise", *days, most=24))
    told = [
        case for part in parts for case in zip(part.keys.tolist(), part.as_of.tolist(), strict=True)
    ]
    assert len(parts) > 3 and max(map(len, parts)) <= 6 and told == sorted(told)
    for day in days:
        whole, of_day = (
            matrix(store, "enterprise", day),
            [part.take(np.flatnonzero(part.as_of == day)) for part in parts],
        )
        assert np.vstack([part.values for part in of_day]).tobytes() == whole.values.tobytes()
        assert [key for part in of_day for key in part.keys.tolist()] == whole.keys.tolist()
    assert len({str(part.categories) for part in parts}) == 1


def test_every_claim_is_seen_once_on_the_day_it_became_known(store: Store) -> None:
    parts = list(claim_batches(store, most=40))
    rows = store.all_rows("claims", ("claim", "known"))
    first = {
        code: int(rows["known"][rows["claim"] == code].min())
        for code in np.unique(rows["claim"]).tolist()
    }
    keys = [key for part in parts for key in part.keys.tolist()]
    days = np.concatenate([part.as_of for part in parts])
    assert len(parts) > 2 and keys == sorted(set(keys))
    assert days.tolist() == [first[store.code("claim", key)] for key in keys]
    whole = matrix_of_cases(store, "claim", keys, days.astype(np.int64))
    assert np.vstack([part.values for part in parts]).tobytes() == whole.values.tobytes()


def test_features_are_asked_for_by_days_or_as_known(store: Store, tmp_path: Path) -> None:
    write_matrices(feature_batches(store, "claim", [KNOWN]), tmp_path / "known.parquet")
    assert same(list(claim_batches(store)), read_matrix(tmp_path / "known.parquet"))
    day = str(date_of(LAST - 40))
    assert same(
        list(feature_batches(store, "provider", [day])), matrix(store, "provider", LAST - 40)
    )
    for entity, days in (("enterprise", [KNOWN]), ("claim", [KNOWN, day])):
        with pytest.raises(RequestError, match="each claim's own day"):
            feature_batches(store, entity, days)


def test_a_history_without_claims_has_one_empty_batch(tmp_path: Path) -> None:
    folder = write_history(tmp_path / "history", seed=8)
    claims = folder / "claims.csv"
    claims.write_text(claims.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    store = open_store(folder)
    (part,) = claim_batches(store)
    assert len(part) == 0 and len(part.names) > 50


def test_a_matrix_written_in_batches_reads_as_one(store: Store, tmp_path: Path) -> None:
    write_matrix(matrix(store, "enterprise", LAST - 40), tmp_path / "whole.parquet")
    assert (
        write_matrices(
            living_batches(store, "enterprise", LAST - 40, most=2), tmp_path / "parts.parquet"
        )[0]
        > 3
    )
    assert same([read_matrix(tmp_path / "parts.parquet")], read_matrix(tmp_path / "whole.parquet"))
    write_matrices(living_batches(store, "enterprise", LAST - 40), tmp_path / "one.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_batch_that_fails_leaves_no_file(store: Store, tmp_path: Path) -> None:
    def failing() -> Iterator[Matrix]:
        yield matrix(store, "provider", LAST - 40)
        raise HistoryError("the disk is gone")

    with pytest.raises(HistoryError, match="gone"):
        write_matrices(failing(), tmp_path / "m.parquet")
    assert list(tmp_path.iterdir()) == []


def test_what_units_have_in_common_is_found_once_for_all_days(store: Store) -> None:
    engine = engine_of(store)
    days = [living(engine, "enterprise", day) for day in (LAST - 300, LAST)]
    every = narrow_cases(days)
    # As many cases as codes and days, so that keys are shared.
    many = narrow_cases(days * 50)
    atoms = engine.needs_of_entity("enterprise").atoms
    own_keys = (KEYS["enterprise"][0], *ALIASES["enterprise"])
    others = frozenset(
        atom for atom in atoms if engine.catalogue.measure(atom.measure).by not in own_keys
    )
    tables = list(code_tables(engine, many, others))
    assert {table.by for table in tables} >= {"cell", "representative", "address", "account"}
    cases = every.cases(slice(None))
    told = dict(column for table in tables for column in table.of(cases))
    alone = atom_values(engine, cases, frozenset(told))
    assert all(told[atom].tobytes() == alone[atom].tobytes() for atom in alone)
    assert len(told) == len(alone)
    assert any(np.isfinite(values).any() and len(np.unique(values)) > 2 for values in told.values())
    assert not list(code_tables(engine, narrow_cases([days[0].take([0])]), others))
