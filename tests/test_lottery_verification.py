"""Laws of verification: whoever steers a lottery is found out, and anybody can repeat a draw with SHA-256 alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from features.errors import LssiError
from models.policy.lottery import CellTickets, Ticket
from serving.ledger.read import head
from serving.lottery.commitment import Commitment, UnitList, sealed, unsealed
from serving.lottery.drawing import Drawing, drawing, drawing_of
from serving.lottery.steps import commit, draw_lottery, step_record
from serving.lottery.verification import (
    DEPARTURES,
    departures,
    order_departures,
    verify_lottery,
)
from tests.test_lottery_steps import (
    LATE,
    LOTTERY,
    PUBLIC,
    RULE,
    SEEN,
    VALUE,
    cells,
    clerk,
    commitment,
)

RECORD = "0-0123456789"
SEED = "5" * 64
COMMITTED = sealed(commitment(), SEED)
HONEST = drawing(COMMITTED, RECORD, SEED, VALUE)
Attempt = tuple[Commitment, Drawing]


def other_seeds(lot: Random) -> Iterator[Attempt]:
    """Draw with seeds that nobody committed to."""
    while True:
        yield COMMITTED, drawing(COMMITTED, RECORD, lot.randbytes(32).hex(), VALUE)


def other_orders(lot: Random) -> Iterator[Attempt]:
    """Write the same units down in other orders."""
    while True:
        shuffled = [
            replace(cell, tickets=tuple(lot.sample(cell.tickets, len(cell.tickets))))
            for cell in lot.sample(COMMITTED.cells, len(COMMITTED.cells))
        ]
        changed = replace(COMMITTED, cells=tuple(shuffled))
        yield changed, drawing(changed, RECORD, SEED, VALUE)


def other_lists(lot: Random) -> Iterator[Attempt]:
    """Change one unit of the list: leave it out, add one, or give it other minutes or another stratum."""
    while True:
        cell = lot.choice(COMMITTED.cells)
        ticket = lot.choice(cell.tickets)
        changed_tickets = {
            "left out": [],
            "added": [ticket, Ticket(f"x{lot.random()}", 240, 1)],
            "longer": [replace(ticket, minutes=ticket.minutes + lot.randint(1, 99))],
            "other stratum": [replace(ticket, stratum=ticket.stratum + lot.randint(1, 3))],
            "other name": [replace(ticket, unit=f"x{lot.random()}")],
        }
        kind = lot.choice(list(changed_tickets))
        others = [each for each in cell.tickets if each != ticket]
        changed = CellTickets(cell.cell, cell.minutes, (*others, *changed_tickets[kind]))
        with_it = [changed if each == cell else each for each in COMMITTED.cells]
        forged = replace(COMMITTED, cells=tuple(with_it))
        yield forged, drawing(forged, RECORD, SEED, VALUE)


def names_put_in(lot: Random) -> Iterator[Attempt]:
    """Write down other drawn units than the draw gives."""
    units = [ticket.unit for cell in COMMITTED.cells for ticket in cell.tickets]
    while True:
        wished = {f"c{lot.randint(0, 3)}": (lot.choice(units),)}
        yield COMMITTED, replace(HONEST, drawn=wished)


@pytest.mark.parametrize(
    ("attempts", "number"),
    [(other_seeds, 1_250), (other_orders, 1_250), (other_lists, 1_250), (names_put_in, 1_100)],
)
def test_whoever_changes_seed_order_list_or_names_is_found_out_or_changes_nothing(
    attempts: Callable[[Random], Iterator[Attempt]], number: int
) -> None:
    made = attempts(Random(1))
    steered = 0
    changed = 0
    for _ in range(number):
        forged, result = next(made)
        is_another = result.drawn != HONEST.drawn
        changed += is_another
        steered += is_another and not departures(forged, result, RECORD)
    assert steered == 0
    # an order moves nothing at all; every other kind of attempt would often have drawn others
    assert (changed == 0) if attempts is other_orders else (changed > number / 10)


def test_once_committed_and_drawn_no_other_list_or_public_value_is_taken(tmp_path: Path) -> None:
    first = commit(clerk(tmp_path), commitment(), SEEN)
    before = draw_lottery(clerk(tmp_path, LATE), LOTTERY, VALUE)
    taken = 0
    for number in range(100):
        with suppress(LssiError):
            draw_lottery(clerk(tmp_path, LATE), LOTTERY, f"3686.{number + 100}")
            taken += 1
    for number in range(50):
        cell = replace(cells()[0], minutes=121 + number)
        other = UnitList(SEEN.as_of, (cell, *cells()[1:]))
        with suppress(LssiError):
            commit(clerk(tmp_path), unsealed(LOTTERY, other, RULE, PUBLIC), SEEN)
            taken += 1
    assert taken == 0
    assert head(clerk(tmp_path).ledger).size == 2
    verdict = verify_lottery(clerk(tmp_path).ledger, LOTTERY)
    records = (verdict.committed.record_id, verdict.drawn.record_id)
    assert verdict.identical and records == (first.record_id, before.record_id)


FORGERIES: dict[str, Callable[[], Attempt]] = {
    "lottery": lambda: (COMMITTED, replace(HONEST, commitment="1-0123456789")),
    "line": lambda: (replace(COMMITTED, rule=replace(RULE, line="by hand")), HONEST),
    "root": lambda: next(
        (forged, made) for forged, made in other_lists(Random(2)) if made.drawn == HONEST.drawn
    ),
    "chances": lambda: (replace(COMMITTED, chances={**COMMITTED.chances, "c0": 7}), HONEST),
    "seed": lambda: next(other_seeds(Random(3))),
    "number": lambda: (COMMITTED, replace(HONEST, number="2015-07-06-000000000000")),
    "drawn": lambda: (COMMITTED, replace(HONEST, drawn={})),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_each_departure_is_told_by_its_name(name: str) -> None:
    forged, made = FORGERIES[name]()
    assert DEPARTURES[name] in departures(forged, made, RECORD)
    assert departures(COMMITTED, HONEST, RECORD) == []


def test_a_commitment_after_its_public_value_or_a_draw_before_it_is_told(tmp_path: Path) -> None:
    committed = commit(clerk(tmp_path), commitment(), SEEN)
    drawn = draw_lottery(clerk(tmp_path, LATE), LOTTERY, VALUE)
    assert order_departures(COMMITTED, committed, drawn) == []
    for wrong in (
        (replace(committed, at=PUBLIC.public_at), drawn),
        (committed, replace(drawn, at=PUBLIC.public_at - timedelta(seconds=1))),
        (replace(committed, sequence=drawn.sequence + 1), drawn),
    ):
        assert order_departures(COMMITTED, *wrong) == [DEPARTURES["order"]]
    assert DEPARTURES.keys() == {"order", *FORGERIES}


def chance(seed: str, number: str, *words: str) -> Fraction:
    """Return a number of [0, 1) from SHA-256, as the page on the lottery says it."""
    digest = sha256("|".join((seed, number, *words)).encode()).hexdigest()
    return Fraction(int(digest[:16], 16), 2**64)


def test_anybody_repeats_a_draw_from_the_words_of_the_page_with_sha_256_alone(
    tmp_path: Path,
) -> None:
    committed = commit(clerk(tmp_path), commitment(), SEEN).act.content
    drawn = draw_lottery(clerk(tmp_path, LATE), LOTTERY, VALUE).act.content
    mixed = {"list": committed["root"], "public": drawn["public_value"], "seed": drawn["seed"]}
    text = json.dumps(mixed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    seed = sha256(text.encode()).hexdigest()
    number = f"2015-07-06-{sha256(f'undeclared_workers|{seed}'.encode()).hexdigest()[:12]}"
    assert sha256(drawn["seed"].encode()).hexdigest() == committed["seed_digest"]
    assert seed == drawn["mixed_seed"]
    point = chance(seed, number)
    end = Fraction(0)
    taken: dict[str, list[str]] = {}
    for cell in sorted(committed["cells"], key=lambda each: chance(seed, number, each["cell"])):
        name = cell["cell"]
        line = [
            (-minutes, stratum, chance(seed, number, name, unit), unit)
            for unit, minutes, stratum in cell["tickets"]
        ]
        for *_, unit in sorted(line):
            end += Fraction(cell["millionths"], 10**6)
            if point < end:
                taken.setdefault(name, []).append(unit)
                point += 1
    assert (number, {cell: sorted(units) for cell, units in taken.items()}) == (
        drawn["draw"],
        drawn["drawn"],
    )


def test_a_drawing_is_read_as_it_was_written(tmp_path: Path) -> None:
    commit(clerk(tmp_path), commitment(), SEEN)
    made = draw_lottery(clerk(tmp_path, LATE), LOTTERY, VALUE)
    stored = step_record(clerk(tmp_path).ledger, LOTTERY, "draw")
    assert stored is not None and stored.act == made.act
    assert drawing_of(stored.act) == drawing_of(made.act)
