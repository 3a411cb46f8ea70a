"""A block of the city at a month's beginning."""

from __future__ import annotations

from dataclasses import dataclass

from features.city.agency import Dispatch
from features.city.benefits import Benefits
from features.city.firms import Firms
from features.city.honesty import Habits
from features.city.memory import Memory
from features.city.phoenix import Phoenix
from features.city.setting import Ints, Setting
from features.city.staff import Jobs, People


@dataclass(frozen=True, slots=True)
class State:
    """All that a block is: enterprises, habits, agreements, successions, memory, people, jobs, the idle, benefits."""

    setting: Setting
    block: int
    firms: Firms
    habits: Habits
    dispatch: Dispatch
    phoenix: Phoenix
    memory: Memory
    people: People
    jobs: Jobs
    idle: Ints
    benefits: Benefits
