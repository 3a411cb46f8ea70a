"""Reviews of claims: by suspicion, tip and lot; most find nothing, some do not end, some err."""

from __future__ import annotations

import numpy as np

from simulation.funds.medical_claims import Claims
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.setting import NULL, Floats, Ints, Turn

P = parameters("""
medical | .0032 | share | assumed | medical claims that a clerk's suspicion picks
cash | .05 | share | assumed | cash claims that it picks
by_amount | .3 | exponent | assumed | suspicion grows with the amount
nose | 2.2 | ratio | assumed | false claims are suspected more often
tip | .0006 | share | assumed | claims reviewed on a tip
tip_false | .006 | share | assumed | false claims reviewed on a tip
lot_medical | .0012 | share | assumed | inclusion probability in the lottery of medical claims
lot_cash | .012 | share | assumed | inclusion probability in the lottery of cash claims
seen | .86 | share | assumed | false claims that a review proves
unclear | .04 | share | assumed | reviews that end unclear
never | .05 | share | assumed | reviews that are not closed
days | 32 | days | assumed | mean days of a review
late | .05 | share | assumed | outcomes recorded months later
reversed | .01 | share | assumed | outcomes corrected from fraud to clean
""")
ROUTINE, COMPLAINT, ALERT, SPECIAL, LOTTERY = range(5)
FRAUD, CLEAN, UNCLEAR = range(3)
MEDICAL = 1


def review_rows(turn: Turn, claims: Claims, *, scheme: int) -> Rows:
    """Return the reviews of one month's claims of a scheme."""
    chance = turn.stream(f"reviews{scheme}")
    count, false = len(claims.claim), claims.false > 0
    name = "medical" if scheme == MEDICAL else "cash"
    size: Floats = (
        (claims.amount / max(1.0, float(np.median(claims.amount)))) ** P["by_amount"]
        if count
        else np.empty(0)
    )
    suspicion = chance.random(count) < np.minimum(
        P[name] * size * np.where(false, P["nose"], 1), 0.5
    )
    tip = chance.random(count) < np.where(false, P["tip_false"], P["tip"])
    drawn = chance.random(count) < P[f"lot_{name}"]
    why = np.select([drawn, tip, suspicion], [LOTTERY, COMPLAINT, ALERT], -1)
    who = np.flatnonzero(why >= 0)
    return _outcomes(chance, claims, who=who, why=why[who], lot=P[f"lot_{name}"])


def _outcomes(
    chance: np.random.Generator, claims: Claims, *, who: Ints, why: Ints, lot: float
) -> Rows:
    size = len(who)
    closed = claims.known[who] + 8 + chance.exponential(P["days"], size).astype(np.int64)
    known = (
        closed + 1 + np.where(chance.random(size) < P["late"], chance.integers(60, 200, size), 1)
    )
    proved = (claims.false[who] > 0) & (chance.random(size) < P["seen"])
    outcome = np.where(proved, FRAUD, np.where(chance.random(size) < P["unclear"], UNCLEAR, CLEAN))
    rows = piece(
        known,
        claim=claims.claim[who],
        chosen=why,
        inclusion_probability=np.where(why == LOTTERY, lot, np.nan),
        minutes=chance.integers(20, 160, size),
        closed_on=closed,
        outcome=outcome,
        amount=np.where(proved, claims.amount[who], NULL),
    )
    open_ = chance.random(size) < P["never"]
    begun = corrections_of(
        rows,
        open_,
        claims.known[who][open_] + 5,
        closed_on=NULL,
        outcome=NULL,
        amount=NULL,
        minutes=NULL,
    )
    ended = corrections_of(rows, ~open_, known[~open_])
    err = (ended["outcome"] == FRAUD) & (chance.random(len(ended["outcome"])) < P["reversed"])
    mended = corrections_of(ended, err, ended["recorded_on"][err] + 40, outcome=CLEAN, amount=NULL)
    return [("claim_reviews", begun), ("claim_reviews", ended), ("claim_reviews", mended)]
