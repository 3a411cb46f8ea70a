"""The estimates of a period in lines for a terminal, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]
WAYS = {
    "horvitz_thompson": "加权合计 Horvitz-Thompson",
    "hajek": "加权平均 Hajek",
    "difference": "必查与分数 difference",
}
BASES = {"journal": "本系统的抽签 our own draws", "source": "数据源的抽签 the source's lottery"}
HIDDEN = {
    "small": "单位过少 too few units",
    "beside a small one": "与过小的组相邻 beside a small group",
}


def estimate_lines(report: Part) -> Iterator[str]:
    """Yield what the estimates rest on, those of the city, what lists found beyond the lottery, and the groups."""
    yield f"{report['target']} | {report['from']} .. {report['to']} | {BASES[report['basis']]}"
    yield (
        f"  {report['units']} 个单位 units（{report['out_of_reach']} 个抽不到 out of reach），"
        f"{report['drawn']} 次抽签检查 lottery visits，{report['census']} 个必查 visited in any case"
    )
    missing = report["drawn_without_outcome"]
    if missing:
        yield f"  {missing} 个抽中的单位尚无结果 drawn units without an outcome"
    if not report["score_assists"]:
        yield "  模型学过本期的检查，不用其分数 the model has learned from this period: its scores are left out"
    unit = report["unit_expected"] or "violators"
    yield from _estimates("  ", report, unit)
    yield from _beyond_lines(report["beyond_lottery"], unit)
    for group in report["groups"]:
        yield from _group_lines(group, unit)


def _estimates(indent: str, part: Part, unit: str) -> Iterator[str]:
    for way, words in WAYS.items():
        violators = told_text(part["violators"][way])
        number = told_text(part["number"][way])
        yield f"{indent}{words} | 违法 violators {violators} | {unit} {number}"


def _beyond_lines(gain: Part, unit: str) -> Iterator[str]:
    yield (
        f"  清单查出 lists found {gain['listed']:.0f} {unit}，同样时间抽签会查出 the lottery would have "
        f"{told_text(gain['by_lottery'])}"
    )
    yield f"  清单多查出 found because of the lists {told_text(gain['beyond'])}"


def _group_lines(group: Part, unit: str) -> Iterator[str]:
    name = f"{group['group']} {group['zh']} {group['en']}"
    if group["suppressed"]:
        yield f"  {name} | {HIDDEN[group['suppressed']]}"
        return
    yield f"  {name} | {group['units']} 个单位 units, {group['drawn']} 次 lottery visits"
    yield from _estimates("    ", group, unit)


def told_text(told: Part | str) -> str:
    """Return an estimate with its interval, or the word why there is none.

    >>> told_text({"value": 12.3, "low": 4.0, "high": 30.2}), told_text("not estimable: no lottery visit")
    ('12 [4, 30]', 'not estimable: no lottery visit')
    """
    if isinstance(told, str):
        return told
    return f"{told['value']:.0f} [{told['low']:.0f}, {told['high']:.0f}]"
