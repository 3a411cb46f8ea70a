"""What is known of a population in a period: whom the lottery drew and what it saw, and whom lists visited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.ingest.source_toml import Target
from features.store.store import Store
from models.policy.plan_unit import CLAIM, KINDS, UnitKind
from training.data.events import marks
from training.data.labels import SUBJECT, Codes, Floats
from training.estimates.journal_draws import (
    JournalDraws,
    journal_draws,
    listed_weeks,
)
from training.estimates.period_visits import (
    BY_COMPLAINT,
    BY_LOT,
    Period,
    PeriodVisits,
    first_known_days,
    looks_since,
    source_draws,
)

JOURNAL, SOURCE = "journal", "source"
"""Whose lottery it was: the draws of our own plans, or visits that the source says a lottery chose."""


@dataclass(frozen=True, slots=True, eq=False)
class PeriodSeen:
    """A lottery and the other visits of a period.

    `basis` says whose lottery it was and `draws` how many it had, None where nobody tells. `drawn` are the first visits to
    drawn units, and `inclusion` the probability of each in the whole period; `chance` is that of any unit, by code, NaN where
    it is 0, and None where only that of the drawn is known. `census` has the units that are visited whatever is drawn, with
    all that their visits found; `listed` those whom a list chose to visit. Drawn units and units of the census of which
    nothing is known yet are counted.
    """

    basis: str
    draws: int | None
    drawn: PeriodVisits
    inclusion: Floats
    census: PeriodVisits
    listed: PeriodVisits
    drawn_without_outcome: int
    census_without_outcome: int
    chance: Floats | None


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """What is asked: a target by name, and a period. A visit belongs to a plan that named its unit at most `late_days` before."""

    name: str
    target: Target
    period: Period
    late_days: int

    @property
    def kind(self) -> UnitKind:
        """The kind of unit that the target is asked of."""
        return KINDS[SUBJECT[self.target.unit]]


def seen_in(store: Store, asked: AskedPeriod) -> PeriodSeen:
    """Return what is known of a period: by our own draws where the journal has any, else by the source's lottery."""
    visits = looks_since(store, asked.target, asked.period.first)
    ours = journal_draws(store, asked.name, asked.period, asked.kind)
    if len(ours):
        return _by_journal(store, asked, visits, ours)
    return _by_source(store, asked, visits)


def _by_journal(
    store: Store, asked: AskedPeriod, visits: PeriodVisits, ours: JournalDraws
) -> PeriodSeen:
    """Return what visits to units say that our own draws and plans named.

    None of them is a census. A cell's minutes are shared: each drawn unit takes minutes from complaints, a drawn complaint is
    visited at whatever rank, and a drawn unit leaves the list by score. Who is drawn therefore decides who else is visited, and
    a total that takes those as certain counts some of them twice (`tests/test_estimates_redraws.py`).
    """
    unit, monday = ours.first_drawn()
    drawn = visits_by_plan(visits, unit, monday, asked.late_days)
    by_score = listed_weeks(store, asked.name, asked.period, asked.kind)
    listed = visits_by_plan(visits, *by_score, asked.late_days)
    units = store.dictionary(asked.kind.name).size
    return PeriodSeen(
        basis=JOURNAL,
        draws=ours.draws,
        drawn=drawn,
        inclusion=ours.inclusion(drawn.unit),
        census=visits.take(np.zeros(len(visits), np.bool_)),
        listed=merged_visits(listed),
        drawn_without_outcome=len(unit) - len(drawn),
        census_without_outcome=0,
        chance=ours.inclusion(np.arange(units)),
    )


def _by_source(store: Store, asked: AskedPeriod, visits: PeriodVisits) -> PeriodSeen:
    """Return what the source's own lottery and its other visits say."""
    if asked.kind is CLAIM:
        # a claim is in the lottery of the day on which it becomes known, and in no other
        inside = visits.take(asked.period.holds(first_known_days(store)[visits.unit]))
        draws: int | None = 1
    else:
        inside = visits.take(asked.period.holds(visits.opened))
        draws = source_draws(store, asked.period)
    drawn = inside.take(~np.isnan(inside.inclusion)).first_of_units()
    others = inside.take(inside.kind != BY_LOT)
    # without the number of draws the recorded probability of one is right up to a factor, which a weighted mean needs
    inclusion = drawn.inclusion if draws is None else 1 - (1 - drawn.inclusion) ** draws
    return PeriodSeen(
        basis=SOURCE,
        draws=draws,
        drawn=drawn,
        inclusion=inclusion,
        # complaints alone: a drawn unit rests, so the draw decides whom habit and campaigns visit afterwards
        census=merged_visits(others.take(others.kind == BY_COMPLAINT)),
        listed=merged_visits(others.take(others.kind != BY_COMPLAINT)),
        drawn_without_outcome=0,
        census_without_outcome=0,
        chance=None,
    )


def visits_by_plan(
    visits: PeriodVisits, unit: Codes, monday: Codes, late_days: int
) -> PeriodVisits:
    """Return the visits to named units that were opened in time after the Monday of their plan, the first of each pair."""
    if not len(visits):
        return visits
    begin = np.searchsorted(marks(visits.unit, visits.opened), marks(unit, monday))
    place = np.minimum(begin, len(visits) - 1)
    since = visits.opened[place] - monday
    in_time = (begin < len(visits)) & (visits.unit[place] == unit) & (since < late_days)
    return visits.take(np.unique(place[in_time]))


def merged_visits(visits: PeriodVisits) -> PeriodVisits:
    """Return one visit a unit: a violation that any found, the largest number, and the minutes of all."""
    unit, first, member = np.unique(visits.unit, return_index=True, return_inverse=True)
    label = np.zeros(len(unit))
    np.maximum.at(label, member, visits.label)
    # fmax: a number that nobody wrote down says nothing beside one that somebody did
    number = np.full(len(unit), np.nan)
    np.fmax.at(number, member, visits.number)
    number = np.where((label == 1) & (number == 0), np.nan, number)
    return PeriodVisits(
        unit=unit,
        opened=visits.opened[first],
        label=label,
        number=number,
        kind=visits.kind[first],
        inclusion=visits.inclusion[first],
        minutes=np.bincount(member, visits.minutes, len(unit)).astype(np.float64),
    )
