"""The text of a trial of policies for a terminal: a line for each arm, and each group's chance of a visit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from lssi.policy_trial.arms import Arm
from lssi.policy_trial.orders import Plain
from lssi.policy_trial.page import GROUP_NAMES, NO_NUMBERS

SIMULATED = (
    "模拟 simulated: {enterprises:,} 家企业 enterprises, {months} 个月 months, 种子 seeds {seeds}"
)
TOTALS = (
    "  查出职工 workers found {workers_found:,.0f}, 补登记 registered {workers_registered:,.0f}, "
    "检查 visits {visits:,.0f}"
)
"""What an arm came to, the mean of its seeds; each place has the name of its figure."""
FIGURES = ("workers_found", "workers_registered", "visits")
NO_RATIO = "不可比 no ratio: one of them found nobody in some seed"
NO_INTERVAL = "{value:.2f} 倍 times as many found; 一个种子没有区间 one seed has no interval"
RATIO = "{value:.2f} [{low:.2f}, {high:.2f}] 倍 times as many found"
OVER_RANDOM = " (随机之 random × {:.2f})"
HALVES = {"letter": "发函 with a letter", "no_letter": "未发函 without"}
"""The two halves of a list that was drawn for letters, by the word of the result."""
LETTERS = (
    "  {half}: {firms} 家 firms, 未参保 without cover {uncovered_before} → "
    "{uncovered_when_visited}, 关闭后另开 closed and reopened {reopened}"
)


def trial_lines(result: Plain, arms: Mapping[str, Arm]) -> Iterator[str]:
    """Yield the lines that say what each arm came to."""
    yield SIMULATED.format(
        enterprises=result["enterprises"],
        months=result["months"],
        seeds=_joined(result["seeds"]),
    )
    if result["seeds_without_numbers"]:
        zh, en = NO_NUMBERS
        yield f"{zh} {en}: 种子 seeds {_joined(result['seeds_without_numbers'])}"
    reference = result["reference"]
    for name, outcome in result["arms"].items():
        yield f"{_names(arms[name])} ({name})"
        yield _totals_line(outcome["totals"])
        if name != reference:
            ratio = outcome["reference_over_this"]["workers_found"]
            yield f"  {_names(arms[reference])}: {_times(ratio)}"
        yield f"  {'; '.join(_chances(outcome['groups']))}"
        if "letters" in outcome:
            yield from _letter_lines(outcome["letters"])


def _joined(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def _names(arm: Arm) -> str:
    return f"{arm.zh} {arm.en}"


def _totals_line(totals: Plain) -> str:
    """Return what an arm came to, the mean of its seeds."""
    means = {figure: float(np.mean(totals[figure])) for figure in FIGURES}
    return TOTALS.format(**means)


def _times(ratio: Plain | None) -> str:
    """Return how many times as many the reference found, with the interval over seeds where there is one."""
    if ratio is None:
        return NO_RATIO
    words = NO_INTERVAL if ratio["low"] is None else RATIO
    return words.format(**ratio)


def _chances(groups: Mapping[str, Plain]) -> Iterator[str]:
    """Yield each group's chance of a visit in a month, and its ratio to random visits."""
    for group, outcome in groups.items():
        chance = outcome["chance"]
        if chance is None:
            continue
        zh, en = GROUP_NAMES[group]
        yield f"{zh} {en} {chance:.2%}{_over_random(outcome['over_random'])}"


def _over_random(ratio: float | None) -> str:
    return "" if ratio is None else OVER_RANDOM.format(ratio)


def _letter_lines(letters: Mapping[str, Plain]) -> Iterator[str]:
    """Yield what became of the firms of a list with a letter and without."""
    for half, words in HALVES.items():
        yield LETTERS.format(half=words, **letters[half])
