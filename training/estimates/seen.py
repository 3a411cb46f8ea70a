"""What is known of a population in a period: whom the lottery drew and what it saw, and whom lists visited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.events import marks
from training.data.labels import Codes, Floats
from training.estimates.journal_draws import JournalDraws, journal_draws, listed_weeks
from training.estimates.period_visits import (
    Period,
    PeriodVisits,
    source_draws,
    visits_since,
)

JOURNAL, SOURCE = "journal", "source"
"""Whose lottery it was: the draws of our own plans, or visits that the source says a lottery chose."""


@dataclass(frozen=True, slots=True, eq=False)
class PeriodSeen:
    """A lottery and lists of a period, by unit.

    `basis` says whose lottery it was and `draws` how many it had, None where nobody tells. `drawn` are the first visits to
    drawn units, and `inclusion` the probability of each in the whole period. `listed` holds one visit a unit that a list
    visited whatever was drawn, with all that the visits to it found. Drawn or listed units of which nothing is known yet
    are counted. `chance` is the probability of any unit, by code, NaN where it is 0; None where only that of the drawn is known.
    """

    basis: str
    draws: int | None
    drawn: PeriodVisits
    inclusion: Floats
    listed: PeriodVisits
    drawn_without_outcome: int
    listed_without_outcome: int
    chance: Floats | None


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """What is asked: a target by name, and a period. A visit belongs to a plan that named its unit at most `late_days` before."""

    name: str
    target: Target
    period: Period
    late_days: int


def seen_in(store: Store, asked: AskedPeriod) -> PeriodSeen:
    """Return what is known of a period: by our own draws where the journal has any, else by the source's lottery."""
    visits = visits_since(store, asked.target, asked.period.first)
    ours = journal_draws(store, asked.name, asked.period)
    if len(ours):
        return _by_journal(store, asked, visits, ours)
    return _by_source(store, asked, visits)


def _by_journal(
    store: Store, asked: AskedPeriod, visits: PeriodVisits, ours: JournalDraws
) -> PeriodSeen:
    """Return what visits to units say that our own draws and plans named."""
    unit, monday = ours.first_drawn()
    drawn = visits_by_plan(visits, unit, monday, asked.late_days)
    listed_unit, listed_monday = listed_weeks(store, asked.name, asked.period, ours)
    listed = visits_by_plan(visits, listed_unit, listed_monday, asked.late_days)
    units = store.dictionary("enterprise").size
    return PeriodSeen(
        basis=JOURNAL,
        draws=ours.draws,
        drawn=drawn,
        inclusion=ours.inclusion(drawn.unit),
        listed=merged_visits(listed),
        drawn_without_outcome=len(unit) - len(drawn),
        listed_without_outcome=len(np.setdiff1d(listed_unit, listed.unit)),
        chance=ours.inclusion(np.arange(units)),
    )


def _by_source(store: Store, asked: AskedPeriod, visits: PeriodVisits) -> PeriodSeen:
    """Return what the source's own lottery and its other visits say."""
    inside = visits.take(asked.period.holds(visits.opened))
    drawn = inside.take(~np.isnan(inside.inclusion)).first_of_units()
    draws = source_draws(store, asked.period)
    # without the number of draws the recorded probability of one is right up to a factor, which a weighted mean needs
    inclusion = drawn.inclusion if draws is None else 1 - (1 - drawn.inclusion) ** draws
    return PeriodSeen(
        basis=SOURCE,
        draws=draws,
        drawn=drawn,
        inclusion=inclusion,
        listed=merged_visits(inside.take(~inside.by_lot)),
        drawn_without_outcome=0,
        listed_without_outcome=0,
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
        by_lot=visits.by_lot[first],
        inclusion=visits.inclusion[first],
        minutes=np.bincount(member, visits.minutes, len(unit)).astype(np.float64),
    )
