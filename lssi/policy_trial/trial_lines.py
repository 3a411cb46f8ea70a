"""The text of a trial of policies for a terminal: a line for each arm, and each group's chance of a visit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lssi.policy_trial.arms import Arm
from lssi.policy_trial.orders import Plain
from lssi.policy_trial.page import GROUP_NAMES, NO_NUMBERS


def trial_lines(result: Plain, arms: Mapping[str, Arm]) -> Iterator[str]:
    """Yield the lines that say what each arm came to."""
    reference = arms[result["reference"]]
    yield (
        f"模拟 simulated: {result['enterprises']:,} 家企业 enterprises, {result['months']} 个月 months, "
        f"种子 seeds {', '.join(map(str, result['seeds']))}"
    )
    if result["seeds_without_numbers"]:
        seeds = ", ".join(map(str, result["seeds_without_numbers"]))
        yield f"{NO_NUMBERS[0]} {NO_NUMBERS[1]}: 种子 seeds {seeds}"
    for name, told in result["arms"].items():
        arm = arms[name]
        found, registered, visits = (
            float(np.mean(told["totals"][figure]))
            for figure in ("workers_found", "workers_registered", "visits")
        )
        yield f"{arm.zh} {arm.en} ({name})"
        yield (
            f"  查出职工 workers found {found:,.0f}, 补登记 registered {registered:,.0f}, "
            f"检查 visits {visits:,.0f}"
        )
        if name != result["reference"]:
            yield f"  {reference.zh} {reference.en}: {_times(told['reference_over_this']['workers_found'])}"
        yield f"  {'; '.join(_chances(told['groups']))}"
        if "letters" in told:
            yield from _letter_lines(told["letters"])


def _times(ratio: Plain | None) -> str:
    if ratio is None:
        return "不可比 no ratio: one of them found nobody in some seed"
    if ratio["low"] is None:
        return f"{ratio['value']:.2f} 倍 times as many found; 一个种子没有区间 one seed has no interval"
    return f"{ratio['value']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}] 倍 times as many found"


def _chances(groups: Mapping[str, Plain]) -> Iterator[str]:
    """Yield each group's chance of a visit in a month, and its ratio to random visits."""
    for group, told in groups.items():
        zh, en = GROUP_NAMES[group]
        if told["chance"] is None:
            continue
        ratio = (
            "" if told["over_random"] is None else f" (随机之 random × {told['over_random']:.2f})"
        )
        yield f"{zh} {en} {told['chance']:.2%}{ratio}"


def _letter_lines(letters: Mapping[str, Plain]) -> Iterator[str]:
    """Yield what became of the firms of a list with a letter and without."""
    for half, words in (("letter", "发函 with a letter"), ("no_letter", "未发函 without")):
        told = letters[half]
        yield (
            f"  {words}: {told['firms']} 家 firms, 未参保 without cover {told['uncovered_before']} → "
            f"{told['uncovered_when_visited']}, 关闭后另开 closed and reopened {told['reopened']}"
        )
