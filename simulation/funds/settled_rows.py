"""Rows of medical claims and their lines: settled, sometimes refunded, and itemised for stays and a sample."""

from __future__ import annotations

import numpy as np

from simulation.funds.medical_claims import RAISED, Claims
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, piece, where_day
from simulation.ground.setting import NULL, Floats, Ints, Turn
from simulation.labour.firms import city_numbers
from simulation.labour.registrations import MEDICAL, person

P = parameters("""
refused | .012 | share | assumed | claims refused at once
refunded | .006 | share | assumed | claims taken back later
sample | .03 | share | assumed | claims other than stays with lines
lines | 2.2 | lines | assumed | mean lines of a claim beyond the first, at most seven
""")
PAID, REFUSED = 1, 2
ITEMS = 8


def medical_rows(turn: Turn, claims: Claims) -> Rows:
    """Return the rows of one month's medical claims and lines."""
    chance = turn.stream("settled")
    size = len(claims.claim)
    stays = claims.stay > 0
    rows = piece(
        claims.known,
        claim=claims.claim,
        worker=person(turn.block, claims.worker),
        provider=claims.provider,
        enterprise=city_numbers(turn.block, claims.firm),
        scheme=MEDICAL,
        filed_on=claims.filed,
        amount=claims.amount,
        state=np.where(chance.random(size) < P["refused"], REFUSED, PAID),
        inpatient=stays.astype(np.int64),
        admitted=where_day(stays, claims.filed - claims.stay),
        discharged=where_day(stays, claims.filed),
    )
    back = chance.random(size) < P["refunded"]
    gone = corrections_of(
        rows, back, rows["recorded_on"][back] + chance.integers(5, 90, int(back.sum())), retracted=1
    )
    return [("claims", rows), ("claims", gone), ("medical_lines", _lines(chance, claims))]


def _lines(chance: np.random.Generator, claims: Claims) -> Piece:
    itemised = np.flatnonzero((claims.stay > 0) | (chance.random(len(claims.claim)) < P["sample"]))
    count = 1 + np.minimum(chance.poisson(P["lines"], len(itemised)), 6)
    of = np.repeat(itemised, count)
    place = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    share = chance.exponential(1, len(of)) + 0.05
    share /= np.repeat(np.add.reduceat(share, np.cumsum(count) - count), count) if len(of) else 1
    amount = np.maximum(1, (claims.amount[of] * share).astype(np.int64))
    quantity = 1 + chance.poisson(np.where(claims.stay[of] > 0, claims.stay[of], 1))
    used = claims.filed[of] - np.where(
        claims.stay[of] > 0, chance.integers(0, 60, len(of)) % np.maximum(claims.stay[of], 1), 0
    )
    return piece(
        claims.known[of],
        line=claims.claim[of] * 8 + place,
        claim=claims.claim[of],
        item_group=_items(chance, claims.false[of]),
        quantity=quantity,
        price=np.maximum(1, amount // quantity),
        amount=amount,
        used_on=used,
        cell=claims.cell[of],
    )


def _items(chance: np.random.Generator, false: Ints) -> Ints:
    usual: Floats = np.cumsum([0.42, 0.18, 0.08, 0.04, 0.06, 0.08, 0.06, 0.08])
    raised: Floats = np.cumsum([0.30, 0.22, 0.08, 0.07, 0.13, 0.07, 0.04, 0.09])
    draw = chance.random(len(false))
    item = np.where(false == RAISED, np.searchsorted(raised, draw), np.searchsorted(usual, draw))
    return np.minimum(item, ITEMS - 1)


def head_rows(block: int, *, claim: Ints, of: dict[str, Ints], scheme: int, state: int) -> Piece:
    """Return head rows of cash claims: `of` holds known, worker, firm (-1 none), filed, amount."""
    firm = np.where(of["firm"] >= 0, city_numbers(block, of["firm"]), NULL)
    return piece(
        of["known"],
        claim=claim,
        worker=person(block, of["worker"]),
        enterprise=firm,
        scheme=scheme,
        filed_on=of["filed"],
        amount=of["amount"],
        state=state,
        inpatient=NULL,
    )
