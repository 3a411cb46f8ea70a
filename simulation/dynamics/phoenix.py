"""Phoenix firms: a unit closes, and its staff moves together to a newer unit of the same people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulation.ground.draws import exponential_days, happens
from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Flags, Ints, Setting, Turn, stream
from simulation.inspection.findings import Results
from simulation.inspection.visits import Visits
from simulation.labour.firms import AGENCY, BRANCH, PRIVATE, PUBLIC, Firms
from simulation.labour.honesty import HONEST, Habits
from simulation.labour.staff import Jobs

P = parameters("""
share | .012 | share | assumed | units for which a newer successor is planned
same_owner | .55 | share | assumed | successors with the same representative
same_address | .5 | share | assumed | successors at the same address
same_account | .4 | share | assumed | successors paying from the same account
moves | .85 | share | assumed | staff that moves to the successor
hurried | .6 | share | assumed | units with a planned successor that close early after a finding
smallest | 4 | persons | assumed | smallest staff of a unit with a planned successor
closing | .035 | a year | assumed | ordinary closings; small units close more often
small | 1.6 | ratio | assumed | ratio for a unit of one person
by_size | .25 | a log person | assumed | how much the ratio falls for each log person
""")
INHERITED = {
    "owner": "same_owner",
    "address": "same_address",
    "account": "same_account",
    "section": "",
    "division": "",
    "kind": "",
    "size": "",
}
"""What an heir has of its elder, by the parameter of its share; without one, always."""


@dataclass(frozen=True, slots=True)
class Phoenix:
    """The successor of each enterprise, -1 for none."""

    heir: Ints


def begin_phoenix(
    setting: Setting, block: int, firms: Firms, habits: Habits
) -> tuple[Phoenix, Firms, Habits]:
    """Return the planned successions and the enterprises and habits with heirs made like their elders."""
    chance = stream(setting, block, 0, of="phoenix")
    count = len(firms.kind)
    heirs = chance.permutation(np.flatnonzero(_may_inherit(setting, firms)))
    elders = chance.permutation(np.flatnonzero(_may_be_left(setting, firms, habits)))
    planned = round(P["share"] * count)
    elders = elders[: min(len(heirs), planned)]
    heirs = heirs[: len(elders)]
    heir = np.full(count, -1)
    heir[elders] = heirs
    firms = _made_alike(setting, chance, firms, pair=(elders, heirs))
    return Phoenix(heir), firms, _same_habits(habits, elders, heirs)


def _may_inherit(setting: Setting, firms: Firms) -> Flags:
    """Return which units may take over another's staff: registered inside the months, no public body, no agency."""
    is_new = setting.first_day + 60 < firms.registered
    return np.asarray(is_new & (firms.kind != PUBLIC) & (firms.kind != AGENCY))


def _may_be_left(setting: Setting, firms: Firms, habits: Habits) -> Flags:
    """Return which units may be left for a newer one: private cheats of some age and size."""
    is_old = firms.registered < setting.first_day - 200
    is_private = (firms.ownership == PRIVATE) & (firms.kind != BRANCH) & (firms.kind != AGENCY)
    is_large = firms.size >= P["smallest"]
    return np.asarray(is_old & (habits.style != HONEST) & is_large & is_private)


def _made_alike(
    setting: Setting, chance: np.random.Generator, firms: Firms, *, pair: tuple[Ints, Ints]
) -> Firms:
    """Return the enterprises with days of closing, and with heirs that have some attributes of their elders."""
    elders, heirs = pair
    closed = _closings(setting, chance, firms)
    closed[elders] = firms.registered[heirs] + chance.integers(10, 60, len(elders))
    closed[heirs] = NEVER
    values: dict[str, Any] = {"closed": closed}
    for name, share in INHERITED.items():
        column = getattr(firms, name).copy()
        is_same = happens(chance, P[share] if share else 1.0, len(elders))
        column[heirs[is_same]] = column[elders[is_same]]
        values[name] = column
    ownership = firms.ownership.copy()
    ownership[heirs] = PRIVATE
    return replace(firms, **values, ownership=ownership)


def _closings(setting: Setting, chance: np.random.Generator, firms: Firms) -> Ints:
    """Return the day on which each unit closes by ordinary chance, NEVER for those that stay open."""
    log_size = np.log(firms.size).clip(0, 4)
    hazard_a_day = P["closing"] * (P["small"] - P["by_size"] * log_size) / 365
    earliest = np.maximum(firms.registered + 90, setting.first_day)
    closed = earliest + exponential_days(chance, 1 / hazard_a_day, len(log_size))
    stays = (firms.kind == AGENCY) | (firms.kind == PUBLIC)
    is_later = closed > setting.until + 30
    return np.where(stays | is_later, NEVER, closed)


def _same_habits(habits: Habits, elders: Ints, heirs: Ints) -> Habits:
    """Return the habits with those of the elders that an heir takes over."""
    values = {}
    for name in ("style", "left_out", "hidden"):
        column = getattr(habits, name).copy()
        column[heirs] = column[elders]
        values[name] = column
    return replace(habits, **values)


def moved(
    chance: np.random.Generator, phoenix: Phoenix, jobs: Jobs, *, last: Ints, firms: Firms
) -> tuple[Ints, Ints]:
    """Return worker and new enterprise of the staff that moves along when its unit closes."""
    heir = phoenix.heir[jobs.firm]
    shuts = (last < NEVER) & (heir >= 0) & (firms.closed[jobs.firm] <= last)
    moves = happens(chance, P["moves"], len(last))
    goes = shuts & moves & (jobs.fiction == 0)
    return jobs.worker[goes], heir[goes]


def hurried(turn: Turn, firms: Firms, *, phoenix: Phoenix, of: tuple[Visits, Results]) -> Firms:
    """Return the enterprises with the successions that findings bring forward."""
    visits, result = of
    chance = turn.stream("hurry")
    in_violation = (result.workers > 0) | (result.amount > 0)
    caught = visits.firm[in_violation]
    hurries = happens(chance, P["hurried"], len(caught))
    elders = caught[(phoenix.heir[caught] >= 0) & hurries]
    soon = turn.end + chance.integers(5, 50, len(elders))
    return brought_forward(firms, phoenix, elders=elders, soon=soon)


def brought_forward(firms: Firms, phoenix: Phoenix, *, elders: Ints, soon: Ints) -> Firms:
    """Return the enterprises whose successors open on given days, where these are earlier than planned."""
    heirs = phoenix.heir[elders]
    is_earlier = firms.registered[heirs] > soon
    registered, closed = firms.registered.copy(), firms.closed.copy()
    registered[heirs[is_earlier]] = soon[is_earlier]
    closed[elders[is_earlier]] = soon[is_earlier] + 30
    return replace(firms, registered=registered, closed=closed)
