"""The trial of a list as it stands: what the visits of its plans found, against those that the lottery drew."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from training.data.cases import TargetCases
from training.evaluation.estimate import NotEstimable, Told, too_few
from training.evaluation.lift_trial import TrialVerdict, trial_verdict
from training.monitor.live_visits import PlannedCases
from training.monitor.verdict import Unknown

NO_PLAN = Unknown(
    about="lift",
    zh="日志中没有本目标训练日之后各周的检查计划，没有清单可与抽签比较；用 lssi plan 制定",
    en="the journal holds no plan of this target for a week after its training, so there is no list to compare with "
    "the lottery; make one with `lssi plan`",
)
OTHER_UNITS = Unknown(
    about="lift",
    zh="检查计划只排企业，本目标没有清单可与抽签比较",
    en="plans name enterprises, so a target of other units has no list to compare with the lottery",
)


@dataclass(frozen=True, slots=True)
class JudgedList:
    """The verdict of a trial, and of how many visits it is at most."""

    verdict: TrialVerdict
    of_visits: int

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "word": self.verdict.word,
            "visits": self.verdict.visits,
            "lottery_visits": self.verdict.lottery_visits,
            "of_visits": self.of_visits,
            "lift": lift_as_json(self.verdict.lift),
        }


def judged_list(planned: PlannedCases, cases: TargetCases) -> JudgedList | None:
    """Return the trial of a list; None where the lottery has no visit with an outcome, since nothing can be compared."""
    if not planned.drawn.any():
        return None
    trial = planned.trial()
    return JudgedList(trial_verdict(planned.visits(cases), trial), trial.visits)


def few_drawn(planned: PlannedCases) -> Unknown | None:
    """Return that so few lottery visits do not tell the lift, None where they suffice."""
    drawn = int(planned.drawn.sum())
    reason = too_few(drawn)
    if reason is None:
        return None
    without = planned.without_outcome
    return Unknown(
        about="lift",
        zh=f"有结果的抽签检查只有 {drawn} 次（另有 {without} 个抽中的单位到期没有结果），清单胜过抽签多少尚不可估计",
        en=f"how much better than the lottery the list does is {reason.plain()}; {without} drawn units have no outcome "
        f"in time",
    )


def lift_as_json(lift: Told) -> dict[str, float | None] | str:
    """Return a lift as JSON has it, where an end that is infinite is null."""
    if isinstance(lift, NotEstimable):
        return lift.plain()
    return {name: value if isfinite(value) else None for name, value in lift.plain().items()}
