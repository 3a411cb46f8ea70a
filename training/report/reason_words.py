"""Reasons in both languages: why a figure is missing, as the JSON of a training says it, and the same in Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = (
    (r"no lottery visit", "没有抽签检查"),
    (r"(\d+) lottery visits, at least (\d+) needed", r"抽签检查\1次，至少需要\2次"),
    (r"no lottery visit found any", "抽签检查均未查出"),
    (r"no labelled case with a weight", "没有可加权的有结果样本"),
    (r"the cases are visits, and the lottery draws units", "样本是检查，而抽签抽的是单位"),
    (r"nothing was found", "什么也没有查出"),
    (r"the list is empty", "名单为空"),
    (r"no number is written of what was found", "查出的数量没有记载"),
    (r"no visit of the list has an outcome", "名单上没有一次检查有结果"),
    (r"too few visits of the list have an outcome", "名单上有结果的检查太少"),
    (
        r"the policy knows the minutes of visits to enterprises alone",
        "政策只规定了检查企业的分钟数",
    ),
    (r"the source has no table (\w+)", r"数据源没有表 \1"),
    (r"the source has no feature (\w+)", r"数据源没有特征 \1"),
    (r"no match names a unit of this kind", "没有比对差异涉及这类单位"),
    (r"it befell (\d+) units, at least (\d+) needed", r"只有\1个单位遭遇，至少需要\2个"),
    (r"events are told of enterprises alone", "只有企业才有这些事件"),
    (r"the order of time is not known", "时间先后未知"),
    (r"no unit lives on the day", "当日没有存续单位"),
    (
        r"the history ends on ([\d-]+), (\d+) days after the list; at least (\d+) needed",
        r"数据到\1为止，距名单只有\2天，至少需要\3天",
    ),
    (r"(\d+) origins, at least (\d+) needed", r"只有\1个起点，至少需要\2个"),
    (r"too few draws of units tell", "重抽样中能说明问题的太少"),
    (r"no scorecard to compare", "没有评分卡可比"),
    (r"its gain over the scorecard is above 0", "比评分卡的优势大于0"),
    (r"its gain over the scorecard is not shown to be above 0", "未显出优于评分卡"),
    (r"suppressed: fewer than (\d+) units", r"隐去：不足\1个单位"),
    (r"suppressed: else .*", "隐去：否则可由减法得到小群体"),
    (r"it would rest on (\d+) units", r"只依据\1个单位"),
    (r"one group only: nothing to compare", "只有一组，无从比较"),
    (r"no case of the test", "测试中无样本"),
)
"""Patterns of reasons and the same in Chinese; a test holds that those which a training can give are here."""
NOT_ESTIMABLE = "not estimable: "
NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """A text in both languages."""

    zh: str
    en: str


def reason_words(reason: str) -> ReasonWords:
    """Return a reason in both languages; one without Chinese words is shown as it is.

    >>> reason_words("not estimable: 12 lottery visits, at least 30 needed").zh
    '不可估计：抽签检查12次，至少需要30次'
    """
    if reason.startswith(NOT_ESTIMABLE):
        inner = reason_words(reason.removeprefix(NOT_ESTIMABLE))
        return ReasonWords(f"不可估计：{inner.zh}", reason)
    if reason.startswith(NOT_KNOWN):
        return ReasonWords("不详", reason)
    for pattern, zh in WORDS:
        match = re.fullmatch(pattern, reason)
        if match:
            return ReasonWords(match.expand(zh), reason)
    return ReasonWords(reason, reason)
