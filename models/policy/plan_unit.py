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
    own for why a unit is on no list, `changes` what would change that, and `always` what goes first whatever the score. `roomed`
    says which list a unit belongs to, `needed_words` what it takes there, `waiting` and `one_waiting` that so many find no time.
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
    changes: Mapping[str, str]
    always: str
    roomed: str
    needed_words: str
    waiting: str
    one_waiting: str


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
    changes={},
    always="投诉总排在前 a complaint goes first",
    roomed="网格 cell {cell} | 队伍 team {team}",
    needed_words="网格内列入所需 needed in its cell",
    waiting="{} 件投诉本周无工时 {} complaints find no time this week",
    one_waiting="1 件投诉本周无工时 1 complaint finds no time this week",
)
_REVIEWED_REASONS = {
    "no_cell": "无队伍负责 no team answers for it",
    "no_team": "无队伍负责 no team answers for it",
    "complaint_waits": "举报待办，工时已尽 a tip waits, the minutes are used up",
    "resting": "不久前已检查 visited not long ago",
}
_REVIEWED_CHANGES = {
    "no_cell": "有队伍负责其所在网格 a team that answers for it",
    "no_team": "有队伍负责其所在网格 a team that answers for it",
    "complaint_waits": "更多工时，或更早的举报先核完 more minutes, or older tips reviewed",
}
_TEAM = "队伍 team {team}"
_NEEDED_IN_TEAM = "队伍内列入所需 needed in its team"
_TIPS_WAIT = "{} 件举报本周无工时 {} tips find no time this week"
_TIP_WAITS = "1 件举报本周无工时 1 tip finds no time this week"
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
    changes=_REVIEWED_CHANGES,
    always="举报与比对差异总排在前 a tip or a match goes first",
    roomed=_TEAM,
    needed_words=_NEEDED_IN_TEAM,
    waiting=_TIPS_WAIT,
    one_waiting=_TIP_WAITS,
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
    changes=_REVIEWED_CHANGES,
    always="比对差异总排在前 a match goes first",
    roomed=_TEAM,
    needed_words=_NEEDED_IN_TEAM,
    waiting=_TIPS_WAIT,
    one_waiting=_TIP_WAITS,
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
