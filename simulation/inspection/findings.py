"""What a visit finds and what it misses, the orders that follow, and what is remedied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.draws import exponential_days, happens, whole_numbers, whole_yuan
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece
from simulation.ground.setting import NULL, Flags, Floats, Ints, Turn
from simulation.inspection.visits import LOTTERY, Visits, examined
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers

P = parameters("""
missed | .10 | share | assumed | visits that see no violation, whatever there is
each | .75 | share | assumed | probability that a visit sees one particular uncovered worker
owed_floor | 90 | yuan a head and month | assumed | smallest shortfall that an examiner of type 2 can see
owed_each | .75 | share | assumed | probability that the shortfall is seen
closing | 24 | days | assumed | mean days from opening to closing
never | .045 | share | assumed | visits that are never closed
late_label | .06 | share | assumed | findings recorded months after closing
amended | .04 | share | assumed | findings whose count is corrected later
retracted | .01 | share | assumed | findings withdrawn
other | .05 | share | assumed | visits examining type 5 that find another fraudulent act
complies | .78 | share | assumed | orders that the employer obeys
remedied | 20 | days | assumed | mean days until the employer obeys, beyond the order's twelve
order | .78 | share | assumed | findings that are followed by an order to correct
fine | .9 | share | assumed | of the graver responses, those that are fines; the rest are referrals
grave | .03 | share | assumed | findings of a grave act
exact | .8 | share | assumed | of the staff who work there, those counted on site
months_owed | 12 | months | assumed | months for which a shortfall is claimed
""")
ORDER, FINE, REFERRAL = range(3)
VISITS_A_BLOCK = 200_000
"""Numbers set aside for the visits of a block: 240 months of 800 fit."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the visits of one month come to, per visit; days and counts, 0 where nothing was found."""

    closed: Ints
    workers: Ints
    amount: Ints
    complies: Flags
    remedied: Ints


def serial(block: int, month: int, count: int) -> Ints:
    """Return the city-wide numbers of one month's inspections of a block."""
    return np.arange(count) + block * VISITS_A_BLOCK + month % 240 * 800


def results(turn: Turn, visits: Visits, *, count: Census, firms: Firms) -> tuple[Results, Rows]:
    """Return the results of one month's visits and the rows of inspections, findings, orders and remedies."""
    chance = turn.stream("findings")
    looked = examined(chance, visits, firms)
    result = _results(chance, visits, looked=looked, count=count)
    staff = count.staff[visits.firm]
    head = _inspections(turn, chance, visits, looked=looked, closed=result.closed)
    head["staff_on_site"] = chance.binomial(staff, P["exact"])
    rows = _versions(chance, head)
    rows += _findings(chance, head, result, staff=staff)
    return result, rows


def _results(
    chance: np.random.Generator, visits: Visits, *, looked: dict[int, Flags], count: Census
) -> Results:
    """Return what visits see, when they are closed, and whether and when it is remedied."""
    size, firm = len(visits.firm), visits.firm
    sees = chance.random(size) > P["missed"]
    closing_day = visits.day + 2 + exponential_days(chance, P["closing"], size)
    stays_open = happens(chance, P["never"], size)
    closed = np.where(stays_open, NULL, closing_day)
    is_complete = sees & (closed > 0)
    seen_workers = chance.binomial(count.uncovered[firm], _chance_of_each(visits))
    workers = seen_workers * (is_complete & looked[1])
    sees_amount = is_complete & looked[2] & _is_short(count, firm)
    is_seen = sees_amount & happens(chance, P["owed_each"], size)
    owed = count.owed[firm] * int(P["months_owed"])
    amount = np.where(is_seen, whole_yuan(owed), 0)
    in_violation = (workers > 0) | (amount > 0)
    complies = in_violation & happens(chance, P["complies"], size)
    remedy_day = closed + 12 + exponential_days(chance, P["remedied"], size)
    return Results(
        closed=closed,
        workers=workers,
        amount=amount,
        complies=complies,
        remedied=np.where(complies, remedy_day, NULL),
    )


def _chance_of_each(visits: Visits) -> float | Floats:
    """Return the probability that a visit sees one particular uncovered worker: a part of a visit sees its part of them."""
    if visits.share is None:
        return P["each"]
    return P["each"] * visits.share


def _is_short(count: Census, firm: Ints) -> Flags:
    """Return which enterprises owe so much a head that an examiner can see it."""
    heads = np.maximum(count.covered[firm], 1)
    floor = P["owed_floor"] * 100 * heads
    return count.owed[firm] > floor


def _inspections(
    turn: Turn,
    chance: np.random.Generator,
    visits: Visits,
    *,
    looked: dict[int, Flags],
    closed: Ints,
) -> Piece:
    size = len(closed)
    is_drawn = visits.kind == LOTTERY
    draw_number = turn.month // 12 * 100 + turn.month % 12 + 1
    flags = {f"examined_{kind}": whole_numbers(mask) for kind, mask in looked.items()}
    spent = whole_numbers(visits.planned * chance.lognormal(0, 0.3, size))
    return piece(
        visits.day + chance.integers(0, 3, size),
        inspection=serial(turn.block, turn.month, size),
        enterprise=city_numbers(turn.block, visits.firm),
        kind=visits.kind,
        planned_minutes=visits.planned,
        spent_minutes=spent,
        opened=visits.day,
        closed_on=closed,
        **flags,
        draw=np.where(is_drawn, draw_number, NULL),
        inclusion_probability=visits.probability,
    )


def _versions(chance: np.random.Generator, head: Piece) -> Rows:
    """Return the rows of visits as they are opened and again as they are closed."""
    empty = np.full(len(head["opened"]), NULL)
    opened = {**head, "closed_on": empty, "spent_minutes": empty, "staff_on_site": empty}
    is_closed = head["closed_on"] > 0
    delay = chance.integers(0, 5, int(is_closed.sum()))
    recorded = head["closed_on"][is_closed] + delay
    recorded = np.maximum(recorded, head["recorded_on"][is_closed] + 1)
    closed = corrections_of(head, is_closed, recorded)
    return [("inspections", opened), ("inspections", closed)]


def _findings(chance: np.random.Generator, head: Piece, result: Results, *, staff: Ints) -> Rows:
    size = len(result.closed)
    looked = (head["examined_5"] == 1) & (result.closed > 0)
    is_other_act = looked & happens(chance, P["other"], size)
    recorded = _days_of_findings(chance, result.closed)

    def finding(violation: int, mask: Flags, **columns: Ints | int) -> Piece:
        rows = piece(
            recorded,
            inspection=head["inspection"],
            workers_in_violation=columns.get("workers", NULL),
            workers_total=staff,
            violation=violation,
            amount=columns.get("amount", NULL),
        )
        return kept(rows, mask)

    one = finding(1, result.workers > 0, workers=result.workers)
    two = finding(2, result.amount > 0, amount=result.amount)
    five = finding(5, is_other_act)
    rows: Rows = [("findings", part) for part in (one, two, five)]
    return rows + _amended(chance, one) + _orders(chance, head, result, known=recorded)


def _days_of_findings(chance: np.random.Generator, closed: Ints) -> Ints:
    """Return the day on which each visit's findings are recorded, months after closing for a few."""
    size = len(closed)
    recorded = closed + 1 + exponential_days(chance, 4, size)
    is_late = happens(chance, P["late_label"], size)
    months = chance.integers(60, 200, size)
    return recorded + np.where(is_late, months, 0)


def _amended(chance: np.random.Generator, rows: Piece) -> Rows:
    size = len(rows["recorded_on"])
    draw = chance.random(size)
    is_amended, is_retracted = draw < P["amended"], draw > 1 - P["retracted"]
    later = rows["recorded_on"] + chance.integers(20, 120, size)
    workers = rows["workers_in_violation"][is_amended]
    fewer = np.maximum(1, workers * 4 // 5)
    amended = corrections_of(rows, is_amended, later[is_amended], workers_in_violation=fewer)
    retracted = corrections_of(rows, is_retracted, later[is_retracted], retracted=1)
    return [("findings", amended), ("findings", retracted)]


def _orders(chance: np.random.Generator, head: Piece, result: Results, *, known: Ints) -> Rows:
    """Return the orders that answer findings of types 1 and 2, their later versions, and the remedies."""
    rows: Rows = []
    for violation, mask in ((1, result.workers > 0), (2, result.amount > 0)):
        order = _order(chance, head["inspection"][mask], violation=violation, known=known[mask])
        if violation == 2:
            # one visit's two orders are decided apart, as a sanction's key has no violation's number
            both = result.workers[mask] > 0
            order["decided_on"] = order["decided_on"] + np.where(both, 30, 0)
            order["recorded_on"] = order["decided_on"] + 1
        complies = result.complies[mask]
        remedied_on = result.remedied[mask][complies]
        remedied_on = np.maximum(remedied_on, order["decided_on"][complies] + 1)
        versions = corrections_of(order, complies, remedied_on + 3, complied_on=remedied_on)
        rows += [("sanctions", order), ("sanctions", versions)]
        remedy = piece(
            remedied_on + 2,
            inspection=order["inspection"][complies],
            violation=violation,
            remedied_on=remedied_on,
            workers_enrolled=result.workers[mask][complies] if violation == 1 else NULL,
            amount_repaid=result.amount[mask][complies] if violation == 2 else NULL,
        )
        rows.append(("remedies", remedy))
    return rows


def _order(chance: np.random.Generator, inspection: Ints, *, violation: int, known: Ints) -> Piece:
    """Return the orders, fines and referrals that answer some findings."""
    size = len(inspection)
    decided = known + 1 + chance.integers(0, 20, size)
    is_order = happens(chance, P["order"], size)
    is_fine = happens(chance, P["fine"], size)
    return piece(
        decided + 1,
        inspection=inspection,
        violation=violation,
        act=np.select([is_order, is_fine], [ORDER, FINE], REFERRAL),
        decided_on=decided,
        grave=whole_numbers(happens(chance, P["grave"], size)),
        complied_on=NULL,
    )
