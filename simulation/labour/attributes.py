"""Rows about enterprises: registration, moves, changes of representative and closings, each valid from its own day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.draws import days_within, exponential_days, happens
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
far | .35 | share | assumed | moves that end in another cell
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
    delay = exponential_days(chance, P["registered_delay"], len(who))
    # at most 29 days, so that the city's databases know all of them as it begins
    delay = np.minimum(delay, 29)
    rows = enterprise_rows(block, firms, who=who, since=firms.registered[who], delay=delay)
    return [("enterprises", rows)]


def attribute_rows(turn: Turn, firms: Firms) -> tuple[Firms, Rows]:
    """Return the enterprises after a month's moves and changes, and the rows that tell of them."""
    chance = turn.stream("attributes")

    def rows_of(firms: Firms, who: Ints, since: Ints, delay: str) -> Piece:
        days = 1 + exponential_days(chance, P[delay], len(who))
        return enterprise_rows(turn.block, firms, who=who, since=since, delay=days)

    new = _in_month(turn, firms.registered)
    registrations = rows_of(firms, new, firms.registered[new], "registered_delay")
    firms, changed = _changes(turn.setting, chance, firms, start=turn.day)
    day = days_within(turn, chance, len(firms.kind))
    changes = rows_of(firms, changed, day[changed], "changed_delay")
    shut = _in_month(turn, firms.closed)
    closings = rows_of(firms, shut, firms.closed[shut], "closed_delay")
    parts = (registrations, changes, closings)
    return firms, [("enterprises", part) for part in parts]


def _in_month(turn: Turn, days: Ints) -> Ints:
    """Return the enterprises whose day lies in a turn's month."""
    return np.flatnonzero((days >= turn.day) & (days < turn.end))


def _changes(
    setting: Setting, chance: np.random.Generator, firms: Firms, *, start: int
) -> tuple[Firms, Ints]:
    """Return the enterprises after moves and changes of owner, and which of them changed."""
    count = len(firms.kind)
    is_calm = (firms.registered < start) & (firms.closed > start + 62)
    moves = is_calm & happens(chance, P["moves"], count)
    has_new_owner = is_calm & happens(chance, P["new_owner"], count)
    goes_far = moves & happens(chance, P["far"], count)
    new_cell = chance.integers(0, setting.cells, count)
    # numbers above those of the block's units, which are their first addresses and owners
    new_number = np.arange(count) + BLOCK * (1 + chance.integers(0, 3, count))
    changed = replace(
        firms,
        cell=np.where(goes_far, new_cell, firms.cell),
        address=np.where(moves, new_number, firms.address),
        owner=np.where(has_new_owner, new_number, firms.owner),
    )
    return changed, np.flatnonzero(moves | has_new_owner)
