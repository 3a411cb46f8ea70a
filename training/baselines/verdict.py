"""The verdict: whether a model has earned its place before a scorecard that anybody can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.baselines.declared import PromotionRule
from training.baselines.over_origins import Gain
from training.models.promote import BETTER, WHY

Better = Literal["model", "baseline", "not decided"]
NO_ORDER = "the order of time is not known"


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """Which is the better choice, the model or the baseline that it must beat, by which gain, and in words why."""

    better: Better
    over: str
    metric: str
    gain: Gain
    why: str

    def plain(self) -> dict[str, object]:
        """Return the verdict as JSON has it."""
        return {
            "better": self.better,
            "over": self.over,
            "metric": self.metric,
            "gain": self.gain.mean,
            "low": self.gain.low,
            "high": self.gain.high,
            "origins": self.gain.origins,
            "why": self.why,
        }

    def tags(self) -> dict[str, str]:
        """Return what the registry keeps of the verdict, by which a promotion is decided."""
        return {BETTER: self.better, WHY: self.line()}

    def line(self) -> str:
        """Return the verdict with its figures, in one line."""
        gain = self.gain
        if gain.mean is None or gain.low is None or gain.high is None:
            return self.why
        metric = self.metric.replace("_", " ")
        figures = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
        return f"{self.why} ({metric} {figures}, {gain.origins} origins)"


def verdict_of(gain: Gain | None, rule: PromotionRule, *, has_order: bool) -> PromotionVerdict:
    """Return the verdict of a gain over the rule's baseline, None where that said nothing.

    >>> rule = PromotionRule(over="scorecard", metric="auc", least_origins=4)
    >>> verdict_of(Gain(0.02, 0.01, 0.03, 5), rule, has_order=True).better
    'model'
    >>> verdict_of(Gain(0.02, -0.01, 0.05, 5), rule, has_order=True).better
    'baseline'
    >>> verdict_of(Gain(0.02, 0.01, 0.03, 3), rule, has_order=True).why
    '3 origins, at least 4 needed'
    """
    if gain is None:
        nothing = Gain(None, None, None, 0)
        return PromotionVerdict(
            "not decided", rule.over, rule.metric, nothing, f"no {rule.over} to compare"
        )
    why = _why_not(gain, rule, has_order=has_order)
    if why or gain.low is None:
        return PromotionVerdict("not decided", rule.over, rule.metric, gain, why)
    if gain.low > 0:
        why = f"its gain over the {rule.over} is above 0"
        return PromotionVerdict("model", rule.over, rule.metric, gain, why)
    why = f"its gain over the {rule.over} is not shown to be above 0"
    return PromotionVerdict("baseline", rule.over, rule.metric, gain, why)


def _why_not(gain: Gain, rule: PromotionRule, *, has_order: bool) -> str:
    """Return why a gain decides nothing, "" where it does."""
    if not has_order:
        return NO_ORDER
    if gain.origins < rule.least_origins:
        return f"{gain.origins} origins, at least {rule.least_origins} needed"
    if gain.low is None:
        return "too few draws of units tell"
    return ""
