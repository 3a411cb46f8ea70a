"""Rows of medical claims and their lines: settled, sometimes refunded; lines exist for stays and for a sample of other claims."""

from __future__ import annotations

import numpy as np

from simulation.funds.medical_claims import RAISED, Claims
from simulation.ground.draws import happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, piece, where_day
from simulation.ground.setting import NULL, Floats, Ints, Turn
from simulation.labour.firms import city_numbers
from simulation.labour.registrations import MEDICAL, person

P = parameters("""
refused | .012 | share | assumed | claims refused at once
refunded | .006 | share | assumed | claims withdrawn later
sample | .03 | share | assumed | of the claims that are no stays, those with lines
lines | 2.2 | lines | assumed | mean number of lines beyond the first, at most seven
""")
PAID, REFUSED = 1, 2
"""The codes of a claim's state."""
ITEMS = 8
"""Groups of items on a claim, as the list `item` of the Parquet writer names them."""
# Both are assumed.
USUAL_ITEMS = (0.42, 0.18, 0.08, 0.04, 0.06, 0.08, 0.06, 0.08)
RAISED_ITEMS = (0.30, 0.22, 0.08, 0.07, 0.13, 0.07, 0.04, 0.09)
"""The shares of the groups of items on usual and on raised claims, in the order of the groups' codes."""
MOST_LINES = 8
"""Numbers set aside for the lines of a claim: the first and at most seven more."""


def medical_rows(turn: Turn, claims: Claims) -> Rows:
    """Return the rows of one month's medical claims and lines."""
    chance = turn.stream("settled")
    size = len(claims.claim)
    stays = claims.stay > 0
    is_refused = happens(chance, P["refused"], size)
    rows = piece(
        claims.known,
        claim=claims.claim,
        worker=person(turn.block, claims.worker),
        provider=claims.provider,
        enterprise=city_numbers(turn.block, claims.firm),
        scheme=MEDICAL,
        filed_on=claims.filed,
        amount=claims.amount,
        state=np.where(is_refused, REFUSED, PAID),
        inpatient=whole_numbers(stays),
        admitted=where_day(stays, claims.filed - claims.stay),
        discharged=where_day(stays, claims.filed),
    )
    refunds = _refunds(chance, rows)
    return [("claims", rows), ("claims", refunds), ("medical_lines", _lines(chance, claims))]


def _refunds(chance: np.random.Generator, rows: Piece) -> Piece:
    """Return the retractions of claims that are taken back."""
    is_refunded = happens(chance, P["refunded"], len(rows["recorded_on"]))
    delay = chance.integers(5, 90, int(is_refunded.sum()))
    refunded_on = rows["recorded_on"][is_refunded] + delay
    return corrections_of(rows, is_refunded, refunded_on, retracted=1)


def _lines(chance: np.random.Generator, claims: Claims) -> Piece:
    is_sampled = happens(chance, P["sample"], len(claims.claim))
    itemised = np.flatnonzero((claims.stay > 0) | is_sampled)
    count = 1 + np.minimum(chance.poisson(P["lines"], len(itemised)), 6)
    of = np.repeat(itemised, count)
    size, stay = len(of), claims.stay[of]
    first = np.cumsum(count) - count
    place = np.arange(size) - np.repeat(first, count)
    share = _shares(chance, first, count)
    amount = np.maximum(1, whole_numbers(claims.amount[of] * share))
    is_stay = stay > 0
    quantity = 1 + chance.poisson(np.where(is_stay, stay, 1))
    day_of_stay = chance.integers(0, 60, size) % np.maximum(stay, 1)
    days_before = np.where(is_stay, day_of_stay, 0)
    return piece(
        claims.known[of],
        line=claims.claim[of] * MOST_LINES + place,
        claim=claims.claim[of],
        item_group=_items(chance, claims.false[of]),
        quantity=quantity,
        price=np.maximum(1, amount // quantity),
        amount=amount,
        used_on=claims.filed[of] - days_before,
        cell=claims.cell[of],
    )


def _shares(chance: np.random.Generator, first: Ints, count: Ints) -> Floats:
    """Return each line's share of its claim's amount; claims have `count` lines from `first` on."""
    weight = chance.exponential(1, int(count.sum())) + 0.05
    # reduceat refuses an empty array
    if not len(weight):
        return weight
    total = np.add.reduceat(weight, first)
    return np.asarray(weight / np.repeat(total, count))


def _items(chance: np.random.Generator, false: Ints) -> Ints:
    draw = chance.random(len(false))
    usual = np.searchsorted(np.cumsum(USUAL_ITEMS), draw)
    raised = np.searchsorted(np.cumsum(RAISED_ITEMS), draw)
    item = np.where(false == RAISED, raised, usual)
    # the shares may add up to a little less than 1
    return np.minimum(item, ITEMS - 1)


def head_rows(block: int, *, claim: Ints, of: dict[str, Ints], scheme: int, state: int) -> Piece:
    """Return head rows of cash claims: `of` holds known, worker, firm (-1 none), filed, amount."""
    has_firm = of["firm"] >= 0
    numbers = city_numbers(block, of["firm"])
    return piece(
        of["known"],
        claim=claim,
        worker=person(block, of["worker"]),
        enterprise=np.where(has_firm, numbers, NULL),
        scheme=scheme,
        filed_on=of["filed"],
        amount=of["amount"],
        state=state,
        inpatient=NULL,
    )
