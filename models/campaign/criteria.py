"""The criteria by which candidates are ordered: features of the day in whole steps, the best first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.arrays import Column, Values
from features.cases import Cases
from features.catalogue.joins import base_tables
from features.engine.engine import Engine
from features.engine.matrices import environment
from features.errors import PolicyError
from models.policy.campaign_rules import Criterion

ROUNDING = 1e-9
"""Added before a number is cut to whole steps, since .29 is 28.999999999999996 steps of .01."""


def usable_criteria(
    engine: Engine, criteria: Sequence[Criterion]
) -> tuple[list[Criterion], dict[str, str]]:
    """Return the criteria that a source can compute, and by feature the tables that it lacks for the others.

    PolicyError where a criterion names no feature of enterprises.
    """
    usable: list[Criterion] = []
    lacking: dict[str, str] = {}
    for criterion in criteria:
        name = criterion.feature
        if name in engine.catalogue.left_out:
            lacking[name] = _absent_tables(engine, name)
        elif name in engine.catalogue.names("enterprise"):
            usable.append(criterion)
        else:
            raise PolicyError(
                f"medal.order names {name!r}, which is no feature of enterprises; "
                "`lssi dictionary` lists them"
            )
    return usable, lacking


def _absent_tables(engine: Engine, feature: str) -> str:
    """Return the tables for want of which a source cannot compute a feature."""
    tables = base_tables(engine.catalogue.left_out[feature].split(", "))
    return ", ".join(sorted(table for table in tables if not engine.store.has(table)))


def feature_values(engine: Engine, cases: Cases, names: Sequence[str]) -> Values:
    """Return some features of cases, float64 (n, F), NaN where one is unknown."""
    needs = engine.needs(tuple(names))
    inputs = environment(engine, cases, needs)
    values: Values = needs.program.values(inputs, needs.names)
    return values


def best_first(values: Values, criteria: Sequence[Criterion], numbers: NDArray[np.str_]) -> Column:
    """Return the places of cases (n,) in order, by their values (n, criteria), equal ones by their numbers (n,)."""
    keys = [_key(values[:, place], criterion) for place, criterion in enumerate(criteria)]
    # the last key decides first
    order: Column = np.lexsort((numbers, *reversed(keys)))
    return order


def _key(values: Values, criterion: Criterion) -> Values:
    """Return numbers (n,) of which the least is the best by a criterion."""
    steps = np.floor(np.fmax(values, criterion.floor) / criterion.step + ROUNDING)
    least_is_best = -steps if criterion.best == "most" else steps
    unknown = -np.inf if criterion.unknown == "best" else np.inf
    return np.where(np.isnan(values), unknown, least_is_best)
