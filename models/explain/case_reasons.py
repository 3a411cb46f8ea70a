"""The reasons of cases: what the history of each says for its score, tried by taking rows away, in words.

Others call `case_reasons` for cases that are evaluated, and `reasons_in_batches` for thousands of units of a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.engine.evaluation import evaluation_of
from features.engine.population import cases_of
from features.matrix import Matrix
from features.online.counterfactual import Counterfactuals
from features.online.fact import Fact
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.explain.evidence import case_trials, evidence
from models.explain.reasons import Reason, raising_reasons

AT_ONCE = 512
"""Units whose reasons are made together; it bounds the memory that thousands of them take."""


@dataclass(frozen=True, slots=True)
class CaseReasons:
    """Why one case has its score: the facts by feature that hold when they are tried, and the reasons, strongest first."""

    facts: Mapping[str, tuple[Fact, ...]]
    reasons: list[Reason]


def case_reasons(
    engine: Engine, bundle: Bundle, evaluated: Evaluation, contributions: Floats
) -> list[CaseReasons]:
    """Return the reasons of each evaluated case, in order; `contributions` is float64 (n, F)."""
    counterfactuals = Counterfactuals(engine, evaluated)
    trials = case_trials(bundle, evaluated.matrix, contributions)
    facts_of_cases = evidence(bundle, trials, counterfactuals)
    reasons = []
    for trial, facts in zip(trials, facts_of_cases, strict=True):
        row = evaluated.matrix.row(trial.place)
        raising = raising_reasons(bundle, row, trial.leads, facts)
        reasons.append(CaseReasons(facts, raising))
    return reasons


def reasons_in_batches(
    engine: Engine, bundle: Bundle, units: Matrix, contributions: Floats
) -> Iterator[CaseReasons]:
    """Yield the reasons of each unit of a matrix, in its order, AT_ONCE of them made together.

    `contributions` is float64 (n, F), as `explain` gives them for the same matrix. Only the matrix's units and days are
    read: what they knew is evaluated again, in batches. Units in the order of their codes are read fastest.
    """
    for first in range(0, len(units), AT_ONCE):
        batch = slice(first, first + AT_ONCE)
        days = units.as_of[batch].astype(np.int64)
        cases = cases_of(engine, units.entity, units.keys[batch].tolist(), days)
        evaluated = evaluation_of(engine, cases)
        yield from case_reasons(engine, bundle, evaluated, contributions[batch])
