"""The per-unit file: every case that models were judged by, a row each, with what every model said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.baselines.over_origins import Answered
from training.baselines.sitting import MODEL, Contest, Sitting

CASES = {
    "origin": pa.string(),
    "is_test": pa.bool_(),
    "id": pa.string(),
    "unit": pa.string(),
    "as_of": pa.date32(),
    "label": pa.float64(),
    "random_label": pa.float64(),
    "inclusion": pa.float64(),
    "chance": pa.float64(),
    "weight": pa.float64(),
}
"""What stands before the scores; a label, probability or chance that nobody knows is null."""


def unit_table(contest: Contest, names: Sequence[str]) -> pa.Table:
    """Return the cases of all origins with the raw scores of the model and of the named baselines, null where one has none."""
    schema = pa.schema({**CASES, **dict.fromkeys((MODEL, *names), pa.float64())})
    parts = [schema.empty_table()]
    for sitting, answered in zip(contest.sittings, contest.answered, strict=True):
        columns = {**_of_cases(sitting), **_scores(answered, names)}
        parts.append(pa.table(columns, schema=schema))
    return pa.concat_tables(parts)


def _of_cases(sitting: Sitting) -> dict[str, pa.Array]:
    """Return the columns of CASES."""
    cases = sitting.cases
    number = len(cases)
    chance = np.full(number, np.nan) if sitting.chance is None else sitting.chance
    days = pa.array(cases.as_of.astype(np.int32))
    return {
        "origin": pa.array([sitting.origin.name] * number),
        "is_test": pa.array([sitting.origin.is_test] * number),
        "id": pa.array(cases.ids.tolist()),
        "unit": pa.array(sitting.units.tolist()),
        "as_of": days.cast(pa.date32()),
        "label": _with_nulls(cases.label),
        "random_label": _with_nulls(cases.random_label),
        "inclusion": _with_nulls(cases.inclusion),
        "chance": _with_nulls(chance),
        "weight": _with_nulls(cases.weight),
    }


def _scores(answered: Answered, names: Sequence[str]) -> dict[str, pa.Array]:
    """Return the raw scores of each model by name."""
    nothing = np.full(len(answered.exam.cases), np.nan)
    return {name: _with_nulls(answered.raw.get(name, nothing)) for name in (MODEL, *names)}


def _with_nulls(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.astype(np.float64), from_pandas=True)
