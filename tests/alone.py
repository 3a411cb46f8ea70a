"""One case alone: what is asked of many, asked of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.matrix import Matrix, stacked
from features.online.counterfactual import Counterfactuals
from features.online.fact import Fact
from models.bundle.booster import Floats, margins
from models.bundle.bundle import Bundle
from models.explain import evidence as room


class History(Protocol):
    """The history of one case, written by hand."""

    def facts(self, feature: str) -> Sequence[Fact]: ...

    def without(self, fact: Fact) -> Matrix: ...


@dataclass(frozen=True)
class OneHistory:
    """The history of one case as that of many."""

    history: History

    def facts(self, wanted: Sequence[tuple[int, str]]) -> list[Sequence[Fact]]:
        return [self.history.facts(name) for _, name in wanted]

    def without(self, removals: Sequence[tuple[int, Fact]]) -> Matrix:
        return stacked([self.history.without(fact) for _, fact in removals])


class Counterfactual:
    """The counterfactuals of one case."""

    def __init__(self, engine: Engine, evaluated: Evaluation) -> None:
        self._many = Counterfactuals(engine, evaluated)

    def facts(self, feature: str) -> list[Fact]:
        [facts] = self._many.facts([(0, feature)])
        return facts

    def without(self, fact: Fact) -> Matrix:
        return self._many.without([(0, fact)])

    def rows_of(self, fact: Fact) -> frozenset[str]:
        return self._many.rows_of(0, fact)


def evidence(
    bundle: Bundle, row: Matrix, contributions: Floats, history: History
) -> dict[str, tuple[Fact, ...]]:
    trials = room.case_trials(bundle, row, contributions[np.newaxis])
    [facts] = room.evidence(bundle, trials, OneHistory(history))
    return facts


def raw_without(bundle: Bundle, history: History, fact: Fact) -> float:
    return float(margins(bundle.any_model, bundle.matrix(history.without(fact)))[0])
