"""The slow suite of small sources: `pytest tests/slow_lssi_small.py` tries every case that the quick one leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import Parts
from tests.test_lssi_small import (
    QUICK,
    SMALL,
    Tables,
    city,
    models,
    promote,
    tables,
    test_every_command_runs_on_a_small_source_or_refuses_in_one_line,
    written,
)

__all__ = ["city", "models", "tables", "test_every_command_runs_on_a_small_source_or_refuses_in_one_line"]


@pytest.fixture(params=[name for name in SMALL if name not in QUICK])
def small(
    request: pytest.FixtureRequest, city: Path, tables: Tables, models: list[Parts], tmp_path: Path,
) -> Path:
    promote(models)
    return written(tmp_path / "small", city, SMALL[request.param](tables))
