"""The habits of employers: to register late, in part or nobody, declare low bases, pay late, hide staff from the tax bureau."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.draws import happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Flags, Floats, Ints, Setting, stream
from simulation.labour.firms import HOUSEHOLD, PRIVATE, PUBLIC, Firms

P = parameters("""
cheating | -1.1 | log-odds | assumed | inclination of a small private urban unit to leave staff unregistered
by_rural | .45 | log-odds | assumed | added for rural units
by_private | .35 | log-odds | assumed | added for private units
by_young | .35 | log-odds | assumed | added for units younger than three years
by_size | -.12 | log-odds a log person | assumed | added for each log person: large units are less inclined
by_public | -3 | log-odds | assumed | added for public bodies
temper | .8 | log-odds | assumed | spread between units that no database explains
late_share | .25 | share | assumed | of the inclined units, those that register everybody, but only after a long probation
missing_share | .15 | share | assumed | of the inclined units with up to 12 staff, those that register nobody
partial_low | 1.3 | beta shape | assumed | first beta parameter of the share of staff that partial registration leaves out
partial_high | 2.4 | beta shape | assumed | second beta parameter of that share
hides_all | .42 | share | assumed | cheats who also keep their uncovered staff out of the tax filing
low_base_honest | .11 | share | assumed | units that declare the lowest base though they register all
low_base_cheat | .22 | share | assumed | cheats that declare the lowest base as well
files_hosted | .4 | share | assumed | hosts that include agency workers in their own tax filing
filing_error | .13 | log persons | assumed | spread between units of the error in a tax filing
power | .55 | log kWh | assumed | spread between units of electricity use
metered | .82 | share | assumed | units with an electricity meter of their own
young | 1095 | days | assumed | age below which a unit is young
small | 12 | persons | assumed | largest size of a unit that registers nobody
part_declared_low | .55 | share | assumed | smallest part of the wage that is declared
part_declared_high | .9 | share | assumed | largest part of the wage that is declared
files_base | .65 | share | assumed | units with low bases that report the same low wages to the tax bureau
part_base | .22 | share | assumed | units that declare only a part of the wage
tardy_honest | .08 | share | assumed | units that often pay months late
tardy_cheat | .17 | share | assumed | cheats that often pay months late
arrears | .025 | share | assumed | units that leave some months unpaid
""")
HONEST, LATE, PARTIAL, MISSING = range(4)
FULL_BASE, LOWEST_BASE, PART_BASE = range(3)
ON_TIME, TARDY, ARREARS = range(3)
FILINGS = (0.5, 0.35, 0.15)
"""The shares of units whose filing of staff is exact, rough and out of date."""
USUAL_LOG_SIZE = 1.7
"""Log of the size, about five persons, to which the inclination to leave staff out belongs."""


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
    draw = chance.random(count)
    temper = chance.normal(0, P["temper"], count)
    odds_against = np.exp(-_pull(setting, firms) - temper)
    cheats = draw < 1 / (1 + odds_against)
    style = _styles(chance, cheats, firms)
    base, declared = _bases(chance, cheats)
    left_out = chance.beta(P["partial_low"], P["partial_high"], count)
    return Habits(
        style=style,
        left_out=np.where(style == PARTIAL, left_out, 0.0),
        hidden=_hidden(chance, cheats),
        base=base,
        declared=declared,
        pays=_payers(chance, cheats),
        filing=chance.choice(3, count, p=FILINGS),
        filing_error=chance.normal(0, P["filing_error"], count),
        files_hosted=happens(chance, P["files_hosted"], count).astype(float),
        power=chance.lognormal(0, P["power"], count),
        metered=whole_numbers(happens(chance, P["metered"], count)),
        formal=chance.beta(1.0, 1.8, count),
        files_base=whole_numbers(happens(chance, P["files_base"], count)),
    )


def _pull(setting: Setting, firms: Firms) -> Floats:
    """Return each unit's log-odds to leave staff out, before its own temper."""
    is_young = firms.registered > setting.first_day - P["young"]
    is_private = firms.ownership == PRIVATE
    is_public = firms.kind == PUBLIC
    log_size = np.log(firms.size) - USUAL_LOG_SIZE
    # added in this order: a sum of fractions depends on it in the last digit
    pull = P["cheating"] + SECTORS.pull[firms.section]
    pull = pull + P["by_rural"] * firms.rural
    pull = pull + P["by_young"] * is_young
    pull = pull + P["by_private"] * is_private
    pull = pull + P["by_public"] * is_public
    return np.asarray(pull + P["by_size"] * log_size)


def _styles(chance: np.random.Generator, cheats: Flags, firms: Firms) -> Ints:
    draw = chance.random(len(cheats))
    is_small = (firms.size <= P["small"]) | (firms.kind == HOUSEHOLD)
    is_late = draw < P["late_share"]
    style = np.where(is_late, LATE, PARTIAL)
    registers_nobody = (draw > 1 - P["missing_share"]) & is_small
    style = np.where(registers_nobody, MISSING, style)
    return np.where(cheats, style, HONEST)


def _hidden(chance: np.random.Generator, cheats: Flags) -> Floats:
    count = len(cheats)
    hides_all = happens(chance, P["hides_all"], count)
    hidden_part = chance.beta(1.2, 1.6, count)
    return np.where(hides_all, 1.0, hidden_part)


def _bases(chance: np.random.Generator, cheats: Flags) -> tuple[Ints, Floats]:
    draw = chance.random(len(cheats))
    lowest_share = np.where(cheats, P["low_base_cheat"], P["low_base_honest"])
    is_lowest, is_part = draw < lowest_share, draw > 1 - P["part_base"]
    base = np.select([is_lowest, is_part], [LOWEST_BASE, PART_BASE], FULL_BASE)
    smallest, largest = P["part_declared_low"], P["part_declared_high"]
    declared_part = chance.uniform(smallest, largest, len(cheats))
    return base, np.where(base == PART_BASE, declared_part, 1.0)


def _payers(chance: np.random.Generator, cheats: Flags) -> Ints:
    draw = chance.random(len(cheats))
    tardy_share = np.where(cheats, P["tardy_cheat"], P["tardy_honest"])
    is_tardy, is_in_arrears = draw < tardy_share, draw > 1 - P["arrears"]
    return np.select([is_tardy, is_in_arrears], [TARDY, ARREARS], ON_TIME)
