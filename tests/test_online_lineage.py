"""A feature's facts are the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sample import slow

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from features.engine.engine import engine_of
from features.engine.population import cases_of
from features.online.lineage import feature_facts
from features.store.opening import open_store
store = open_store(Path(sys.argv[1]))
engine = engine_of(store)
case = cases_of(engine, "enterprise", ["e1"], np.array([16616]))
for feature in ("mean_base_3m", "declared_seasonality", "mean_wage_3m"):
    for fact in feature_facts(engine, case, feature):
        print(feature, fact)
"""


@pytest.mark.parametrize("seeds", ["12", slow("12345")])
def test_facts_stand_in_the_same_order_whatever_the_seed_of_a_process(
    write_source: Callable[..., Path], seeds: str
) -> None:
    months = [f"2015-0{month}" for month in range(1, 5)]
    paid = {
        "worker": "w1",
        "enterprise": "e1",
        "scheme": "pension",
        "kind": "normal",
        "base": 300_000,
        "recorded_on": "2015-06-01",
    }
    source = write_source(
        {
            "enterprises": [
                {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
            ],
            "contributions": [
                paid | {"month": month, "booked": month, "paid_on": "2015-05-20"}
                for month in months
            ],
            "tax_payroll": [
                {
                    "enterprise": "e1",
                    "month": month,
                    "employees": 3,
                    "payroll": 900_000,
                    "recorded_on": "2015-06-01",
                }
                for month in months
            ],
        }
    )
    told = {said(source, seed) for seed in seeds}
    assert len(told) == 1
    assert told.pop().count("mean_base_3m") >= 2


def said(source: Path, seed: str) -> str:
    """Return the facts as a process with this hash seed tells them."""
    room = os.environ | {"PYTHONHASHSEED": seed}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(source)],
        cwd=ROOT,
        env=room,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
