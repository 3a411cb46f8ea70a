"""An engine holds a store and a catalogue with what is made of the two: once, and no longer than the store is in use."""

from __future__ import annotations

import gc
from dataclasses import replace
from weakref import ref

import pytest

from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix
from features.engine.population import living
from features.store.store import Store
from tests.random_history import LAST, loaded_history


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded_history(tmp_path_factory, seed=3)


def test_a_store_has_one_engine_and_an_engine_is_its_own(store: Store) -> None:
    engine = engine_of(store)
    assert engine_of(store) is engine
    assert engine_of(engine) is engine


def test_what_was_planned_once_is_not_planned_again(store: Store) -> None:
    engine = engine_of(store)
    needs = engine.needs_of_entity("provider")
    assert engine.needs_of_entity("provider") is needs
    assert engine.groups(needs.atoms) is engine.groups(needs.atoms)


def test_an_engine_of_fewer_features_gives_the_bits_of_the_whole(store: Store) -> None:
    whole = engine_of(store)
    name, *_ = whole.catalogue.names("provider")
    declared = {name: whole.catalogue.feature(name)}
    fewer = Engine(store, replace(whole.catalogue, declared=declared))
    assert matrix(fewer, "provider", LAST).names == (name,)
    assert (
        matrix(fewer, "provider", LAST).column(name).tobytes()
        == matrix(store, "provider", LAST).column(name).tobytes()
    )


def test_an_engine_goes_when_its_store_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = loaded_history(tmp_path_factory, seed=3)
    assert len(living(engine_of(store), "provider", LAST))
    engine = ref(engine_of(store))
    del store
    gc.collect()
    assert engine() is None
