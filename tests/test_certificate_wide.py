"""Laws of wide sources: features are proven in blocks, to the same bits, and 400 attributes fit into memory."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.engine.engine import engine_of
from features.engine.population import living
from features.sql import duckdb_oracle
from features.sql.duckdb_oracle import compiled_values
from features.store.store import Store
from tests.random_history import LAST, loaded_history
from tests.test_runs_train import TOML, drawn_city

ATTRIBUTE = '[[attribute]]\ntable = "enterprises"\nname = "a{0}"\ntype = "integer"\nzh = "甲"\nen = "a"\nbasis = "法 law"\n'
WIDE, FIRMS = 400, 60
MOST = 1_500
"""Megabytes that a training of WIDE attributes may hold at its peak: a third of them are the libraries."""
WITH_PEAK = """
import sys
import lssi
try:
    lssi.main()
finally:
    with open("/proc/self/status", encoding="utf-8") as status:
        sys.stderr.write(status.read())
"""
"""The command, and then its own peak: what `getrusage` says of children holds those of other tests, and this process."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded_history(tmp_path_factory, seed=7)


def test_features_in_blocks_are_those_of_one_statement(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(store)
    cases = living(engine, "enterprise", LAST)
    names = engine.catalogue.names("enterprise")
    in_blocks = compiled_values(engine, cases, names)
    monkeypatch.setattr(duckdb_oracle, "COLUMNS_AT_ONCE", len(names))
    at_once = compiled_values(engine, cases, names)
    assert list(in_blocks) == list(names) == list(at_once)
    for name in names:
        assert in_blocks[name].tobytes() == at_once[name].tobytes(), name


@pytest.mark.slow
def test_a_source_of_400_attributes_trains_and_is_certified_within_the_stated_memory(
    write_source: Callable[..., Path],
) -> None:
    tables = drawn_city(FIRMS, 6 * FIRMS)
    draw = np.random.default_rng(1)
    for firm in tables["enterprises"]:
        firm |= {f"a{place}": int(draw.integers(0, 99)) for place in range(WIDE)}
    toml = "".join(ATTRIBUTE.format(place) for place in range(WIDE)) + TOML
    command = [sys.executable, "-c", WITH_PEAK, "train", "visits", str(write_source(tables, toml))]
    trained = subprocess.run(command, capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stderr
    [peak] = re.findall(r"^VmHWM:\s+(\d+) kB$", trained.stderr, re.MULTILINE)
    assert int(peak) < MOST * 1024
