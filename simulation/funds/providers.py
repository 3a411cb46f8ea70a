"""Violation type 3: medical providers, how some of them defraud the funds, and how they are visited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.calendar import first_day
from simulation.ground.draws import exponential_days, happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece
from simulation.ground.setting import NULL, Flags, Floats, Ints, Setting, stream

P = parameters("""
units_each | 100 | units | assumed | enterprises per provider
hospitals | .16 | share | assumed | hospitals among providers
deceives | .22 | share | assumed | providers that cheat from the beginning
upcoders | .6 | share | assumed | of the cheating hospitals, those that upcode; the rest bill phantoms
lenders | .5 | share | assumed | of the cheating pharmacies, those that accept lent cards; the rest bill phantoms
falls | .004 | a month | assumed | honest providers that begin to cheat
greed_low | .9 | beta shape | assumed | first beta parameter of how much a cheating provider cheats (the draw is doubled)
greed_high | 1.3 | beta shape | assumed | second beta parameter of it
price | .16 | log yuan | assumed | spread of prices between honest providers
visited | .034 | a month | assumed | visits to any provider
tipped | .030 | a month | assumed | added for providers that cheat, because of tips
lot | .006 | a month | assumed | inclusion probability in the lottery of providers
seen | .78 | share | assumed | deceptions that a visit detects
routine_tips | .4 | share | assumed | of the visits outside the lottery, those that follow a complaint
never | .04 | share | assumed | visits that are never closed
other | .2 | share | assumed | visits that also examine type 5
closing | 20 | days | assumed | mean days from opening to closing, beyond the first three
stops | .55 | share | assumed | providers that stop after a finding
""")
# The codes of a provider's kind, and of how it behaves.
HOSPITAL, PHARMACY = 0, 1
HONEST, PHANTOM, UPCODER, CARDS = range(4)
ROUTINE, COMPLAINT, LOTTERY = 0, 1, 4
"""The codes of a visit's kind that occur here."""
BEDS = (0, 30, 160, 600)
"""Usual beds of a hospital by its level, 1 to 3."""
FIRST_VISIT = 900_000_000
"""The first number of visits to providers: above every number of a visit to an enterprise."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Providers of the city; `style[m, p]` is what provider p does in the m-th month; `visits` the months' rows."""

    kind: Ints
    level: Ints
    beds: Ints
    staff: Ints
    cell: Ints
    weight: Floats
    price: Floats
    greed: Floats
    started: Ints
    style: Ints
    by_cell: Ints
    cell_start: Ints


def provider_count(setting: Setting) -> int:
    """Return how many providers a city has."""
    return max(12, setting.enterprises // int(P["units_each"]))


@lru_cache(maxsize=2)
def providers(setting: Setting) -> Providers:
    """Return the providers of a city, the same at every call."""
    return _world(setting)[0]


def provider_rows(setting: Setting) -> Rows:
    """Return the rows of providers, of the visits to them and of what these found."""
    return _world(setting)[1]


def _world(setting: Setting) -> tuple[Providers, Rows]:
    chance = stream(setting, -1, 0, of="providers")
    count = provider_count(setting)
    number = np.arange(count)
    every = round(1 / P["hospitals"])
    is_hospital = number % every == 0
    kind = np.where(is_hospital, HOSPITAL, PHARMACY)
    level, beds = _levels_and_beds(chance, is_hospital)
    hospital_staff, pharmacy_staff = beds * 1.2 + 5, chance.integers(3, 14, count)
    staff = whole_numbers(np.where(is_hospital, hospital_staff, pharmacy_staff))
    cell = chance.integers(0, setting.cells, count)
    style, rows = _conduct(setting, chance, kind=kind, staff=staff)
    by_cell = np.lexsort((number, cell))
    care = Providers(
        kind=kind,
        level=level,
        beds=whole_numbers(beds),
        staff=staff,
        cell=cell,
        weight=chance.lognormal(0, 0.8, count),
        price=chance.lognormal(0, P["price"], count),
        greed=2 * chance.beta(P["greed_low"], P["greed_high"], count),
        started=setting.first_day - chance.integers(40, 2500, count),
        style=style,
        by_cell=by_cell,
        cell_start=np.searchsorted(cell[by_cell], np.arange(setting.cells + 1)),
    )
    return care, [("providers", _register(chance, care)), *rows]


def _levels_and_beds(chance: np.random.Generator, is_hospital: Flags) -> tuple[Ints, Floats]:
    """Return each hospital's level and beds; a pharmacy's level is NULL, its beds are 0."""
    count = len(is_hospital)
    drawn_level = chance.choice([1, 2, 3], count, p=[0.6, 0.3, 0.1])
    level = np.where(is_hospital, drawn_level, NULL)
    usual_beds = np.array(BEDS)[np.maximum(level, 0)]
    beds = usual_beds * chance.lognormal(0, 0.4, count)
    return level, np.where(is_hospital, beds, 0)


def _register(chance: np.random.Generator, care: Providers) -> Piece:
    """Return the rows of the providers' register."""
    count = len(care.kind)
    is_hospital = care.kind == HOSPITAL
    pharmacy_terminals = chance.integers(1, 4, count)
    terminals = np.where(is_hospital, care.beds // 12, pharmacy_terminals)
    return piece(
        care.started + chance.integers(1, 30, count),
        provider=np.arange(count),
        since=care.started,
        kind=care.kind,
        level=care.level,
        beds=np.where(is_hospital, care.beds, NULL),
        staff=care.staff,
        started=care.started,
        ended=NULL,
        terminals=np.maximum(1, terminals),
        cell=care.cell,
    )


def _conduct(
    setting: Setting, chance: np.random.Generator, *, kind: Ints, staff: Ints
) -> tuple[Ints, Rows]:
    """Return what each provider does in each month, and the rows of the visits, after which some stop."""
    count = len(kind)
    way = _ways(chance, kind)
    # a permutation in place of draws, so that every city has the same share of deceivers
    deceives = chance.permutation(count) < P["deceives"] * count
    style = np.where(deceives, way, HONEST)
    styles, rows = [], []
    for month in range(setting.first, setting.last + 1):
        falls = (style == HONEST) & happens(chance, P["falls"], count)
        style = np.where(falls, way, style)
        styles.append(style)
        is_caught, visit_rows = _visits(setting, chance, month=month, style=style, staff=staff)
        stops = is_caught & happens(chance, P["stops"], count)
        style = np.where(stops, HONEST, style)
        rows += visit_rows
    return np.stack(styles), rows


def _ways(chance: np.random.Generator, kind: Ints) -> Ints:
    """Return how each provider deceives if it does."""
    count = len(kind)
    is_upcoder = happens(chance, P["upcoders"], count)
    takes_cards = happens(chance, P["lenders"], count)
    hospital_way = np.where(is_upcoder, UPCODER, PHANTOM)
    pharmacy_way = np.where(takes_cards, CARDS, PHANTOM)
    return np.where(kind == HOSPITAL, hospital_way, pharmacy_way)


def _visits(
    setting: Setting, chance: np.random.Generator, *, month: int, style: Ints, staff: Ints
) -> tuple[Flags, Rows]:
    """Return which providers a month's visits catch, and the rows of visits and findings."""
    who, is_drawn = _visited(chance, style)
    size = len(who)
    opened = first_day(month) + chance.integers(0, 28, size)
    closed = opened + 3 + exponential_days(chance, P["closing"], size)
    head = _heads(chance, who, month=month, opened=opened, is_drawn=is_drawn)
    head["inspection"] = _numbers(setting, month, size)
    is_closed = chance.random(size) > P["never"]
    spent = chance.integers(120, 400, size)
    closings = corrections_of(
        head,
        is_closed,
        closed[is_closed] + 1,
        closed_on=closed[is_closed],
        spent_minutes=spent[is_closed],
        staff_on_site=staff[who][is_closed],
    )
    deceives = is_closed & (style[who] != HONEST)
    is_seen = deceives & happens(chance, P["seen"], size)
    findings = _findings(chance, head["inspection"], closed)
    is_caught = np.zeros(len(style), dtype=bool)
    is_caught[who] = is_seen
    rows: Rows = [("inspections", head), ("inspections", closings)]
    return is_caught, [*rows, ("findings", kept(findings, is_seen))]


def _visited(chance: np.random.Generator, style: Ints) -> tuple[Ints, Flags]:
    """Return the providers visited in a month, and which of them were drawn by lot."""
    count = len(style)
    is_drawn = happens(chance, P["lot"], count)
    rate = P["visited"] + P["tipped"] * (style != HONEST)
    is_chosen = happens(chance, rate, count)
    who = np.flatnonzero(is_drawn | is_chosen)
    return who, is_drawn[who]


def _numbers(setting: Setting, month: int, size: int) -> Ints:
    """Return the numbers of a month's visits, 20,000 set aside for each month, apart from those of enterprises."""
    first = FIRST_VISIT + (month - setting.first) * 20000
    return np.asarray(first + np.arange(size))


def _heads(
    chance: np.random.Generator, who: Ints, *, month: int, opened: Ints, is_drawn: Flags
) -> Piece:
    """Return the rows of visits as they are opened, without their numbers."""
    size = len(who)
    draw_number = month // 12 * 100 + month % 12 + 1
    recorded = opened + chance.integers(0, 3, size)
    is_tip = happens(chance, P["routine_tips"], size)
    examines_other = happens(chance, P["other"], size)
    return piece(
        recorded,
        provider=who,
        kind=np.select([is_drawn, is_tip], [LOTTERY, COMPLAINT], ROUTINE),
        opened=opened,
        planned_minutes=240,
        spent_minutes=NULL,
        closed_on=NULL,
        examined_1=0,
        examined_2=0,
        examined_3=1,
        examined_4=0,
        examined_5=whole_numbers(examines_other),
        draw=np.where(is_drawn, draw_number, NULL),
        inclusion_probability=np.where(is_drawn, P["lot"], np.nan),
    )


def _findings(chance: np.random.Generator, inspection: Ints, closed: Ints) -> Piece:
    """Return what each visit would find, were it to see a deception."""
    size = len(inspection)
    recorded = closed + 2 + chance.integers(0, 9, size)
    amount = whole_numbers(chance.lognormal(10.2, 1, size)) * 100
    return piece(recorded, inspection=inspection, violation=3, amount=amount)
