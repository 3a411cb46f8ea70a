"""The units that alerts may name on a day, who answers for each, and what their model expects of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.cases import Cases
from features.catalogue.model import ENTITIES
from features.engine.engine import Engine
from features.engine.population import bare_cases, living, registered_cases
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.interval import Interval
from models.bundle.score import Scores, score
from models.policy.plan_unit import ENTERPRISE
from models.policy.policy_facts import cells_of, teams_of_cells
from models.policy.week_units import FEN
from models.reviews.review_rules import review_rules_on
from models.reviews.review_units import offices_of, provider_cells, recovered
from models.reviews.review_week import IN_HAND
from serving.alerts.crossing import Answerable

WORKERS, YUAN = "workers", "yuan"
"""What the number of an alert counts: workers of an enterprise, yuan that a review of a claim or provider may recover."""


@dataclass(frozen=True, slots=True, eq=False)
class WatchedUnits:
    """The units of a kind that alerts may name as of a day: enterprises that live, claims and providers in hand."""

    cases: Cases
    answerable: Mapping[str, Answerable]


@dataclass(frozen=True, slots=True, eq=False)
class WatchedNumbers:
    """What a model says of units, in their order: its scores, the number it expects (n,) or None, and what that counts.

    `divisor` makes the ends of the scores' interval ends of that number; None where the model's interval is of another.
    """

    scores: Scores
    number: Floats | None
    unit: str
    divisor: int | None

    def number_of(self, row: int) -> float | None:
        """Return the number expected of one unit, None where the model expects none."""
        return None if self.number is None else float(self.number[row])

    def interval_of(self, row: int) -> Interval | None:
        """Return the interval of one unit's number, None where the model has none."""
        interval = self.scores.interval_of(row)
        if interval is None or self.divisor is None:
            return None
        lower, upper = interval.lower / self.divisor, interval.upper / self.divisor
        return Interval(lower, upper, interval.coverage)


def watched(engine: Engine, kind: str, as_of: int) -> WatchedUnits:
    """Return the units of a kind that alerts may name as of a closed day; none where the source has no register of them."""
    store = engine.store
    table, _ = ENTITIES[kind]
    if not store.has(table):
        nobody = np.array([], np.int64)
        return WatchedUnits(bare_cases(kind, nobody, nobody), {})
    cases = _cases(engine, kind, as_of)
    texts = store.texts(kind)
    names = [texts[code] for code in cases.code.tolist()]
    answerable = dict(zip(names, _answerable(store, cases, as_of), strict=True))
    return WatchedUnits(cases, answerable)


def _cases(engine: Engine, kind: str, as_of: int) -> Cases:
    if kind == ENTERPRISE.name:
        return living(engine, kind, as_of)
    in_hand = IN_HAND[kind](engine, review_rules_on(kind, as_of), as_of)
    days = np.full(len(in_hand.code), as_of, np.int64)
    cases, _ = registered_cases(engine, bare_cases(kind, in_hand.code, days))
    return cases


def _answerable(store: Store, cases: Cases, as_of: int) -> list[Answerable]:
    """Return who answers for each unit: the team of its cell; of a claim the one that reviews it."""
    if cases.entity == "claim":
        return [Answerable(None, team or None) for team in offices_of(store, cases, as_of)]
    teams = teams_of_cells(store, as_of, as_of)
    codes = (
        cells_of(store, as_of) if cases.entity == ENTERPRISE.name else provider_cells(store, as_of)
    )
    texts = store.texts("cell") if codes else ()
    cells = [texts[codes[code]] if code in codes else None for code in cases.code.tolist()]
    return [Answerable(cell, teams.get(cell or "")) for cell in cells]


def watched_numbers(bundle: Bundle, units: Matrix, as_of: int) -> WatchedNumbers:
    """Return what a model says of units as of a day: of workers for enterprises, of yuan that reviews may recover for others."""
    scores = score(bundle, units)
    if bundle.entity == ENTERPRISE.name:
        return WatchedNumbers(scores, scores.expected, WORKERS, 1)
    rules = review_rules_on(bundle.entity, as_of)
    divisor = FEN if bundle.manifest.unit_expected == "fen" else None
    return WatchedNumbers(scores, recovered(bundle, scores, units, rules), YUAN, divisor)
