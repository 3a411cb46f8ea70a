"""Enterprises as they begin: kind, sector, size, place, owners, and the honesty that no database holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.calendar import day_of
from simulation.ground.geography import centres, is_outer
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import BLOCK, NEVER, Flags, Floats, Ints, Setting, stream

P = parameters("""
mean_staff | 14.6 | persons | seed | 5.9 M workers over 433,193 units, with room for units that are closed or not yet open
spread | 1.25 | log persons | assumed | spread of the lognormal body of sizes
tail_share | .012 | share | assumed | units in the Pareto tail
tail_shape | 1.5 | 1 | assumed | exponent of the tail
tail_start | 140 | persons | assumed | where the tail begins
largest | 6000 | persons | assumed | largest unit
born_share | .07 | a year | assumed | units registered inside the months
household_share | .45 | share | assumed | household businesses among units of up to five
branch_share | .04 | share | assumed | branches of another unit
public_share | .02 | share | assumed | public bodies
agency_share | .006 | share | assumed | labour dispatch agencies
outer_rural | .45 | share | assumed | rural units in outer districts
inner_rural | .04 | share | assumed | rural units in inner districts
pay | .24 | log yuan | assumed | spread of wages between units of a sector
exempt_low | .5 | beta shape | assumed | first shape of the share of staff lawfully without cover (insured elsewhere, retired)
exempt_high | 5.5 | beta shape | assumed | second shape of it
shared_address | .07 | share | assumed | units at another unit's address, innocent
shared_owner | .05 | share | assumed | units with another unit's representative, innocent
shared_account | .02 | share | assumed | units paying from another unit's account, innocent
""")
KINDS = ("company", "household", "branch", "agency", "public", "site", "other")
COMPANY, HOUSEHOLD, BRANCH, AGENCY, PUBLIC, SITE = range(6)
STATE, COLLECTIVE, PRIVATE, HMT, FOREIGN = range(5)


@dataclass(frozen=True, slots=True)
class Firms:
    """Enterprises of one block, one entry each; `size` is the staff wanted, days and codes are integers."""

    kind: Ints
    section: Ints
    division: Ints
    ownership: Ints
    cell: Ints
    rural: Ints
    size: Floats
    pay: Floats
    exempt: Floats
    registered: Ints
    closed: Ints
    head: Ints
    address: Ints
    owner: Ints
    account: Ints
    longitude: Ints
    latitude: Ints


def sizes(chance: np.random.Generator, count: int) -> Floats:
    """Return heavy-tailed staff sizes whose mean is the city's, by stratified chance."""
    place = (chance.permutation(count) + chance.random(count)) / count
    tail = place > 1 - P["tail_share"]
    inner = np.clip((place - (1 - P["tail_share"])) / P["tail_share"], 0, 0.9999)
    heavy = P["tail_start"] * (1 - inner) ** (-1 / P["tail_shape"])
    wanted = (
        P["mean_staff"]
        - P["tail_share"] * P["tail_start"] * P["tail_shape"] / (P["tail_shape"] - 1) * 0.86
    )
    body = np.exp(
        np.log(wanted) - P["spread"] ** 2 / 2 + P["spread"] * chance.standard_normal(count)
    )
    return np.clip(np.where(tail, heavy, body), 1, P["largest"])


def begin_firms(setting: Setting, block: int) -> Firms:
    """Return the enterprises of one block with their first attributes."""
    chance = stream(setting, block, 0, of="firms")
    count = setting.size_of(block)
    section = chance.choice(len(SECTORS.letters), count, p=SECTORS.weight / SECTORS.weight.sum())
    size = sizes(chance, count) * SECTORS.size[section]
    size = np.clip(size * P["mean_staff"] / size.mean(), 1, P["largest"])
    cell = chance.integers(0, setting.cells, count)
    rural = chance.random(count) < np.where(
        is_outer(setting, cell) == 1, P["outer_rural"], P["inner_rural"]
    )
    kind, size = _kinds(chance, size=size, section=section)
    east, north = centres(setting)
    return Firms(
        kind=kind,
        section=section,
        division=_divisions(chance, section),
        ownership=_ownership(chance, kind, size),
        cell=cell,
        rural=rural.astype(np.int64),
        size=size,
        pay=chance.lognormal(0, P["pay"], count),
        exempt=chance.beta(P["exempt_low"], P["exempt_high"], count),
        registered=_births(setting, chance, count),
        closed=np.full(count, NEVER),
        head=np.where(kind == BRANCH, chance.integers(0, count, count), -1),
        address=_shared(chance, count, P["shared_address"]),
        owner=_shared(chance, count, P["shared_owner"]),
        account=_shared(chance, count, P["shared_account"]),
        longitude=((east[cell] + chance.normal(0, 0.012, count)) * 1e6).astype(np.int64),
        latitude=((north[cell] + chance.normal(0, 0.012, count)) * 1e6).astype(np.int64),
    )


def _kinds(chance: np.random.Generator, *, size: Floats, section: Ints) -> tuple[Ints, Floats]:
    draw = chance.random(len(size))
    kind = np.where((size < 5.5) & (draw < P["household_share"]), HOUSEHOLD, COMPANY)
    draw = chance.random(len(size))
    kind = np.where((draw < P["branch_share"]) & (kind == COMPANY), BRANCH, kind)
    kind = np.where(draw > 1 - P["public_share"], PUBLIC, kind)
    kind = np.where((section == SECTORS.index("E")) & (draw > 0.5) & (draw < 0.8), SITE, kind)
    services = np.flatnonzero((section == SECTORS.index("L")) & (kind == COMPANY))
    agencies = chance.permutation(services)[: max(1, round(P["agency_share"] * len(size)))]
    kind[agencies] = AGENCY
    return kind.astype(np.int64), np.where(kind == AGENCY, 6.0, size)


def _ownership(chance: np.random.Generator, kind: Ints, size: Floats) -> Ints:
    draw = chance.random(len(kind))
    owned = np.select(
        [draw < 0.05, draw < 0.09, draw < 0.89, draw < 0.93],
        [STATE, COLLECTIVE, PRIVATE, HMT],
        FOREIGN,
    )
    owned = np.where((kind == HOUSEHOLD) | (size < 6), PRIVATE, owned)
    return np.where(kind == PUBLIC, STATE, owned).astype(np.int64)


def _divisions(chance: np.random.Generator, section: Ints) -> Ints:
    counts = np.array([len(divisions) for divisions in SECTORS.divisions])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.asarray(
        starts[section] + (chance.random(len(section)) ** 1.5 * counts[section]).astype(np.int64)
    )


def _births(setting: Setting, chance: np.random.Generator, count: int) -> Ints:
    inside = chance.random(count) < 1 - np.exp(-P["born_share"] * setting.months / 12)
    span = setting.until - setting.first_day - 30
    young = setting.first_day + (chance.random(count) * span).astype(np.int64)
    old = setting.first_day - 30 - (chance.gamma(1.6, 1500, count)).astype(np.int64)
    return np.where(inside, young, np.maximum(old, day_of("1985-01-01")))


def _shared(chance: np.random.Generator, count: int, share: float) -> Ints:
    other = chance.integers(0, count, count)
    return np.where(chance.random(count) < share, other, np.arange(count))


def living_firms(firms: Firms, day: int) -> Flags:
    """Return which enterprises are registered and not closed on a day."""
    return np.asarray((firms.registered <= day) & (firms.closed > day))


def city_numbers(block: int, local: Ints) -> Ints:
    """Return the city-wide numbers of a block's enterprises."""
    return np.asarray(local + block * BLOCK + 1)
