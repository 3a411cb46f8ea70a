"""A plan for reading in a terminal: what it rests on, how it adds up, and the lists, in both languages."""

from __future__ import annotations

from typing import Any

from features.engine import dormancy
from models.bundle.interval import number_line
from models.optimum.city_rules import GROUP_WORDS
from models.policy.left_out import REASONS
from models.policy.plan_json import plan_as_json
from models.policy.plan_unit import ENTERPRISE, KINDS, UnitKind
from models.policy.week import WeekPlan

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
RECONCILIATION = (
    "登记 register {register:,} = {gone_word} {gone:,} + 评分 scored {scored:,}",
    "评分 scored {scored:,} = 列入 listed {listed:,} + 未列入 not listed {not_listed:,}",
    "列入 listed {listed:,}: {by_why}",
)
"""How the register is divided, the sums written out."""
OPTIMUM = (
    "工时 minutes {planned:,}/{minutes:,}  {brought}  与上界之差 gap to the bound {gap:.2f} %  "
    "下限代价 price of the floors {floors_cost:,.1f}"
)
FLOOR = "下限 floor: {group}: 至少 at least {asked:,} 次 visits, 计划 planned {planned:,}"
RELAXED = " (无法满足，放宽 cannot hold, relaxed by {missing:,})"
CELL = (
    "{cell}: {team}  {planned_minutes}/{minutes} min  {visits} 次 visits  "
    "抽签概率 chance of the lottery {chance:.6f}"
)
MOST_VISITS = 200
"""Visits that a text shows whole; a choice: more lines than that scroll out of a terminal's memory unread."""
FIRST_VISITS = 3
"""Visits of each list that a longer text shows; a choice: what a reader of many lists looks at."""


def plan_as_text(plan: WeekPlan) -> str:
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
    by_why = reconciliation["listed"]
    listed = sum(by_why.values())
    scored = reconciliation["scored"]
    numbers = {
        "register": reconciliation["register"],
        "gone_word": kind.gone,
        "gone": reconciliation["not_living"],
        "scored": scored,
        "listed": listed,
        "not_listed": scored - listed,
        "by_why": _by_why(by_why) or "-",
    }
    lines = [line.format_map(numbers) for line in RECONCILIATION]
    if kind is not ENTERPRISE:
        lines += _divided(kind.gone, reconciliation["gone"], GONE_WORDS)
    reasons = {**REASONS, **kind.reasons}
    return lines + _divided("未列入 not listed", reconciliation["left_out"], reasons)


def _by_why(listed: dict[str, int]) -> str:
    return ", ".join(f"{WHY_WORDS[why]} {number:,}" for why, number in listed.items())


def _divided(name: str, numbers: dict[str, int], words: dict[str, str]) -> list[str]:
    """Return a part of the register by what befell it, a line each."""
    return [f"  {name} {number:,}: {words[why]}" for why, number in numbers.items()]


def _optimum_line(shown: dict[str, Any]) -> str:
    """Return how much of the minutes is planned, what that brings, and how far it is from the bound."""
    optimum = shown["optimum"]
    kind = KINDS[shown["unit"]]
    worth = optimum[kind.worth.removeprefix("expected_")]
    return OPTIMUM.format(
        planned=shown["planned_minutes"],
        minutes=shown["minutes"],
        brought=kind.worth_words.format(worth),
        gap=100 * optimum["gap"],
        floors_cost=optimum["floors_cost"],
    )


def _floor_line(floor: dict[str, Any]) -> str:
    words = FLOOR + RELAXED if floor["missing"] else FLOOR
    return words.format(
        group=GROUP_WORDS[floor["group"]],
        asked=floor["asked"],
        planned=floor["planned"],
        missing=floor["missing"],
    )


def cell_lines(shown: dict[str, Any], cell: dict[str, Any], most: int) -> list[str]:
    """Return a cell's list, at most so many visits of it and how many more there are."""
    visits = cell["visits"]
    name = cell["cell"] or "-"
    heading = CELL.format(
        cell=name,
        team=f"队伍 team {cell['team']}" if cell["team"] else "无队伍 no team",
        planned_minutes=cell["planned_minutes"],
        minutes=cell["minutes"],
        visits=len(visits),
        chance=cell["inclusion_probability"],
    )
    lines = [heading]
    for visit in visits[:most]:
        lines += [visit_line(shown, cell, visit), *_reason_lines(visit)]
    more = len(visits) - most
    if more > 0:
        lines.append(f"  … 另有 {more} 次 {more} more: --cell {name}")
    unplanned = cell["complaints_left"]
    if unplanned:
        kind = KINDS[shown["unit"]]
        words = kind.one_waiting if unplanned == 1 else kind.waiting
        lines.append("  … " + words.format(unplanned, unplanned))
    short = cell.get("inspector_minutes_short")
    if short:
        lines.append(
            f"  … 抽签所需执法人员工时尚缺 {short} 分钟 the draw needs {short} more minutes of inspectors"
        )
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


def _reason_lines(visit: dict[str, Any]) -> list[str]:
    """Return why a visit's unit has its score, a line for each reason; none where the plan was made without reasons."""
    reasons = visit.get("reasons", ())
    return [
        f"      {reason['contribution']:+.2f} {reason['zh']} {reason['en']}" for reason in reasons
    ]


def _risk_words(shown: dict[str, Any], cell: dict[str, Any], visit: dict[str, Any]) -> str:
    chance = f"{KINDS[shown['unit']].chance} {visit['probability']:.3f}"
    rank = f"名次 rank {visit['rank']:,}/{shown['units']:,}"
    if visit["rank_in_cell"] is None:
        return f"{chance}, {rank}"
    place = f"{visit['rank_in_cell']}/{cell['routine_units']}"
    return f"{chance}, {rank}, {KINDS[shown['unit']].inside} by worth a minute {place}"


LEVEL_WORDS = {
    "intensified": "加强 intensified",
    "normal": "一般 normal",
    "reduced": "减少 reduced",
    "waived": "免日常 waived",
}
"""The levels of inspection, as `lssi classify` has them."""
MADE_BY_WORDS = {
    "inspector": "须执法人员 an inspector makes it",
    "assistant": "协管员可单独 an assistant may make it alone",
    "both": "执法人员与协管员同往 an inspector and an assistant make it together",
}
"""Who makes a visit, where the rule set declares duties."""
LEVEL_BY_WORDS = {
    "exposure": "曝光 exposure",
    "medal": "奖牌 medal",
    "unexamined": "未检查过 never examined",
    "class": "类别 category",
}
"""What sets a level."""
REMARKS = {
    "complaint": "投诉自 complaint of {}",
    "class": "评定 class {}",
    "level_words": "检查力度 level {}",
    "duty_words": "{}",
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


def level_words(visit: dict[str, Any]) -> str | None:
    """Return the level of inspection of a visit's enterprise and what sets it; None of a claim or a provider."""
    if not visit.get("level"):
        return None
    return f"{LEVEL_WORDS[visit['level']]} ({LEVEL_BY_WORDS[visit['level_by']]})"


def remarks(visit: dict[str, Any]) -> list[str]:
    """Return what else a team should know of a visit."""
    values = {
        **{name: visit.get(name) for name in REMARKS},
        "level_words": level_words(visit),
        "duty_words": MADE_BY_WORDS.get(visit.get("made_by", "")),
    }
    phrases = [
        words.format(values[name])
        for name, words in REMARKS.items()
        if values[name] is not None and values[name] is not False
    ]
    if visit["drawn"] and visit["why"] != "lottery":
        phrases.append("抽中 drawn")
    return phrases
