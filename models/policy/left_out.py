"""Who is on no list and why: every unit of the register is on a list or has one reason, and the numbers add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from models.policy.plan import Plan
from models.policy.plan_unit import PlanUnit

REASONS = {
    "no_cell": "不在任何网格 lies in no cell that has minutes",
    "no_team": "网格无队伍 its cell has no team",
    "no_minutes": "队伍本周无工时 its team has no minutes this week",
    "complaint_waits": "投诉待办，工时已尽 a complaint waits, the minutes are used up",
    "dormant": "休眠 dormant: only by complaint or lottery",
    "exposure_waits": "曝光复查待办，工时已尽 a visit after exposure is due, the minutes are used up",
    "match_waits": "比对差异待核，工时已尽 a match waits to be verified, the minutes are used up",
    "waived": "奖牌免日常检查 a medal waives routine visits, or a category",
    "resting": "不久前已检查 visited not long ago",
    "halted": "模型停用，无风险清单 the model is halted, so that none is listed by score",
    "no_benefit": "预计查不出 nothing is expected to be found",
    "out_of_minutes": "工时内有更值得查的 others are worth more within the minutes",
}
"""Why a living unit is on no list: of those that hold the first in this order."""


@dataclass(frozen=True, slots=True)
class Register:
    """How many units of a kind the register of a day has, and how many of them are looked at no more, by why."""

    size: int
    gone: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The register of a day: units no longer looked at, on a list by why, and on none by reason; the sum is the register.

    `gone` are the units no longer looked at, by why.
    """

    register: int
    not_living: int
    listed: Mapping[str, int]
    left_out: Mapping[str, int]
    gone: Mapping[str, int]

    @property
    def scored(self) -> int:
        """How many units live and were scored."""
        return self.register - self.not_living

    @property
    def is_whole(self) -> bool:
        """Tell whether lists and reasons add up to those that were scored, and these are of the register."""
        divided = sum(self.listed.values()) + sum(self.left_out.values())
        is_parted = sum(self.gone.values()) == self.not_living
        return self.not_living >= 0 and is_parted and divided == self.scored


def left_out(unit: PlanUnit, capacity: Mapping[str, int], *, halted: bool = False) -> str:
    """Return the first reason for which a unit that is on no list is on none."""
    standing = unit.standing
    if not capacity.get(unit.cell):
        return _without_minutes(unit, capacity)
    holds = {
        "complaint_waits": standing.complaint is not None,
        "dormant": unit.dormant,
        "exposure_waits": standing.due == "exposure",
        "match_waits": standing.due == "match",
        "waived": standing.waived,
        "resting": standing.resting,
        "halted": halted,
        "no_benefit": unit.benefit * standing.weight <= 0,
        "out_of_minutes": True,
    }
    return next(reason for reason, is_so in holds.items() if is_so)


def _without_minutes(unit: PlanUnit, capacity: Mapping[str, int]) -> str:
    """Return why the list of a unit has no minutes."""
    if not unit.cell:
        return "no_cell"
    return "no_minutes" if unit.cell in capacity else "no_team"


def reconciled(
    plan: Plan,
    units: Sequence[PlanUnit],
    capacity: Mapping[str, int],
    *,
    register: Register,
    halted: bool = False,
) -> Reconciliation:
    """Return how the register of a day is divided between lists and reasons."""
    visits = list(chain.from_iterable(cell.visits for cell in plan.cells))
    listed = {visit.unit.name for visit in visits}
    reasons = Counter(
        left_out(unit, capacity, halted=halted) for unit in units if unit.name not in listed
    )
    return Reconciliation(
        register=register.size,
        not_living=register.size - len(units),
        listed=dict(sorted(Counter(visit.why for visit in visits).items())),
        left_out={reason: reasons[reason] for reason in REASONS if reasons[reason]},
        gone=register.gone,
    )
