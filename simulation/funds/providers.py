"""Violation type 3: providers, how some deceive the funds, and how they are visited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.calendar import first_day
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, kept, piece
from simulation.ground.setting import NULL, Floats, Ints, Setting, stream

P = parameters("""
units_each | 100 | units | assumed | enterprises for each provider
hospitals | .16 | share | assumed | hospitals among providers
deceives | .22 | share | assumed | providers that deceive at the beginning
upcoders | .6 | share | assumed | upcoding among deceiving hospitals; the rest bill phantoms
lenders | .5 | share | assumed | use of lent cards among deceiving pharmacies; the rest bill phantoms
falls | .004 | a month | assumed | honest providers that begin to
greed_low | .9 | beta shape | assumed | first shape of how much a deceiver deceives (twice the draw)
greed_high | 1.3 | beta shape | assumed | second shape of it
price | .16 | log yuan | assumed | honest spread of prices between providers
visited | .034 | a month | assumed | visits to any provider
tipped | .030 | a month | assumed | more visits to those that deceive, by tips
lot | .006 | a month | assumed | inclusion probability in the providers' lottery
seen | .78 | share | assumed | deceptions that a visit sees
stops | .55 | share | assumed | found providers that stop
""")
HOSPITAL, PHARMACY = 0, 1
HONEST, PHANTOM, UPCODER, CARDS = range(4)
FIRST_VISIT = 900_000_000


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
    kind = np.where(np.arange(count) % round(1 / P["hospitals"]) == 0, HOSPITAL, PHARMACY)
    level = np.where(kind == HOSPITAL, chance.choice([1, 2, 3], count, p=[0.6, 0.3, 0.1]), NULL)
    beds = np.where(
        kind == HOSPITAL,
        np.array([0, 30, 160, 600])[np.maximum(level, 0)] * chance.lognormal(0, 0.4, count),
        0,
    )
    staff = np.where(kind == HOSPITAL, beds * 1.2 + 5, chance.integers(3, 14, count)).astype(
        np.int64
    )
    cell = chance.integers(0, setting.cells, count)
    style, rows = _conduct(setting, chance, kind=kind, staff=staff)
    order = np.lexsort((np.arange(count), cell))
    made = Providers(
        kind=kind,
        level=level,
        beds=beds.astype(np.int64),
        staff=staff,
        cell=cell,
        weight=chance.lognormal(0, 0.8, count),
        price=chance.lognormal(0, P["price"], count),
        greed=2 * chance.beta(P["greed_low"], P["greed_high"], count),
        started=setting.first_day - chance.integers(40, 2500, count),
        style=style,
        by_cell=order,
        cell_start=np.searchsorted(cell[order], np.arange(setting.cells + 1)),
    )
    return made, [("providers", _register(chance, made)), *rows]


def _register(chance: np.random.Generator, made: Providers) -> Piece:
    count = len(made.kind)
    terminals = np.maximum(
        1, np.where(made.kind == HOSPITAL, made.beds // 12, chance.integers(1, 4, count))
    )
    return piece(
        made.started + chance.integers(1, 30, count),
        provider=np.arange(count),
        since=made.started,
        kind=made.kind,
        level=made.level,
        beds=np.where(made.kind == HOSPITAL, made.beds, NULL),
        staff=made.staff,
        started=made.started,
        ended=NULL,
        terminals=terminals,
        cell=made.cell,
    )


def _conduct(
    setting: Setting, chance: np.random.Generator, *, kind: Ints, staff: Ints
) -> tuple[Ints, Rows]:
    count = len(kind)
    way = np.where(
        kind == HOSPITAL,
        np.where(chance.random(count) < P["upcoders"], UPCODER, PHANTOM),
        np.where(chance.random(count) < P["lenders"], CARDS, PHANTOM),
    )
    now = np.where(chance.permutation(count) < P["deceives"] * count, way, HONEST)
    styles, rows = [], []
    for month in range(setting.first, setting.last + 1):
        now = np.where((now == HONEST) & (chance.random(count) < P["falls"]), way, now)
        styles.append(now)
        found, more = _visits(setting, chance, month=month, style=now, staff=staff)
        now = np.where(found & (chance.random(count) < P["stops"]), HONEST, now)
        rows += more
    return np.stack(styles), rows


def _visits(
    setting: Setting, chance: np.random.Generator, *, month: int, style: Ints, staff: Ints
) -> tuple[Ints, Rows]:
    count = len(style)
    drawn = chance.random(count) < P["lot"]
    who = np.flatnonzero(
        drawn | (chance.random(count) < P["visited"] + P["tipped"] * (style != HONEST))
    )
    size = len(who)
    opened = first_day(month) + chance.integers(0, 28, size)
    closed = opened + 3 + chance.exponential(20, size).astype(np.int64)
    head = piece(
        opened + chance.integers(0, 3, size),
        provider=who,
        inspection=FIRST_VISIT + (month - setting.first) * 20000 + np.arange(size),
        kind=np.where(drawn[who], 4, np.where(chance.random(size) < 0.4, 1, 0)),
        opened=opened,
        planned_minutes=240,
        spent_minutes=NULL,
        closed_on=NULL,
        examined_1=0,
        examined_2=0,
        examined_3=1,
        examined_4=0,
        examined_5=(chance.random(size) < 0.2).astype(np.int64),
        draw=np.where(drawn[who], month // 12 * 100 + month % 12 + 1, NULL),
        inclusion_probability=np.where(drawn[who], P["lot"], np.nan),
    )
    done = chance.random(size) > 0.04
    closing = corrections_of(
        head,
        done,
        closed[done] + 1,
        closed_on=closed[done],
        spent_minutes=chance.integers(120, 400, size)[done],
        staff_on_site=staff[who][done],
    )
    seen = done & (style[who] != HONEST) & (chance.random(size) < P["seen"])
    finding = piece(
        closed + 2 + chance.integers(0, 9, size),
        inspection=head["inspection"],
        violation=3,
        amount=(chance.lognormal(10.2, 1, size)).astype(np.int64) * 100,
    )
    found = np.zeros(count, dtype=bool)
    found[who] = seen
    return found, [
        ("inspections", head),
        ("inspections", closing),
        ("findings", kept(finding, seen)),
    ]
