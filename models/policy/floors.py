"""Floors: how many visits some groups have at least, beside what a random plan of the same minutes gives them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.optimum.city_rules import GroupFloors
from models.policy.lottery import WHOLE, Draw


@dataclass(frozen=True, slots=True)
class Floor:
    """A group's floor: the visits asked for, those planned, and by how many the floor had to be relaxed."""

    group: str
    asked: int
    planned: int
    missing: int


@dataclass(frozen=True, slots=True)
class RandomPlan:
    """A cell's minutes, the minutes that visits to all its units within reach would take, and its units by group."""

    minutes: int
    needed: int
    members: dict[str, int]

    def visits(self, group: str) -> float:
        """Return how many visits to a group a random plan makes: each unit has the same chance."""
        if not self.needed:
            return 0.0
        chance = min(1.0, self.minutes / self.needed)
        return chance * self.members.get(group, 0)


def visits_of_floors(cells: Iterable[RandomPlan], rule: GroupFloors, draw: Draw) -> dict[str, int]:
    """Return by group the whole visits that its floor asks for in the whole city.

    The part of a visit that remains is one visit more with that chance, by the draw: cut off, it would take whole groups
    from the lists of a small city, where a week has less than one visit for them.
    """
    plans = list(cells)
    floor_visits = {}
    for group in rule.groups:
        at_random = sum(plan.visits(group) for plan in plans)
        wish = at_random * rule.percent_of(group) / 100
        visits = int(wish)
        is_one_more = draw.chance("floor", group) < (wish - visits) * WHOLE
        floor_visits[group] = visits + int(is_one_more)
    return floor_visits
