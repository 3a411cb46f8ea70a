"""Enterprises at the start: kind, sector, size, place and owners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.calendar import day_of
from simulation.ground.draws import happens, whole_numbers
from simulation.ground.geography import centres, is_outer
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import BLOCK, NEVER, Flags, Floats, Ints, Setting, stream

P = parameters("""
mean_staff | 14.6 | persons | seed | 5.9 M workers in 433,193 units, and some more because not every unit is open
spread | 1.25 | log persons | assumed | spread of the lognormal part of the sizes
tail_share | .012 | share | assumed | units in the Pareto tail
tail_shape | 1.5 | 1 | assumed | exponent of the tail
tail_start | 140 | persons | assumed | size at which the tail begins
largest | 6000 | persons | assumed | size of the largest unit
born_share | .07 | a year | assumed | units first registered within the months
household_share | .45 | share | assumed | household businesses among units of up to five
branch_share | .04 | share | assumed | branches of another unit
public_share | .02 | share | assumed | public bodies
agency_share | .006 | share | assumed | labour dispatch agencies
outer_rural | .45 | share | assumed | rural units in outer districts
inner_rural | .04 | share | assumed | rural units in inner districts
pay | .24 | log yuan | assumed | spread of wages between the units of one sector
exempt_low | .5 | beta shape | assumed | first beta parameter of the share of staff who lawfully have no cover (say, retired)
exempt_high | 5.5 | beta shape | assumed | second beta parameter of that share
tail_mean | .86 | ratio | assumed | mean of the tail cut off at the largest unit, divided by the mean of the whole tail
household_below | 5.5 | persons | assumed | size below which a unit may be a household business
site_share | .3 | share | assumed | construction units that are building sites
agency_staff | 6 | persons | assumed | an agency's own staff, without the workers whom it sends out
shared_address | .07 | share | assumed | units that share another unit's address for innocent reasons
shared_owner | .05 | share | assumed | units that share another unit's representative for innocent reasons
shared_account | .02 | share | assumed | units that pay from another unit's account for innocent reasons
""")
EARLIEST_REGISTRATION = "1985-01-01"
KINDS = ("company", "household", "branch", "agency", "public", "site", "other")
COMPANY, HOUSEHOLD, BRANCH, AGENCY, PUBLIC, SITE = range(6)
STATE, COLLECTIVE, PRIVATE, HMT, FOREIGN = range(5)
OWNED_UP_TO = (0.05, 0.09, 0.89, 0.93)
"""Cumulative shares of the owners in the order of their codes; the last owner has the rest."""


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
    # one draw in each of `count` equal strata, so that the tail's share is the same in every block
    place = (chance.permutation(count) + chance.random(count)) / count
    tail_from = 1 - P["tail_share"]
    noise = chance.standard_normal(count)
    size = np.where(place > tail_from, _tail_sizes(place - tail_from), _body_sizes(noise))
    return np.clip(size, 1, P["largest"])


def _tail_sizes(beyond: Floats) -> Floats:
    """Return sizes of the Pareto tail at places beyond its start."""
    # short of 1, where the size would be infinite
    inner = np.clip(beyond / P["tail_share"], 0, 0.9999)
    exponent = -1 / P["tail_shape"]
    return np.asarray(P["tail_start"] * (1 - inner) ** exponent)


def _body_sizes(noise: Floats) -> Floats:
    """Return lognormal sizes whose mean, together with the tail's, is the city's."""
    shape, spread = P["tail_shape"], P["spread"]
    tail_staff = P["tail_share"] * P["tail_start"] * shape / (shape - 1) * P["tail_mean"]
    mean = P["mean_staff"] - tail_staff
    log_median = np.log(mean) - spread**2 / 2
    return np.asarray(np.exp(log_median + spread * noise))


def begin_firms(setting: Setting, block: int) -> Firms:
    """Return the enterprises of one block with their first attributes."""
    chance = stream(setting, block, 0, of="firms")
    count = setting.size_of(block)
    weights = SECTORS.weight / SECTORS.weight.sum()
    section = chance.choice(len(SECTORS.letters), count, p=weights)
    size = sizes(chance, count) * SECTORS.size[section]
    to_mean = size * P["mean_staff"] / size.mean()
    size = np.clip(to_mean, 1, P["largest"])
    cell = chance.integers(0, setting.cells, count)
    is_outside = is_outer(setting, cell) == 1
    rural_share = np.where(is_outside, P["outer_rural"], P["inner_rural"])
    rural = happens(chance, rural_share, count)
    kind, size = _kinds(chance, size=size, section=section)
    east, north = centres(setting)
    return Firms(
        kind=kind,
        section=section,
        division=_divisions(chance, section),
        ownership=_ownership(chance, kind, size),
        cell=cell,
        rural=whole_numbers(rural),
        size=size,
        pay=chance.lognormal(0, P["pay"], count),
        exempt=chance.beta(P["exempt_low"], P["exempt_high"], count),
        registered=_births(setting, chance, count),
        closed=np.full(count, NEVER),
        head=np.where(kind == BRANCH, chance.integers(0, count, count), -1),
        address=_shared(chance, count, P["shared_address"]),
        owner=_shared(chance, count, P["shared_owner"]),
        account=_shared(chance, count, P["shared_account"]),
        longitude=_around(chance, east[cell]),
        latitude=_around(chance, north[cell]),
    )


def _around(chance: np.random.Generator, centre: Floats) -> Ints:
    """Return coordinates near cells' centres in millionths of a degree; .012 degrees are about a kilometre."""
    offset = chance.normal(0, 0.012, len(centre))
    return whole_numbers((centre + offset) * 1e6)


def _kinds(chance: np.random.Generator, *, size: Floats, section: Ints) -> tuple[Ints, Floats]:
    count = len(size)
    is_small = size < P["household_below"]
    is_household = is_small & happens(chance, P["household_share"], count)
    kind = np.where(is_household, HOUSEHOLD, COMPANY)
    # one draw for branches, public bodies and sites, in parts of it that do not meet
    draw = chance.random(count)
    is_branch = (draw < P["branch_share"]) & (kind == COMPANY)
    kind = np.where(is_branch, BRANCH, kind)
    is_public = draw > 1 - P["public_share"]
    kind = np.where(is_public, PUBLIC, kind)
    builds = section == SECTORS.index("E")
    is_site = builds & (draw > 0.5) & (draw < 0.5 + P["site_share"])
    kind = np.where(is_site, SITE, kind)
    serves = (section == SECTORS.index("L")) & (kind == COMPANY)
    candidates = chance.permutation(np.flatnonzero(serves))
    wanted = round(P["agency_share"] * count)
    kind[candidates[: max(1, wanted)]] = AGENCY
    return kind.astype(np.int64), np.where(kind == AGENCY, P["agency_staff"], size)


def _ownership(chance: np.random.Generator, kind: Ints, size: Floats) -> Ints:
    draw = chance.random(len(kind))
    owner = np.searchsorted(OWNED_UP_TO, draw, side="right")
    is_one_persons = (kind == HOUSEHOLD) | (size < 6)
    owner = np.where(is_one_persons, PRIVATE, owner)
    return whole_numbers(np.where(kind == PUBLIC, STATE, owner))


def _divisions(chance: np.random.Generator, section: Ints) -> Ints:
    counts = np.array([len(divisions) for divisions in SECTORS.divisions])
    starts = np.cumsum(counts) - counts
    # the power prefers the first divisions of a section
    draw = chance.random(len(section)) ** 1.5
    step = whole_numbers(draw * counts[section])
    return np.asarray(starts[section] + step)


def _births(setting: Setting, chance: np.random.Generator, count: int) -> Ints:
    born_share = 1 - np.exp(-P["born_share"] * setting.months / 12)
    is_inside = happens(chance, born_share, count)
    span = setting.until - setting.first_day - 30
    young = setting.first_day + whole_numbers(chance.random(count) * span)
    age = whole_numbers(chance.gamma(1.6, 1500, count))
    old = setting.first_day - 30 - age
    old = np.maximum(old, day_of(EARLIEST_REGISTRATION))
    return np.where(is_inside, young, old)


def _shared(chance: np.random.Generator, count: int, share: float) -> Ints:
    other = chance.integers(0, count, count)
    shares = happens(chance, share, count)
    return np.where(shares, other, np.arange(count))


def living_firms(firms: Firms, day: int) -> Flags:
    """Return which enterprises are registered and not closed on a day."""
    return np.asarray((firms.registered <= day) & (firms.closed > day))


def city_numbers(block: int, local: Ints) -> Ints:
    """Return the city-wide numbers of a block's enterprises."""
    return np.asarray(local + block * BLOCK + 1)
