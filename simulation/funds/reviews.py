"""Reviews of claims, chosen by suspicion, tip or lottery: most find nothing, some never end, some are wrong."""

from __future__ import annotations

import numpy as np

from simulation.funds.medical_claims import Claims
from simulation.ground.draws import exponential_days, happens
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, piece
from simulation.ground.setting import NULL, Flags, Floats, Ints, Turn

P = parameters("""
medical | .0032 | share | assumed | medical claims that a clerk picks on suspicion
cash | .05 | share | assumed | cash claims that a clerk picks on suspicion
by_amount | .3 | exponent | assumed | exponent of the amount: large claims are suspected more often
nose | 2.2 | ratio | assumed | ratio for false claims, which are suspected more often
most | .5 | share | assumed | largest probability with which suspicion picks one claim
tip | .0006 | share | assumed | claims reviewed because of a tip
tip_false | .006 | share | assumed | false claims reviewed because of a tip
lot_medical | .0012 | share | assumed | inclusion probability in the lottery of medical claims
lot_cash | .012 | share | assumed | inclusion probability in the lottery of cash claims
seen | .86 | share | assumed | false claims that a review proves
unclear | .04 | share | assumed | reviews that end without a clear outcome
never | .05 | share | assumed | reviews that are never closed
days | 32 | days | assumed | mean days of a review
late | .05 | share | assumed | outcomes recorded months later
reversed | .01 | share | assumed | outcomes corrected from fraud to clean
""")
ROUTINE, COMPLAINT, ALERT, SPECIAL, LOTTERY = range(5)
FRAUD, CLEAN, UNCLEAR = range(3)
MEDICAL = 1
"""The code of the medical scheme."""


def review_rows(turn: Turn, claims: Claims, *, scheme: int) -> Rows:
    """Return the reviews of one month's claims of a scheme."""
    chance = turn.stream(f"reviews{scheme}")
    count = len(claims.claim)
    is_false = claims.false > 0
    name = "medical" if scheme == MEDICAL else "cash"
    lot = P[f"lot_{name}"]
    nose = np.where(is_false, P["nose"], 1)
    suspicion = P[name] * _by_amount(claims.amount) * nose
    suspicion = np.minimum(suspicion, P["most"])
    is_suspected = happens(chance, suspicion, count)
    tips = np.where(is_false, P["tip_false"], P["tip"])
    is_tip = happens(chance, tips, count)
    is_drawn = happens(chance, lot, count)
    # a claim that is chosen twice counts as chosen by lot, then by tip
    reasons = [LOTTERY, COMPLAINT, ALERT]
    reason = np.select([is_drawn, is_tip, is_suspected], reasons, -1)
    who = np.flatnonzero(reason >= 0)
    return _outcomes(chance, claims, who=who, reason=reason[who], lot=lot)


def _by_amount(amount: Ints) -> Floats:
    """Return how much more each claim is suspected for its amount, beside the median of the month."""
    if not len(amount):
        return np.empty(0)
    median = float(np.median(amount))
    ratio = amount / max(1.0, median)
    return np.asarray(ratio ** P["by_amount"])


def _outcomes(
    chance: np.random.Generator, claims: Claims, *, who: Ints, reason: Ints, lot: float
) -> Rows:
    size = len(who)
    duration = 8 + exponential_days(chance, P["days"], size)
    closed = claims.known[who] + duration
    is_late = happens(chance, P["late"], size)
    months = chance.integers(60, 200, size)
    delay = 1 + np.where(is_late, months, 1)
    recorded = closed + delay
    is_false = claims.false[who] > 0
    is_proved = is_false & happens(chance, P["seen"], size)
    is_unclear = happens(chance, P["unclear"], size)
    rows = piece(
        recorded,
        claim=claims.claim[who],
        chosen=reason,
        inclusion_probability=np.where(reason == LOTTERY, lot, np.nan),
        minutes=chance.integers(20, 160, size),
        closed_on=closed,
        outcome=np.select([is_proved, is_unclear], [FRAUD, UNCLEAR], CLEAN),
        amount=np.where(is_proved, claims.amount[who], NULL),
    )
    is_open = happens(chance, P["never"], size)
    ended = corrections_of(rows, ~is_open, recorded[~is_open])
    begun = _without_outcome(rows, is_open, claims.known[who])
    parts = (begun, ended, _reversed(chance, ended))
    return [("claim_reviews", part) for part in parts]


def _without_outcome(rows: Piece, is_open: Flags, claimed: Ints) -> Piece:
    """Return the reviews that are not closed, recorded a few days after their claim."""
    empty = dict.fromkeys(("closed_on", "outcome", "amount", "minutes"), NULL)
    return corrections_of(rows, is_open, claimed[is_open] + 5, **empty)


def _reversed(chance: np.random.Generator, ended: Piece) -> Piece:
    """Return the corrections of reviews that found fraud and were wrong."""
    outcome = ended["outcome"]
    is_drawn = happens(chance, P["reversed"], len(outcome))
    errs = is_drawn & (outcome == FRAUD)
    corrected_on = ended["recorded_on"][errs] + 40
    return corrections_of(ended, errs, corrected_on, outcome=CLEAN, amount=NULL)
