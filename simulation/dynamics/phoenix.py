"""Phoenix firms: a unit closes and its staff moves together to a newer one of the same people."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Ints, Setting, Turn, stream
from simulation.inspection.findings import Results
from simulation.inspection.visits import Visits
from simulation.labour.firms import AGENCY, BRANCH, PRIVATE, PUBLIC, Firms
from simulation.labour.honesty import HONEST, Habits
from simulation.labour.staff import Jobs

P = parameters("""
share | .012 | share | assumed | units that are planned to be left for a newer one
same_owner | .55 | share | assumed | successors with the same representative
same_address | .5 | share | assumed | successors at the same address
same_account | .4 | share | assumed | successors paying from the same account
moves | .85 | share | assumed | staff that moves along
hurried | .6 | share | assumed | planned ones that hurry after a finding
closing | .035 | a year | assumed | ordinary closings, more of small units
""")


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
    planned = setting.first_day + 60 < firms.registered
    heirs = chance.permutation(
        np.flatnonzero(planned & (firms.kind != PUBLIC) & (firms.kind != AGENCY))
    )
    elders = np.flatnonzero(
        (firms.registered < setting.first_day - 200)
        & (habits.style != HONEST)
        & (firms.size >= 4)
        & (firms.ownership == PRIVATE)
        & (firms.kind != BRANCH)
        & (firms.kind != AGENCY)
    )
    elders = chance.permutation(elders)[: min(len(heirs), round(P["share"] * count))]
    heirs = heirs[: len(elders)]
    heir = np.full(count, -1)
    heir[elders] = heirs
    return (
        Phoenix(heir),
        _made_alike(setting, chance, firms, pair=(elders, heirs)),
        _same_habits(habits, elders, heirs),
    )


def _made_alike(
    setting: Setting, chance: np.random.Generator, firms: Firms, *, pair: tuple[Ints, Ints]
) -> Firms:
    elders, heirs = pair
    hazard = P["closing"] * (1.6 - 0.25 * np.log(firms.size).clip(0, 4)) / 365
    closed = np.maximum(firms.registered + 90, setting.first_day) + chance.exponential(
        1 / hazard
    ).astype(np.int64)
    closed = np.where(
        (firms.kind == AGENCY) | (firms.kind == PUBLIC) | (closed > setting.until + 30),
        NEVER,
        closed,
    )
    closed[elders] = firms.registered[heirs] + chance.integers(10, 60, len(elders))
    closed[heirs] = NEVER
    values = {"closed": closed}
    for name, share in (
        ("owner", "same_owner"),
        ("address", "same_address"),
        ("account", "same_account"),
        ("section", ""),
        ("division", ""),
        ("kind", ""),
        ("size", ""),
    ):
        column = getattr(firms, name).copy()
        same = chance.random(len(elders)) < (P[share] if share else 1.0)
        column[heirs[same]] = column[elders[same]]
        values[name] = column
    ownership = firms.ownership.copy()
    ownership[heirs] = PRIVATE
    return replace(firms, **values, ownership=ownership)


def _same_habits(habits: Habits, elders: Ints, heirs: Ints) -> Habits:
    style, left_out, hidden = habits.style.copy(), habits.left_out.copy(), habits.hidden.copy()
    style[heirs], left_out[heirs], hidden[heirs] = style[elders], left_out[elders], hidden[elders]
    return replace(habits, style=style, left_out=left_out, hidden=hidden)


def moved(
    chance: np.random.Generator, phoenix: Phoenix, jobs: Jobs, *, last: Ints, firms: Firms
) -> tuple[Ints, Ints]:
    """Return worker and new enterprise of the staff that moves along when its unit closes."""
    heir = phoenix.heir[jobs.firm]
    shuts = (last < NEVER) & (heir >= 0) & (firms.closed[jobs.firm] <= last)
    goes = shuts & (chance.random(len(last)) < P["moves"]) & (jobs.fiction == 0)
    return jobs.worker[goes], heir[goes]


def hurried(turn: Turn, firms: Firms, *, phoenix: Phoenix, of: tuple[Visits, Results]) -> Firms:
    """Return the enterprises with the successions that findings bring forward."""
    visits, result = of
    chance = turn.stream("hurry")
    found = visits.firm[(result.workers > 0) | (result.amount > 0)]
    elders = found[(phoenix.heir[found] >= 0) & (chance.random(len(found)) < P["hurried"])]
    heirs = phoenix.heir[elders]
    soon = turn.end + chance.integers(5, 50, len(elders))
    early = firms.registered[heirs] > soon
    registered, closed = firms.registered.copy(), firms.closed.copy()
    registered[heirs[early]] = soon[early]
    closed[elders[early]] = soon[early] + 30
    return replace(firms, registered=registered, closed=closed)
