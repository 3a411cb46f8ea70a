"""Rows of enterprises: registration, moves, changes of representative, closing; each from its own day on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, piece
from simulation.ground.setting import BLOCK, NULL, Ints, Setting, Turn, stream
from simulation.labour.firms import Firms, city_numbers

P = parameters("""
registered_delay | 9 | days | assumed | mean delay of a registration
changed_delay | 25 | days | assumed | mean delay of a change
closed_delay | 40 | days | assumed | mean delay of a closing
moves | .0020 | a month | assumed | units that move
new_owner | .0014 | a month | assumed | units that change their representative
far | .35 | share | assumed | moves into another cell
""")


def enterprise_rows(block: int, firms: Firms, *, who: Ints, since: Ints, delay: Ints) -> Piece:
    """Return rows with the attributes of some enterprises from a day on."""
    head = firms.head[who]
    base = block * BLOCK + 1
    shut = firms.closed[who]
    return piece(
        since + delay,
        enterprise=city_numbers(block, who),
        since=since,
        kind=firms.kind[who],
        head_office=np.where(head >= 0, city_numbers(block, head), NULL),
        registered=firms.registered[who],
        closed=np.where(shut <= since, shut, NULL),
        section=firms.section[who],
        division=firms.division[who],
        ownership=firms.ownership[who],
        cell=firms.cell[who],
        address=firms.address[who] + base * 4,
        longitude=firms.longitude[who],
        latitude=firms.latitude[who],
        rural=firms.rural[who],
        representative=firms.owner[who] + base * 4,
        account=firms.account[who] + base,
    )


def first_rows(setting: Setting, block: int, firms: Firms) -> Rows:
    """Return the attribute rows of the enterprises registered before the first month."""
    chance = stream(setting, block, 0, of="attributes")
    who = np.flatnonzero(firms.registered < setting.first_day)
    delay = np.minimum(chance.exponential(P["registered_delay"], len(who)).astype(np.int64), 29)
    return [
        (
            "enterprises",
            enterprise_rows(block, firms, who=who, since=firms.registered[who], delay=delay),
        )
    ]


def attribute_rows(turn: Turn, firms: Firms) -> tuple[Firms, Rows]:
    """Return the enterprises after a month's moves and changes, and the rows that tell of them."""
    chance = turn.stream("attributes")
    start, stop, count = turn.day, turn.end, len(firms.kind)
    new = np.flatnonzero((firms.registered >= start) & (firms.registered < stop))
    rows: Rows = [
        (
            "enterprises",
            enterprise_rows(
                turn.block,
                firms,
                who=new,
                since=firms.registered[new],
                delay=_delay(chance, "registered_delay", new),
            ),
        )
    ]
    firms, who = _changes(turn.setting, chance, firms, start=start)
    day = start + chance.integers(0, turn.days, count)[who]
    rows.append(
        (
            "enterprises",
            enterprise_rows(
                turn.block, firms, who=who, since=day, delay=_delay(chance, "changed_delay", who)
            ),
        )
    )
    shut = np.flatnonzero((firms.closed >= start) & (firms.closed < stop))
    rows.append(
        (
            "enterprises",
            enterprise_rows(
                turn.block,
                firms,
                who=shut,
                since=firms.closed[shut],
                delay=_delay(chance, "closed_delay", shut),
            ),
        )
    )
    return firms, rows


def _delay(chance: np.random.Generator, name: str, who: Ints) -> Ints:
    return 1 + chance.exponential(P[name], len(who)).astype(np.int64)


def _changes(
    setting: Setting, chance: np.random.Generator, firms: Firms, *, start: int
) -> tuple[Firms, Ints]:
    count = len(firms.kind)
    calm = (firms.registered < start) & (firms.closed > start + 62)
    moves = calm & (chance.random(count) < P["moves"])
    owner = calm & (chance.random(count) < P["new_owner"])
    far = moves & (chance.random(count) < P["far"])
    cell = np.where(far, chance.integers(0, setting.cells, count), firms.cell)
    fresh = np.arange(count) + BLOCK * (1 + chance.integers(0, 3, count))
    changed = replace(
        firms,
        cell=cell,
        address=np.where(moves, fresh, firms.address),
        owner=np.where(owner, fresh, firms.owner),
    )
    return changed, np.flatnonzero(moves | owner)
