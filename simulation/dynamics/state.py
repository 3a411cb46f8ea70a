"""A block of the city at a month's beginning."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.dynamics.phoenix import Phoenix
from simulation.funds.benefits import Benefits
from simulation.ground.memory import Memory
from simulation.ground.setting import Ints, Setting
from simulation.labour.agency import Dispatch
from simulation.labour.firms import Firms
from simulation.labour.honesty import Habits
from simulation.labour.staff import Jobs, People


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
