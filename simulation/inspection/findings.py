"""What a visit finds and misses, the orders that follow, and what is remedied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece
from simulation.ground.setting import NULL, Flags, Ints, Turn
from simulation.inspection.visits import LOTTERY, Visits, examined
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers

P = parameters("""
missed | .10 | share | assumed | visits that see nothing of what is there
each | .75 | share | assumed | chance that a visit sees one uncovered worker
owed_floor | 90 | yuan a head and month | assumed | shortfall from which an examiner of type 2 sees it
owed_each | .75 | share | assumed | chance that the shortfall is seen
closing | 24 | days | assumed | mean days from opening to closing
never | .045 | share | assumed | visits that are not closed
late_label | .06 | share | assumed | findings recorded months after closing
amended | .04 | share | assumed | findings whose count is corrected later
retracted | .01 | share | assumed | findings taken back
other | .05 | share | assumed | visits examining type 5 that find another fraudulent act
complies | .78 | share | assumed | orders that are complied with
remedied | 20 | days | assumed | mean days, beyond the order's twelve, until it is complied with
order | .78 | share | assumed | findings answered by an order to correct
fine | .9 | share | assumed | fines among the graver answers; the rest are referred
grave | .03 | share | assumed | findings of a grave act
exact | .8 | share | assumed | staff counted on site, of those who work there
months_owed | 12 | months | assumed | months for which a shortfall is claimed
""")
VISITS_A_BLOCK = 200_000


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
    size, firm = len(visits.firm), visits.firm
    looked = examined(chance, visits, firms)
    sees = chance.random(size) > P["missed"]
    closed = visits.day + 2 + chance.exponential(P["closing"], size).astype(np.int64)
    closed = np.where(chance.random(size) < P["never"], NULL, closed)
    workers = chance.binomial(count.uncovered[firm], P["each"]) * (sees & looked[1] & (closed > 0))
    owed = count.owed[firm] * int(P["months_owed"])
    seen = (
        sees
        & looked[2]
        & (closed > 0)
        & (count.owed[firm] > P["owed_floor"] * 100 * np.maximum(count.covered[firm], 1))
    )
    amount = np.where(seen & (chance.random(size) < P["owed_each"]), owed // 100 * 100, 0)
    anything = (workers > 0) | (amount > 0)
    complies = anything & (chance.random(size) < P["complies"])
    remedied = np.where(
        complies, closed + 12 + chance.exponential(P["remedied"], size).astype(np.int64), NULL
    )
    result = Results(
        closed=closed, workers=workers, amount=amount, complies=complies, remedied=remedied
    )
    head = _inspections(turn, chance, visits, looked=looked, closed=closed)
    head["staff_on_site"] = chance.binomial(count.staff[firm], P["exact"])
    rows = _versions(chance, head) + _findings(chance, head, result, staff=count.staff[firm])
    return result, rows


def _inspections(
    turn: Turn,
    chance: np.random.Generator,
    visits: Visits,
    *,
    looked: dict[int, Flags],
    closed: Ints,
) -> Piece:
    drawn = visits.kind == LOTTERY
    flags = {f"examined_{kind}": mask.astype(np.int64) for kind, mask in looked.items()}
    spent = (visits.planned * chance.lognormal(0, 0.3, len(closed))).astype(np.int64)
    return piece(
        visits.day + chance.integers(0, 3, len(closed)),
        inspection=serial(turn.block, turn.month, len(closed)),
        enterprise=city_numbers(turn.block, visits.firm),
        kind=visits.kind,
        planned_minutes=visits.planned,
        spent_minutes=spent,
        opened=visits.day,
        closed_on=closed,
        **flags,
        draw=np.where(drawn, turn.month // 12 * 100 + turn.month % 12 + 1, NULL),
        inclusion_probability=visits.probability,
    )


def _versions(chance: np.random.Generator, head: Piece) -> Rows:
    empty = np.full(len(head["opened"]), NULL)
    first = {**head, "closed_on": empty, "spent_minutes": empty, "staff_on_site": empty}
    done = head["closed_on"] > 0
    known = np.maximum(
        head["closed_on"][done] + chance.integers(0, 5, int(done.sum())),
        head["recorded_on"][done] + 1,
    )
    return [("inspections", first), ("inspections", corrections_of(head, done, known))]


def _findings(chance: np.random.Generator, head: Piece, result: Results, *, staff: Ints) -> Rows:
    size = len(result.closed)
    other = (head["examined_5"] == 1) & (result.closed > 0) & (chance.random(size) < P["other"])
    known = result.closed + 1 + chance.exponential(4, size).astype(np.int64)
    known += np.where(chance.random(size) < P["late_label"], chance.integers(60, 200, size), 0)
    full = piece(
        known,
        inspection=head["inspection"],
        workers_in_violation=result.workers,
        workers_total=staff,
    )
    one = kept(
        {**full, "violation": np.ones(size, int), "amount": np.full(size, NULL)}, result.workers > 0
    )
    two = kept(
        {
            **full,
            "violation": np.full(size, 2),
            "amount": result.amount,
            "workers_in_violation": np.full(size, NULL),
        },
        result.amount > 0,
    )
    five = kept(
        {
            **full,
            "violation": np.full(size, 5),
            "amount": np.full(size, NULL),
            "workers_in_violation": np.full(size, NULL),
        },
        other,
    )
    rows: Rows = [("findings", part) for part in (one, two, five)]
    return rows + _amended(chance, one) + _orders(chance, head, result, known=known)


def _amended(chance: np.random.Generator, rows: Piece) -> Rows:
    size = len(rows["recorded_on"])
    draw = chance.random(size)
    fewer, back = draw < P["amended"], draw > 1 - P["retracted"]
    later = rows["recorded_on"] + chance.integers(20, 120, size)
    less = np.maximum(1, rows["workers_in_violation"][fewer] * 4 // 5)
    return [
        ("findings", corrections_of(rows, fewer, later[fewer], workers_in_violation=less)),
        ("findings", corrections_of(rows, back, later[back], retracted=1)),
    ]


def _orders(chance: np.random.Generator, head: Piece, result: Results, *, known: Ints) -> Rows:
    rows: Rows = []
    for violation, mask in ((1, result.workers > 0), (2, result.amount > 0)):
        size = int(mask.sum())
        decided = known[mask] + 1 + chance.integers(0, 20, size)
        act = np.where(
            chance.random(size) < P["order"], 0, np.where(chance.random(size) < P["fine"], 1, 2)
        )
        order = piece(
            decided + 1,
            inspection=head["inspection"][mask],
            violation=violation,
            act=act,
            decided_on=decided,
            grave=(chance.random(size) < P["grave"]).astype(np.int64),
            complied_on=NULL,
        )
        clash = (violation == 2) & (result.workers[mask] > 0)
        order["decided_on"] = np.where(clash, order["decided_on"] + 30, order["decided_on"])
        order["recorded_on"] = order["decided_on"] + 1
        done = result.complies[mask]
        day = np.maximum(result.remedied[mask][done], order["decided_on"][done] + 1)
        rows += [
            ("sanctions", order),
            ("sanctions", corrections_of(order, done, day + 3, complied_on=day)),
        ]
        remedy = piece(
            day + 2,
            inspection=head["inspection"][mask][done],
            violation=violation,
            remedied_on=day,
            workers_enrolled=result.workers[mask][done] if violation == 1 else NULL,
            amount_repaid=NULL if violation == 1 else result.amount[mask][done],
        )
        rows.append(("remedies", remedy))
    return rows
