"""The page of a trial of policies: what each arm found, what became of the city, how well the lottery estimates it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.calendar import date_of, first_day
from lssi.policy_trial.arms import Arm
from lssi.policy_trial.curves import colour, curves, trial_templates
from lssi.policy_trial.orders import BY_SCORE, Plain

GROUP_NAMES = {
    "all": ("全部企业", "all enterprises"),
    "small": ("小企业", "small firms"),
    "rural": ("农村企业", "rural firms"),
}
NO_NUMBERS = (
    "首个模型样本太少，不能预计人数，计划只按概率安排；请用更多企业",
    "the first model had too few cases to expect numbers, so the plan went by probability; take more enterprises",
)
WHY_NAMES = {
    "score": ("名单", "by score"),
    "complaint": ("举报", "complaint"),
    "exposure": ("曝光", "exposure"),
    "lottery": ("抽签", "lottery"),
}
HALVES = {"letter": ("发函", "with a letter"), "no_letter": ("未发函", "without one")}
CUMULATED = (
    "workers_found",
    "累计查出的职工",
    "Workers found, cumulated",
    "纵轴为人数，自开始以来之和。",
    "Up: persons, summed since the beginning.",
)
TRUTH = (
    "uncovered",
    "全市实际未参保的职工",
    "Workers without cover in the whole city, in truth",
    "纵轴为人数；只有模拟城市才知道真相。",
    "Up: persons; only a simulated city knows the truth.",
)


def policy_page(result: Plain, arms: Mapping[str, Arm]) -> str:
    """Return the page as HTML: no script, nothing fetched, the same bytes for the same result."""
    page = trial_templates().get_template("policy.html.j2")
    return page.render(page=_page(result, arms)) + "\n"


def _page(result: Plain, arms: Mapping[str, Arm]) -> Plain:
    outcomes = result["arms"]
    reference = arms[result["reference"]]
    letters = [
        _letters(arms[name], one["letters"]) for name, one in outcomes.items() if "letters" in one
    ]
    return {
        "enterprises": f"{result['enterprises']:,}",
        "months": result["months"],
        "seeds": ", ".join(map(str, result["seeds"])),
        "no_numbers": NO_NUMBERS if result["seeds_without_numbers"] else None,
        "reference": {"zh": reference.zh, "en": reference.en},
        "arms": [
            _arm_row(arms[name], one, place) for place, (name, one) in enumerate(outcomes.items())
        ],
        "plots": _plots(outcomes),
        "groups": [{"zh": zh, "en": en} for zh, en in GROUP_NAMES.values()],
        "whys": [{"zh": zh, "en": en} for zh, en in WHY_NAMES.values()],
        "letters": letters,
    }


def _arm_row(arm: Arm, told: Plain, place: int) -> Plain:
    totals = {name: float(np.mean(values)) for name, values in told["totals"].items()}
    return {
        "zh": arm.zh,
        "en": arm.en,
        "colour": colour(place),
        "found": totals["workers_found"],
        "registered": totals["workers_registered"],
        "visits": totals["visits"],
        "ratio": told["reference_over_this"]["workers_found"],
        "ratio_by_score": told["reference_over_this"][BY_SCORE],
        "groups": [_chance_text(told["groups"][group]) for group in GROUP_NAMES],
        "whys": [_why_text(told["by_why"].get(why)) for why in WHY_NAMES],
    }


def _chance_text(told: Plain) -> str:
    if told["chance"] is None:
        return "–"
    times = "" if told["over_random"] is None else f" ({told['over_random']:.2f})"
    return f"{told['chance']:.2%}{times}"


def _why_text(told: Plain | None) -> str:
    """Return the workers found an hour by visits of one reason, and its hours in brackets."""
    if told is None or told["an_hour"] is None:
        return "–"
    return f"{told['an_hour']:.2f} ({told['hours']:,.0f})"


def _plots(outcomes: Mapping[str, Plain]) -> list[Plain]:
    """Return the plots: workers found, the truth, and the error of the lottery's estimate."""
    months = [month_label(row["month"]) for row in next(iter(outcomes.values()))["by_month"]]
    lines: dict[str, dict[str, Sequence[float]]] = {"found": {}, "truth": {}, "error": {}}
    for name, one in outcomes.items():
        workers_found = [row[CUMULATED[0]] for row in one["by_month"]]
        lines["found"][name] = np.cumsum(workers_found).tolist()
        lines["truth"][name] = [row[TRUTH[0]] for row in one["by_month"]]
        lines["error"][name] = mean_errors(one["estimates"])
    return [
        _plot(lines["found"], months, CUMULATED),
        _plot(lines["truth"], months, TRUTH),
        _plot(lines["error"], months, ERROR),
    ]


ERROR = (
    "error",
    "抽签估计的误差",
    "Error of the lottery's estimate",
    "纵轴为误差的绝对值（百分比，各种子的平均）；抽中的检查太少时没有估计，画为 0。",
    "Up: the absolute error in percent, mean over seeds; 0 where too few visits were drawn for an estimate.",
)


def _plot(
    lines: Mapping[str, Sequence[float]], months: Sequence[str], words: Sequence[str]
) -> Plain:
    _, zh, en, note_zh, note_en = words
    svg = curves(lines, months)
    return {"zh": zh, "en": en, "svg": svg, "note_zh": note_zh, "note_en": note_en}


def mean_errors(estimates: Sequence[Plain]) -> list[float]:
    """Return by month the mean absolute error over seeds in percent, 0 where no seed has an estimate."""
    errors = []
    for rows in zip(*(one["by_month"] for one in estimates), strict=True):
        percents = [abs(row["error"]) * 100 for row in rows if row.get("error") is not None]
        errors.append(float(np.mean(percents)) if percents else 0.0)
    return errors


def month_label(month: int) -> str:
    """Return an integer month as people write it.

    >>> month_label(2015 * 12)
    '2015-01'
    """
    return date_of(first_day(month)).isoformat()[:7]


def _letters(arm: Arm, told: Mapping[str, Any]) -> Plain:
    rows = [
        {
            "zh": zh,
            "en": en,
            "firms": told[half]["firms"],
            "before": told[half]["uncovered_before"],
            "after": told[half]["uncovered_when_visited"],
            "reopened": told[half]["reopened"],
        }
        for half, (zh, en) in HALVES.items()
    ]
    return {"zh": arm.zh, "en": arm.en, "rows": rows}
