"""An evaluation: cases with their matrix and all that it was computed from, from the store or from rows given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.aggregates.reader import cached_rows, store_rows
from features.aggregates.row_ranges import Rows
from features.cases import Cases
from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.engine.matrices import check_entity, described, environment
from features.engine.population import cases_of


def evaluation(engine: Engine, entity: str, as_of: int, keys: Sequence[str]) -> Evaluation:
    """Return the evaluation of ids on a day, in the order given; UnknownId for one that the register of the day lacks."""
    check_entity(entity)
    rows: Rows | None = None
    if len(keys) == 1:
        # The rows of one case are few: they stay at hand for whoever asks what they were.
        rows = cached_rows(store_rows(engine.store))
    days = np.full(len(keys), as_of, np.int64)
    cases = cases_of(engine, entity, keys, days, rows)
    return evaluation_of(engine, cases, rows)


def evaluation_of(engine: Engine, cases: Cases, rows: Rows | None = None) -> Evaluation:
    """Return the evaluation of cases, one at least; `rows` replaces the store as the place where rows come from."""
    needs = engine.needs_of_entity(cases.entity)
    inputs = environment(engine, cases, needs, rows)
    computed = needs.program.values(inputs, needs.names)
    last = int(cases.as_of.max())
    # The matrix takes categories out of the values that it is given.
    matrix = described(engine, cases, computed.copy(), last)
    return Evaluation(cases, inputs, computed, matrix, rows or store_rows(engine.store))
