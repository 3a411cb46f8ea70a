"""Why a unit is on a list or on none: what decided, and what would have put it there."""

from __future__ import annotations

from typing import Any

from features.calendar import date_of
from models.optimum.least_value import ListMinutes, least_value
from models.policy.cell_start import CellStart, is_routine
from models.policy.left_out import REASONS, left_out
from models.policy.plan import CellPlan
from models.policy.plan_json import cell_json
from models.policy.plan_text import WHY_WORDS, remarks
from models.policy.plan_unit import KINDS, PlannedVisit
from models.policy.week import WeekPlan

HOUR = 60
"""Minutes of an hour: what a visit is worth is told an hour, since a worker a minute is nobody's measure."""
CHANGES = {
    "no_cell": "登记网格 state its cell in the register",
    "no_team": "为网格指定队伍 give its cell a team",
    "no_minutes": "队伍本周有工时 minutes of its team this week",
    "complaint_waits": "更多工时，或更早的投诉先办完 more minutes, or older complaints answered",
    "dormant": "再次申报、缴费或用工 filing, paying or employing again",
    "exposure_waits": "更多工时 more minutes",
    "match_waits": "更多工时 more minutes",
    "waived": "奖牌到期或撤销，或类别改变 the end of its medal, or another category",
    "resting": "上次检查后期满 the end of its rest after the last visit",
    "halted": "解除停用 lifting the halt (lssi lift)",
    "no_benefit": "预计能查出 anything expected to be found",
    "out_of_minutes": "更高的预计数或更多工时 a higher expected number, or more minutes",
}
"""By the reason for which a unit is on no list what would have put it there."""
TOO_LONG = (
    "更多工时：抽签与法定检查所剩不够一次检查 more minutes: those that lottery and statutory visits leave "
    "are shorter than its visit"
)
NO_INSPECTOR = (
    "更多执法人员工时：抽签与法定检查所剩不够 more minutes of inspectors: those that lottery and statutory visits leave "
    "are fewer than its visit needs"
)


def why_listed(plan: WeekPlan, name: str) -> dict[str, Any]:
    """Return why a living unit of a plan is on a list or on none, as plain values."""
    start, cell = _of_unit(plan, name)
    visit = next(visit for visit in start.visits if visit.unit.name == name)
    shown = cell_json(plan, cell)
    on_list = next((one for one in shown.pop("visits") if one[plan.kind.name] == name), None)
    return {
        "plan": plan.number,
        "week": str(date_of(plan.week.monday)),
        "as_of": str(date_of(plan.week.as_of)),
        "rule": plan.plan.policy.rule,
        "unit": plan.kind.name,
        plan.kind.name: name,
        "listed": on_list is not None,
        "cell": {**shown, "minutes_for_score": start.minutes_left},
        "visit": on_list,
        "score": _score(plan, start.ranked(visit)),
        "drawn": name in cell.drawn,
        **(_not_listed(plan, start, cell, visit) if on_list is None else _listed(plan, on_list)),
    }


def _of_unit(plan: WeekPlan, name: str) -> tuple[CellStart, CellPlan]:
    """Return the start of the list of a unit's cell, and the list."""
    cell = plan.units[plan.place[name]].cell
    pairs = zip(plan.plan.starts, plan.plan.cells, strict=True)
    return next((start, one) for start, one in pairs if one.cell == cell)


def _score(plan: WeekPlan, visit: PlannedVisit) -> dict[str, Any]:
    """Return what the model says of a unit, and what an hour of a visit to it is worth."""
    place = plan.place[visit.unit.name]
    weight = visit.unit.standing.weight
    return {
        "probability": float(plan.scores.probability[place]),
        "rank": plan.rank(visit.unit.name),
        "of": len(plan.units),
        "rank_in_cell": visit.rank,
        plan.kind.worth: visit.unit.benefit,
        "weight": weight,
        "needed_minutes": visit.needed,
        "worth_an_hour": visit.unit.benefit * weight * HOUR / visit.needed,
    }


def _listed(plan: WeekPlan, visit: dict[str, Any]) -> dict[str, Any]:
    words = WHY_WORDS[visit["why"]]
    return {"decided_by": visit["why"], "words": words, "would": [], plan.kind.needed: None}


def _not_listed(
    plan: WeekPlan, start: CellStart, cell: CellPlan, visit: PlannedVisit
) -> dict[str, Any]:
    """Return the reason for which a unit is on no list, and what would have put it on one."""
    reason = left_out(visit.unit, plan.capacity, halted=plan.halt is not None)
    needed = None
    kind = plan.kind
    change = {**CHANGES, **kind.changes}[reason]
    if reason == "out_of_minutes" and visit.minutes > start.minutes_left:
        change = TOO_LONG
    elif reason == "out_of_minutes" and start.of_inspector(visit) > start.inspectors_left:
        change = NO_INSPECTOR
    if reason == "out_of_minutes" or (reason == "complaint_waits" and is_routine(visit.unit)):
        needed = _needed_worth(start, cell, visit)
    return {
        "decided_by": reason,
        "words": {**REASONS, **kind.reasons}[reason],
        "would": [change, kind.always],
        kind.needed: needed,
    }


def _needed_worth(start: CellStart, cell: CellPlan, visit: PlannedVisit) -> float | None:
    """Return what a visit would have to bring for its unit to be on its cell's list; None where its visit is too long."""
    chosen = frozenset(one.unit.name for one in cell.visits if one.why == "score")
    candidate = start.candidate(visit)
    solver = start.policy.solver
    minutes = ListMinutes(start.minutes_left, start.inspectors_left)
    value = least_value(start.candidates, minutes, candidate, chosen, solver)
    if value is None:
        return None
    # the same product as a candidate's value, the other way round
    return value * visit.needed / (visit.unit.standing.weight * visit.minutes)


def why_lines(shown: dict[str, Any]) -> list[str]:
    """Return why, as `why_listed` gave it, in lines for a reader."""
    cell = shown["cell"]
    score = shown["score"]
    kind = KINDS[shown["unit"]]
    listed = "列入 listed" if shown["listed"] else "未列入 not listed"
    minutes = f"{cell['planned_minutes']}/{cell['minutes']}"
    drawn = "抽中 drawn" if shown["drawn"] else "未抽中 not drawn"
    lines = [f"{shown[kind.name]} | 周 week {shown['week']} | {listed}: {shown['words']}"]
    lines.append(
        f"{kind.roomed.format(cell=cell['cell'] or '-', team=cell['team'] or '-')} | 工时 minutes {minutes}, "
        f"其中留给风险 for scored visits {cell['minutes_for_score']}, 所需 needed {score['needed_minutes']}"
    )
    lines.append(_score_line(shown))
    lines.append(f"抽签 lottery: 概率 chance {cell['inclusion_probability']:.6f}, {drawn}")
    if shown["visit"] is not None:
        visit = shown["visit"]
        noted = "; ".join(remarks(visit))
        lines.append(f"次序 position {visit['position']}, {visit['minutes']} min {noted}".rstrip())
    if shown["would"]:
        lines.append(f"何时会列入 what would put it on the list: {'; '.join(shown['would'])}")
    if shown[kind.needed] is not None:
        lines.append(
            f"{kind.needed_words}: {shown[kind.needed]:.2f} {kind.worth_unit}, "
            f"现预计 expected now {score[kind.worth]:.2f}"
        )
    return lines


def _score_line(shown: dict[str, Any]) -> str:
    score = shown["score"]
    line = (
        f"{KINDS[shown['unit']].chance} {score['probability']:.3f}, 名次 rank {score['rank']:,}/{score['of']:,}, "
        f"每小时 worth an hour {score['worth_an_hour']:.3f}"
    )
    if score["rank_in_cell"] is not None:
        line += f", {KINDS[shown['unit']].inside} {score['rank_in_cell']}/{shown['cell']['routine_units']}"
    return line
