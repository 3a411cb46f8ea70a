"""Many units on few days give the bits that each day gives alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.engine import catalogue_of, matrix, matrix_of_cases
from features.store import Store, open_store
from tests.random_history import LAST, write_history

DAYS = (LAST - 231, LAST - 120, LAST - 13, LAST)


def alone(store: Store, entity: str) -> dict[tuple[str, int], bytes]:
    """Return the features of every living unit of each day, asked for day by day."""
    found = {}
    for day in DAYS:
        one = matrix(store, entity, day)
        found |= {(key, day): row.tobytes() for key, row in zip(one.keys.tolist(), one.values, strict=True)}
    return found


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("entity", ["enterprise", "provider", "claim"])
def test_days_together_give_the_bits_of_each_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str, many: int) -> None:
    store = open_store(write_history(tmp_path / "source", seed=5))
    expected = alone(store, entity)
    for name in ("MANY_UNITS", "WORTHWHILE"):
        monkeypatch.setattr(f"features.evaluate.{name}", many)
    cases = list(expected)
    np.random.default_rng(1).shuffle(cases)
    keys, days = [key for key, _ in cases], np.array([int(day) for _, day in cases])
    found = matrix_of_cases(store, entity, keys, days, catalogue_of(store))
    assert len(cases) >= 4 * len(DAYS)
    assert [row.tobytes() for row in found.values] == [expected[key, int(day)] for key, day in zip(keys, days, strict=True)]
