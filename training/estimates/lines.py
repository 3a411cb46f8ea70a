"""The estimates of a period in lines for a terminal, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.bundle.interval import UNITS

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a number counts, in both languages, and by what it is divided before it is told."""

    divisor: int
    words: str


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
    unit = _counted(report["unit_expected"])
    yield from _estimates("  ", report, unit)
    yield from _beyond_lines(report["beyond_lottery"], unit)
    for group in report["groups"]:
        yield from _group_lines(group, unit)


def _counted(unit_expected: str) -> Counted:
    """Return what a number counts: money is told in yuan, and where a model tells no number violators are counted."""
    divisor, words = UNITS.get(unit_expected, (1, unit_expected or "violators"))
    return Counted(divisor, words or unit_expected)


def _estimates(indent: str, part: Part, unit: Counted) -> Iterator[str]:
    for way, words in WAYS.items():
        violators = estimate_text(part["violators"][way])
        number = estimate_text(part["number"][way], unit.divisor)
        yield f"{indent}{words} | 违法 violators {violators} | {unit.words} {number}"


def _beyond_lines(gain: Part, unit: Counted) -> Iterator[str]:
    listed = _rounded(gain["listed"], unit.divisor)
    yield (
        f"  清单查出 lists found {listed} {unit.words}，同样时间抽签会查出 the lottery would have "
        f"{estimate_text(gain['by_lottery'], unit.divisor)}"
    )
    yield f"  清单多查出 found because of the lists {estimate_text(gain['beyond'], unit.divisor)}"


def _group_lines(group: Part, unit: Counted) -> Iterator[str]:
    name = f"{group['group']} {group['zh']} {group['en']}"
    if group["suppressed"]:
        yield f"  {name} | {HIDDEN[group['suppressed']]}"
        return
    yield f"  {name} | {group['units']} 个单位 units, {group['drawn']} 次 lottery visits"
    yield from _estimates("    ", group, unit)


def estimate_text(estimate: Part | str, divisor: int = 1) -> str:
    """Return an estimate with its interval, divided, or the word why there is none.

    >>> estimate_text({"value": 12.3, "low": 4.0, "high": 30.2}), estimate_text("not estimable: no lottery visit")
    ('12 [4, 30]', 'not estimable: no lottery visit')
    >>> estimate_text({"value": 123_456_000.0, "low": 0.0, "high": 2e8}, 100)
    '1,234,560 [0, 2,000,000]'
    """
    if isinstance(estimate, str):
        return estimate
    value, low, high = (_rounded(estimate[end], divisor) for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _rounded(number: float, divisor: int) -> str:
    """Return a whole number, thousands of money set apart."""
    separator = "" if divisor == 1 else ","
    return f"{number / divisor:{separator}.0f}"
