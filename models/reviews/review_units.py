"""The units of a week's reviews: every claim or provider in hand with its team, its standing, and what a review may recover."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import NULL
from features.calendar import date_of
from features.cases import Cases
from features.engine.engine import Engine
from features.engine.matrices import matrix_for
from features.engine.population import bare_cases, registered_cases
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.policy.plan_unit import PlanUnit
from models.policy.policy_facts import cells_of, live_rows_of, teams_of_cells
from models.policy.visit_staff import check_staff_features, staff_of
from models.policy.week_units import FEN, NOWHERE
from models.reviews.in_hand import InHand
from models.reviews.review_rules import ReviewRules

REVIEWED_WHERE = ("provider", "enterprise")
"""Whose cell a claim is reviewed in: its provider's, and that of the enterprise of cover where the provider lies in none."""


def review_units(
    engine: Engine, bundle: Bundle, rules: ReviewRules, in_hand: InHand, as_of: int
) -> tuple[list[PlanUnit], Scores]:
    """Return the units in hand as units of a plan, and their scores in the same order."""
    check_staff_features(engine.catalogue, rules, rules.unit)
    days = np.full(len(in_hand.code), as_of, np.int64)
    cases, _ = registered_cases(engine, bare_cases(rules.unit, in_hand.code, days))
    features = matrix_for(engine, cases)
    scores = score(bundle, features)
    benefit = recovered(bundle, scores, features, rules)
    staff = staff_of(features, rules)
    offices = offices_of(engine.store, cases, as_of)
    particulars = _particulars(engine.store, cases, in_hand)
    units = [
        PlanUnit(
            name=str(name),
            cell=offices[place],
            staff=int(staff[place]),
            benefit=float(benefit[place]),
            standing=in_hand.standing[int(cases.code[place])],
            kind=rules.unit,
            scheme=details.get("scheme") or "",
            particulars=tuple(details.items()),
        )
        for place, (name, details) in enumerate(zip(features.keys, particulars, strict=True))
    ]
    return units, scores


def recovered(bundle: Bundle, scores: Scores, features: Matrix, rules: ReviewRules) -> Floats:
    """Return the yuan that a review of each unit is expected to recover, (n,).

    A model that tells amounts tells this one; any other tells how likely a violation is, and the rules the amount of one.
    """
    if scores.expected is not None and bundle.manifest.unit_expected == "fen":
        return scores.expected / FEN
    amount = np.full(len(features), np.nan)
    if rules.recovered.feature in features.names:
        amount = features.column(rules.recovered.feature) / FEN * rules.recovered.percent / 100
    yuan: Floats = np.where(np.isnan(amount), rules.recovered.unknown_yuan, amount)
    # a bill that was taken back is below nought, and nothing is recovered of it
    return scores.probability * np.maximum(yuan, 0.0)


def offices_of(store: Store, cases: Cases, as_of: int) -> list[str]:
    """Return the team that reviews each unit: that of its provider's cell, else of the enterprise of cover; else none."""
    team_of = teams_of_cells(store, as_of, as_of)
    if not team_of:
        return [NOWHERE] * len(cases)
    cells = store.texts("cell")
    cell_of = {
        "provider": provider_cells(store, as_of),
        "enterprise": cells_of(store, as_of) if cases.entity == "claim" else {},
    }
    offices = [NOWHERE] * len(cases)
    # the one that decides comes last, and so stands
    for placing in reversed(REVIEWED_WHERE):
        codes = cases.keys.get(placing, np.full(len(cases), NULL))
        for place, code in enumerate(codes.tolist()):
            cell = cell_of[placing].get(code)
            if cell is not None:
                offices[place] = team_of.get(cells[cell], NOWHERE)
    return offices


def provider_cells(store: Store, as_of: int) -> dict[int, int]:
    """Return the cell in which each provider lies on a day, by code; providers without a cell are not named."""
    rows = live_rows_of(store, "providers", as_of, ("provider", "since", "cell"))
    in_order = sorted(row for row in rows if row[2] is not None and (row[1] or 0) <= as_of)
    return {
        provider: cell
        for provider, _, cell in in_order
        if provider is not None and cell is not None
    }


def _particulars(store: Store, cases: Cases, in_hand: InHand) -> Iterator[dict[str, Any]]:
    """Yield what a list says of each unit: of a claim its scheme, provider, amount and day, of both the match that names it."""
    codes = cases.code.tolist()
    if cases.entity != "claim":
        yield from ({"match": in_hand.match.get(code)} for code in codes)
        return
    columns = ("claim", "scheme", "provider", "amount", "filed_on")
    wanted = set(codes)
    rows = live_rows_of(store, "claims", int(cases.as_of.max(initial=0)), columns)
    said_of = {row[0]: row[1:] for row in rows if row[0] in wanted}
    schemes = store.column("claims", "scheme").choices
    providers = store.texts("provider")
    for code in codes:
        scheme, provider, amount, filed_on = said_of[code]
        yield {
            "scheme": None if scheme is None else schemes[scheme],
            "provider": None if provider is None else providers[provider],
            "amount_yuan": None if amount is None else amount / FEN,
            "filed_on": None if filed_on is None else str(date_of(filed_on)),
            "match": in_hand.match.get(code),
        }
