"""What a plan is made of: a living unit with its standing, a visit to it, and how each kind of unit is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.optimum.travel import Place
from models.policy.policy_status import Standing


@dataclass(frozen=True, slots=True)
class UnitKind:
    """A kind of unit that has lists: its name, the journal's tables of its plans, draws and overrides, and how plans name it.

    `room` is what a list belongs to there, a grid cell or a team, and `inside` says within it; `target` is the one that is
    planned where none is named. `worth` and `needed` are the names of what a visit brings and would have to bring,
    `worth_words` says the first in a line. `gone` is who of the register is no longer looked at; `reasons` are words of its
    own for why a unit is on no list.
    """

    name: str
    title: str
    plans: str
    draws: str
    overrides: str
    room: str
    inside: str
    target: str
    worth: str
    needed: str
    worth_words: str
    worth_unit: str
    chance: str
    gone: str
    reasons: Mapping[str, str]


ENTERPRISE = UnitKind(
    name="enterprise",
    title="企业 enterprise",
    plans="plans",
    draws="draws",
    overrides="overrides",
    room="cell",
    inside="网格内按工时 in its cell",
    target="undeclared_workers",
    worth="expected_workers",
    needed="would_need_workers",
    worth_words="预计新增参保 expected newly covered {:,.1f} 人 workers",
    worth_unit="人 workers",
    chance="违法概率 p(violation)",
    gone="已注销 closed",
    reasons={},
)
_REVIEWED_REASONS = {
    "no_cell": "无队伍负责 no team answers for it",
    "no_team": "无队伍负责 no team answers for it",
    "complaint_waits": "举报待办，工时已尽 a tip waits, the minutes are used up",
    "resting": "不久前已检查 visited not long ago",
}
_RECOVERED = "预计追回 expected to be recovered ¥{:,.0f}"
CLAIM = UnitKind(
    name="claim",
    title="申领 claim",
    plans="claim_plans",
    draws="claim_draws",
    overrides="claim_overrides",
    room="team",
    inside="队伍内按工时 in its team",
    target="fraudulent_claim",
    worth="expected_yuan",
    needed="would_need_yuan",
    worth_words=_RECOVERED,
    worth_unit="元 yuan",
    chance="骗领概率 p(fraud)",
    gone="不在办 not in hand",
    reasons=_REVIEWED_REASONS,
)
PROVIDER = UnitKind(
    name="provider",
    title="机构 provider",
    plans="provider_plans",
    draws="provider_draws",
    overrides="provider_overrides",
    room="team",
    inside="队伍内按工时 in its team",
    target="provider_deception",
    worth="expected_yuan",
    needed="would_need_yuan",
    worth_words=_RECOVERED,
    worth_unit="元 yuan",
    chance="骗保概率 p(deception)",
    gone="协议已止 contract ended",
    reasons=_REVIEWED_REASONS,
)
KINDS = {kind.name: kind for kind in (ENTERPRISE, CLAIM, PROVIDER)}
"""Every kind of unit that has lists, by the entity of its model."""


@dataclass(frozen=True, slots=True)
class PlanUnit:
    """One living unit: its cell, its staff, what a visit is expected to find, its standing, and whether it is dormant.

    `benefit` is in workers newly covered (amounts are exchanged), `place` its longitude and latitude where they are known. A unit
    that is not `is_scored` is never listed by score, because its model is halted; the lottery's strata keep its benefit. Of a
    claim or a provider `cell` is the team that reviews it, `benefit` the yuan that a review recovers, `staff` what decides how
    long it takes, and `particulars` what its line of a list says of it.
    """

    name: str
    cell: str
    staff: int
    benefit: float
    standing: Standing
    dormant: bool = False
    rural: bool = False
    place: Place | None = None
    is_scored: bool = True
    kind: str = "enterprise"
    scheme: str = ""
    particulars: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One line of a list: who, why (complaint | exposure | score | lottery), and the person-minutes planned.

    `needed` are the minutes that the whole visit takes, `travel` those of them on the road. `rank` is the unit's place in its
    cell by what a minute is worth, None where routine visits do not reach it.
    """

    unit: PlanUnit
    why: str
    minutes: int
    needed: int
    travel: int = 0
    rank: int | None = None
