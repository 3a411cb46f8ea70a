"""Where a cell's list starts: the lottery and the statutory visits, and what is left for visits by score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from models.optimum.list_rules import ListRules
from models.optimum.shortlist import Candidate
from models.policy.city_draw import CellDraw
from models.policy.floors import RandomPlan
from models.policy.plan_unit import PlannedVisit, PlanUnit
from models.policy.possible_visits import Room

COMPLAINTS, DUE = 0, 1
"""The order in which statutory visits go."""


@dataclass(frozen=True)
class CellStart:
    """A cell before visits by score: a possible visit to each unit, the lottery, and the statutory visits that have a place."""

    policy: ListRules
    room: Room
    visits: tuple[PlannedVisit, ...]
    lottery: CellDraw

    @cached_property
    def drawn(self) -> dict[str, int]:
        """The minutes that the lottery has set aside for each unit drawn."""
        return self.lottery.minutes_by_unit()

    @cached_property
    def worths(self) -> tuple[float, ...]:
        """What a minute is worth at each unit that routine visits reach, ascending."""
        return tuple(
            sorted(worth_a_minute(visit) for visit in self.visits if is_routine(visit.unit))
        )

    def ranked(self, visit: PlannedVisit) -> PlannedVisit:
        """Return a visit with the place of its unit among those that routine visits reach, if they do; ties share it."""
        if not is_routine(visit.unit):
            return visit
        no_higher = bisect_right(self.worths, worth_a_minute(visit))
        return replace(visit, rank=1 + len(self.worths) - no_higher)

    @cached_property
    def statutory(self) -> tuple[PlannedVisit, ...]:
        """All complaints by age, then what a rule makes due by worth; a dormant unit for a complaint alone."""
        queue: list[tuple[int, float, str, PlannedVisit]] = []
        for visit in self.visits:
            unit = visit.unit
            complaint = unit.standing.complaint
            due = unit.standing.due
            if complaint is not None:
                by_age = replace(visit, why="complaint")
                queue.append((COMPLAINTS, complaint, unit.name, by_age))
            elif due is not None and not unit.dormant:
                by_worth = replace(visit, why=due)
                queue.append((DUE, -worth_a_minute(visit), unit.name, by_worth))
        # equal worth is ordered by name; a unit stands in the queue once, so visits are never compared
        return tuple(visit for *_, visit in sorted(queue, key=lambda entry: entry[:3]))

    @cached_property
    def first(self) -> tuple[PlannedVisit, ...]:
        """The statutory visits that fit into their share of the minutes; a longer one is cut to it and goes on next week.

        Minutes that the lottery has set aside for a unit count as the first of its visit.
        """
        share = self.room.statutory(self.policy)
        share_left = share
        minutes_left = self.room.minutes - self.lottery.minutes
        chosen = []
        for visit in self.statutory:
            set_aside = self.drawn.get(visit.unit.name, 0)
            minutes = max(min(visit.minutes, share), set_aside)
            more = minutes - set_aside
            if 0 < minutes <= share_left and more <= minutes_left:
                share_left -= minutes
                minutes_left -= more
                chosen.append(replace(visit, minutes=minutes))
        return tuple(chosen)

    @cached_property
    def by_lot(self) -> tuple[PlannedVisit, ...]:
        """The visits that the lottery alone brings."""
        statutory = {visit.unit.name for visit in self.first}
        drawn = self.drawn
        return tuple(
            replace(visit, why="lottery", minutes=drawn[visit.unit.name])
            for visit in self.visits
            if visit.unit.name in drawn and visit.unit.name not in statutory
        )

    @cached_property
    def minutes_left(self) -> int:
        """The minutes that lottery and statutory visits leave."""
        planned = sum(visit.minutes for visit in (*self.first, *self.by_lot))
        return self.room.minutes - planned

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The visits that may be chosen by score: worth something, within the minutes left, and on no list yet."""
        listed = {visit.unit.name for visit in (*self.first, *self.by_lot)}
        return tuple(
            self.candidate(visit)
            for visit in self.visits
            if is_routine(visit.unit)
            and 0 < visit.minutes <= self.minutes_left
            and visit.unit.name not in listed
        )

    def candidate(self, visit: PlannedVisit) -> Candidate:
        """Return a possible visit as the model of the city sees it."""
        # a visit that is cut to the cell's week counts by the part that is planned
        value = worth_a_minute(visit) * visit.minutes
        groups = self.policy.floors.groups_of(visit.unit)
        return Candidate(visit.unit.name, self.room.cell, visit.minutes, value, groups)

    def at_random(self) -> RandomPlan:
        """Return what a random plan of the same minutes would be drawn from: the units that routine visits reach."""
        members: dict[str, int] = {}
        needed = 0
        for visit in self.visits:
            if is_routine(visit.unit) and visit.minutes:
                needed += visit.minutes
                for group in self.policy.floors.groups_of(visit.unit):
                    members[group] = members.get(group, 0) + 1
        return RandomPlan(self.room.minutes, needed, members)

    def left_over(self, minutes: int, listed: set[str]) -> tuple[PlannedVisit, ...]:
        """Return the statutory visits beyond their share that minutes left over in the end still allow."""
        minutes_left = minutes
        more = []
        for visit in self.statutory:
            if visit.unit.name not in listed and 0 < visit.minutes <= minutes_left:
                minutes_left -= visit.minutes
                more.append(visit)
        return tuple(more)

    def lengthened(self, visits: Sequence[PlannedVisit], minutes: int) -> tuple[PlannedVisit, ...]:
        """Return statutory visits, in their order longer by minutes that no other visit can use, where they were cut."""
        whole = {visit.unit.name: visit.minutes for visit in self.statutory}
        minutes_left = minutes
        longer = []
        for visit in visits:
            more = max(0, min(minutes_left, whole[visit.unit.name] - visit.minutes))
            minutes_left -= more
            longer.append(replace(visit, minutes=visit.minutes + more))
        return tuple(longer)


def is_routine(unit: PlanUnit) -> bool:
    """Tell whether a routine visit to a unit may be planned: it is scored, awake, not waived or resting, and of worth."""
    return unit.is_scored and not unit.dormant and unit.benefit * unit.standing.weight > 0


def worth_a_minute(visit: PlannedVisit) -> float:
    """Return what a minute of a visit is expected to bring, weighted by the unit's class."""
    unit = visit.unit
    return unit.benefit * unit.standing.weight / visit.needed
