"""What an employer is inclined to do: register late, in part or nobody, declare low bases, pay late, hide from tax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Flags, Floats, Ints, Setting, stream
from simulation.labour.firms import HOUSEHOLD, PRIVATE, PUBLIC, Firms

P = parameters("""
cheating | -1.1 | log-odds | assumed | inclination to leave staff out, of a small private urban unit
by_rural | .45 | log-odds | assumed | more for rural units
by_private | .35 | log-odds | assumed | more for private units
by_young | .35 | log-odds | assumed | more for units younger than three years
by_size | -.12 | log-odds a log person | assumed | less for large units
by_public | -3 | log-odds | assumed | less for public bodies
temper | .8 | log-odds | assumed | spread between units that no database explains
late_share | .25 | share | assumed | of the inclined: register after a long probation only
missing_share | .15 | share | assumed | of the inclined with up to 12 staff: register nobody
partial_low | 1.3 | beta shape | assumed | first shape of the share left out by partial registration
partial_high | 2.4 | beta shape | assumed | second shape of it
hides_all | .42 | share | assumed | cheats who keep their uncovered staff out of the tax filing altogether
low_base_honest | .11 | share | assumed | units that declare the lowest base though they register all
low_base_cheat | .22 | share | assumed | cheats that declare the lowest base as well
files_base | .65 | share | assumed | units with low bases that tell the tax bureau the same low wages
part_base | .22 | share | assumed | units that declare a part of the wage only
tardy_honest | .08 | share | assumed | units that often pay months late
tardy_cheat | .17 | share | assumed | cheats that often pay months late
arrears | .025 | share | assumed | units that leave months unpaid
""")
HONEST, LATE, PARTIAL, MISSING = range(4)
FULL_BASE, LOWEST_BASE, PART_BASE = range(3)
ON_TIME, TARDY, ARREARS = range(3)


@dataclass(frozen=True, slots=True)
class Habits:
    """Inclinations of one block's enterprises; shares are between 0 and 1."""

    style: Ints
    left_out: Floats
    hidden: Floats
    base: Ints
    declared: Floats
    pays: Ints
    filing: Ints
    filing_error: Floats
    files_hosted: Floats
    power: Floats
    metered: Ints
    formal: Floats
    files_base: Ints


def begin_habits(setting: Setting, block: int, firms: Firms) -> Habits:
    """Return the inclinations of one block's enterprises as the city begins."""
    chance = stream(setting, block, 0, of="habits")
    count = len(firms.kind)
    cheats = chance.random(count) < 1 / (
        1 + np.exp(-_pull(setting, firms) - chance.normal(0, P["temper"], count))
    )
    style = _styles(chance, cheats, firms)
    base, declared = _bases(chance, cheats)
    return Habits(
        style=style,
        left_out=np.where(
            style == PARTIAL, chance.beta(P["partial_low"], P["partial_high"], count), 0.0
        ),
        hidden=_hidden(chance, cheats),
        base=base,
        declared=declared,
        pays=_payers(chance, cheats),
        filing=chance.choice(3, count, p=[0.5, 0.35, 0.15]),
        filing_error=chance.normal(0, 0.13, count),
        files_hosted=(chance.random(count) < 0.4).astype(float),
        power=chance.lognormal(0, 0.55, count),
        metered=(chance.random(count) < 0.82).astype(np.int64),
        formal=chance.beta(1.0, 1.8, count),
        files_base=(chance.random(count) < P["files_base"]).astype(np.int64),
    )


def _pull(setting: Setting, firms: Firms) -> Floats:
    young = firms.registered > setting.first_day - 1095
    return np.asarray(
        P["cheating"]
        + SECTORS.pull[firms.section]
        + P["by_rural"] * firms.rural
        + P["by_young"] * young
        + P["by_private"] * (firms.ownership == PRIVATE)
        + P["by_public"] * (firms.kind == PUBLIC)
        + P["by_size"] * (np.log(firms.size) - 1.7)
    )


def _styles(chance: np.random.Generator, cheats: Flags, firms: Firms) -> Ints:
    draw = chance.random(len(cheats))
    small = (firms.size <= 12) | (firms.kind == HOUSEHOLD)
    style = np.where(draw < P["late_share"], LATE, PARTIAL)
    style = np.where((draw > 1 - P["missing_share"]) & small, MISSING, style)
    return np.where(cheats, style, HONEST)


def _hidden(chance: np.random.Generator, cheats: Flags) -> Floats:
    count = len(cheats)
    return np.where(chance.random(count) < P["hides_all"], 1.0, chance.beta(1.2, 1.6, count))


def _bases(chance: np.random.Generator, cheats: Flags) -> tuple[Ints, Floats]:
    draw = chance.random(len(cheats))
    lowest = np.where(cheats, P["low_base_cheat"], P["low_base_honest"])
    base = np.where(
        draw < lowest, LOWEST_BASE, np.where(draw > 1 - P["part_base"], PART_BASE, FULL_BASE)
    )
    return base, np.where(base == PART_BASE, chance.uniform(0.55, 0.9, len(cheats)), 1.0)


def _payers(chance: np.random.Generator, cheats: Flags) -> Ints:
    draw = chance.random(len(cheats))
    tardy = np.where(cheats, P["tardy_cheat"], P["tardy_honest"])
    return np.where(draw < tardy, TARDY, np.where(draw > 1 - P["arrears"], ARREARS, ON_TIME))
