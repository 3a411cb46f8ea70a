"""Where a cell's list starts: the lottery and the statutory visits, and what is left for visits by score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from models.optimum.duty_rules import UNLIMITED, inspector_minutes
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
    """A cell before visits by score: a possible visit to each unit, the lottery, and the statutory visits that have a place.

    `inspectors` are the minutes of inspectors among those of the cell; without duties anybody makes any visit.
    """

    policy: ListRules
    room: Room
    visits: tuple[PlannedVisit, ...]
    lottery: CellDraw
    inspectors: int = UNLIMITED

    def duty_percent(self, visit: PlannedVisit) -> int:
        """Return the percent of a visit's minutes that only an inspector may give."""
        duty = self.policy.duty
        return 0 if duty is None else duty.percent_of(visit.why, visit.unit.staff)

    def of_inspector(self, visit: PlannedVisit) -> int:
        """Return the minutes of a visit that only an inspector may give."""
        return inspector_minutes(visit.minutes, self.duty_percent(visit))

    def inspectors_beside(self, visits: Sequence[PlannedVisit]) -> int:
        """Return the minutes of inspectors that some visits leave: below 0 where a draw takes more than there are."""
        return self.inspectors - sum(map(self.of_inspector, visits))

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
        inspectors_left = self.inspectors_beside(self._drawn_visits)
        chosen = []
        for visit in self.statutory:
            set_aside = self.drawn.get(visit.unit.name, 0)
            planned = replace(visit, minutes=max(min(visit.minutes, share), set_aside))
            more = planned.minutes - set_aside
            drawn = replace(visit, why="lottery", minutes=set_aside)
            of_inspector = self.of_inspector(planned) - self.of_inspector(drawn)
            fits = more <= minutes_left and of_inspector <= max(inspectors_left, 0)
            if 0 < planned.minutes <= share_left and fits:
                share_left -= planned.minutes
                minutes_left -= more
                inspectors_left -= of_inspector
                chosen.append(planned)
        return tuple(chosen)

    @property
    def _drawn_visits(self) -> tuple[PlannedVisit, ...]:
        """Return the visits of the lottery, those to units on the list for another reason too."""
        return tuple(
            replace(visit, why="lottery", minutes=self.drawn[visit.unit.name])
            for visit in self.visits
            if visit.unit.name in self.drawn
        )

    @cached_property
    def by_lot(self) -> tuple[PlannedVisit, ...]:
        """The visits that the lottery alone brings."""
        statutory = {visit.unit.name for visit in self.first}
        return tuple(visit for visit in self._drawn_visits if visit.unit.name not in statutory)

    @cached_property
    def minutes_left(self) -> int:
        """The minutes that lottery and statutory visits leave."""
        return self.minutes_beside((*self.first, *self.by_lot))

    @cached_property
    def inspectors_left(self) -> int:
        """The minutes of inspectors that lottery and statutory visits leave."""
        return max(0, self.inspectors_beside((*self.first, *self.by_lot)))

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The visits that may be chosen by score: worth something, within the minutes left, and on no list yet."""
        listed = {visit.unit.name for visit in (*self.first, *self.by_lot)}
        return tuple(
            self.candidate(visit)
            for visit in self.visits
            if is_routine(visit.unit)
            and 0 < visit.minutes <= self.minutes_left
            and self.of_inspector(visit) <= self.inspectors_left
            and visit.unit.name not in listed
        )

    def candidate(self, visit: PlannedVisit) -> Candidate:
        """Return a possible visit as the model of the city sees it."""
        # a visit that is cut to the cell's week counts by the part that is planned
        value = worth_a_minute(visit) * visit.minutes
        groups = self.policy.floors.groups_of(visit.unit)
        return Candidate(
            unit=visit.unit.name,
            cell=self.room.cell,
            minutes=visit.minutes,
            value=value,
            groups=groups,
            inspector_percent=self.duty_percent(visit),
        )

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

    def left_over(self, planned: Sequence[PlannedVisit]) -> tuple[PlannedVisit, ...]:
        """Return the statutory visits beyond their share that the minutes which planned visits leave still allow."""
        minutes_left = self.minutes_beside(planned)
        inspectors_left = self.inspectors_beside(planned)
        listed = {visit.unit.name for visit in planned}
        more = []
        for visit in self.statutory:
            of_inspector = self.of_inspector(visit)
            fits = 0 < visit.minutes <= minutes_left and of_inspector <= max(inspectors_left, 0)
            if visit.unit.name not in listed and fits:
                minutes_left -= visit.minutes
                inspectors_left -= of_inspector
                more.append(visit)
        return tuple(more)

    def minutes_beside(self, visits: Sequence[PlannedVisit]) -> int:
        """Return the minutes of the cell that some visits leave."""
        return self.room.minutes - sum(visit.minutes for visit in visits)

    def lengthened(
        self, visits: Sequence[PlannedVisit], others: Sequence[PlannedVisit]
    ) -> tuple[PlannedVisit, ...]:
        """Return statutory visits, in their order longer by minutes that no other visit can use, where they were cut."""
        whole = {visit.unit.name: visit.minutes for visit in self.statutory}
        minutes_left = self.minutes_beside((*visits, *others))
        inspectors_left = max(0, self.inspectors_beside((*visits, *others)))
        longer = []
        for visit in visits:
            percent = self.duty_percent(visit)
            room = min(minutes_left, inspectors_left * 100 // percent if percent else minutes_left)
            more = max(0, min(room, whole[visit.unit.name] - visit.minutes))
            grown = replace(visit, minutes=visit.minutes + more)
            minutes_left -= more
            inspectors_left -= self.of_inspector(grown) - self.of_inspector(visit)
            longer.append(grown)
        return tuple(longer)


def is_routine(unit: PlanUnit) -> bool:
    """Tell whether a routine visit to a unit may be planned: it is scored, awake, not waived or resting, and of worth."""
    return unit.is_scored and not unit.dormant and unit.benefit * unit.standing.weight > 0


def worth_a_minute(visit: PlannedVisit) -> float:
    """Return what a minute of a visit is expected to bring, weighted by the unit's class."""
    unit = visit.unit
    return unit.benefit * unit.standing.weight / visit.needed
