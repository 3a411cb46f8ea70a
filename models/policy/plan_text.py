"""A plan for reading in a terminal: what it rests on, how it adds up, and the lists, in both languages."""

from __future__ import annotations

from typing import Any

from features.engine import dormancy
from models.bundle.interval import number_line
from models.optimum.city_rules import GROUP_WORDS
from models.policy.left_out import REASONS
from models.policy.plan_json import plan_as_json
from models.policy.plan_unit import ENTERPRISE, KINDS, UnitKind
from models.policy.week import Made

WHY_WORDS = {
    "complaint": "投诉 complaint",
    "exposure": "规则 rule (曝光后加强 intensified after exposure)",
    "match": "规则 rule (比对差异 a match)",
    "score": "风险 risk",
    "lottery": "抽签 lottery",
}
"""Why a visit is on a list, by the word of the journal."""
GONE_WORDS = {
    "closed": "已注销 closed",
    "reviewed": "已有核查结论 reviewed, with a verdict",
    "in_review": "核查未结 a review of it is open",
    "settled": "已拒付或撤回 refused or withdrawn",
    "old": "入库已久 known for longer than claims are in hand",
    "ended": "协议已止 its contract ended",
}
"""Why a unit of the register is looked at no more."""
MOST_VISITS = 200
"""Visits that a text shows whole; a choice: more lines than that scroll out of a terminal's memory unread."""
FIRST_VISITS = 3
"""Visits of each list that a longer text shows; a choice: what a reader of many lists looks at."""


def plan_as_text(plan: Made) -> str:
    """Return a plan for reading: whole lists, or the first of each and how many more."""
    return "\n".join(plan_lines(plan_as_json(plan)))


def plan_lines(shown: dict[str, Any]) -> list[str]:
    """Return a plan, as `plan_as_json` gave it, in lines."""
    visits = sum(len(cell["visits"]) for cell in shown["cells"])
    most = visits if visits <= MOST_VISITS else FIRST_VISITS
    lines = [*heading_lines(shown)]
    for cell in shown["cells"]:
        lines += cell_lines(shown, cell, most)
    return lines


def heading_lines(shown: dict[str, Any]) -> list[str]:
    """Return what a plan rests on and how it adds up."""
    model = shown["model"]
    lines = [
        f"计划 plan {shown['plan']}  规则 rule {shown['rule']}  截至 as of {shown['as_of']}",
        f"模型 model {model['target']}  训练截至 trained as of {model['as_of']}",
    ]
    if shown["retrospective"]:
        lines.append(
            "回顾 retrospective: 模型训练时已知其后之事 the model knows what came later, so this list proves nothing"
        )
    lines.append(_draw_line(shown["draw"]))
    lines += _halt_lines(model["halt"])
    if "dormant" in shown:
        lines.append(dormancy.dormancy_line(shown["dormant"]))
    lines += _reconciliation_lines(shown["reconciliation"], KINDS[shown["unit"]])
    lines.append(_optimum_line(shown))
    lines += [_floor_line(floor) for floor in shown["floors"] if floor["asked"]]
    return lines


def _draw_line(draw: dict[str, Any]) -> str:
    """Return which lottery was drawn, and whether it was committed beforehand."""
    line = f"抽签 lottery {draw['draw']}: "
    if draw["commitment"] is None:
        return f"{line}未事先承诺，种子为 not committed beforehand, its seed is {draw['seed']!r}"
    return f"{line}事先承诺于 committed beforehand in {draw['commitment']}"


def _halt_lines(halt: dict[str, str] | None) -> list[str]:
    if halt is None:
        return []
    line = (
        f"停用 halted: 监看结论 {halt['as_of']} ({halt['record_id']}) 停用模型，只按规则与抽签 "
        f"the monitor halts the model, lists follow rules and lottery alone: {halt['zh']} {halt['en']}"
    )
    return [line]


def _reconciliation_lines(reconciliation: dict[str, Any], kind: UnitKind) -> list[str]:
    """Return how the register is divided, the sums written out."""
    words = {**REASONS, **kind.reasons}
    listed = reconciliation["listed"]
    on_lists = sum(listed.values())
    register, gone, scored = (
        reconciliation["register"],
        reconciliation["not_living"],
        reconciliation["scored"],
    )
    by_why = [f"{WHY_WORDS[why]} {number:,}" for why, number in listed.items()]
    lines = [
        f"登记 register {register:,} = {kind.gone} {gone:,} + 评分 scored {scored:,}",
        f"评分 scored {scored:,} = 列入 listed {on_lists:,} + 未列入 not listed {scored - on_lists:,}",
        f"列入 listed {on_lists:,}: {', '.join(by_why) or '-'}",
    ]
    if kind is not ENTERPRISE:
        lines += [
            f"  {kind.gone} {number:,}: {GONE_WORDS[why]}"
            for why, number in reconciliation["gone"].items()
        ]
    lines += [
        f"  未列入 not listed {number:,}: {words[reason]}"
        for reason, number in reconciliation["left_out"].items()
    ]
    return lines


def _optimum_line(shown: dict[str, Any]) -> str:
    optimum = shown["optimum"]
    kind = KINDS[shown["unit"]]
    brought = kind.worth_words.format(optimum[kind.worth.removeprefix("expected_")])
    minutes = f"{shown['planned_minutes']:,}/{shown['minutes']:,}"
    return (
        f"工时 minutes {minutes}  {brought}  "
        f"与上界之差 gap to the bound {100 * optimum['gap']:.2f} %  "
        f"下限代价 price of the floors {optimum['floors_cost']:,.1f}"
    )


def _floor_line(floor: dict[str, Any]) -> str:
    line = (
        f"下限 floor: {GROUP_WORDS[floor['group']]}: 至少 at least {floor['asked']:,} 次 visits, "
        f"计划 planned {floor['planned']:,}"
    )
    if floor["missing"]:
        line += f" (无法满足，放宽 cannot hold, relaxed by {floor['missing']:,})"
    return line


def cell_lines(shown: dict[str, Any], cell: dict[str, Any], most: int) -> list[str]:
    """Return a cell's list, at most so many visits of it and how many more there are."""
    team = f"队伍 team {cell['team']}" if cell["team"] else "无队伍 no team"
    heading = (
        f"{cell['cell'] or '-'}: {team}  {cell['planned_minutes']}/{cell['minutes']} min  "
        f"{len(cell['visits'])} 次 visits  抽签概率 chance of the lottery {cell['inclusion_probability']:.6f}"
    )
    lines = [heading]
    lines += [visit_line(shown, cell, visit) for visit in cell["visits"][:most]]
    more = len(cell["visits"]) - most
    if more > 0:
        lines.append(f"  … 另有 {more} 次 {more} more: --cell {cell['cell'] or '-'}")
    if cell["complaints_left"]:
        left = cell["complaints_left"]
        lines.append(f"  … {left} 件投诉本周无工时 {left} complaints find no time this week")
    return lines


def visit_line(shown: dict[str, Any], cell: dict[str, Any], visit: dict[str, Any]) -> str:
    """Return one visit: who, why, minutes planned of those needed, risk with ranks, the number expected, and what to know."""
    parts = [
        f"{visit['position']} {visit[shown['unit']]} {WHY_WORDS[visit['why']]}",
        f"{visit['minutes']}/{visit['needed_minutes']} min",
        _risk_words(shown, cell, visit),
        " ".join(number_line(visit, shown["unit_expected"])),
        *remarks(visit),
    ]
    return "  " + " | ".join(part for part in parts if part)


def _risk_words(shown: dict[str, Any], cell: dict[str, Any], visit: dict[str, Any]) -> str:
    chance = f"{KINDS[shown['unit']].chance} {visit['probability']:.3f}"
    rank = f"名次 rank {visit['rank']:,}/{shown['units']:,}"
    if visit["rank_in_cell"] is None:
        return f"{chance}, {rank}"
    place = f"{visit['rank_in_cell']}/{cell['routine_units']}"
    return f"{chance}, {rank}, {KINDS[shown['unit']].inside} by worth a minute {place}"


REMARKS = {
    "complaint": "投诉自 complaint of {}",
    "class": "评定 class {}",
    "medal": "奖牌 medal",
    "exposed": "曝光 exposed",
    "dormant": "休眠 dormant",
    "rural": "农村 rural",
    "scheme": "险种 scheme {}",
    "provider": "机构 provider {}",
    "amount_yuan": "金额 amount ¥{:,.2f}",
    "match": "比对差异 match {}",
}
"""What else a team should know of a visit, by the name of it in the plan; what is absent, empty or false is not said."""


def remarks(visit: dict[str, Any]) -> list[str]:
    """Return what else a team should know of a visit."""
    values = {name: visit.get(name) for name in REMARKS}
    said = [
        words.format(values[name])
        for name, words in REMARKS.items()
        if values[name] is not None and values[name] is not False
    ]
    if visit["drawn"] and visit["why"] != "lottery":
        said.append("抽中 drawn")
    return said
